"""What is wrong with a request is said, by field, and costs nobody else anything."""

import base64
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from forecast_server.config import ForecastRpc, ForecastServerConfig
from mesh.errors import InvalidInput
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors
from mesh.rpc.limits import MESSAGE_BYTES
from tests.conftest import ROOT, ForecastServer
from tests.fakes.models import HeldModel
from tests.fakes.questions import (
    SERVICE,
    Refusal,
    batch,
    forecasts,
    header,
    histories,
    history,
    in_order,
    options,
    plain,
    raw,
    raw_scan,
    refused,
    scanned,
    signals,
    stub,
    until,
)
from tests.fakes.serving import forecasts_from

OK, INVALID = grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT
UNARY = {
    "GenerateSignals": pb.GenerateSignalsRequest,
    "GenerateForecasts": pb.GenerateForecastsRequest,
    "GetModel": pb.GetModelRequest,
    "ListExitPolicies": pb.ListExitPoliciesRequest,
}
NAN, INFINITY = math.nan, math.inf
YEAR_20000 = Timestamp(seconds=568_971_820_800)


@pytest.fixture
async def channel(forecast_server_on_loopback: ForecastServer) -> AsyncIterator[grpc.aio.Channel]:
    """A stranger's channel to a server that must still serve at the end."""
    async with forecast_server_on_loopback() as server, plain(server.addresses[0]) as opened:
        yield opened
        assert (await stub(opened).GenerateSignals(signals())).summary.input_count == 1
        await until(lambda: server.in_flight() == 0)


def blames(refusal: Refusal, field: str) -> bool:
    """Invalid, by our own word, at that field (from the message on, or from the frame of a stream)."""
    assert refusal.code is INVALID, refusal
    assert (refusal.reason, refusal.domain) == ("INVALID_REQUEST", "foremesh")
    assert refusal.retry_seconds is None
    assert refusal.has_no_private_text()
    return any(found == field or found.endswith(f".{field}") for found in refusal.fields)


# Bytes


@pytest.mark.parametrize("method", UNARY)
@pytest.mark.parametrize(
    "data",
    [b"\xff" * 9, b"\x0a\x05ab", b"\x08", b"\x07\x01", b"\x0b\x0c\x0b", b"\x0a\xff\xff\xff\xff\x7f"],
    ids=["no varint", "truncated", "no value", "no wire type", "open group", "endless"],
)
async def test_bytes_that_are_no_message_are_refused(channel: grpc.aio.Channel, method: str, data: bytes) -> None:
    malformed = await refused(raw(channel, method, data))
    assert malformed.code is INVALID
    assert (malformed.reason, malformed.domain) == ("MALFORMED_MESSAGE", "foremesh")
    assert malformed.has_no_private_text("DecodeError", "upb", "Wire format")


async def test_a_truncated_request_is_refused_wherever_it_was_cut(channel: grpc.aio.Channel) -> None:
    whole = signals(history()).SerializeToString()
    for length in range(len(whole)):
        assert (await refused(raw(channel, "GenerateSignals", whole[:length]))).code is INVALID


async def test_text_that_is_not_utf8_is_malformed(channel: grpc.aio.Channel) -> None:
    page = await refused(raw(channel, "ListExitPolicies", b"\x12\x02\xff\xfe"))
    assert (page.code, page.reason) == (INVALID, "MALFORMED_MESSAGE")


async def test_bytes_that_are_no_message_end_a_scan_wherever_they_come(channel: grpc.aio.Channel) -> None:
    opening = header().SerializeToString()
    for sent in ([b"\xff"], [opening, b"\xff"], [opening, batch(history()).SerializeToString(), opening[:-3]]):
        malformed = await refused(raw_scan(channel, *sent))
        assert (malformed.code, malformed.reason) == (INVALID, "MALFORMED_MESSAGE")


async def test_fields_nobody_knows_are_left_alone(channel: grpc.aio.Channel) -> None:
    newer = signals().SerializeToString() + b"\xfa\x3f\x03new"  # field 1023
    answer = pb.GenerateSignalsResponse.FromString(await raw(channel, "GenerateSignals", newer))
    assert answer.summary.input_count == 1


