"""The coordinator's share of an API budget, in force."""

import asyncio
from datetime import UTC, datetime

import pytest

from collector.pace import Pace
from collector.types import ApiShare, BudgetKind
from mesh.clock import ManualClock
from mesh.kalshi.errors import NoBudget
from mesh.kalshi.transport.buckets import Priority, Rate
from mesh.kalshi.transport.limits import Limits

SHARE = ApiShare(tokens_per_second=60.0, burst_tokens=30.0, hold_seconds=30.0, fallback_per_second=20.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 7, 10, tzinfo=UTC))


async def test_a_share_of_an_account_is_cut_from_what_the_account_has(clock: ManualClock) -> None:
    limits = Limits(clock, read=Rate(200, 600))
    Pace(limits, clock, BudgetKind.PER_ACCOUNT).apply(SHARE, clock.monotonic())
    assert limits.read.rate == Rate(60, 30)

    limits.read.set_account(Rate(40, 120))
    assert limits.read.rate == Rate(40, 30)


async def test_a_share_of_an_address_may_be_more_than_the_configuration_begins_with(clock: ManualClock) -> None:
    limits = Limits.without_key(clock, 3.0)
    Pace(limits, clock, BudgetKind.PER_IP).apply(SHARE, clock.monotonic())

    assert limits.read.rate == Rate(60, 30)


@pytest.mark.parametrize("kind", BudgetKind)
async def test_a_share_of_nothing_lets_no_call_pass(clock: ManualClock, kind: BudgetKind) -> None:
    limits = Limits.without_key(clock, 3.0)
    await limits.read.take(10, Priority.SCAN)
    Pace(limits, clock, kind).apply(ApiShare(0.0, 0.0, 30.0, 20.0), clock.monotonic())

    with pytest.raises(NoBudget):
        await limits.read.take(10, Priority.SCAN, clock.monotonic() + 1000)


@pytest.mark.parametrize("kind", BudgetKind)
async def test_an_ordinary_call_passes_however_small_the_burst(clock: ManualClock, kind: BudgetKind) -> None:
    limits = Limits.without_key(clock, 3.0)
    Pace(limits, clock, kind).apply(ApiShare(10.0, 0.0, 30.0, 20.0), clock.monotonic())

    await limits.read.take(10, Priority.SCAN)
    assert limits.read.usage.calls == 1


async def test_a_share_that_is_not_renewed_gives_way_to_the_agreed_rate(clock: ManualClock) -> None:
    limits = Limits(clock, read=Rate(200, 600))
    pace = Pace(limits, clock, BudgetKind.PER_ACCOUNT)
    pace.apply(SHARE, clock.monotonic())
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(pace.keep())
        await clock.advance(29)
        assert limits.read.rate.per_second == 60
        pace.apply(SHARE, clock.monotonic())
        await clock.advance(29)
        assert limits.read.rate.per_second == 60
        await clock.advance(1)
        assert limits.read.rate.per_second == 20
        await clock.advance(1000)
        assert limits.read.rate.per_second == 20
        keeping.cancel()


async def test_a_share_is_counted_from_when_it_was_asked_for(clock: ManualClock) -> None:
    limits = Limits(clock, read=Rate(200, 600))
    sent = clock.monotonic()
    await clock.advance(31)
    Pace(limits, clock, BudgetKind.PER_ACCOUNT).apply(SHARE, sent)

    assert limits.read.rate.per_second == 20


async def test_usage_is_totals_and_the_rates_since_the_last_look(clock: ManualClock) -> None:
    limits = Limits(clock, read=Rate(200, 600))
    pace = Pace(limits, clock, BudgetKind.PER_ACCOUNT, lambda: 500)
    for _ in range(5):
        await limits.read.take(10, Priority.SCAN)
    limits.read.throttled(clock.monotonic())
    limits.read.usage.failed += 2
    await clock.advance(10)
    first = pace.usage()
    await clock.advance(10)
    second = pace.usage()

    assert (first.calls, first.tokens, first.throttled, first.failed) == (5, 50, 1, 2)
    assert (first.tokens_per_second, first.wanted_per_second) == (5, 55)
    assert (second.calls, second.tokens, second.tokens_per_second, second.wanted_per_second) == (5, 50, 0, 50)


async def test_two_looks_at_one_instant_divide_nothing_by_zero(clock: ManualClock) -> None:
    usage = Pace(Limits(clock), clock, BudgetKind.PER_ACCOUNT).usage()

    assert (usage.tokens_per_second, usage.wanted_per_second) == (0, None)
