"""When a walk decides, on what and in which order; and that it is the same whatever is left out of the telling."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from mesh.types import Hundredths
from research.pauses import KNOWN, Night
from research.rows import TradeRow
from research.timeline import in_order
from research.types import Defects, EntryPolicy, RecordedEvent, RecordedMarket
from research.walk import WalkPlan, walk
from tests.fakes.research import BEGIN, event, market, strip
from tests.fakes.research_walk import invented, plan, rows, said
from trader.domain.settings import Settings

HOUR = timedelta(hours=1)
THURSDAY = (Night(start=time(3), end=time(5), weekdays=frozenset({3})),)


def quoted(*quotes: tuple[float | None, float | None], ticker: str = "KXHIGHNY-25JAN02-T40") -> RecordedMarket:
    candles = strip([bid for bid, _ in quotes], [ask for _, ask in quotes])
    return market(candles, ticker=ticker, pays=False)


def entered(found: list[TradeRow]) -> list[tuple[str, datetime]]:
    return [(row.market_ticker.rpartition("-")[2], row.decision_time) for row in found]


def test_of_one_scan_the_boldest_signal_is_entered_first_and_of_equals_the_first_ticker() -> None:
    markets = [quoted((44, 46), ticker=f"KXHIGHNY-25JAN02-{name}") for name in ("B1", "B2", "B3")]
    settings = Settings()
    rules = settings.rules.model_copy(update={"max_trades_per_series_per_scan": 1})
    one = plan(settings.model_copy(update={"rules": rules}))
    bold = said(markets[0], 0) | said(markets[1], 0, magnitude=13.0) | said(markets[2], 0, magnitude=13.0)
    assert [row.market_ticker for row in rows([event(*markets)], bold, one)] == ["KXHIGHNY-25JAN02-B2"]


def test_a_market_is_entered_again_after_it_was_sold() -> None:
    recorded = quoted((44, 46), (20, 22), (44, 46), (20, 22))
    found = rows([event(recorded)], said(recorded, 0, 2))
    assert [row.exit_kind for row in found] == ["take_profit", "take_profit"]
    assert entered(found) == [("T40", BEGIN + HOUR), ("T40", BEGIN + 3 * HOUR)]


def test_a_quote_that_crosses_itself_is_not_known_and_sets_off_no_stop() -> None:
    recorded, defects = quoted((44, 46), (60, 55), (44, 46)), Defects()
    (row,) = rows([event(recorded)], said(recorded, 0), defects=defects)
    assert row.exit_kind == "settlement"
    assert defects.counts == {"quote_not_known": 1}


def test_nothing_is_bought_on_a_quote_that_crosses_itself() -> None:
    recorded, defects = quoted((44, 44)), Defects()
    assert rows([event(recorded)], said(recorded, 0), defects=defects) == []
    assert defects.counts == {"quote_not_known": 1, "decision_without_quote": 1}


def test_a_quote_holds_until_the_next_candle_and_is_bought_on() -> None:
    path = strip([44.0], [46.0])
    recorded = market(strip([44.0] * 3, [46.0] * 3), path=path, pays=False)
    assert entered(rows([event(recorded)], said(recorded, 2))) == [("T40", BEGIN + 3 * HOUR)]


def test_a_quote_is_lost_when_it_is_older_than_is_allowed() -> None:
    path = strip([44.0], [46.0])
    recorded, defects = market(strip([44.0] * 3, [46.0] * 3), path=path, pays=False), Defects()
    stale = plan(stale_seconds=3600)
    assert rows([event(recorded)], said(recorded, 2), stale, defects) == []
    assert defects.counts == {"decision_without_quote": 1}


def test_nothing_is_sold_on_a_lost_quote_and_the_next_one_is_acted_on() -> None:
    # The quote that reaches the stop is lost 3 seconds later, before the second check; the next is three hours on.
    path = strip([44.0, 50.0, 52.0], [46.0, 52.0, 54.0], ends=[int((BEGIN + n * HOUR).timestamp()) for n in (1, 2, 5)])
    recorded = market(strip([44.0], [46.0]), path=path, pays=False)
    (row,) = rows([event(recorded)], said(recorded, 0), plan(stale_seconds=3))
    assert row.exit_price_micros == 460_000
    assert row.exit_time == BEGIN + 5 * HOUR + timedelta(seconds=1)


def test_a_decision_without_both_sides_is_counted() -> None:
    recorded, defects = quoted((44, None), (None, 46)), Defects()
    assert rows([event(recorded)], said(recorded, 0, 1), defects=defects) == []
    assert defects.counts == {"decision_on_one_side": 2}


def test_an_order_meets_what_is_quoted_a_latency_later() -> None:
    # A minute later NO is offered at 57, within the limit of 58.
    path = strip([44.0, 43.0], [46.0, 46.0], step_seconds=60)
    recorded = market(strip([44.0], [46.0], ends=[int(path.ends[0])]), path=path, pays=False)
    (now,) = rows([event(recorded)], said(recorded, 0), patient(59))
    (late,) = rows([event(recorded)], said(recorded, 0), patient(61))
    assert (now.entry_price_micros, late.entry_price_micros) == (560_000, 570_000)


def test_an_order_that_nothing_is_offered_to_is_no_trade() -> None:
    path = strip([44.0, 30.0], [46.0, 32.0], step_seconds=60)
    recorded = market(strip([44.0], [46.0], ends=[int(path.ends[0])]), path=path, pays=False)
    assert rows([event(recorded)], said(recorded, 0), patient(61)) == []


def test_an_order_that_comes_when_its_time_is_over_is_no_trade() -> None:
    recorded = quoted((44, 46))
    assert rows([event(recorded)], said(recorded, 0), plan(latency=timedelta(seconds=15))) == []


def test_fees_can_be_multiplied_and_quotes_made_worse() -> None:
    recorded = quoted((44, 46), (20, 22))
    twice, worse = plan(fee_factor=Decimal(2)), plan(worse_ticks=1)
    (plain,) = rows([event(recorded)], said(recorded, 0))
    (dear,) = rows([event(recorded)], said(recorded, 0), twice)
    (wide,) = rows([event(recorded)], said(recorded, 0, magnitude=14.0), worse)
    # 3 dollars pay for 4 now: 0.14 x 4 x 0.56 x 0.44 = 0.137984.
    assert (plain.entry_fee_micros, dear.entry_fee_micros) == (86_300, 138_000)
    assert (wide.entry_price_micros, wide.exit_price_micros) == (570_000, 770_000)


@pytest.mark.parametrize("end", [7, 9])
def test_no_stop_sells_while_the_exchange_pauses(end: int) -> None:
    # Thursday 2 o'clock in New York is 6 UTC: the pause is from 7 to 9.
    begin = datetime(2025, 6, 5, 5, tzinfo=UTC)
    candles = strip([44.0, 50.0, 50.0, 50.0], [46.0, 52.0, 52.0, 52.0], begin=begin)
    recorded = market(candles, close=begin + timedelta(days=1), pays=False)
    (row,) = rows([event(recorded)], said(recorded, 0), plan(nights=THURSDAY if end == 9 else ()))
    assert row.exit_kind == "stop_loss"
    assert row.exit_time == datetime(2025, 6, 5, end, 0, 6, 1000, tzinfo=UTC)


def test_half_as_much_is_bought_before_a_pause_and_nothing_shortly_before_or_in_it() -> None:
    begin = datetime(2025, 6, 5, 5, tzinfo=UTC)
    ends = [int((begin + timedelta(minutes=minutes)).timestamp()) for minutes in (60, 115, 150, 300)]
    recorded = market(strip([44.0] * 4, [46.0] * 4, ends=ends), close=begin + timedelta(days=1), pays=False)
    found = rows(
        [event(recorded)], said(recorded, 0, 1, 2, 3), plan(nights=THURSDAY, entry_policy=EntryPolicy.INDEPENDENT)
    )
    assert [(row.decision_time, row.contract_count) for row in found] == [
        (begin + timedelta(minutes=60), 200),
        (begin + timedelta(minutes=300), 500),
    ]


def test_known_pauses_are_nightly_until_may_2025_and_then_on_thursdays() -> None:
    def on(day: date) -> list[tuple[datetime, datetime]]:
        return [span for night in KNOWN if (span := night.on(day)) is not None]

    assert on(date(2025, 1, 3)) == [(datetime(2025, 1, 3, 8, tzinfo=UTC), datetime(2025, 1, 3, 13, tzinfo=UTC))]
    assert on(date(2025, 7, 3)) == [(datetime(2025, 7, 3, 7, tzinfo=UTC), datetime(2025, 7, 3, 9, tzinfo=UTC))]
    assert on(date(2025, 7, 4)) == []


def test_the_predecessor_entered_once_halfway_through_a_markets_candles() -> None:
    recorded = quoted(*[(44, 46)] * 7)
    found = rows([event(recorded)], said(recorded, *range(7)), plan(entry_policy=EntryPolicy.PREDECESSOR))
    assert entered(found) == [("T40", BEGIN + 4 * HOUR)]


def test_independent_decisions_are_each_walked_as_if_there_were_no_other() -> None:
    recorded, answers = invented(seed=3, count=7)
    alone = [
        row
        for (ticker, at), forecast in sorted(answers.items(), key=lambda each: (each[0][1], each[0][0]))
        for row in rows(recorded, {(ticker, at): forecast})
    ]
    together = rows(recorded, answers, plan(entry_policy=EntryPolicy.INDEPENDENT))
    assert len(together) > len(rows(recorded, answers))
    assert sorted(together, key=_key) == sorted(alone, key=_key)


@pytest.mark.parametrize("timed", [None, 1000.0])
def test_a_trader_who_is_told_everything_at_every_check_makes_the_same_trades(timed: float | None) -> None:
    settings = Settings()
    exits = settings.exits.model_copy(update={"check_seconds": 20.0, "time_stop_seconds": timed})
    rules = settings.rules.model_copy(update={"min_seconds_to_close": 60.0})
    recorded, answers = invented(seed=1, step_seconds=150)
    told = plan(settings.model_copy(update={"exits": exits, "rules": rules}), assumed_size=Hundredths(700))
    quick, slow = (rows(recorded, answers, replace(told, attentive=attentive)) for attentive in (True, False))
    assert len(quick) > 5
    for one, other in zip(quick, slow, strict=True):
        # Its checks have another beat, so a sale may be a beat later; nothing else differs.
        assert abs(one.exit_time - other.exit_time) <= timedelta(seconds=21)
        assert asdict(replace(one, exit_time=other.exit_time, known_time=other.known_time)) == asdict(other)


def test_a_walk_is_the_same_in_whatever_order_its_events_and_markets_come() -> None:
    recorded, answers = invented(seed=5)
    turned = [replace(each, markets=each.markets[::-1]) for each in reversed(recorded)]
    assert rows(recorded, answers) == rows(turned, answers)


def test_events_may_stream_in_the_order_of_their_first_candles() -> None:
    recorded, answers = invented(seed=5)

    def coming(events: list[RecordedEvent]) -> Iterator[RecordedEvent]:
        yield from events

    assert rows(coming(list(in_order(recorded))), answers) == rows(recorded, answers)
    with pytest.raises(ValueError, match="begins before"):
        rows(coming(list(in_order(recorded))[::-1]), answers)


def test_a_walk_of_nothing_gives_nothing() -> None:
    assert rows([], {}) == []


def test_entries_of_the_journal_can_be_watched() -> None:
    recorded = quoted((44, 46), (20, 22))
    seen: list[str] = []
    list(
        walk([event(recorded)], said(recorded, 0), plan(), Defects(), lambda _, each: seen.append(type(each).__name__))
    )
    assert [name for name in seen if name in {"Decided", "ExitDecided", "PositionClosed"}] == [
        "Decided", "ExitDecided", "PositionClosed",
    ]  # fmt: skip


def patient(seconds: float) -> WalkPlan:
    """A plan in which orders come so late, and wait for a quarter of an hour."""
    settings = Settings()
    entries = settings.entries.model_copy(update={"expire_seconds": 900.0})
    return plan(settings.model_copy(update={"entries": entries}), latency=timedelta(seconds=seconds))


def _key(row: TradeRow) -> tuple[datetime, str]:
    return row.decision_time, row.market_ticker
