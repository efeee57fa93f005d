"""Which candles are asked for, of which tier, in which calls."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.planning import Tier, covered_end, end_from, end_until, over_at, plan, wanted
from collector.types import Grant, LeaseKey, MarketTask, Phase, Purpose
from mesh.kalshi.rest.candle_plan import CallCosts
from mesh.shards import Commit, Content, ShardFile, ShardKey

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPENS = datetime(2026, 7, 10, 14, tzinfo=UTC)
CLOSES = datetime(2026, 7, 11, 4, 59, tzinfo=UTC)
LATER = CLOSES + DAY
NEW_YORK = ZoneInfo("America/New_York")
STEPS = st.sampled_from([60, 3600, 86_400])
SECONDS = st.integers(1_600_000_000, 1_900_000_000)


def market(ticker: str = "KXHIGHNY-26JUL10-T87", **changes: Any) -> MarketTask:
    fields: dict[str, Any] = {"phase": Phase.SETTLED, "opens": OPENS, "closes": CLOSES}
    return MarketTask(ticker, **(fields | changes))


def grant(step: int = 3600, **changes: Any) -> Grant:
    fields: dict[str, Any] = {
        "lease": LeaseKey(ShardKey("KXHIGHNY", "KXHIGHNY-26JUL10", step), 1),
        "purpose": Purpose.COLLECT,
        "opens": OPENS,
        "closes": CLOSES,
        "settled": None,
        "fetch_from": None,
        "markets": (market(),),
        "base": None,
    }
    return Grant(**(fields | changes))


def base(covered: datetime) -> Commit:
    file = ShardFile("0" * 64, 1, 0, 0, None, None, "foremesh.candles", 1, Content.PRICES_AND_QUOTES)
    return Commit(1, 1, file, covered, 0, "spark", covered)


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def test_a_finished_market_is_asked_for_from_its_first_candle_to_its_last() -> None:
    want = wanted(grant(), market(), LATER, None)

    assert at(want.span.first) == datetime(2026, 7, 10, 15, tzinfo=UTC)
    assert at(want.span.last) == datetime(2026, 7, 11, 5, tzinfo=UTC)
    assert (want.opening, want.closing) == (want.span.first, want.span.last)


def test_a_market_that_closes_with_a_minute_may_have_a_candle_of_the_next() -> None:
    want = wanted(grant(60), market(closes=OPENS + HOUR), LATER, None)

    assert at(want.span.first) == OPENS + timedelta(minutes=1)
    assert at(want.span.last) == OPENS + timedelta(minutes=61)


def test_the_candle_that_is_still_forming_is_left_for_later() -> None:
    want = wanted(grant(), market(), OPENS + timedelta(hours=2, minutes=59), None)

    assert at(want.span.last) == OPENS + 2 * HOUR


def test_a_market_without_a_whole_candle_yet_is_not_asked_for() -> None:
    want = wanted(grant(), market(), OPENS + timedelta(minutes=59), None)

    assert want.empty
    assert plan([want], 60, CallCosts()) == []


@pytest.mark.parametrize("of_market", [True, False])
def test_a_refresh_begins_where_it_is_told(of_market: bool) -> None:
    since = OPENS + 5 * HOUR
    told = grant(fetch_from=None if of_market else since)
    want = wanted(told, market(fetch_from=since if of_market else None), LATER, None)

    assert at(want.span.first) == since


@pytest.mark.parametrize(
    ("before_cutoff", "tier", "both"),
    [
        (30 * DAY, Tier.ARCHIVE, False),
        (HOUR, Tier.ARCHIVE, True),
        (-HOUR, Tier.LIVE, True),
        (-30 * DAY, Tier.LIVE, False),
    ],
)
def test_what_settled_before_the_cutoff_is_in_the_archive_and_near_it_in_both(
    before_cutoff: timedelta, tier: Tier, both: bool
) -> None:
    settled = CLOSES + HOUR
    want = wanted(grant(settled=settled), market(), LATER, settled + before_cutoff)

    assert (want.tier, want.both) == (tier, both)


def test_a_market_that_still_trades_is_live_whatever_is_said_of_its_event() -> None:
    want = wanted(grant(settled=CLOSES), market(phase=Phase.OPEN), LATER, LATER + DAY)

    assert want.tier is Tier.LIVE


def test_a_market_that_was_settled_ahead_of_its_close_is_over_by_then() -> None:
    settled = OPENS + timedelta(hours=4, minutes=23)
    early = grant(settled=settled)
    want = wanted(early, market(), settled + HOUR, None)

    assert at(want.span.last) == OPENS + 5 * HOUR
    assert want.to_close
    assert over_at(early) == settled + HOUR


def test_an_unknown_cutoff_means_live_first() -> None:
    assert wanted(grant(settled=CLOSES), market(), LATER, None).tier is Tier.LIVE


def test_live_markets_go_together_and_archived_ones_alone() -> None:
    settled = CLOSES + HOUR
    live = [wanted(grant(), market(f"L{number}"), LATER, None) for number in range(188)]
    archived = [wanted(grant(settled=settled), market(f"A{number}"), LATER, settled + 30 * DAY) for number in range(3)]
    asks = plan([*live, *archived], 60, CallCosts())

    assert [(ask.tier, ask.call.batch) for ask in asks] == 2 * [(Tier.LIVE, True)] + 3 * [(Tier.ARCHIVE, False)]
    assert sorted(ticker for ask in asks for ticker in ask.call.tickers) == sorted(
        want.span.ticker for want in [*live, *archived]
    )


def test_a_market_that_comes_twice_is_refused() -> None:
    want = wanted(grant(), market(), LATER, None)
    with pytest.raises(ValueError, match="twice"):
        plan([want, want], 60, CallCosts())


def test_halves_of_a_call_ask_for_the_same_markets_and_times() -> None:
    (ask,) = plan([wanted(grant(), market(f"L{number}"), LATER, None) for number in range(3)], 60, CallCosts())
    first, second = ask.halves()

    assert first.call.tickers + second.call.tickers == ask.call.tickers
    assert (first.call.batch, second.call.batch) == (False, True)
    assert {(half.call.start_ts, half.call.end_ts) for half in ask.halves()} == {(ask.call.start_ts, ask.call.end_ts)}


def test_a_closed_event_is_covered_to_the_end_of_its_last_period() -> None:
    assert covered_end(grant(), LATER) == datetime(2026, 7, 11, 5, tzinfo=UTC)
    assert covered_end(grant(60), LATER) == CLOSES + timedelta(minutes=1)


def test_an_open_event_is_covered_to_the_last_whole_period() -> None:
    assert covered_end(grant(), OPENS + timedelta(hours=3, minutes=30)) == OPENS + 3 * HOUR


def test_a_retry_of_holes_covers_no_more_than_its_base() -> None:
    covered = OPENS + 2 * HOUR
    retry = grant(purpose=Purpose.RETRY_HOLES, base=base(covered))

    assert covered_end(retry, LATER) == covered


def test_an_event_is_over_when_its_last_market_can_have_no_more_candles() -> None:
    assert over_at(grant(markets=(market(), market("B", closes=CLOSES + DAY)))) == CLOSES + DAY + HOUR


@given(SECONDS, STEPS)
def test_ends_of_candles_lie_on_both_sides_of_any_second(second: int, step: int) -> None:
    before, after = end_until(second, step), end_from(second, step)

    assert before <= second <= after
    assert (before == second) == (after == second)
    assert end_from(before, step) == before
    assert end_until(after, step) == after
    assert end_from(before + 1, step) == (after if before < second else end_from(second + 1, step))


@given(SECONDS)
def test_days_end_at_midnight_in_new_york_on_every_date(second: int) -> None:
    ends = at(end_from(second, 86_400)).astimezone(NEW_YORK)

    assert (ends.hour, ends.minute, ends.second) == (0, 0, 0)
    assert end_from(second, 86_400) - end_until(second - 1, 86_400) in (23 * 3600, 24 * 3600, 25 * 3600)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60), st.integers(-5, 70)), min_size=1, max_size=30),
    st.sampled_from([60, 3600]),
    st.integers(0, 100),
)
def test_every_wanted_candle_is_in_exactly_one_call(lives: list[tuple[int, int, int]], step: int, settled: int) -> None:
    wants = [
        wanted(
            grant(step),
            market(
                f"M{number}",
                opens=OPENS + timedelta(minutes=opened),
                closes=OPENS + timedelta(minutes=opened + lasted),
                fetch_from=OPENS + timedelta(minutes=since) if since >= 0 else None,
            ),
            OPENS + timedelta(minutes=settled),
            None,
        )
        for number, (opened, lasted, since) in enumerate(lives)
    ]
    calls = [ask.call for ask in plan(wants, step // 60, CallCosts())]
    for want in wants:
        mine = [call for call in calls if want.span.ticker in call.tickers]
        for end in range(want.span.first, want.span.last + 1, step):
            assert sum(call.start_ts <= end <= call.end_ts for call in mine) == 1
        assert not (want.empty and mine)
    assert all(call.end_ts <= (OPENS + timedelta(minutes=settled)).timestamp() + step for call in calls)


def test_the_plan_of_the_next_hour_is_that_of_the_last_with_its_own_markets_and_times() -> None:
    def calls(hour: int) -> list[Any]:
        times = {"opens": OPENS + hour * HOUR, "closes": OPENS + (hour + 1) * HOUR}
        wants = [wanted(grant(60), market(f"H{hour}-{number:03}", **times), LATER, None) for number in range(188)]
        return [ask.call for ask in plan(wants, 1, CallCosts())]

    for first, second in zip(calls(0), calls(1), strict=True):
        assert second.tickers == tuple(ticker.replace("H0", "H1") for ticker in first.tickers)
        assert (second.start_ts - first.start_ts, second.end_ts - first.end_ts) == (3600, 3600)