async def test_a_message_over_the_limit_is_refused_with_both_sizes(channel: grpc.aio.Channel) -> None:
    for method in UNARY:
        large = await refused(raw(channel, method, b"\0" * (MESSAGE_BYTES + 1)))
        assert large.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert str(MESSAGE_BYTES) in large.message
        assert str(MESSAGE_BYTES + 1) in large.message
    large = await refused(raw_scan(channel, header().SerializeToString(), b"\0" * (MESSAGE_BYTES + 1)))
    assert large.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_message_of_exactly_the_limit_is_read(channel: grpc.aio.Channel) -> None:
    asked = signals()
    asked.histories[0].series_ticker = "X" * (MESSAGE_BYTES - len(asked.SerializeToString()) - 10)
    while len(asked.SerializeToString()) < MESSAGE_BYTES:
        asked.histories[0].series_ticker += "X"
    assert len(asked.SerializeToString()) == MESSAGE_BYTES
    answer = await stub(channel).GenerateSignals(asked)
    assert answer.results[0].WhichOneof("outcome") == "rejected"
    assert len(answer.SerializeToString()) < 2000


async def test_our_own_client_calls_a_message_over_the_limit_invalid(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    asked = signals(history(series_ticker="X" * MESSAGE_BYTES))
    async with (
        forecast_server_on_loopback() as server,
        connect(ClientConfig(targets=server.addresses), SERVICE) as channel,
    ):
        with pytest.raises(InvalidInput) as caught, raising_mesh_errors():
            await stub(channel).GenerateSignals(asked)
    assert caught.value.reason == "MESSAGE_TOO_LARGE"
    assert str(MESSAGE_BYTES) in caught.value.message


# The call as a whole


def with_times(**times: Any) -> forecast_pb2.ForecastOptions:
    asked = options()
    for name, value in times.items():
        getattr(asked, name).CopyFrom(value)
    return asked


def without(field: str) -> forecast_pb2.ForecastOptions:
    asked = options()
    asked.ClearField(field)
    return asked


WRONG_OPTIONS: list[tuple[forecast_pb2.ForecastOptions, str]] = [
    (options(horizon_steps=0), "forecast.horizon_steps"),
    (options(horizon_steps=1025), "forecast.horizon_steps"),
    (options(horizon_steps=2**32 - 1), "forecast.horizon_steps"),
    (without("step"), "forecast.step"),
    (options(step=timedelta(0)), "forecast.step"),
    (options(step=timedelta(seconds=-1)), "forecast.step"),
    (options(step=timedelta(days=1, microseconds=1)), "forecast.step"),
    # protobuf's own conversion takes seconds and nanos that disagree.
    (with_times(step=Duration(seconds=3600, nanos=-1)), "forecast.step"),
    (with_times(step=Duration(seconds=3600, nanos=1_000_000_000)), "forecast.step"),
    (with_times(step=Duration(seconds=-3600, nanos=1)), "forecast.step"),
    (with_times(step=Duration(seconds=2**63 - 1)), "forecast.step"),
    (with_times(step=Duration(seconds=-(2**63))), "forecast.step"),
    (without("purpose"), "forecast.purpose"),
    (options(purpose=4), "forecast.purpose"),  # type: ignore[arg-type]
    (options(purpose=-1), "forecast.purpose"),  # type: ignore[arg-type]
    (with_times(useful_until=Timestamp(seconds=-1)), "forecast.useful_until"),
    (with_times(useful_until=Timestamp(seconds=10, nanos=-1)), "forecast.useful_until"),
    (with_times(useful_until=Timestamp(seconds=10, nanos=1_000_000_000)), "forecast.useful_until"),
    (with_times(useful_until=Timestamp(seconds=4_102_444_800)), "forecast.useful_until"),
    (with_times(useful_until=YEAR_20000), "forecast.useful_until"),
    (with_times(useful_until=Timestamp(seconds=2**63 - 1)), "forecast.useful_until"),
    (with_times(useful_until=Timestamp(seconds=-(2**63), nanos=-(2**31))), "forecast.useful_until"),
    (options(levels=[0.5, 0.5]), "forecast.quantile_levels"),
    (options(levels=[0.5, 0.4]), "forecast.quantile_levels"),
    (options(levels=[number / 34 for number in range(1, 34)]), "forecast.quantile_levels"),
    (options(levels=[0.5, 0.0]), "forecast.quantile_levels[1]"),
    (options(levels=[1.0]), "forecast.quantile_levels[0]"),
    (options(levels=[-0.5]), "forecast.quantile_levels[0]"),
    (options(levels=[NAN]), "forecast.quantile_levels[0]"),
    (options(levels=[INFINITY]), "forecast.quantile_levels[0]"),
    (options(levels=[-INFINITY]), "forecast.quantile_levels[0]"),
]


@pytest.mark.parametrize(("asked", "field"), WRONG_OPTIONS, ids=lambda value: str(value).replace("\n", " ").strip())
async def test_a_question_that_breaks_a_rule_is_refused_by_field_in_every_method(
    channel: grpc.aio.Channel, asked: forecast_pb2.ForecastOptions, field: str
) -> None:
    one = [history()]
    assert blames(
        await refused(stub(channel).GenerateSignals(pb.GenerateSignalsRequest(forecast=asked, histories=one))), field
    )
    assert blames(
        await refused(stub(channel).GenerateForecasts(pb.GenerateForecastsRequest(forecast=asked, histories=one))),
        field,
    )
    assert blames(await refused(scanned(channel, header(asked))), field)


WRONG_SIGNALS: list[tuple[signal_pb2.SignalOptions, str]] = [
    *((signal_pb2.SignalOptions(min_magnitude_cents=wrong), "signal.min_magnitude_cents")
      for wrong in (NAN, INFINITY, -INFINITY, -0.001, 100.001)),
    *((signal_pb2.SignalOptions(drop_levels_cents=[wrong]), "signal.drop_levels_cents[0]")
      for wrong in (NAN, INFINITY, 0.0, -1.0, 100.001)),
    (signal_pb2.SignalOptions(drop_levels_cents=[5, 5]), "signal.drop_levels_cents"),
    (signal_pb2.SignalOptions(drop_levels_cents=range(1, 18)), "signal.drop_levels_cents"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "field"), WRONG_SIGNALS)
async def test_signal_options_that_break_a_rule_are_refused_by_field(
    channel: grpc.aio.Channel, wrong: signal_pb2.SignalOptions, field: str
) -> None:
    unary, opening = signals(), header()
    unary.signal.CopyFrom(wrong)
    opening.header.signal.CopyFrom(wrong)
    assert blames(await refused(stub(channel).GenerateSignals(unary)), field)
    assert blames(await refused(scanned(channel, opening)), field)


async def test_an_empty_message_names_what_is_missing(channel: grpc.aio.Channel) -> None:
    for call in (
        stub(channel).GenerateSignals(pb.GenerateSignalsRequest()),
        stub(channel).GenerateForecasts(pb.GenerateForecastsRequest()),
    ):
        empty = await refused(call)
        assert blames(empty, "forecast")
        assert blames(empty, "histories")
    await stub(channel).GetModel(pb.GetModelRequest())
    await stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest())


