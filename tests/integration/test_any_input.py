"""Whatever is sent, well-formed or not, gets an answer or a documented refusal, and the server goes on."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ForecastServer
from tests.fakes.protobuf_messages import Strategy, mangled, messages
from tests.fakes.questions import header, plain, raw, raw_scan, signals, stub, until

NAN = math.nan
UNARY: dict[str, type[Message]] = {
    "GenerateSignals": pb.GenerateSignalsRequest,
    "GenerateForecasts": pb.GenerateForecastsRequest,
    "GetModel": pb.GetModelRequest,
    "ListExitPolicies": pb.ListExitPoliciesRequest,
}
DOCUMENTED = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}


@pytest.fixture
async def channel(forecast_server_on_loopback: ForecastServer) -> AsyncIterator[grpc.aio.Channel]:
    """A stranger's channel to a server that must still serve at the end."""
    async with forecast_server_on_loopback() as server, plain(server.addresses[0]) as opened:
        yield opened
        assert (await stub(opened).GenerateSignals(signals())).summary.input_count == 1
        await until(lambda: server.in_flight() == 0)


ALMOST_RIGHT: dict[str, Strategy] = {
    "foremesh.forecast.v1.ForecastOptions.horizon_steps": st.integers(1, 20),
    "foremesh.forecast.v1.ForecastOptions.step": st.integers(1, 86_400).map(lambda seconds: Duration(seconds=seconds)),
    "foremesh.forecast.v1.ForecastOptions.purpose": st.sampled_from([1, 2]),
    "foremesh.forecast.v1.ForecastOptions.useful_until": st.integers(0, 4_000_000_000).map(
        lambda seconds: Timestamp(seconds=seconds)
    ),
    "foremesh.forecast.v1.ForecastOptions.quantile_levels": st.lists(st.floats(0.1, 0.9), unique=True, max_size=8).map(
        sorted
    ),
    "foremesh.forecast.v1.SignalOptions.min_magnitude_cents": st.floats(0, 5),
    "foremesh.forecast.v1.SignalOptions.drop_levels_cents": st.lists(
        st.floats(0, 100, exclude_min=True), unique=True, max_size=5
    ),
    "foremesh.forecast.v1.ScanHeader.scan_id": st.from_regex(r"[A-Z][a-z0-9]{0,9}", fullmatch=True),
    "foremesh.forecast.v1.ScanHeader.client_id": st.sampled_from(["", "a", "b"]),
    "foremesh.forecast.v1.MarketHistory.closes_cents": st.lists(
        st.floats(0, 100, width=32) | st.just(NAN) | st.floats(width=32), max_size=40
    ),
    "foremesh.forecast.v1.GenerateSignalsRequest.histories": st.lists(
        messages(
            forecast_pb2.MarketHistory,
            {
                "foremesh.forecast.v1.MarketHistory.market_ticker": st.from_regex(r"[A-Z0-9]{1,9}", fullmatch=True),
                "foremesh.forecast.v1.MarketHistory.closes_cents": st.lists(
                    st.floats(0, 100, width=32) | st.just(NAN), max_size=40
                ),
                "foremesh.forecast.v1.MarketHistory.current_price_cents": st.floats(0, 100),
            },
        ),
        min_size=1,
        max_size=6,
    ),
}
"""Past the first rules, so that what lies behind them is reached."""


async def for_any(strategy: Strategy, holds: Callable[[Any], Coroutine[Any, Any, None]], *, examples: int) -> None:
    """Let hypothesis, in a thread of its own, look for a value for which it does not hold."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def search(value: Any) -> None:
        asyncio.run_coroutine_threadsafe(holds(value), loop).result(30)

    await asyncio.to_thread(search)


def assert_documented(code: grpc.StatusCode, wire: Any) -> None:
    assert code in DOCUMENTED, f"{code.name}: {wire}"


async def assert_answered(channel: grpc.aio.Channel, method: str, data: bytes) -> None:
    try:
        response = await raw(channel, method, data)
    except grpc.RpcError as error:
        assert_documented(error.code(), error.details())
        return
    if method == "GenerateSignals":
        answer = pb.GenerateSignalsResponse.FromString(response)
        count = len(pb.GenerateSignalsRequest.FromString(data).histories)
        assert [result.input_index for result in answer.results] == list(range(count))
        assert answer.summary.input_count == count
        counts = answer.summary
        assert count == (counts.signal_count + counts.no_signal_count + counts.rejected_count + counts.expired_count), (
            "and no input failed"
        )


@pytest.mark.parametrize("known", [{}, ALMOST_RIGHT], ids=["any", "almost right"])
@pytest.mark.parametrize("method", UNARY)
async def test_any_message_gets_a_documented_status(
    channel: grpc.aio.Channel, method: str, known: dict[str, Strategy]
) -> None:
    asked = messages(UNARY[method], known).map(lambda message: message.SerializeToString())
    examples = 100 if method.startswith("Generate") else 20
    await for_any(asked, lambda data: assert_answered(channel, method, data), examples=examples)


@pytest.mark.parametrize("method", UNARY)
async def test_any_bytes_get_a_documented_status(channel: grpc.aio.Channel, method: str) -> None:
    examples = 80 if method.startswith("Generate") else 20
    data = mangled(UNARY[method], ALMOST_RIGHT) | st.binary(max_size=200)
    await for_any(data, lambda sent: assert_answered(channel, method, sent), examples=examples)


async def test_any_stream_gets_a_documented_status(channel: grpc.aio.Channel) -> None:
    async def holds(sent: list[bytes]) -> None:
        try:
            last = await raw_scan(channel, *sent)
        except grpc.RpcError as error:
            assert_documented(error.code(), error.details())
        else:
            summary = pb.StreamSignalsResponse.FromString(last).summary
            asked = [pb.StreamSignalsRequest.FromString(data) for data in sent]
            assert summary.input_count == sum(len(message.batch.histories) for message in asked)
            assert summary.failed_count == 0

    valid = st.just(header().SerializeToString())
    one = messages(pb.StreamSignalsRequest, ALMOST_RIGHT).map(lambda message: message.SerializeToString())
    streams = st.lists(one | mangled(pb.StreamSignalsRequest), max_size=4)
    opened = st.tuples(valid, st.lists(one | mangled(pb.StreamSignalsRequest), max_size=3)).map(
        lambda parts: [parts[0], *parts[1]]
    )
    await for_any(streams | opened, holds, examples=100)
