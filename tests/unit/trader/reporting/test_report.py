from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.kalshi.sides import Action
from mesh.types import Micros, Side, cost
from tests.fakes.trading import NOON, book, contracts, moment
from tests.unit.trader.reporting.trading_days import Days, Try
from trader.domain.entries import Filled, PositionClosed, Settled
from trader.domain.events import BookCame
from trader.domain.state import State
from trader.domain.words import ExitKind
from trader.ports import Recorded
from trader.reporting.figures import Figures
from trader.reporting.positions import Mark, marks
from trader.reporting.report import Question, report

NEW_YORK = ZoneInfo("America/New_York")
SERIES = ("KXHIGHNY", "KXBTCD", "KXINX")


@st.composite
def lives(draw: st.DrawFn) -> Days:
    """Make a trader's days: up to a dozen signals, hours or days apart."""
    days, at = Days(), 0.0
    for number in range(draw(st.integers(0, 12))):
        at += draw(st.sampled_from((1800.0, 20_000.0, 90_000.0)))
        days.live(
            Try(
                ticker=f"{draw(st.sampled_from(SERIES))}-E{draw(st.integers(0, 3))}-T{number}",
                at=at,
                magnitude=draw(st.sampled_from((2.0, 9.0, 15.0))),
                side=draw(st.sampled_from((Side.NO, Side.NO, Side.NO, Side.YES))),
                ask=draw(st.integers(30, 70)),
                filled=draw(st.sampled_from((0, 30, 100, 100))),
                answer=draw(st.sampled_from(("accepted", "accepted", "accepted", "refused", "unknown"))),
                ends=draw(st.sampled_from(("target", "stop", "won", "lost", "open"))),
                below=draw(st.integers(0, 5)),
                fee=draw(st.integers(0, 90_000)),
                shadow=draw(st.sampled_from((0, 0, 40, 100))),
            )
        )
    return days


def added(parts: Iterable[Figures]) -> Counter[str]:
    """Add up what can be added up."""
    found: Counter[str] = Counter()
    for part in parts:
        names = ("trades", "gains", "losses", "count", "cost", "gross", "fees", "net")
        found.update({name: int(getattr(part, name)) for name in names})
    return found


def by_hand(rows: Iterable[Recorded]) -> tuple[int, int]:
    """Reckon net result and fees of closed positions from nothing but fills and settlements."""
    net: Counter[str] = Counter()
    fees: Counter[str] = Counter()
    closed = []
    for recorded in rows:
        match recorded.entry:
            case Filled(fill=fill, position_id=name):
                amount = cost(fill.price, fill.count)
                net[name] += (-amount if fill.action is Action.BUY else amount) - fill.fee
                fees[name] += fill.fee
            case Settled(position_id=name, revenue=revenue):
                net[name] += revenue
            case PositionClosed(trade=trade):
                closed.append(trade.position_id)
            case _:
                pass
    return sum(net[name] for name in closed), sum(fees[name] for name in closed)


@settings(max_examples=25, deadline=None)
@given(lives(), st.sampled_from(("UTC", "America/New_York", "Asia/Kathmandu")))
def test_every_total_is_the_sum_of_its_rows_and_of_the_fills(days: Days, zone: str) -> None:
    found = report(days.rows(), Question(zone=ZoneInfo(zone)))
    assert found.rows is not None
    assert (found.total.net, found.total.fees) == by_hand(days.rows())
    assert found.total.net == sum(row.trade.net for row in found.rows)
    whole = added([found.total])
    groups = found.groups
    for parts in (groups.by_day, groups.by_series, groups.by_exit_kind, groups.by_hour):
        assert added(parts.values()) == whole
    assert (found.curve[-1].net if found.curve else 0) == found.total.net
    realised = sum(each.realised for each in found.positions.each)
    assert found.total.net + realised == days.state.books.total.net


