"""Whose turn it is: the most urgent first, clients by turns, batches by cost, and nothing that nobody wants."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2

from forecast_server.engine import Settings
from forecast_server.models.base import Model
from tests.conftest import Certificates
from tests.fakes.models import HeldModel
from tests.fakes.odd_models import RecordingModel
from tests.fakes.questions import (
    CLOSES,
    NO_RETRIES,
    answer,
    batch,
    histories,
    history,
    options,
    plain,
    secure,
    signals,
    stub,
    until,
)
from tests.fakes.scans import named, opened, read, scan, write
from tests.fakes.serving import UNMEASURED, Composed, forecasts_from

COST = len(CLOSES)
"""Of a history as the tests have them: a point costs one."""


def by(series: int, **fields: Any) -> Settings:
    """Batches of so many series of the usual length."""
    return replace(UNMEASURED, batch_cost=series * COST, **fields)


@asynccontextmanager
async def serving(model: Model, settings: Settings = UNMEASURED, **config: Any) -> AsyncIterator[Composed]:
    """A test that fails leaves calls open: nobody waits for them."""
    async with forecasts_from(model, settings=settings, grace_seconds=0.5, **config) as served:
        yield served


async def waiting(served: Composed, series: int) -> None:
    await until(lambda: served.engine.queue.waiting == series)


async def held(model: RecordingModel, channel: grpc.aio.Channel) -> Any:
    """A scan whose one history, first price 99, is being computed and stays so until the test lets the model go on."""
    call = await opened(channel)
    await call.write(batch(*named(1, 99)))
    await until(model.asked.is_set)
    return call


def long(points: int) -> forecast_pb2.MarketHistory:
    return history(closes=[40.0 + place % 9 for place in range(points)], current=20.0)


def closing(days: int, number: int, priority: int) -> forecast_pb2.MarketHistory:
    (found,) = named(1, number, priority=priority)
    if days:
        found.close_time.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    return found


# Order


async def test_the_most_urgent_is_computed_and_answered_first() -> None:
    model = RecordingModel()
    given = [(0, 0), (5, 0), (2, 0), (0, 7), (9, 7), (2, 0), (0, 100), (1, 7)]  # days to the close, priority
    expected = sorted(range(len(given)), key=lambda place: (-given[place][1], given[place][0] or 999, place))
    async with serving(model, by(1)) as served, plain(served.address) as channel:
        first = await held(model, channel)
        call = await opened(channel)
        await write(call, [closing(days, place, priority) for place, (days, priority) in enumerate(given)])
        await waiting(served, len(given))
        model.let_go()
        assert (await read(call)).indices == expected
        assert model.order == [99, *expected]
        first.cancel()


@pytest.mark.parametrize("priority", [0, 1])
async def test_a_small_request_overtakes_a_big_scan_in_progress(priority: int) -> None:
    model = RecordingModel()
    async with serving(model, by(4)) as served, plain(served.address) as channel:
        big = await opened(channel)
        await write(big, named(90))
        await until(model.asked.is_set)
        await until(lambda: served.engine.queue.waiting >= 86)
        small = stub(channel).GenerateSignals(signals(*named(1, 99, priority=priority)))
        await waiting(served, 87)
        model.let(2)
        assert (await small).summary.signal_count == 1
        assert 99 in model.firsts[1]
        assert served.engine.queue.waiting > 70
        model.let_go()
        assert (await read(big)).kinds == {"signal": 90}


async def test_an_urgent_history_overtakes_the_others_of_its_own_scan() -> None:
    model = RecordingModel()
    async with serving(model, by(4)) as served, plain(served.address) as channel:
        call = await opened(channel)
        await call.write(batch(*named(50)))
        await waiting(served, 46)
        await call.write(batch(*named(1, 98, priority=1)))
        await waiting(served, 47)
        model.let_go()
        await call.done_writing()
        assert (await read(call)).kinds == {"signal": 51}
        assert model.firsts[1][0] == 98


# Turns


async def test_a_big_scan_does_not_starve_a_small_one() -> None:
    model = RecordingModel()
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        big, small = await opened(channel), await opened(channel)
        await write(big, named(80))
        await waiting(served, 72)
        await write(small, named(12, 80))
        await waiting(served, 84)
        model.let_go()
        await asyncio.gather(read(big), read(small))
    last = max(place for place, first in enumerate(model.order) if first >= 80)
    assert last < 8 + 2 * 12, "it has half of the model until it is done"


async def test_a_client_with_long_histories_gets_no_more_than_its_half() -> None:
    model = RecordingModel()
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        first, long, short = [await held(model, channel), *[await opened(channel) for _ in range(2)]]
        await write(long, [history(closes=[1.0, *CLOSES * 2]) for _ in range(40)])
        await write(short, named(40, 2))
        await waiting(served, 80)
        model.let_go()
        await asyncio.gather(read(long), read(short))
        first.cancel()
    spent = Counter[bool]()
    for firsts, lengths in zip(model.firsts[1:], model.lengths[1:], strict=True):
        for one, points in zip(firsts, lengths, strict=True):
            spent[one == 1] += points
        if spent[False] == 40 * COST:
            break
        assert abs(spent[True] - spent[False]) <= 3 * COST


async def test_a_caller_gets_no_more_turns_by_opening_more_streams(certificates: Certificates) -> None:
    model = RecordingModel()
    tls = certificates.server()
    async with (
        serving(model, by(8), tls=tls) as served,
        secure(certificates, served.address, "operator") as theirs,
        secure(certificates, served.address, "trader") as mine,
    ):
        many = [await opened(theirs, client_id=f"scanner-{number}") for number in range(20)]
        for call in many:
            await write(call, named(20))
        await waiting(served, 20 * 20 - 8)
        one = await opened(mine, client_id="scanner")
        await write(one, named(20, 70))
        await waiting(served, 20 * 20 + 20 - 8)
        model.let_go()
        await asyncio.gather(*map(read, [*many, one]))
    last = max(place for place, first in enumerate(model.order) if first >= 70)
    assert last < 210, f"the last of 20 was number {last} of 420"


async def test_who_was_served_by_priority_does_not_put_newcomers_behind_everybody() -> None:
    """Somebody waits without priority; a flood with priority passes; a newcomer then shares with who waits."""
    model = RecordingModel()
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        first = await held(model, channel)
        patient, flood, newcomer = [await opened(channel, options(horizon_steps=steps)) for steps in (3, 4, 3)]
        await write(patient, named(90))
        await waiting(served, 90)
        await write(flood, [one for _ in range(3) for one in named(40, priority=9)])
        await waiting(served, 90 + 120)
        model.let(120 // 8)
        await waiting(served, 90)
        await write(newcomer, named(8, 91))
        await waiting(served, 90 + 8)
        model.let_go()
        await asyncio.gather(*map(read, [patient, flood, newcomer]))
        first.cancel()
    own = model.order[1 + 120 :]
    last = max(place for place, one in enumerate(own) if one >= 91)
    assert last < 8 + 2 * 8, f"the last of 8 was number {last} of {len(own)}"


async def test_who_used_the_model_while_it_was_idle_has_its_turn_all_the_same() -> None:
    model = RecordingModel()
    async with serving(model, by(8)) as served, plain(served.address) as channel:
        busy, later = await opened(channel), await opened(channel)
        await busy.write(batch(*named(80)))
        model.let(80 // 8)
        answered = 0
        while answered < 80:
            answered += len((await answer(busy)).results.results)
        model.asked.clear()
        await write(later, [one for _ in range(2) for one in named(90)])
        await until(model.asked.is_set)
        await write(busy, named(8, 91))
        await waiting(served, 180)
        model.let_go()
        while (await answer(busy)).WhichOneof("frame") == "results":
            pass
        await read(later)
    last = max(place for place, one in enumerate(model.order) if one >= 91)
    assert last < 80 + 2 * 8 + 2 * 8, f"the last of 8 was number {last - 80} of 188"


# Batches


async def test_the_model_takes_what_is_there_and_never_waits_for_more() -> None:
    model = RecordingModel()
    async with serving(model) as served, plain(served.address) as channel:
        first = await held(model, channel)
        calls = [await opened(channel) for _ in range(5)]
        for place, call in enumerate(calls):
            await write(call, named(10, 10 * place))
        await waiting(served, 50)
        model.let_go()
        for call in calls:
            assert (await read(call)).kinds == {"signal": 10}
        first.cancel()
    assert model.batches == [1, 50]


async def test_a_batch_is_full_by_cost_not_by_count() -> None:
    model = RecordingModel()
    lengths = [8, 64, 16, 16, 16, 64, 8, 200, 8, 8, 512, 3, 3, 3]
    async with serving(model, replace(UNMEASURED, batch_cost=64)) as served, plain(served.address) as channel:
        first = await held(model, channel)
        call = await opened(channel)
        await write(call, [long(points) for points in lengths])
        await waiting(served, len(lengths))
        model.let_go()
        assert (await read(call)).kinds == {"signal": len(lengths)}
        first.cancel()
    assert model.lengths == [[8], [8], [64], [16, 16, 16], [64], [8], [200], [8, 8], [512], [3, 3, 3]]


async def test_a_batch_holds_no_more_series_than_the_model_takes() -> None:
    model = RecordingModel(max_batch_series=5)
    async with serving(model) as served, plain(served.address) as channel:
        first = await held(model, channel)
        call = await opened(channel)
        await write(call, named(23))
        await waiting(served, 23)
        model.let_go()
        assert (await read(call)).kinds == {"signal": 23}
        first.cancel()
    assert max(model.batches) <= 5


async def test_a_batch_holds_one_horizon_only() -> None:
    model = RecordingModel()
    async with serving(model) as served, plain(served.address) as channel:
        first = await held(model, channel)
        horizons = (2, 4, 2, 7, 4)
        calls = [await opened(channel, options(horizon_steps=steps)) for steps in horizons]
        for steps, call in zip(horizons, calls, strict=True):
            await write(call, named(10, 10 * steps))
        await waiting(served, 50)
        model.let_go()
        for steps, call in zip(horizons, calls, strict=True):
            answered = await read(call)
            assert {result.signal.path.horizon_steps for result in answered.results} == {steps}
        first.cancel()
    assert sorted(zip(model.horizons[1:], model.batches[1:], strict=True)) == [(2, 20), (4, 20), (7, 10)]


async def test_a_model_that_asks_for_batches_of_one_cost_gets_them() -> None:
    model = RecordingModel(equal_cost_batches=True, cost_points=16)
    lengths = [8, 17, 30, 16, 33, 3, 48, 40, 32] * 5
    async with serving(model) as served, plain(served.address) as channel:
        first = await held(model, channel)
        call = await opened(channel)
        await write(call, [long(points) for points in lengths])
        await waiting(served, len(lengths))
        model.let_go()
        assert (await read(call)).kinds == {"signal": len(lengths)}
        first.cancel()
    costs = [{-(-points // 16) for points in batch} for batch in model.lengths[1:]]
    assert sorted(map(list, costs)) == [[1], [2], [3]]


# Nothing that nobody wants


async def test_what_a_caller_that_left_wanted_is_never_computed() -> None:
    model = RecordingModel()
    async with serving(model, by(4)) as served, plain(served.address) as channel:
        first = await held(model, channel)
        gone, stays = await opened(channel), await opened(channel)
        await gone.write(batch(*named(40)))
        await write(stays, named(10, 50))
        await waiting(served, 50)
        gone.cancel()
        await waiting(served, 10)
        model.let_go()
        assert (await read(stays)).kinds == {"signal": 10}
        first.cancel()
    assert sorted(model.order) == [*range(50, 60), 99]


async def test_what_waits_for_an_older_scan_of_the_same_client_is_dropped_for_the_newer() -> None:
    model = RecordingModel()
    async with serving(model, by(4)) as served, plain(served.address) as channel:
        first = await held(model, channel)
        older = await opened(channel, client_id="a")
        await write(older, named(40))
        await waiting(served, 40)
        newer = await opened(channel, client_id="a")
        answered = await read(older)
        assert answered.expired() == {forecast_pb2.EXPIRED_REASON_SUPERSEDED: 40}
        await write(newer, named(5, 50))
        model.let_go()
        assert (await read(newer)).kinds == {"signal": 5}
        first.cancel()
    assert model.order == [99, *range(50, 55)]


async def test_a_newer_scan_is_taken_on_where_the_older_one_of_its_client_fills_the_queue() -> None:
    model = RecordingModel()
    async with serving(model, by(4, capacity_series=50)) as served, plain(served.address) as channel:
        first = await held(model, channel)
        older = await opened(channel, client_id="a")
        await older.write(batch(*named(60)))
        await waiting(served, 60)
        newer = await opened(channel, client_id="a")
        await write(newer, named(5, 70))
        model.let_go()
        assert (await read(newer)).kinds == {"signal": 5}
        _ = first.cancel(), older.cancel()


# Never idle while something waits


@pytest.fixture
def nobody_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is woken when there is something to do; looking every now and then is only for passing time."""
    for module in ("computing", "intake"):
        monkeypatch.setattr(f"forecast_server.{module}._LOOK_SECONDS", 3600.0, raising=False)


