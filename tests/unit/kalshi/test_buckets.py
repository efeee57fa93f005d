"""The token bucket: never more than the exchange allows, the urgent first, and honest about what cannot be."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.clock import ManualClock, SystemClock
from mesh.kalshi.errors import NoBudget, TooExpensive
from mesh.kalshi.transport.buckets import Priority, Rate, TokenBucket

EXIT, ENTRY, RECONCILIATION, SCAN = Priority


class Trace:
    """A bucket on a clock moved by hand, and when each request passed."""

    def __init__(self, rate: Rate, tasks: asyncio.TaskGroup) -> None:
        self.clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
        self.bucket = TokenBucket("write", rate, self.clock, random.Random(1))  # noqa: S311  repeatable, keeps no secret
        self.passed: list[tuple[str, float]] = []
        self.refused: list[tuple[str, float]] = []
        self.words: list[str] = []
        """Of the refusals."""
        self._tasks = tasks

    def ask(
        self, name: str, cost: float, priority: Priority = SCAN, within: float = float("inf")
    ) -> asyncio.Task[None]:
        return self._tasks.create_task(self._take(name, cost, priority, self.clock.monotonic() + within))

    async def _take(self, name: str, cost: float, priority: Priority, deadline: float) -> None:
        try:
            await self.bucket.take(cost, priority, deadline, name)
        except NoBudget as refusal:
            self.refused.append((name, round(self.clock.monotonic(), 3)))
            self.words.append(refusal.message)
        else:
            self.passed.append((name, round(self.clock.monotonic(), 3)))


@asynccontextmanager
async def tracing(per_second: float, capacity: float) -> AsyncIterator[Trace]:
    async with asyncio.TaskGroup() as tasks:
        yield Trace(Rate(per_second, capacity), tasks)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def test_a_full_bucket_pays_a_burst_and_then_refills_continuously() -> None:
    async with tracing(100, 100) as trace:
        for number in range(13):
            trace.ask(str(number), 10)
        await trace.clock.advance(1)
    assert trace.passed[:10] == [(str(number), 0.0) for number in range(10)]
    assert trace.passed[10:] == [("10", 0.1), ("11", 0.2), ("12", 0.3)]


async def test_the_urgent_go_first_and_equals_in_order() -> None:
    async with tracing(10, 10) as trace:
        trace.ask("first", 10)
        await trace.clock.advance(0)
        for name, priority in [("s1", SCAN), ("s2", SCAN), ("r", RECONCILIATION), ("n", ENTRY), ("x", EXIT)]:
            trace.ask(name, 10, priority)
            await trace.clock.advance(0.01)
        await trace.clock.advance(10)
    assert [name for name, _ in trace.passed] == ["first", "x", "n", "r", "s1", "s2"]
    assert [at for _, at in trace.passed] == pytest.approx([0, 1, 2, 3, 4, 5], abs=0.01)


async def test_a_cheap_exit_does_not_wait_for_the_dear_scan_before_it() -> None:
    async with tracing(100, 100) as trace:
        trace.ask("all", 100)
        trace.ask("scan", 90)
        await trace.clock.advance(0.1)
        trace.ask("exit", 2, EXIT)
        await trace.clock.advance(2)
    assert trace.passed == [("all", 0.0), ("exit", 0.1), ("scan", pytest.approx(0.92, abs=0.002))]


async def test_a_cheap_request_does_not_starve_a_dear_one_of_its_rank() -> None:
    async with tracing(100, 100) as trace:
        trace.ask("all", 100)
        trace.ask("dear", 100)
        for number in range(5):
            trace.ask(f"cheap {number}", 1)
        await trace.clock.advance(2)
    assert [name for name, _ in trace.passed][1] == "dear"


async def test_what_can_never_be_paid_is_refused_at_once() -> None:
    async with tracing(100, 100) as trace:
        with pytest.raises(TooExpensive, match="110 tokens"):
            await trace.bucket.take(110, EXIT, request="POST /portfolio/events/orders/batched")
        trace.ask("just fits", 100)
        await trace.clock.advance(0)
    assert trace.passed == [("just fits", 0.0)]


async def test_a_wait_that_does_not_fit_is_refused_before_it_begins() -> None:
    async with tracing(10, 10) as trace:
        trace.ask("first", 10)
        trace.ask("fits", 10, within=1.0)
        trace.ask("behind", 10, within=1.9)
        trace.ask("fits too", 10, within=2.0)
        await trace.clock.advance(0)
        assert trace.refused == [("behind", 0.0)]
        await trace.clock.advance(3)
    assert [name for name, _ in trace.passed] == ["first", "fits", "fits too"]


async def test_who_is_pushed_back_past_the_deadline_is_told_then() -> None:
    async with tracing(10, 10) as trace:
        trace.ask("first", 10)
        trace.ask("head", 10, ENTRY)
        trace.ask("scan", 10, SCAN, within=2.5)
        await trace.clock.advance(0.5)
        trace.ask("exit", 10, EXIT)
        await trace.clock.advance(0)
        assert trace.refused == [("scan", 0.5)]
        await trace.clock.advance(5)


async def test_who_starves_is_told_how_long_it_waited_and_for_whom() -> None:
    async with tracing(10, 10) as trace:
        trace.ask("first", 10)
        trace.ask("exit", 10, EXIT)
        trace.ask("scan", 10, SCAN, within=30.5)
        for _ in range(30):
            await trace.clock.advance(1)
            trace.ask("exit", 10, EXIT)
        await trace.clock.advance(2)
        assert trace.refused == [("scan", 30.0)]
        waited = "scan waited 30 s for its 10 write tokens and would wait 2 s more"
        assert trace.words == [f"{waited}: 30 more urgent requests go first"]


async def test_who_is_refused_at_once_is_told_what_is_in_the_way() -> None:
    async with tracing(10, 10) as trace:
        trace.ask("first", 10)
        trace.ask("hurried", 10, within=0.5)
        await trace.clock.advance(0)
        trace.bucket.throttled(0.0, retry_after=20)
        trace.ask("later", 10, within=0.5)
        await trace.clock.advance(0)
        trace.bucket.set_budget(Rate(0, 0))
        trace.ask("never", 10, within=1e9)
        await trace.clock.advance(0)
    closed = "the exchange counts too many and is asked nothing for 20 s"
    assert trace.words == [
        "hurried would wait 1 s for its 10 write tokens",
        f"later would wait 21 s for its 10 write tokens: {closed}",
        f"never would wait for ever for its 10 write tokens: {closed}",
    ]


async def test_a_deadline_in_the_past_is_no_reason_to_wait() -> None:
    async with tracing(10, 10) as trace:
        await trace.clock.advance(5)
        with pytest.raises(NoBudget):
            await trace.bucket.take(1, EXIT, trace.clock.monotonic() - 0.001)


async def test_a_caller_that_leaves_hands_its_turn_on() -> None:
    async with tracing(10, 10) as trace:
        trace.ask("first", 10)
        head = trace.ask("head", 10)
        middle = trace.ask("middle", 10)
        trace.ask("last", 10)
        await trace.clock.advance(0.5)
        head.cancel()
        middle.cancel()
        await trace.clock.advance(2)
    assert trace.passed == [("first", 0.0), ("last", 1.0)]


async def test_a_429_empties_and_closes_the_bucket() -> None:
    async with tracing(100, 100) as trace:
        closed = trace.bucket.throttled(sent=0.0)
        assert 0.25 <= closed <= 0.5
        trace.ask("later", 1, EXIT)
        await trace.clock.advance(1)
    assert [at for _, at in trace.passed] == pytest.approx([closed + 0.01], abs=0.001)
    assert trace.bucket.usage.throttled == 1


async def test_backoff_grows_with_429s_in_a_row_and_ends_with_a_success() -> None:
    async with tracing(100, 100) as trace:
        closed = []
        for _ in range(10):
            sent = trace.clock.monotonic()
            closed.append(trace.bucket.throttled(sent))
            await trace.clock.advance(60)
        bounds = [min(8, 0.5 * 2**number) for number in range(10)]
        assert all(bound / 2 <= seconds <= bound for seconds, bound in zip(closed, bounds, strict=True))
        assert len({round(seconds / bound, 6) for seconds, bound in zip(closed, bounds, strict=True)}) == 10
        trace.bucket.passed(trace.clock.monotonic())
        assert trace.bucket.throttled(trace.clock.monotonic()) <= 0.5


async def test_nothing_is_saved_up_behind_a_429() -> None:
    async with tracing(100, 100) as trace:
        trace.bucket.throttled(0.0, retry_after=5.0)
        for number in range(3):
            trace.ask(str(number), 10)
        await trace.clock.advance(10)
    assert trace.passed == [("0", 5.1), ("1", 5.2), ("2", 5.3)]


async def test_a_full_bucket_allows_for_a_first_request_that_arrives_late() -> None:
    clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
    bucket = TokenBucket("balance", Rate(1, 1), clock, lateness=0.25)
    assert bucket.tokens == 1
    await bucket.take(1, Priority.SCAN)
    with pytest.raises(NoBudget):
        await bucket.take(1, Priority.SCAN, deadline=1.0)
    await clock.advance(1.25)
    await bucket.take(1, Priority.SCAN, deadline=1.25)


async def test_tokens_that_come_too_late_are_not_taken() -> None:
    bucket = TokenBucket("write", Rate(100, 10), SystemClock())
    await bucket.take(10, Priority.ENTRY)
    async with asyncio.TaskGroup() as tasks:
        late = tasks.create_task(_refused(bucket, within=0.15))
        await asyncio.sleep(0.02)
        time.sleep(0.3)  # noqa: ASYNC251  the process is held up
    assert await late
    assert bucket.usage.calls == 1


async def _refused(bucket: TokenBucket, within: float) -> bool:
    try:
        await bucket.take(10, Priority.ENTRY, time.monotonic() + within, "POST /x")
    except NoBudget as refusal:
        return "too late" in refusal.message
    return False


async def test_refusals_of_requests_under_way_together_count_once() -> None:
    async with tracing(100, 100) as trace:
        await trace.clock.advance(1)
        closed = [trace.bucket.throttled(sent=0.9) for _ in range(20)]
        trace.bucket.passed(sent=0.9)  # one of them got through: it says nothing about now
        assert closed == [closed[0]] * 20
        await trace.clock.advance(1)
        assert 0.5 <= trace.bucket.throttled(sent=1.5) <= 1.0


async def test_retry_after_is_honoured_when_longer() -> None:
    async with tracing(100, 100) as trace:
        assert trace.bucket.throttled(0.0, retry_after=7.0) == 7.0
        trace.ask("later", 1, EXIT)
        await trace.clock.advance(10)
    assert trace.passed == [("later", 7.01)]


async def test_a_429_tells_those_whose_time_is_now_too_short() -> None:
    async with tracing(10, 10) as trace:
        trace.ask("first", 10)
        trace.ask("head", 10)
        trace.ask("second", 10, within=3)
        await trace.clock.advance(0.1)
        trace.bucket.throttled(0.0, retry_after=20)
        await trace.clock.advance(0)
        assert trace.refused == [("second", 0.1)]
        await trace.clock.advance(30)


async def test_a_budget_sets_the_pace_and_its_burst() -> None:
    async with tracing(100, 100) as trace:
        trace.bucket.set_budget(Rate(20, 20))
        for number in range(4):
            trace.ask(str(number), 10)
        await trace.clock.advance(5)
    assert trace.passed == [("0", 0.0), ("1", 0.0), ("2", 0.5), ("3", 1.0)]


async def test_a_batch_above_the_budgets_burst_leaves_a_debt() -> None:
    async with tracing(100, 100) as trace:
        trace.bucket.set_budget(Rate(20, 20))
        trace.ask("batch", 100)
        trace.ask("next", 10)
        await trace.clock.advance(10)
    assert trace.passed == [("batch", 0.0), ("next", 4.5)]


async def test_no_budget_at_all_holds_everything_until_there_is_some() -> None:
    async with tracing(100, 100) as trace:
        trace.bucket.set_budget(Rate(0, 0))
        trace.ask("patient", 10)
        trace.ask("hurried", 10, within=1000)
        await trace.clock.advance(100)
        assert (trace.passed, trace.refused) == ([], [("hurried", 0.0)])
        trace.bucket.set_budget(Rate(10, 10))
        await trace.clock.advance(2)
    assert [name for name, _ in trace.passed] == ["patient"]


async def test_a_raised_budget_is_noticed_within_a_second() -> None:
    async with tracing(100, 100) as trace:
        trace.bucket.set_budget(Rate(0.01, 10))
        trace.ask("first", 10)
        trace.ask("second", 10)
        await trace.clock.advance(5.5)
        trace.bucket.set_budget(None)
        await trace.clock.advance(1)
    assert trace.passed[1][1] <= 6.5


async def test_a_budget_never_gives_more_than_the_account_has() -> None:
    async with tracing(10, 10) as trace:
        trace.bucket.set_budget(Rate(1000, 1000))
        assert trace.bucket.rate == Rate(10, 10)
        trace.bucket.set_account(Rate(2000, 500))
        assert trace.bucket.rate == Rate(1000, 500)


ASKS = st.lists(
    st.tuples(
        st.floats(0, 3, allow_subnormal=False).map(lambda pause: round(pause, 3)),
        st.sampled_from([1, 2, 10, 30, 100]),
        st.sampled_from(Priority),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(asks=ASKS, per_second=st.sampled_from([10, 33.3, 100]))
def test_never_more_than_the_exchange_allows_and_nobody_is_forgotten(
    asks: list[tuple[float, int, Priority]], per_second: float
) -> None:
    async def work() -> None:
        costs = {}
        async with tracing(per_second, 100) as trace:
            for number, (pause, cost, priority) in enumerate(asks):
                costs[str(number)] = cost
                trace.ask(str(number), cost, priority)
                await trace.clock.advance(pause)
            await trace.clock.advance(sum(costs.values()) / per_second + 1)
        assert len(trace.passed) == len(asks)
        for start, (_, since) in enumerate(trace.passed):
            spent = 0
            for name, at in trace.passed[start:]:
                spent += costs[name]
                assert spent <= 100 + per_second * (at - since) + 0.2  # times are rounded to milliseconds
        assert trace.bucket.usage.calls == len(asks)
        assert trace.bucket.usage.tokens == sum(costs.values())

    run(work())