@pytest.mark.parametrize("count", [0, 257, 2000])
async def test_too_many_histories_and_none_are_refused(channel: grpc.aio.Channel, count: int) -> None:
    many = histories(count)
    for call in (
        stub(channel).GenerateSignals(pb.GenerateSignalsRequest(forecast=options(), histories=many)),
        stub(channel).GenerateForecasts(pb.GenerateForecastsRequest(forecast=options(), histories=many)),
        scanned(channel, header(), batch(*many)),
    ):
        assert blames(await refused(call), "histories")


async def test_256_histories_are_answered(channel: grpc.aio.Channel) -> None:
    answer = await stub(channel).GenerateSignals(signals(*histories(256)))
    assert [result.input_index for result in answer.results] == list(range(256))


@pytest.mark.parametrize("name", ["", " ", "-x", "x" * 65, "ü", "a b", "a\n", "a\0"])
async def test_a_scan_has_a_name_that_can_stand_in_a_log(channel: grpc.aio.Channel, name: str) -> None:
    opening = header()
    opening.header.scan_id = name
    assert blames(await refused(scanned(channel, opening)), "scan_id")


# The order of a stream


async def test_a_scan_begins_with_one_header_and_batches_follow(channel: grpc.aio.Channel) -> None:
    empty = pb.StreamSignalsRequest()
    for wrong in (
        [],
        [batch(history())],
        [empty],
        [header(), header()],
        [header(), batch(history()), header()],
        [header(), empty],
    ):
        misplaced = await refused(scanned(channel, *wrong))
        assert misplaced.code is INVALID
        assert (misplaced.reason, misplaced.domain) == ("INVALID_REQUEST", "foremesh")
        assert misplaced.fields


