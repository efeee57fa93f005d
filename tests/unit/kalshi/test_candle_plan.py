from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.rest.candle_plan import (
    MOST_BATCH_MARKETS,
    MOST_BATCH_PERIODS,
    MOST_PERIODS,
    PERIODS_MINUTES,
    CallCosts,
    CandleCall,
    Span,
    life,
    one_by_one,
    together,
    tokens,
    windows,
)

NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)
COSTS = CallCosts()
START = 1_783_000_000


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Events of markets that live together, from minutes to weeks, some without any life."""
    found: list[Span] = []
    for event in range(draw(st.integers(0, 6))):
        first = START + draw(st.integers(0, 40 * 86_400))
        last = first + draw(st.one_of(st.integers(-10, 7200), st.integers(0, 20 * 86_400)))
        found += [Span(f"E{event}-{number}", first, last) for number in range(draw(st.integers(1, 130)))]
    return draw(st.permutations(found)) if len(found) < 30 else found


def covered(calls: list[CandleCall], span: Span) -> list[tuple[int, int]]:
    """Where the calls that name a market lie inside its span, in order."""
    pieces = [(call.start_ts, call.end_ts) for call in calls if span.ticker in call.tickers]
    return sorted((max(start, span.first), min(end, span.last)) for start, end in pieces)


def tiles(pieces: list[tuple[int, int]], span: Span) -> bool:
    """Every second of the span is in exactly one piece, so every candle is, wherever periods end."""
    expected = span.first
    for start, end in pieces:
        if start != expected or end < start:
            return False
        expected = end + 1
    return expected == span.last + 1


@given(spans(), st.sampled_from(PERIODS_MINUTES), st.integers(1, 40), st.integers(1, 40))
def test_every_period_once_within_the_caps_and_never_dearer(
    wanted: list[Span], period: int, single: int, batch: int
) -> None:
    costs = CallCosts(single, batch)
    calls = together(wanted, period, costs)

    for span in wanted:
        assert tiles(covered(calls, span), span) if span.first <= span.last else not covered(calls, span)
    for call in calls:
        assert len(set(call.tickers)) == len(call.tickers)
        periods = (call.end_ts - call.start_ts) / (60 * period)
        slots = (call.end_ts - call.start_ts) // (60 * period) + 1
        if call.batch:
            assert 1 <= len(call.tickers) <= MOST_BATCH_MARKETS
            assert len(call.tickers) * max(periods, slots) <= MOST_BATCH_PERIODS
        else:
            assert len(call.tickers) == 1
            assert max(periods, slots) <= MOST_PERIODS
    assert tokens(calls, costs) <= tokens(one_by_one(wanted, period), costs)


@given(spans(), st.sampled_from(PERIODS_MINUTES))
def test_one_by_one_covers_every_period_once_within_the_cap(wanted: list[Span], period: int) -> None:
    calls = one_by_one(wanted, period)

    for span in wanted:
        assert tiles(covered(calls, span), span) if span.first <= span.last else not covered(calls, span)
    assert all((call.end_ts - call.start_ts) // (60 * period) + 1 <= MOST_PERIODS for call in calls)


def test_an_hour_of_a_ladder_is_two_calls_and_a_day_of_weather_is_two() -> None:
    ladder = [life(f"KXBTC-26JUL1002-B{n}", NOON, NOON + timedelta(hours=1), 1) for n in range(188)]
    weather = [life(f"KXHIGHNY-26JUL12-{n}", NOON, NOON + timedelta(hours=39), 1) for n in range(6)]

    assert tokens(together(ladder, 1, COSTS), COSTS) == 20
    assert tokens(one_by_one(ladder, 1), COSTS) == 1880
    assert tokens(together(weather, 1, COSTS), COSTS) == 20
    assert tokens(one_by_one(weather, 1), COSTS) == 60


def test_hourly_candles_of_three_days_of_weather_are_one_call() -> None:
    days = [
        life(f"KXHIGHNY-{day}-{n}", NOON + timedelta(days=day), NOON + timedelta(days=day, hours=39), 60)
        for day in range(3)
        for n in range(6)
    ]

    (call,) = together(days, 60, COSTS)

    assert call.batch
    assert sorted(call.tickers) == sorted(span.ticker for span in days)


def test_a_batch_that_costs_too_much_is_not_used() -> None:
    pair = [Span("A", START, START + 3600), Span("B", START, START + 3600)]

    assert [call.batch for call in together(pair, 1, CallCosts(single=2, batch=10))] == [False, False]


def test_windows_in_which_no_market_lives_are_not_asked_for() -> None:
    far = [Span("A", START, START + 60), Span("B", START + 86_400 * 365, START + 86_400 * 365 + 60)]

    calls = together(far, 1, COSTS)

    assert len(calls) == 2


def test_a_life_holds_its_first_and_last_possible_candle() -> None:
    span = life("A", NOON, NOON + timedelta(hours=1), 1)

    opened = int(NOON.timestamp())
    assert span.first <= opened + 60
    assert span.last == opened + 3600 + 60
    assert list(windows(span.first, span.last, 1, MOST_PERIODS)) == [(span.first, span.last)]


def test_a_market_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        together([Span("A", 0, 10), Span("A", 20, 30)], 1, COSTS)


def test_nothing_wanted_is_no_call() -> None:
    assert together([], 1, COSTS) == []
    assert one_by_one([Span("A", 10, 9)], 1) == []