@settings(max_examples=25, deadline=None)
@given(lives())
def test_the_funnel_loses_nothing_on_its_way(days: Days) -> None:
    funnel = report(days.rows(), Question()).funnel
    assert funnel.entries == funnel.decisions - sum(step.refused_first for step in funnel.steps)
    assert funnel.markets == sum(funnel.outcomes.values())
    left = funnel.decisions
    for step in funnel.steps:
        assert step.reached == left
        assert step.refused_first <= step.refused <= funnel.decisions
        left -= step.refused_first
    assert left == funnel.entries


@settings(max_examples=25, deadline=None)
@given(lives(), st.integers(0, 300_000))
def test_two_spans_that_meet_come_to_what_the_whole_comes_to(days: Days, seconds: int) -> None:
    cut = NOON + timedelta(seconds=seconds)
    whole, before, after = (
        report(days.rows(), question) for question in (Question(), Question(end=cut), Question(start=cut))
    )
    assert added([before.total, after.total]) == added([whole.total])
    assert before.funnel.decisions + after.funnel.decisions == whole.funnel.decisions
    assert before.funnel.markets + after.funnel.markets == whole.funnel.markets
    assert before.entries.orders + after.entries.orders == whole.entries.orders
    assert before.exits.slippage + after.exits.slippage == whole.exits.slippage
    assert before.positions == after.positions == whole.positions


@settings(max_examples=25, deadline=None)
@given(lives())
def test_reports_on_each_series_add_up_to_the_report_on_all(days: Days) -> None:
    whole = report(days.rows(), Question())
    parts = [report(days.rows(), Question(series=frozenset({name}))) for name in (*SERIES, "KXOTHER")]
    assert added(part.total for part in parts) == added([whole.total])
    for of in ("signals", "decisions", "entries", "markets"):
        assert sum(getattr(part.funnel, of) for part in parts) == getattr(whole.funnel, of)
    assert sum(part.entries.orders for part in parts) == whole.entries.orders
    assert sum(part.positions.count for part in parts) == whole.positions.count


@settings(max_examples=25, deadline=None)
@given(lives())
def test_orders_are_filled_in_full_in_part_or_not(days: Days) -> None:
    found = report(days.rows(), Question())
    for figures in (found.entries, found.exits):
        assert figures.orders == figures.filled + figures.partly + figures.unfilled
        assert figures.rejected <= figures.unfilled
        assert (figures.fill_ratio is None) == (figures.orders == 0)


def test_a_journal_without_entries_has_a_report_of_nothing() -> None:
    found = report([], Question())
    assert found.mode is None
    assert found.total == Figures()
    assert found.rows == ()
    assert found.start < found.end
    assert found.mean_net_cents is None
    assert found.positions.unrealised == 0
    assert found.shadow is None
    assert found.entries.fill_ratio is None


def test_only_losses_are_reported_as_losses() -> None:
    days = Days()
    for number in range(3):
        days.live(Try(ticker=f"KXHIGHNY-E{number}-T1", at=1000.0 * number, ends="lost"))
    found = report(days.rows(), Question())
    assert (found.total.trades, found.total.gains, found.total.losses) == (3, 0, 3)
    assert found.total.net == 3 * (-5 * 560_000 - 10_000)
    assert found.total.mean_net_cents == pytest.approx(-56.2)
    assert found.mean_net_cents is not None
    assert found.mean_net_cents.low is None  # not enough data


@pytest.mark.parametrize(
    ("closes", "day", "hour"),
    [
        ("2027-11-07T05:59:00+00:00", date(2027, 11, 7), 1),  # 01:59 EDT
        ("2027-11-07T06:30:00+00:00", date(2027, 11, 7), 1),  # 01:30 EST: the hour comes again
        ("2027-11-07T07:30:00+00:00", date(2027, 11, 7), 2),
        ("2027-03-14T06:59:00+00:00", date(2027, 3, 14), 1),
        ("2027-03-14T07:01:00+00:00", date(2027, 3, 14), 3),  # two o'clock is left out
        ("2027-11-08T04:59:00+00:00", date(2027, 11, 7), 23),
        ("2027-11-08T05:00:00+00:00", date(2027, 11, 8), 0),
    ],
)
def test_days_and_hours_are_those_of_the_zone_also_in_nights_when_clocks_change(
    closes: str, day: date, hour: int
) -> None:
    instant = datetime.fromisoformat(closes)
    days = Days()
    at = (instant - NOON).total_seconds() - 2
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=at, ends="won", held_seconds=2.0))
    found = report(days.rows(), Question(zone=NEW_YORK))
    assert list(found.groups.by_day) == [day]
    assert found.rows is not None
    assert found.rows[0].trade.close_time == instant
    assert found.rows[0].hour == hour  # it was opened in the same instant