async def test_a_header_alone_is_a_scan_of_nothing(channel: grpc.aio.Channel) -> None:
    accepted, end = await scanned(channel, header())
    assert accepted.accepted.scan_id == "scan-1"
    assert end.summary == pb.ScanSummary()


# What the model cannot do


async def test_a_purpose_the_model_may_not_serve_is_refused(channel: grpc.aio.Channel) -> None:
    live = {"purpose": forecast_pb2.PURPOSE_LIVE}
    for call in (
        stub(channel).GenerateSignals(signals(**live)),
        stub(channel).GenerateForecasts(forecasts(**live)),
        scanned(channel, header(options(**live))),  # type: ignore[arg-type]
    ):
        forbidden = await refused(call)
        assert forbidden.code is grpc.StatusCode.FAILED_PRECONDITION
        assert (forbidden.reason, forbidden.domain) == ("PURPOSE_FORBIDDEN", "foremesh")
        assert "random-walk" in forbidden.message


@pytest.mark.parametrize("levels", [[0.05], [0.95], [0.5, 0.9000001], [0.0999, 0.5]])
async def test_a_level_outside_the_models_range_is_refused_not_extrapolated(
    channel: grpc.aio.Channel, levels: list[float]
) -> None:
    for call in (
        stub(channel).GenerateSignals(signals(levels=levels)),
        scanned(channel, header(options(levels=levels))),
    ):
        unsupported = await refused(call)
        assert unsupported.code is grpc.StatusCode.FAILED_PRECONDITION
        assert unsupported.reason == "QUANTILE_UNSUPPORTED"


async def test_a_horizon_beyond_the_models_limit_is_refused() -> None:
    async with forecasts_from(HeldModel(max_horizon_steps=10)) as served, plain(served.address) as channel:
        far = await refused(stub(channel).GenerateSignals(signals(horizon_steps=11)))
        assert (far.code, far.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HORIZON_UNSUPPORTED")
        await stub(channel).GenerateSignals(signals(horizon_steps=10))


# One history among others


def timed(**times: Timestamp) -> forecast_pb2.MarketHistory:
    wrong = history()
    for name, value in times.items():
        getattr(wrong, name).CopyFrom(value)
    return wrong


WRONG_HISTORIES: list[tuple[forecast_pb2.MarketHistory, str]] = [
    (history(""), "market_ticker"),
    (history("lower-case"), "market_ticker"),
    (history("X" * 65), "market_ticker"),
    (history("KXHIGH\n"), "market_ticker"),
    (history("KXHIGH", series_ticker="no space"), "series_ticker"),
    (history("KXHIGH", series_ticker="X" * 65), "series_ticker"),
    (history(closes=[50.0] * 2049), "closes_cents"),
    (history(closes=[1, INFINITY, 3, 4]), "closes_cents[1]"),
    (history(closes=[1, 2, -INFINITY, 4]), "closes_cents[2]"),
    (history(closes=[1, 2, 3, -0.5]), "closes_cents[3]"),
    (history(closes=[100.5, 2, 3, 4]), "closes_cents[0]"),
    (history(closes=[-1]), "closes_cents[0]"),
    (history(current=None), "current_price_cents"),
    (history(current=NAN), "current_price_cents"),
    (history(current=INFINITY), "current_price_cents"),
    (history(current=-INFINITY), "current_price_cents"),
    (history(current=-0.001), "current_price_cents"),
    (history(current=100.001), "current_price_cents"),
    (history(priority=101), "priority"),
    *((timed(**{name: wrong}), name)
      for name in ("last_candle_time", "close_time")
      for wrong in (Timestamp(seconds=-1), Timestamp(seconds=9, nanos=-1), Timestamp(seconds=9, nanos=2**31 - 1),
                    Timestamp(seconds=4_102_444_800), YEAR_20000, Timestamp(seconds=-(2**63)),
                    Timestamp(seconds=2**63 - 1, nanos=2**31 - 1))),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "field"), WRONG_HISTORIES)
