"""An entry that still bids beside its own position is no bid that the position could be sold to."""

import pytest

from mesh.types import Micros
from tests.fakes.trading import book, cents, moment
from tests.unit.trader.domain.test_guarding import Held, of
from trader.domain.entries import AnyEntry, ExitDecided, PeakMoved
from trader.domain.events import BookCame
from trader.domain.facts import ExitPlan
from trader.domain.protections import unrealised

STOP = ExitPlan(stop_loss=cents(47), floor=cents(1))
TRAILING = ExitPlan(trailing_from=cents(60), trailing_distance=Micros(50_000), floor=cents(1))


def looks(plan: ExitPlan, *bids: tuple[float, float]) -> tuple[AnyEntry, ...]:
    """Let these bids be looked at twice beside an entry for 5 contracts at 55c."""
    desk = Held(plan)
    desk.entry_order(5)
    return desk.tell(BookCame(book(no_bids=bids)), 20) + desk.tell(BookCame(book(no_bids=bids)), 25)


def test_a_stop_looks_through_our_own_bid_to_what_others_bid() -> None:
    (sold,) = of(ExitDecided, looks(STOP, (55, 5), (46, 100)))
    assert sold.top is not None
    assert (sold.top.bid, sold.top.bid_size) == (cents(46), 10_000)
    (alone,) = of(ExitDecided, looks(STOP, (55, 5)))
    assert alone.top is not None
    assert alone.top.bid is None


def test_who_bids_beside_us_is_counted() -> None:
    assert of(ExitDecided, looks(STOP, (55, 5.01), (46, 100))) == []


def test_our_own_bid_is_no_peak() -> None:
    assert [peak.bid for peak in of(PeakMoved, looks(TRAILING, (55, 5), (50, 100)))] == [cents(50)]


def test_our_own_bid_is_worth_nothing_to_a_position() -> None:
    desk = Held(STOP)
    desk.entry_order(5)
    desk.tell(BookCame(book(no_bids=[(55, 5), (46, 100)])), 20)
    shown = unrealised(desk.state, moment(20))
    desk.tell(BookCame(book(no_bids=[(46, 100)])), 21)
    assert unrealised(desk.state, moment(21)) == shown


@pytest.mark.parametrize(("shown", "sells"), [(True, True), (False, False)])
def test_our_bid_is_taken_off_only_where_books_show_it(*, shown: bool, sells: bool) -> None:
    desk = Held(STOP)
    desk.state.own_shown = shown  # the paper account's bids are in no book
    desk.entry_order(5)
    others = BookCame(book(no_bids=[(55, 5), (46, 100)]))
    assert bool(of(ExitDecided, desk.tell(others, 20) + desk.tell(others, 25))) is sells
