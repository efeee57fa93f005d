"""Too much to do: refused early, expired by the item, told in time; a caller that does not read stops nobody."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from forecast_server.engine import Settings
from forecast_server.models.base import Model
from tests.fakes.models import HeldModel
from tests.fakes.odd_models import RecordingModel, SlowModel
from tests.fakes.questions import (
    CLOSES,
    NO_RETRIES,
    Refusal,
    batch,
    histories,
    history,
    options,
    plain,
    refusal,
    refused,
    signals,
    stub,
    until,
)
from tests.fakes.scans import accounted, named, opened, read, scan, write
from tests.fakes.serving import UNMEASURED, Composed, forecasts_from, stoppable

COST = len(CLOSES)
SMALL_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536), *NO_RETRIES]
"""Of a client whose side is soon full when it does not read."""


def by(series: int, **fields: Any) -> Settings:
    """Batches of so many series of the usual length."""
    return replace(UNMEASURED, batch_cost=series * COST, **fields)


@asynccontextmanager
async def serving(model: Model, settings: Settings = UNMEASURED) -> AsyncIterator[Composed]:
    """A test that fails leaves calls open: nobody waits for them."""
    async with forecasts_from(model, settings=settings, grace_seconds=0.5) as served:
        yield served


def within(seconds: float) -> forecast_pb2.ForecastOptions:
    return options(useful_until=datetime.now(UTC) + timedelta(seconds=seconds))


async def learn(channel: grpc.aio.Channel, closes: tuple[float, ...] = CLOSES) -> None:
    """Let the engine see how long batches of one series take, and full ones."""
    for count in (1, 1, 1, 8, 8, 8):
        await stub(channel).GenerateSignals(signals(*[history(closes=closes)] * count))


def is_unreachable(refusal: Refusal) -> bool:
    assert (refusal.code, refusal.domain) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "foremesh")
    assert refusal.retry_seconds is not None
    assert 0 < refusal.retry_seconds <= 60
    return refusal.reason == "DEADLINE_UNREACHABLE"


# Deadlines


async def test_a_scan_that_cannot_be_done_in_time_is_refused_at_once_and_taken_on_when_the_load_is_gone() -> None:
    model = SlowModel(0.01)
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        await learn(channel)
        load = await opened(channel)
        await write(load, histories(1000))  # 10 s
        await until(lambda: served.engine.queue.waiting > 900)
        computed = model.computed
        assert is_unreachable(await refused(opened(channel, within(3), expected=500)))  # 5 s, and others have turns
        assert model.computed - computed <= 16, "it said so without waiting for its turn"
        unary = pb.GenerateSignalsRequest(forecast=within(1), histories=histories(250))  # 2.5 s
        assert is_unreachable(await refused(stub(channel).GenerateSignals(unary)))
        assert is_unreachable(await refused(stub(channel).GenerateSignals(unary, timeout=1)))
        small = pb.GenerateSignalsRequest(forecast=within(5), histories=histories(1))
        assert (await stub(channel).GenerateSignals(small)).summary.signal_count == 1, "others' load is not its own"
        load.cancel()
        await until(lambda: served.engine.queue.waiting + served.engine.queue.running == 0)
        taken = await opened(channel, within(10), expected=100)
        await write(taken, histories(100))
        assert (await read(taken)).kinds == {"signal": 100}
        assert served.engine.activity.refused == 3


async def test_what_a_scan_says_of_its_size_counts_on_an_idle_server_too() -> None:
    closes = tuple(40.0 + place % 9 for place in range(512))
    settings = replace(UNMEASURED, batch_cost=8 * 512)
    async with serving(SlowModel(0.01), settings) as served, plain(served.address) as channel:
        await learn(channel, closes)
        assert is_unreachable(await refused(opened(channel, within(1), expected=1000)))  # 10 s


async def test_a_unary_call_is_judged_by_the_histories_that_it_holds() -> None:
    closes = tuple(40.0 + place % 9 for place in range(512))
    settings = replace(UNMEASURED, batch_cost=8 * 512)
    async with serving(SlowModel(0.02), settings) as served, plain(served.address) as channel:
        await learn(channel, closes)
        big = pb.GenerateSignalsRequest(forecast=within(0.5), histories=[history(closes=closes)] * 256)  # 5 s
        assert is_unreachable(await refused(stub(channel).GenerateSignals(big)))


async def test_a_long_scan_that_says_nothing_is_taken_on_and_what_is_late_expires() -> None:
    model = SlowModel(0.01)
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        await learn(channel)
        before = model.computed
        answered = await scan(channel, histories(300), within(1))
        assert set(answered.kinds) == {"signal", "expired"}
        assert set(answered.expired()) == {forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL}
        assert model.computed - before == answered.kinds["signal"], "nothing is computed for nobody"
        assert served.engine.activity.expired == answered.kinds["expired"]


async def test_what_is_late_is_told_while_the_model_is_still_busy_with_something_else() -> None:
    model = RecordingModel()
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        first = await opened(channel)
        await write(first, named(1, 99))
        await until(model.asked.is_set)
        try:
            async with asyncio.timeout(8):
                answered = await scan(channel, named(20), within(0.5))
        finally:
            model.let_go()
        assert answered.expired() == {forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL: 20}
        assert (await read(first)).kinds == {"signal": 1}


async def test_a_model_that_was_slow_for_a_while_is_not_believed_slow_for_ever() -> None:
    model = SlowModel(0.3)
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        for _ in range(6):
            await stub(channel).GenerateSignals(signals())
        model.pace = 0.0
        refusals = 0
        while refusals < 50:  # a caller that comes back to an idle server
            hurried = pb.GenerateSignalsRequest(forecast=within(0.2), histories=histories(1))
            try:
                assert (await stub(channel).GenerateSignals(hurried)).summary.input_count == 1
                break
            except grpc.aio.AioRpcError as error:
                refusals += is_unreachable(refusal(error))
                await asyncio.sleep(0.05)
        assert refusals < 50, "an idle server refuses whoever comes because it was slow once"


# Room


async def test_a_full_queue_refuses_whoever_comes_and_every_accepted_input_is_answered() -> None:
    model = RecordingModel()
    async with serving(model, by(8, capacity_series=40)) as served, plain(served.address) as channel:
        first, second = await opened(channel), await opened(channel)
        await write(first, named(60))
        await until(model.asked.is_set)
        await second.write(batch(*named(90)))
        await until(lambda: served.engine.queue.waiting >= 40)
        for call in (opened(channel), stub(channel).GenerateSignals(signals())):
            full = await refused(call)
            assert (full.code, full.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
            assert full.retry_seconds is not None
        model.let_go()
        await second.done_writing()
        assert [(await read(call)).kinds for call in (first, second)] == [{"signal": 60}, {"signal": 90}]
        assert (await stub(channel).GenerateSignals(signals())).summary.signal_count == 1


# Readers


async def test_what_waits_for_a_reader_that_stalls_expires_and_others_go_on() -> None:
    model = RecordingModel()
    settings = by(100, reader_seconds=0.5)
    async with (
        serving(model, settings) as served,
        plain(served.address) as quick,
        grpc.aio.insecure_channel(served.address, options=SMALL_WINDOW) as slow,
        asyncio.TaskGroup() as tasks,
    ):
        call = await opened(slow, options(horizon_steps=150))
        tasks.create_task(write(call, histories(3000)))
        await until(lambda: served.engine.queue.waiting > 2500)
        model.let_go()
        while not served.engine.activity.expired:
            assert (await stub(quick).GenerateSignals(signals(), timeout=20)).summary.signal_count == 1
            await asyncio.sleep(0.05)
        answered = await read(call)
    assert sum(answered.kinds.values()) == 3000
    assert set(answered.kinds) == {"signal", "expired"}
    assert set(answered.expired()) == {forecast_pb2.EXPIRED_REASON_UNREAD}
    assert answered.kinds["signal"] > 1024


WRONG = history(closes=[400.0] * 1000)
EMPTY = history(closes=[math.nan] * 1000)
KNOWN = history(closes=[*[42.0, 41.0] * 255, 50.0, 51.0])
MANY = 100
"""Messages; a few of them are on their way before anybody is held back, so each is large."""


@pytest.mark.parametrize("one", [WRONG, EMPTY, KNOWN], ids=["rejected", "no price", "cached"])
async def test_answers_that_need_no_model_do_not_pile_up_for_a_caller_that_does_not_read(
    one: forecast_pb2.MarketHistory,
) -> None:
    sent, enough = 0, asyncio.Event()
    async with (
        serving(HeldModel(), replace(UNMEASURED, cache_bytes=1 << 20)) as served,
        grpc.aio.insecure_channel(served.address, options=SMALL_WINDOW) as slow,
        asyncio.TaskGroup() as tasks,
    ):
        await stub(slow).GenerateSignals(signals(KNOWN))
        call = await opened(slow)

        async def write_on() -> None:
            nonlocal sent
            while not enough.is_set() and sent < MANY:
                await call.write(batch(*[one] * 200))
                sent += 1
            await call.done_writing()

        tasks.create_task(write_on())
        before = -1
        while sent != before:  # until the server takes nothing more
            before = sent
            await asyncio.sleep(0.5)
        enough.set()
        answered = await read(call)
    assert sum(answered.kinds.values()) == sent * 200
    assert sent < MANY, f"{MANY * 200} answers waited in memory for somebody who did not read"


@pytest.mark.parametrize("count", [3000, 900])
async def test_a_reader_that_never_comes_back_does_not_hold_its_call_for_ever(count: int) -> None:
    async with (
        serving(HeldModel(), replace(UNMEASURED, reader_seconds=0.3)) as served,
        grpc.aio.insecure_channel(served.address, options=SMALL_WINDOW) as slow,
        asyncio.TaskGroup() as tasks,
    ):
        call = await opened(slow, options(horizon_steps=150))
        writing = tasks.create_task(write(call, histories(count)))
        try:
            await until(lambda: served.server.in_flight() == 0, seconds=8)
        finally:
            writing.cancel()
            call.cancel()
        assert served.engine.queue.scans == 0


async def test_readers_that_stall_do_not_fill_the_queue_for_others() -> None:
    settings = by(100, capacity_series=300)
    async with (
        serving(HeldModel(), settings) as served,
        plain(served.address) as quick,
        AsyncExitStack() as stack,
        asyncio.TaskGroup() as tasks,
    ):
        stalled = []
        for _ in range(4):
            slow = await stack.enter_async_context(grpc.aio.insecure_channel(served.address, options=SMALL_WINDOW))
            stalled.append(await opened(slow, options(horizon_steps=150)))
        writing = [tasks.create_task(write(call, histories(2500))) for call in stalled]
        computed = -1
        while computed != served.engine.activity.series:  # until they have all they take
            computed = served.engine.activity.series
            await asyncio.sleep(0.3)
        assert served.engine.queue.running == 0
        try:
            assert (await stub(quick).GenerateSignals(signals())).summary.signal_count == 1
        finally:
            for task in writing:
                task.cancel()


# The stop


async def test_a_stop_under_load_computes_what_it_can_in_time_and_tells_the_rest_to_come_again() -> None:
    settings = by(8, drain_seconds=0.5)
    async with stoppable(SlowModel(0.01), settings=settings) as server, plain(server.served.address) as channel:
        calls = [await opened(channel) for _ in range(3)]
        for call in calls:
            await write(call, histories(120))
        await until(lambda: server.served.engine.queue.waiting > 300)
        unary = stub(channel).GenerateSignals(signals(*histories(100)))
        await until(lambda: server.served.engine.queue.scans == 4)
        server.stop()
        together = [await read(call) for call in calls]
        last = await unary
        accounted(last.results, last.summary)
        await server.stopped(10)
    for answered in together:
        assert set(answered.kinds) == {"signal", "expired"}, "each got its share"
        assert set(answered.expired()) == {forecast_pb2.EXPIRED_REASON_DRAINING}


async def test_a_stop_tells_what_waits_in_time_though_the_model_hangs() -> None:
    model = RecordingModel()
    settings = by(8, drain_seconds=0.5)
    async with stoppable(model, settings=settings, grace_seconds=20) as server, plain(server.served.address) as channel:
        first = await opened(channel)
        await write(first, named(8))
        await until(model.asked.is_set)
        waits = await opened(channel)
        await write(waits, named(20))
        await until(lambda: server.served.engine.queue.waiting == 20)
        server.stop()
        try:
            async with asyncio.timeout(8):
                assert (await read(waits)).expired() == {forecast_pb2.EXPIRED_REASON_DRAINING: 20}
        finally:
            model.let_go()
        assert (await read(first)).kinds == {"signal": 8}
        await server.stopped(10)


async def test_the_time_of_a_stop_runs_while_a_batch_is_computed() -> None:
    model = RecordingModel()
    settings = by(8, drain_seconds=0.5)
    async with stoppable(model, settings=settings, grace_seconds=20) as server, plain(server.served.address) as channel:
        call = await opened(channel)
        await write(call, named(28))
        await until(lambda: server.served.engine.queue.waiting == 20)
        server.stop()
        await asyncio.sleep(1.0)
        model.let_go()
        answered = await read(call)
        await server.stopped(10)
    assert answered.kinds == {"signal": 8, "expired": 20}
    assert model.batches == [8]