def test_slippage_is_what_was_paid_above_the_ask_and_sold_below_the_trigger() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="stop", below=3))
    days.live(Try(ticker="KXHIGHNY-E2-T1", at=5000.0, ends="target"))
    found = report(days.rows(), Question())
    assert found.entries.slippage == 0
    assert found.exits.slippage == 5 * 30_000
    assert found.exits.priced_count == contracts(10)
    assert found.exits.mean_slippage_cents == pytest.approx(1.5)


def test_orders_that_were_refused_or_unknown_are_counted_as_such() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, answer="refused"))
    days.live(Try(ticker="KXHIGHNY-E2-T1", at=1000.0, answer="unknown", ends="won"))
    days.live(Try(ticker="KXHIGHNY-E3-T1", at=2000.0, filled=40, ends="won"))
    found = report(days.rows(), Question()).entries
    assert (found.orders, found.filled, found.partly, found.unfilled) == (3, 1, 1, 1)
    assert (found.rejected, found.unknown) == (1, 1)
    assert found.fill_ratio == pytest.approx(7 / 15)


def test_open_positions_are_marked_at_the_bids_after_fees_and_are_in_no_sum() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="open"))
    unmarked = report(days.rows(), Question())
    assert (unmarked.positions.count, unmarked.positions.unrealised, unmarked.positions.unmarked) == (1, None, 1)
    came = BookCame(book("KXHIGHNY-E1-T1", no_bids=[(60.0, 100.0)], no_asks=[(62.0, 100.0)]))
    days.tell(came, 100.0)
    marked = report(days.rows(), Question(marks=_marks(days.state)))
    # 5 contracts: bought at 56 for a fee of 1 cent, sold at 60 for 0.07 * 0.6 * 0.4 dollars each.
    assert marked.positions.unrealised == 5 * 40_000 - 10_000 - 5 * 16_800
    assert marked.total == Figures()
    other = {name: Mark(contracts(3), Micros(1)) for name in _marks(days.state)}
    assert report(days.rows(), Question(marks=other)).positions.unrealised is None  # of another count


def _marks(state: State) -> dict[str, Mark]:
    return marks(state, moment(100.0))


def test_exits_are_grouped_by_their_last_kind_in_the_order_of_the_contract() -> None:
    days = Days()
    for number, ends in enumerate(("won", "stop", "target")):
        days.live(Try(ticker=f"KXHIGHNY-E{number}-T1", at=2000.0 * number, ends=ends))
    kinds = list(report(days.rows(), Question()).groups.by_exit_kind)
    assert kinds == [ExitKind.TAKE_PROFIT, ExitKind.STOP_LOSS, ExitKind.SETTLEMENT]


def test_rows_that_are_no_journals_are_refused() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won"))
    fills = (each for each in days.rows() if isinstance(each.entry, Filled))
    with pytest.raises(KeyError):
        report(fills, Question())


def test_a_rule_that_refuses_after_another_is_counted_without_being_first() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, side=Side.YES, magnitude=2.0))
    steps = {step.rule: step for step in report(days.rows(), Question()).funnel.steps}
    assert (steps["side"].refused_first, steps["side"].refused) == (1, 1)
    assert (steps["magnitude"].reached, steps["magnitude"].refused_first, steps["magnitude"].refused) == (0, 0, 1)
    assert steps["magnitude"].bounds is not None
    assert steps["magnitude"].bounds.at_least == 5.0