async def test_a_faulty_history_is_rejected_by_field_and_its_neighbours_are_answered(
    channel: grpc.aio.Channel, wrong: forecast_pb2.MarketHistory, field: str
) -> None:
    answer = await stub(channel).GenerateSignals(signals(history("A-1"), wrong, history("A-2")))
    scan = await scanned(channel, header(), batch(history("A-1"), wrong), batch(history("A-2")))
    raws = await stub(channel).GenerateForecasts(forecasts(history("A-1"), wrong, history("A-2")))
    streamed = in_order(result for response in scan for result in response.results.results)
    for results in (answer.results, streamed, raws.results):
        assert [result.input_index for result in results] == [0, 1, 2]
        first, middle, last = results
        assert {first.WhichOneof("outcome"), last.WhichOneof("outcome")} <= {"signal", "forecast"}
        assert (first.market_ticker, last.market_ticker) == ("A-1", "A-2")
        assert middle.WhichOneof("outcome") == "rejected"
        assert field in {problem.field for problem in middle.rejected.problems}
        assert all(problem.description for problem in middle.rejected.problems)
        assert len(middle.market_ticker) <= 64
    expected = pb.ScanSummary(input_count=3, signal_count=2, rejected_count=1)
    assert answer.summary == expected
    assert scan[-1].summary == expected


async def test_every_input_of_a_mixed_scan_is_accounted_for(channel: grpc.aio.Channel) -> None:
    closing = Timestamp(seconds=1_700_000_000)
    mixed = {
        "signal": history("S-1"),
        "no_signal TOO_SHORT": history("S-2", closes=[50.0, 51.0]),
        "no_signal NO_FINITE_POINT": history("S-3", closes=[50.0, NAN, NAN, 51.0]),
        "no_signal CONSTANT": history("S-4", closes=[50.0] * 9),
        "no_signal CLOSES_BEFORE_FIRST_STEP": history("S-5", last_candle_time=closing, close_time=closing),
        "no_signal TOO_SHORT again": history("S-6", closes=[]),
        "rejected": history("S-7", current=101.0),
    }
    scan = await scanned(channel, header(), batch(*mixed.values()), batch(*mixed.values()))
    results = in_order(result for response in scan for result in response.results.results)
    assert [result.input_index for result in results] == list(range(2 * len(mixed)))
    for result, expected in zip(results, [*mixed, *mixed], strict=True):
        kind, _, reason = expected.partition(" ")
        assert result.WhichOneof("outcome") == kind
        if reason:
            assert signal_pb2.NoSignalReason.Name(result.no_signal.reason).endswith(reason.removesuffix(" again"))
            assert not result.no_signal.HasField("magnitude_cents")
    assert scan[-1].summary == pb.ScanSummary(input_count=14, signal_count=2, no_signal_count=10, rejected_count=2)


async def test_the_largest_answer_that_the_rules_allow_can_be_sent() -> None:
    """256 histories, 1024 steps and 32 levels keep every rule, and their paths are far over one message."""
    levels = [0.1 + 0.8 * number / 31 for number in range(32)]
    far: dict[str, Any] = {"horizon_steps": 1024, "levels": levels}
    async with forecasts_from(HeldModel()) as served, plain(served.address) as channel:
        scan = await scanned(channel, header(options(**far)), batch(*histories(256)))
        assert scan[-1].summary.signal_count == 256
        for call in (
            stub(channel).GenerateSignals(signals(*histories(256), **far)),
            stub(channel).GenerateForecasts(forecasts(*histories(256), **far)),
        ):
            try:
                answer: Any = await call
            except grpc.RpcError as error:  # a unary answer is one message: a refusal must say so in our own words
                assert error.code() in {INVALID, grpc.StatusCode.FAILED_PRECONDITION}  # noqa: PT017
            else:
                assert len(answer.results) == 256


