"""Equal questions are answered once and given out again, marked as such, bit for bit; anything else is computed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2, model_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from forecast_server.cache import ENTRY_BYTES
from tests.fakes.models import HeldModel
from tests.fakes.odd_models import RecordingModel
from tests.fakes.questions import CLOSES, forecasts, histories, history, options, plain, signals, stub, until
from tests.fakes.scans import named, opened, read, scan, whole_server, write
from tests.fakes.serving import UNMEASURED, forecasts_from

CACHED = replace(UNMEASURED, cache_bytes=1 << 20)


async def state(channel: grpc.aio.Channel) -> model_pb2.CacheState:
    return (await stub(channel).GetModel(pb.GetModelRequest())).model.cache


async def asked(
    channel: grpc.aio.Channel, *wanted: forecast_pb2.MarketHistory, **question: Any
) -> list[forecast_pb2.Forecast]:
    answered = await stub(channel).GenerateForecasts(forecasts(*wanted, **question))
    return [result.forecast for result in answered.results]


async def test_an_equal_question_gets_the_same_answer_bit_for_bit_and_marked() -> None:
    wanted = [history(closes=[30.0 + number / 7, 40.1, 45.3, 41.7, 50.9]) for number in range(20)]
    async with whole_server() as server, plain(server.addresses[0]) as channel:
        first, again = await asked(channel, *wanted), await asked(channel, *wanted)
        streamed = await scan(channel, wanted)
        found = await state(channel)
    assert not any(one.provenance.cached for one in first)
    assert all(one.provenance.cached for one in again)
    for before, after in zip(first, again, strict=True):
        assert before.path == after.path
        after.provenance.cached = False
        assert before.provenance == after.provenance
    for result in streamed.results:
        said = result.signal if result.HasField("signal") else result.no_signal
        assert said.provenance.cached
        assert said.path == first[result.input_index].path
    assert (found.entries, found.hits, found.misses) == (20, 40, 20)


async def test_what_is_judged_is_the_question_at_hand_not_the_first_one() -> None:
    async with forecasts_from(HeldModel(), settings=CACHED) as served, plain(served.address) as channel:
        for current, direction, magnitude in ((40.0, 1, 18.0), (90.0, 2, 32.0)):
            (result,) = (await stub(channel).GenerateSignals(signals(history(current=current)))).results
            assert (result.signal.direction, result.signal.magnitude_cents) == (direction, magnitude)
        assert result.signal.provenance.cached
        other = await stub(channel).GenerateSignals(signals(history("KXBTC-26NOV22-T1", current=40.0)))
    assert other.results[0].signal.provenance.cached
    assert other.results[0].signal.take_profit_cents == 50, "the series decides on the levels, not the forecast"


@pytest.mark.parametrize(
    "other",
    [
        {"horizon_steps": 4},
        {"step": timedelta(minutes=1)},
        {"levels": (0.25, 0.5)},
        {"levels": (0.1, 0.5, 0.9)},
    ],
    ids=str,
)
async def test_another_question_is_another_forecast(other: dict[str, Any]) -> None:
    async with forecasts_from(HeldModel(), settings=CACHED) as served, plain(served.address) as channel:
        (first,) = await asked(channel, history())
        (second,) = await asked(channel, history(), **other)
        (third,) = await asked(channel, history(), **other)
    assert not first.provenance.cached
    assert not second.provenance.cached
    assert third.provenance.cached
    assert first.provenance.input_digest != second.provenance.input_digest == third.provenance.input_digest


@pytest.mark.parametrize("change", [lambda closes: [*closes, 48.0], lambda closes: [40.00001, *closes[1:]]])
async def test_another_history_is_another_forecast(change: Callable[[Any], list[float]]) -> None:
    async with forecasts_from(HeldModel(), settings=CACHED) as served, plain(served.address) as channel:
        await asked(channel, history())
        (other,) = await asked(channel, history(closes=change(CLOSES)))
    assert not other.provenance.cached


async def test_another_precision_is_another_forecast() -> None:
    digests = set()
    for precision in ("float32", "bfloat16"):
        model = HeldModel(precision=precision)
        async with forecasts_from(model, settings=CACHED) as served, plain(served.address) as channel:
            (found,) = await asked(channel, history())
            digests.add(found.provenance.input_digest)
    assert len(digests) == 2


async def test_a_horizon_cut_at_the_close_is_another_forecast() -> None:
    soon = history()
    soon.close_time.FromDatetime(datetime.now(UTC) + timedelta(hours=2, minutes=30))
    async with forecasts_from(HeldModel(), settings=CACHED) as served, plain(served.address) as channel:
        await asked(channel, history())
        first, again = [(await asked(channel, soon))[0] for _ in range(2)]
    assert not first.provenance.cached
    assert again.provenance.cached
    assert again.path.horizon_steps == 2
    assert forecast_pb2.DEGRADATION_HORIZON_CUT in again.provenance.degraded


async def test_whoever_wants_a_new_forecast_gets_one() -> None:
    model = HeldModel()
    async with forecasts_from(model, settings=CACHED) as served, plain(served.address) as channel:
        anew = options()
        anew.bypass_cache = True
        for computed in (1, 2):
            answered = await stub(channel).GenerateForecasts(
                pb.GenerateForecastsRequest(forecast=anew, histories=[history()])
            )
            assert not answered.results[0].forecast.provenance.cached
            assert model.computed == computed
        assert (await state(channel)).hits == 0


async def test_a_server_without_a_cache_computes_everything() -> None:
    model = HeldModel()
    async with forecasts_from(model) as served, plain(served.address) as channel:
        for computed in (1, 2):
            (found,) = await asked(channel, history())
            assert (found.provenance.cached, model.computed) == (False, computed)
        assert await state(channel) == model_pb2.CacheState()


async def test_it_never_takes_more_memory_than_it_may_and_forgets_the_oldest() -> None:
    async with whole_server(cache_mebibytes=1) as server, plain(server.addresses[0]) as channel:
        size = ENTRY_BYTES + 4 * 150 * 10
        many = [history(closes=[number / 10, 40.0, 41.0]) for number in range(400)]
        for start in range(0, 400, 100):
            await asked(channel, *many[start : start + 100], horizon_steps=150)
            found = await state(channel)
            assert found.used_bytes <= found.capacity_bytes == 1 << 20
        assert found.entries == (1 << 20) // size < 400
        assert (await asked(channel, many[-1], horizon_steps=150))[0].provenance.cached
        assert not (await asked(channel, many[0], horizon_steps=150))[0].provenance.cached


async def test_what_expired_or_was_superseded_leaves_nothing_in_it() -> None:
    model = RecordingModel()
    async with forecasts_from(model, settings=CACHED) as served, plain(served.address) as channel:
        first = await opened(channel)
        await write(first, named(1, 99))
        await until(model.asked.is_set)
        older = await opened(channel, client_id="a")
        await write(older, named(10))
        await until(lambda: served.engine.queue.waiting == 10)
        (await opened(channel, client_id="a")).cancel()
        assert (await read(older)).kinds == {"expired": 10}
        late = await scan(channel, named(10, 20), options(useful_until=datetime.now(UTC)))
        assert late.kinds == {"expired": 10}
        model.let_go()
        await read(first)
        assert (await state(channel)).entries == 1


async def test_equal_histories_of_one_scan_are_each_answered() -> None:
    async with forecasts_from(HeldModel(), settings=CACHED) as served, plain(served.address) as channel:
        answered = await scan(channel, histories(500))  # all of them have equal closes
        assert answered.kinds == {"signal": 500}
        assert (await state(channel)).entries == 1


# What is known is not given to whom it is of no use


async def test_a_known_forecast_is_no_answer_after_it_stopped_being_useful() -> None:
    async with forecasts_from(HeldModel(), settings=CACHED) as served, plain(served.address) as channel:
        await asked(channel, history())
        past = options(useful_until=datetime.now(UTC) - timedelta(seconds=1))
        late = await stub(channel).GenerateSignals(pb.GenerateSignalsRequest(forecast=past, histories=[history()]))
    assert late.results[0].expired.reason == forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL


async def test_a_superseded_scan_gets_no_known_forecast_either() -> None:
    async with forecasts_from(HeldModel(), settings=CACHED) as served, plain(served.address) as channel:
        await asked(channel, history())
        older = await opened(channel, client_id="a")
        newer = await opened(channel, client_id="a")
        await write(older, [history()])
        answered = await read(older)
        newer.cancel()
    assert answered.expired() == {forecast_pb2.EXPIRED_REASON_SUPERSEDED: 1}
