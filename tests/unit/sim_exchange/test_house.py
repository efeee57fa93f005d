"""The simulation's own ladders and takers."""

import pytest

from mesh.types import Hundredths
from sim_exchange.domain.events import BookChanged, Filled, Traded
from sim_exchange.domain.results import PauseScope
from sim_exchange.domain.types import Refused
from tests.fakes.exchange_engine import (
    ASK,
    BID,
    CLOSE,
    NOW,
    RAIN,
    book,
    cents,
    contracts,
    engine,
    held,
    ladder,
    only,
    place,
    usd,
)


def test_a_ladder_is_laid_and_changed_with_as_few_changes_as_needed() -> None:
    exchange = engine()
    exchange.set_book(RAIN, ladder((48, 5), (47, 5)), ladder((52, 5)), NOW)
    assert book(exchange) == ([(48, 5), (47, 5)], [(52, 5)])
    exchange.take_events()
    exchange.set_book(RAIN, ladder((48, 5), (47, 2), (46, 1)), ladder((53, 5)), NOW)
    told = {(one.side, one.price, one.delta) for one in only(exchange.take_events(), BookChanged)}
    assert told == {
        (BID, cents(47), contracts(-3)),
        (BID, cents(46), contracts(1)),
        (ASK, cents(52), contracts(-5)),
        (ASK, cents(53), contracts(5)),
    }
    exchange.set_book(RAIN, ladder((48, 5), (47, 2), (46, 1)), ladder((53, 5)), NOW)
    assert exchange.take_events() == []


def test_members_queue_with_the_house() -> None:
    exchange = engine()
    exchange.set_book(RAIN, ladder((48, 5)), [], NOW)
    mine = place(exchange, "ann", BID, 48, 2).order
    exchange.set_book(RAIN, ladder((48, 9)), [], NOW)
    assert exchange.queue_position(mine) == contracts(5)
    # A shorter ladder gives up what stands behind the member first.
    exchange.set_book(RAIN, ladder((48, 5)), [], NOW)
    assert exchange.queue_position(mine) == contracts(5)
    exchange.set_book(RAIN, ladder((48, 3)), [], NOW)
    assert exchange.queue_position(mine) == contracts(3)
    assert exchange.house_trade(RAIN, ASK, cents(48), contracts(4), NOW) == contracts(4)
    assert held(exchange, "ann") == 1
    # What comes after the member stays after it.
    exchange.set_book(RAIN, ladder((48, 9)), [], NOW)
    assert exchange.queue_position(mine) == 0


def test_what_members_took_stays_taken_until_the_level_is_empty() -> None:
    exchange = engine()
    exchange.set_book(RAIN, [], ladder((52, 10)), NOW)
    place(exchange, "ann", BID, 52, 4)
    for count, left in ((10, 6), (12, 8), (3, 0), (10, 6)):
        exchange.set_book(RAIN, [], ladder((52, count)), NOW)
        assert sum(level[1] for level in book(exchange)[1]) == left
    exchange.set_book(RAIN, [], [], NOW)
    exchange.set_book(RAIN, [], ladder((52, 10)), NOW)
    assert book(exchange)[1] == [(52, 10)]


def test_what_the_house_trades_with_itself_is_laid_again() -> None:
    exchange = engine()
    exchange.set_book(RAIN, [], ladder((52, 10)), NOW)
    assert exchange.house_trade(RAIN, BID, cents(52), contracts(4), NOW) == contracts(4)
    (traded,) = only(exchange.take_events(), Traded)
    assert (traded.house_only, traded.open_interest) == (True, contracts(4))
    exchange.set_book(RAIN, [], ladder((52, 10)), NOW)
    assert book(exchange)[1] == [(52, 10)]


def test_a_ladder_that_meets_a_member_trades_at_the_member_s_price_once() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 45, 3)
    place(exchange, "ann", ASK, 50, 10)
    exchange.take_events()
    for _ in range(3):
        exchange.set_book(RAIN, ladder((50, 5)), [], NOW)
    told = exchange.take_events()
    assert [(one.trade.price, one.trade.count, one.trade.taker_side) for one in only(told, Traded)] == [
        (cents(45), contracts(3), BID),
        (cents(50), contracts(2), BID),
    ]
    assert [filled.fill.is_taker for filled in only(told, Filled)] == [False, False]
    assert book(exchange) == ([], [(50, 8)])
    exchange.set_book(RAIN, ladder((50, 20)), [], NOW)
    assert book(exchange) == ([(50, 7)], [])


def test_a_ladder_moves_through_where_it_was_without_trading_with_itself() -> None:
    exchange = engine()
    exchange.set_book(RAIN, ladder((48, 5)), ladder((50, 5)), NOW)
    exchange.set_book(RAIN, ladder((50, 5)), ladder((52, 5)), NOW)
    assert only(exchange.take_events(), Traded) == []
    assert book(exchange) == ([(50, 5)], [(52, 5)])


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        (ladder((50, 5)), ladder((50, 5))),
        (ladder((51, 5)), ladder((50, 5))),
        (ladder(("50.5", 5)), []),
        (ladder((50, 0)), []),
        ([], ladder((100, 5))),
    ],
)
def test_impossible_ladders_are_errors(bids: list[tuple[int, Hundredths]], asks: list[tuple[int, Hundredths]]) -> None:
    exchange = engine()
    with pytest.raises(ValueError, match=r"ladder|level"):
        exchange.set_book(RAIN, bids, asks, NOW)
    assert book(exchange) == ([], [])


def test_the_house_rests_in_pauses_and_after_the_close() -> None:
    exchange = engine()
    exchange.set_book(RAIN, ladder((48, 5)), [], NOW)
    exchange.pause(PauseScope.TRADING, 0, NOW)
    exchange.set_book(RAIN, ladder((40, 1)), [], NOW)
    assert exchange.house_trade(RAIN, ASK, cents(48), contracts(1), NOW) == 0
    assert book(exchange) == ([(48, 5)], [])
    exchange.resume(PauseScope.TRADING, 0, NOW)
    exchange.take_events()
    exchange.advance(CLOSE)
    assert [one.delta for one in only(exchange.take_events(), BookChanged)] == [contracts(-5)]
    exchange.set_book(RAIN, ladder((48, 5)), [], CLOSE)
    assert book(exchange) == ([], [])
    with pytest.raises(Refused, match="404"):
        exchange.set_book("KXNONE-1-T1", [], [], CLOSE)


def test_members_money_against_the_house_adds_up() -> None:
    exchange = engine()
    exchange.set_book(RAIN, ladder((48, 50)), ladder((52, 50)), NOW)
    place(exchange, "ann", BID, 52, 20)
    place(exchange, "ben", ASK, 48, 30)
    exchange.house_trade(RAIN, BID, cents(60), contracts(7), NOW)
    assert exchange.money_held() == exchange.deposited == usd(600)
    house = [position for name in exchange.house_accounts for position in exchange.positions_of(name)]
    assert sum(position.count for position in house) == contracts(10)
