"""A model that begins to answer otherwise: every answer says so, health says so, and nothing of it is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
from foremesh.forecast.v1 import forecast_pb2, model_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fakes.odd_models import DriftingModel
from tests.fakes.questions import SERVICE, forecasts, history, plain, signals, stub
from tests.fakes.scans import named, scan, whole_server
from tests.fakes.serving import UNMEASURED, forecasts_from

DRIFT = forecast_pb2.DEGRADATION_CANARY_DRIFT
MODEL = "model/random-walk"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@asynccontextmanager
async def watched(
    model: DriftingModel, seconds: float = 0.001, **config: Any
) -> AsyncIterator[tuple[grpc.aio.Channel, Any]]:
    async with (
        whole_server(model, canary_seconds=seconds, **config) as server,
        plain(server.addresses[0]) as channel,
    ):
        yield channel, server


async def health(channel: grpc.aio.Channel, name: str = MODEL) -> int:
    answered = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
    return int(answered.status)


async def described(channel: grpc.aio.Channel) -> model_pb2.Model:
    return (await stub(channel).GetModel(pb.GetModelRequest())).model


async def drifts(channel: grpc.aio.Channel, price: float = 60.0, **asked: Any) -> bool:
    """Ask about one history, which the price tells apart; whether the answer says that something is wrong."""
    one = history(closes=[price, 42.0, 41.0, 44.0])
    (result,) = (await stub(channel).GenerateForecasts(forecasts(one, **asked))).results
    assert result.HasField("forecast")
    return DRIFT in result.forecast.provenance.degraded


async def test_a_model_that_answers_as_it_did_is_looked_at_and_found_well() -> None:
    async with watched(DriftingModel()) as (channel, _):
        for _ in range(5):
            assert not await drifts(channel)
            await asyncio.sleep(0.002)
        found = (await described(channel)).canary
        assert found.checks >= 1
        assert (found.drifts, found.drifted, found.last_difference) == (0, False, 0.0)
        assert found.HasField("last_check_time")
        assert await health(channel) == SERVING


async def test_a_model_that_answers_otherwise_says_so_in_every_answer_in_health_and_in_its_description() -> None:
    model = DriftingModel()
    async with watched(model, cache_mebibytes=0) as (channel, _):
        assert not await drifts(channel)
        model.off = 0.5
        await asyncio.sleep(0.002)
        answered = await scan(channel, named(10))
        assert all(DRIFT in result.signal.provenance.degraded for result in answered.results)
        assert [await health(channel, name) for name in (MODEL, "", SERVICE)] == [NOT_SERVING, NOT_SERVING, SERVING]
        found = (await described(channel)).canary
        assert found.drifted
        assert found.drifts == 1
        assert found.last_difference > (await described(channel)).batch_tolerance
        model.off = 0.0
        await asyncio.sleep(0.002)
        assert not await drifts(channel)
        assert [await health(channel, name) for name in (MODEL, "", SERVICE)] == [SERVING] * 3
        assert not (await described(channel)).canary.drifted


async def test_a_difference_within_the_models_own_tolerance_is_no_drift() -> None:
    model = DriftingModel(batch_tolerance=0.1)
    async with watched(model) as (channel, _):
        model.off = 1.0  # of a series whose standard deviation is about 20
        await asyncio.sleep(0.002)
        assert not await drifts(channel)
        assert (await described(channel)).canary.last_difference > 0


async def test_nothing_that_a_drifted_model_said_is_kept() -> None:
    model = DriftingModel()
    async with watched(model) as (channel, _):
        assert not await drifts(channel)
        entries = (await described(channel)).cache.entries
        model.off = 0.5
        await asyncio.sleep(0.002)
        assert await drifts(channel, 61.0)
        assert (await described(channel)).cache.entries <= entries
        model.off = 0.0
        await asyncio.sleep(0.002)
        assert not await drifts(channel, 61.0)


async def test_what_was_said_between_the_last_good_look_and_the_first_bad_one_is_not_given_out_again() -> None:
    model = DriftingModel()
    async with watched(model, 0.5) as (channel, _):
        assert not await drifts(channel, 60.0)  # the canary's first look
        model.off = 30.0
        suspect = history(closes=[61.0, 42.0, 41.0, 44.0])
        (first,) = (await stub(channel).GenerateForecasts(forecasts(suspect))).results
        await asyncio.sleep(0.5)
        assert await drifts(channel, 62.0)
        model.off = 0.0
        await asyncio.sleep(0.5)
        assert not await drifts(channel, 63.0)
        (again,) = (await stub(channel).GenerateForecasts(forecasts(suspect))).results
    if DRIFT not in first.forecast.provenance.degraded:  # or the machine was so slow that it was seen at once
        assert list(again.forecast.path.mean_cents) == [54.0] * 3
        assert not again.forecast.provenance.cached


async def test_it_is_looked_for_on_a_machine_that_is_never_asked_for_much_at_once() -> None:
    model = DriftingModel()
    async with watched(model, 0.2) as (channel, _):
        for number in range(30):
            await drifts(channel, float(number))
            await asyncio.sleep(0.05)
        assert (await described(channel)).canary.checks >= 3


async def test_long_horizons_do_not_hide_a_drift_for_ever() -> None:
    model = DriftingModel()
    async with watched(model) as (channel, _):
        model.off = 0.5
        for number in range(5):
            await asyncio.sleep(0.002)
            last = await drifts(channel, float(number), horizon_steps=100)
        assert last


async def test_a_model_that_wants_equal_batches_is_watched_though_nobody_asks_for_the_canarys_size() -> None:
    model = DriftingModel(equal_cost_batches=True, cost_points=1)
    async with watched(model) as (channel, _):
        model.off = 0.5
        for number in range(5):
            await asyncio.sleep(0.002)
            last = await drifts(channel, float(number))
        assert last


async def test_a_model_whose_canary_is_no_number_any_more_has_drifted() -> None:
    model = DriftingModel()
    async with watched(model) as (channel, _):
        model.off, model.only_points = float("nan"), 64
        await asyncio.sleep(0.002)
        (result,) = (await stub(channel).GenerateSignals(signals())).results
        assert DRIFT in result.signal.provenance.degraded
        assert (await described(channel)).canary.drifted
        assert await health(channel) == NOT_SERVING


async def test_a_server_told_not_to_look_does_not() -> None:
    model = DriftingModel()
    async with watched(model, 0.0) as (channel, _):
        model.off = 0.5
        assert not await drifts(channel)
        assert (await described(channel)).canary.checks == 0


async def test_a_model_that_dies_of_the_canary_leaves_nobody_without_an_answer() -> None:
    model = DriftingModel(equal_cost_batches=True)
    settings = replace(UNMEASURED, canary_seconds=0.001)
    async with forecasts_from(model, settings=settings, grace_seconds=0.5) as served, plain(served.address) as channel:
        model.deadly_points = 64
        async with asyncio.timeout(15):
            for _ in range(3):
                try:
                    answered = await scan(channel, named(5))
                except grpc.aio.AioRpcError as error:
                    code = error.code()
                    break
                assert set(answered.kinds) <= {"signal", "failed"}
                await asyncio.sleep(0.05)
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert served.death is not None