@pytest.mark.usefixtures("nobody_looks_again")
async def test_the_model_goes_on_as_soon_as_a_slow_reader_reads() -> None:
    model = HeldModel()
    window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536), *NO_RETRIES]
    async with (
        serving(model, by(100)) as served,
        grpc.aio.insecure_channel(served.address, options=window) as slow,
        asyncio.TaskGroup() as tasks,
    ):
        call = await opened(slow, options(horizon_steps=150))
        tasks.create_task(write(call, histories(4000)))
        await until(lambda: model.computed >= 1024)
        before = -1
        while model.computed != before:  # until the reader is what everything waits for
            before = model.computed
            await asyncio.sleep(0.3)
        assert model.computed < 4000
        async with asyncio.timeout(20):
            assert (await read(call)).kinds == {"signal": 4000}


@pytest.mark.usefixtures("nobody_looks_again")
async def test_nothing_that_comes_while_answers_go_out_is_forgotten() -> None:
    async with serving(HeldModel(), by(1000)) as served, AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(plain(served.address)) for _ in range(4)]

        async def ask(channel: grpc.aio.Channel) -> None:
            for _ in range(100):
                answered = await stub(channel).GenerateSignals(signals(*histories(3)), timeout=20)
                assert answered.summary.signal_count == 3

        async def scans(channel: grpc.aio.Channel) -> None:
            for _ in range(4):
                assert (await scan(channel, histories(900))).kinds == {"signal": 900}

        async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
            for channel in channels:
                tasks.create_task(ask(channel))
            tasks.create_task(scans(channels[0]))


@pytest.mark.usefixtures("nobody_looks_again")
async def test_a_scan_goes_on_as_soon_as_another_makes_room() -> None:
    model = RecordingModel()
    async with serving(model, by(10, capacity_series=30)) as served, plain(served.address) as channel:
        first = await held(model, channel)
        calls = [await opened(channel) for _ in range(4)]
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for call in calls:
                tasks.create_task(write(call, named(60)))
            reading = [tasks.create_task(read(call)) for call in calls]
            await until(lambda: served.engine.queue.waiting >= 30)
            model.let_go()
        assert [task.result().kinds for task in reading] == [{"signal": 60}] * 4
        first.cancel()
