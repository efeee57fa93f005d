"""The checks that make a stop: each rests on a price that was seen for it."""

from tests.fakes.trading import TICKER, book
from tests.unit.trader.domain.test_guarding import Held, of, only
from trader.domain.entries import ExitDecided
from trader.domain.events import BookCame, BooksConfirmed, BooksLost, ExchangeSeen, Tick
from trader.domain.words import ExchangeState, ExitKind


def test_one_price_is_no_two_checks_however_long_it_may_be_relied_on() -> None:
    desk = Held()
    desk.see(46, 20)
    for seconds in range(21, 31):
        assert not of(ExitDecided, desk.tell(Tick(), seconds))
    desk.tell(BooksConfirmed((TICKER,)), 30.5)
    assert only(of(ExitDecided, desk.tell(Tick(), 31))).exit_kind is ExitKind.STOP_LOSS


def test_a_price_that_is_confirmed_counts_like_one_that_comes() -> None:
    desk = Held()
    desk.see(46, 20)
    desk.tell(BooksConfirmed((TICKER,)), 24)
    assert of(ExitDecided, desk.tell(Tick(), 25))


def test_prices_that_are_lost_for_a_moment_take_no_check_away() -> None:
    desk = Held()
    desk.see(46, 20)
    for seconds in (21, 22, 23, 24):  # a line that breaks again and again must not keep a stop from firing
        desk.tell(BooksLost(None), seconds)
        desk.tell(Tick(), seconds + 0.2)
        desk.tell(BookCame(book(no_bids=[(46, 100)])), seconds + 0.4)
    assert of(ExitDecided, desk.see(46, 25))


def test_two_prices_make_a_stop_however_long_there_was_none_between_them() -> None:
    desk = Held()
    desk.see(46, 20)
    desk.tell(BooksLost(None), 21)
    for seconds in range(22, 40):
        assert not of(ExitDecided, desk.tell(Tick(), seconds))
    assert of(ExitDecided, desk.see(46, 40))  # else an exchange that answers every 20 s would have no stop


def test_a_pause_in_which_no_price_is_known_takes_checks_away_as_well() -> None:
    desk = Held()
    desk.see(46, 20)
    desk.tell(BooksLost(None), 21)
    desk.tell(ExchangeSeen(ExchangeState.TRADING_PAUSED), 22)
    desk.tell(Tick(), 23)
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 26)
    assert not of(ExitDecided, desk.see(46, 27))
    assert of(ExitDecided, desk.see(46, 32))