# Pages


async def pages(channel: grpc.aio.Channel, size: int) -> list[pb.ListExitPoliciesResponse]:
    found: list[pb.ListExitPoliciesResponse] = []
    while not found or found[-1].next_page_token:
        token = found[-1].next_page_token if found else ""
        found.append(await stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest(page_size=size, page_token=token)))
    return found


async def test_pages_of_any_size_add_up(channel: grpc.aio.Channel) -> None:
    (whole,) = await pages(channel, 0)
    assert [rule.series_prefix for rule in whole.exit_policies] == ["KXHIGH", "KXINX", "KXBTC", "KXETH", ""]
    assert whole.confidence_policies
    for size in (1, 2, 4, 5, 6, 1000):
        found = await pages(channel, size)
        assert [rule for page in found for rule in page.exit_policies] == list(whole.exit_policies)
        assert all(len(page.exit_policies) <= size for page in found)
        assert [rule for page in found for rule in page.confidence_policies] == list(whole.confidence_policies)
        assert len({(page.policy_version, page.policy_digest) for page in found}) == 1
    assert len(await pages(channel, 1)) == 5


async def test_a_page_that_is_too_large_is_refused(channel: grpc.aio.Channel) -> None:
    for size in (1001, 2**32 - 1):
        large = await refused(stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest(page_size=size)))
        assert blames(large, "page_size")


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


async def test_a_page_token_that_was_not_given_out_is_refused(channel: grpc.aio.Channel) -> None:
    first = (await pages(channel, 2))[0]
    digest = first.policy_digest[:16]
    for wrong in (
        "x", "garbage!", "ü" * 10, "A" * 128, "A" * 129, first.next_page_token[:-4], first.next_page_token[4:],
        token(f"0:{digest}"), token(f"-2:{digest}"), token(f"x:{digest}"), token("2:"), token("2"), token(":" + digest),
        token("2:0000000000000000"), token(f"2:{digest}0"),
    ):  # fmt: skip
        unknown = await refused(stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest(page_token=wrong)))
        assert blames(unknown, "page_token"), wrong


@pytest.fixture
def other_policy(tmp_path: Path) -> Path:
    changed = tmp_path / "policy.toml"
    changed.write_text((ROOT / "forecast_server" / "policy.toml").read_text().replace("30.0", "31.0"))
    return changed


async def test_a_page_token_of_another_policy_is_refused(
    channel: grpc.aio.Channel, forecast_server_on_loopback: ForecastServer, other_policy: Path
) -> None:
    config = ForecastServerConfig(
        rpc=ForecastRpc(listen=("127.0.0.1:0",), metrics_listen="off"), policy_file=other_policy
    )
    async with forecast_server_on_loopback(config) as server, plain(server.addresses[0]) as second:
        theirs = (await pages(second, 2))[0].next_page_token
    stale = await refused(stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest(page_token=theirs)))
    assert blames(stale, "page_token")


# What nobody serves


@pytest.mark.parametrize(
    "method",
    [f"/{SERVICE}/Nothing", f"/{SERVICE}/", "/foremesh.forecast.v2.ForecastService/GetModel", "/x/y", "/", "//"],
)
async def test_what_nobody_serves_is_unimplemented(channel: grpc.aio.Channel, method: str) -> None:
    call: Any = channel.unary_unary(method)
    unknown = await refused(call(b"", timeout=20))
    assert unknown.code is grpc.StatusCode.UNIMPLEMENTED
    assert unknown.has_no_private_text()


async def test_an_instant_of_the_past_and_of_the_far_future_are_both_answered(channel: grpc.aio.Channel) -> None:
    old, new = datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)
    for last, close in ((old, new), (new, old), (old, old), (new, new)):
        odd = history()
        odd.last_candle_time.FromDatetime(last)
        odd.close_time.FromDatetime(close)
        answer = await stub(channel).GenerateSignals(signals(odd))
        assert answer.results[0].WhichOneof("outcome") in {"signal", "no_signal"}
