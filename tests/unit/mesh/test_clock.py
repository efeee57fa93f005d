import asyncio
import math
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.clock import Clock, ManualClock, ScaledClock, SystemClock

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
TIMES = st.integers(min_value=0, max_value=50).map(lambda tenths: tenths / 10)


@given(sleeps=st.lists(st.lists(TIMES, min_size=1, max_size=4), max_size=8), steps=st.lists(TIMES, max_size=6))
def test_sleepers_wake_in_time_order_and_see_the_time_they_asked_for(
    sleeps: list[list[float]], steps: list[float]
) -> None:
    """Each task sleeps several times in a row; however the advance is cut, wakes are ordered and none is missed."""

    async def scenario() -> None:
        clock = ManualClock(START)
        woken: list[tuple[float, float]] = []  # seen, asked for

        async def sleeper(spans: list[float]) -> None:
            asked = 0
            for span in spans:
                await clock.sleep(span)
                asked += round(span * 10)
                woken.append((clock.monotonic(), asked / 10))

        async with asyncio.TaskGroup() as tasks:
            for spans in sleeps:
                tasks.create_task(sleeper(spans))
            reached = 0
            for step in steps:
                await clock.advance(step)
                reached += round(step * 10)
                assert clock.monotonic() == reached / 10
                assert all(seen <= reached / 10 for seen, _ in woken)
                due = sum(
                    sum(round(span * 10) for span in spans[: count + 1]) <= reached
                    for spans in sleeps
                    for count in range(len(spans))
                )
                assert len(woken) == due
            await clock.advance(100)
        assert len(woken) == sum(map(len, sleeps))
        assert all(seen == pytest.approx(asked) for seen, asked in woken)
        assert [seen for seen, _ in woken] == sorted(seen for seen, _ in woken)

    asyncio.run(scenario())


async def test_sleepers_of_the_same_time_wake_in_the_order_they_fell_asleep() -> None:
    clock, order = ManualClock(START), list[int]()

    async def sleeper(number: int) -> None:
        await clock.sleep(1)
        order.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(sleeper(number))
        await clock.advance(1)
    assert order == [0, 1, 2, 3, 4]


async def test_what_a_wake_sets_in_motion_ends_before_the_next_wake() -> None:
    clock, log = ManualClock(START), list[str]()
    queue: asyncio.Queue[str] = asyncio.Queue()

    async def relay() -> None:
        for _ in range(2):
            item = await queue.get()
            for _ in range(20):  # many turns of the loop
                await asyncio.sleep(0)
            log.append(f"{item} handled at {clock.monotonic():g}")

    async def producer(seconds: float) -> None:
        await clock.sleep(seconds)
        await queue.put(f"{seconds:g}")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay())
        tasks.create_task(producer(2))
        tasks.create_task(producer(1))
        await clock.advance(10)
        assert log == ["1 handled at 1", "2 handled at 2"]


async def test_ten_tenths_are_one_second_exactly() -> None:
    clock = ManualClock(START)
    for _ in range(10):
        await clock.advance(0.1)
    assert clock.monotonic() == 1.0
    assert clock.now() == START + timedelta(seconds=1)


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock(START)
    async with asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(clock.sleep(1))
        await asyncio.sleep(0)
        sleeper.cancel()
        await clock.advance(2)
    assert sleeper.cancelled()


async def test_a_timeout_of_the_sleeping_task_is_not_lost() -> None:
    clock = ManualClock(START)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await clock.sleep(1)
    await clock.advance(2)


async def test_two_advances_at_once_are_refused() -> None:
    clock = ManualClock(START)

    async def meddler() -> None:
        await clock.sleep(1)
        with pytest.raises(RuntimeError, match="another task is advancing"):
            await clock.advance(1)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(meddler())
        await clock.advance(1)
    await clock.advance(1)


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf])
async def test_time_goes_forward_only(seconds: float) -> None:
    with pytest.raises(ValueError, match="cannot advance"):
        await ManualClock(START).advance(seconds)


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock(START), ScaledClock(3600, START)])
@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_sleep_of_nothing_lets_others_run_and_returns(clock: Clock, seconds: float) -> None:
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    await clock.sleep(seconds)
    assert ran.is_set()


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock(START), ScaledClock(60, START)])
def test_every_clock_tells_utc_and_never_goes_back(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now() <= clock.now()
    assert clock.monotonic() <= clock.monotonic()


def test_starts_in_other_zones_become_utc_and_naive_ones_are_refused() -> None:
    eastern = datetime(2026, 7, 1, 8, tzinfo=timezone(timedelta(hours=-4)))
    assert ManualClock(eastern).now() == START
    assert ManualClock(eastern).now().tzinfo is UTC
    naive = START.replace(tzinfo=None)
    for make in (ManualClock, lambda instant: ScaledClock(60, instant)):
        with pytest.raises(ValueError, match="aware"):
            make(naive)


async def test_a_scaled_clock_runs_all_three_readings_at_the_same_speed() -> None:
    clock = ScaledClock(60, START)
    real, scaled = time.monotonic(), clock.monotonic()
    await clock.sleep(3)
    real_spent, scaled_spent = time.monotonic() - real, clock.monotonic() - scaled
    assert scaled_spent >= 3
    assert 0.05 <= real_spent < 1
    assert scaled_spent == pytest.approx(60 * real_spent, rel=0.05)
    assert (clock.now() - START).total_seconds() == pytest.approx(clock.monotonic(), abs=1)


@pytest.mark.parametrize("speed", [0, -1, math.nan, math.inf])
def test_a_speed_has_to_be_positive_and_finite(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(speed, START)
