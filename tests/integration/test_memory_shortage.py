"""A device without memory, numbers that are none: whatever can be answered is, the rest is named, nothing stops."""

import math
from dataclasses import replace
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import model_pb2

from tests.fakes.odd_models import BlindModel, TightModel
from tests.fakes.questions import CLOSES, forecasts, history, plain, signals, stub
from tests.fakes.scans import named, opened, read, scan, whole_server, write
from tests.fakes.serving import UNMEASURED, forecasts_from

COST = len(CLOSES)


async def described(channel: grpc.aio.Channel) -> model_pb2.Model:
    return (await stub(channel).GetModel(pb.GetModelRequest())).model


async def waits_for(model: TightModel, served: Any, channel: grpc.aio.Channel, count: int) -> Any:
    """A scan whose histories all wait, while one before it is held."""
    first = await opened(channel)
    await write(first, named(1, 99))
    while not model.asked.is_set():
        await described(channel)
    call = await opened(channel)
    await write(call, named(count))
    while (await described(channel)).queue.waiting_series < count:
        pass
    model.may_answer.set()
    assert (await read(first)).kinds == {"signal": 1}
    return call


async def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_everything_is_answered() -> None:
    model = TightModel(10, answers=False)
    settings = replace(UNMEASURED, batch_cost=64 * COST)
    async with forecasts_from(model, settings=settings) as served, plain(served.address) as channel:
        call = await waits_for(model, served, channel, 90)
        assert (await read(call)).kinds == {"signal": 90}
        found = await described(channel)
        assert max(model.fitted) <= 10
        assert sum(model.fitted) == 91
        assert found.activity.out_of_memory_batches == sum(tried > 10 for tried in model.tried) > 0
        assert found.activity.failed_series == 0
        assert 1 <= found.batch_cost < 64 * COST
        assert found.state == model_pb2.MODEL_STATE_READY


async def test_batches_grow_back_once_there_is_memory_again() -> None:
    model = TightModel(8)
    settings = replace(UNMEASURED, batch_cost=64 * COST)
    async with forecasts_from(model, settings=settings) as served, plain(served.address) as channel:
        await stub(channel).GenerateSignals(signals(*named(64)))
        low = (await described(channel)).batch_cost
        assert low <= 32 * COST
        model.fits = 1000
        for _ in range(150):
            await stub(channel).GenerateSignals(signals(*named(2)))
        found = await described(channel)
        assert found.batch_cost == 64 * COST
        shortages = found.activity.out_of_memory_batches
        await stub(channel).GenerateSignals(signals(*named(64)))
        assert model.fitted[-1] == 64
        assert (await described(channel)).activity.out_of_memory_batches == shortages


async def test_a_series_that_never_fits_fails_by_itself() -> None:
    model = TightModel(1000)
    async with forecasts_from(model) as served, plain(served.address) as channel:
        never = history("KXHIGHNY-NEVER", closes=[TightModel.never, *CLOSES])
        answered = await scan(channel, [*named(6), never, *named(5, 20)])
        assert answered.kinds == {"signal": 11, "failed": 1}
        (failed,) = [result for result in answered.results if result.HasField("failed")]
        assert failed.market_ticker == "KXHIGHNY-NEVER"
        alone = await stub(channel).GenerateSignals(signals(never))
        assert alone.summary == pb.ScanSummary(input_count=1, failed_count=1)
        assert (await stub(channel).GenerateSignals(signals())).summary.signal_count == 1
        assert served.death is None


async def test_a_device_that_fits_less_than_its_largest_batch_starts_and_answers() -> None:
    model = TightModel(5)
    async with whole_server(model, batch_cost=0, canary_seconds=0.01) as server, plain(server.addresses[0]) as channel:
        assert (await scan(channel, named(90))).kinds == {"signal": 90}
        found = await described(channel)
        assert found.state == model_pb2.MODEL_STATE_READY
        assert not found.canary.drifted
    assert max(model.fitted) <= 5


async def test_no_batch_is_larger_than_the_model_takes_even_with_the_canary() -> None:
    model = TightModel(1, max_batch_series=1)
    async with whole_server(model, canary_seconds=0.001) as server, plain(server.addresses[0]) as channel:
        assert (await scan(channel, named(5))).kinds == {"signal": 5}
    assert set(model.tried) == {1}


# Numbers that are none


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("in_quantiles", [True, False], ids=["quantiles", "mean"])
async def test_a_forecast_that_is_no_number_fails_and_its_neighbours_do_not(nothing: float, in_quantiles: bool) -> None:
    model = BlindModel(nothing, in_quantiles=in_quantiles)
    disliked = history("KXHIGHNY-NONE", closes=[BlindModel.disliked, *CLOSES])
    settings = replace(UNMEASURED, cache_bytes=1 << 20)
    async with forecasts_from(model, settings=settings) as served, plain(served.address) as channel:
        for _ in range(2):  # nor from the cache
            answered = await scan(channel, [*named(5), disliked, *named(5, 20)])
            assert answered.kinds == {"signal": 10, "failed": 1}
            raw = await stub(channel).GenerateForecasts(forecasts(disliked, history()))
            assert [result.WhichOneof("outcome") for result in raw.results] == ["failed", "forecast"]
        found = await described(channel)
        assert found.cache.entries == 11
        assert found.activity.failed_series == 4
        assert served.death is None
