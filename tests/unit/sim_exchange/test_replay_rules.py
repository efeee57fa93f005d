"""How members' orders meet a recording, which cannot answer them; and the withdrawal of liquidity on demand."""

from datetime import timedelta

import pytest

from mesh.kalshi.terms import MarketStatus, OrderStatus, Result, UpdateReason
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import BookChanged, Filled, Traded
from sim_exchange.domain.exchange import SHARDS, Exchange
from sim_exchange.domain.results import PauseScope
from sim_exchange.domain.types import Amendment, Refused
from sim_exchange.invariants import check
from tests.fakes.exchange_engine import (
    ASK,
    BID,
    CLOSE,
    IOC,
    NOW,
    RAIN,
    SNOW,
    book,
    cents,
    contracts,
    engine,
    held,
    ladder,
    only,
    place,
)

LATER = NOW + timedelta(seconds=1)


def quote(
    exchange: Exchange, bids: list[tuple[int, Hundredths]], asks: list[tuple[int, Hundredths]], *, through: bool = True
) -> None:
    exchange.set_book(RAIN, bids, asks, NOW, through=through)


def told(exchange: Exchange) -> list[tuple[int, int, bool]]:
    """Price in cents, contracts, and whether nobody but the house took part, of each trade since the last look."""
    traded = only(exchange.take_events(), Traded)
    return [(one.trade.price // 10_000, one.trade.count // 100, one.house_only) for one in traded]


def test_a_ladder_trades_only_strictly_through_a_price() -> None:
    exchange = engine()
    inside = place(exchange, "ann", ASK, 45, 3).order
    at_it = place(exchange, "ben", ASK, 50, 10).order
    exchange.take_events()
    for _ in range(3):
        quote(exchange, ladder((50, 5), (48, 2)), ladder((60, 1)))
    assert told(exchange) == [(45, 3, False)]
    assert exchange.orders[inside.order_id].status is OrderStatus.EXECUTED
    assert exchange.orders[at_it.order_id].fill_count == 0
    assert book(exchange) == ([(48, 2)], [(50, 10), (60, 1)]), "the level that touches the order waits"
    quote(exchange, ladder((51, 4), (50, 5)), ladder((60, 1)))
    assert told(exchange) == [(50, 4, False)]
    assert book(exchange) == ([], [(50, 6), (60, 1)])


def test_a_bid_is_met_the_same_way() -> None:
    exchange = engine()
    place(exchange, "ann", BID, 50, 2)
    quote(exchange, ladder((40, 1)), ladder((50, 5), (55, 1)))
    assert book(exchange) == ([(50, 2), (40, 1)], [(55, 1)])
    quote(exchange, ladder((40, 1)), ladder((49, 5)))
    assert held(exchange, "ann") == 2
    assert book(exchange) == ([(40, 1)], [(49, 3)])


@pytest.mark.parametrize("how", ["cancel", "amend", "print", "expiry"])
def test_a_level_that_waits_is_laid_when_the_order_is_gone(how: str) -> None:
    exchange = engine()
    expires = LATER if how == "expiry" else None
    mine = place(exchange, "ann", ASK, 50, 2, expiration_time=expires).order
    place(exchange, "ann", ASK, 50, 1)
    quote(exchange, ladder((50, 5)), [])
    second = exchange.orders_of("ann")[1]
    match how:
        case "cancel":
            exchange.cancel("ann", mine.order_id, LATER)
        case "amend":
            terms = Amendment(ticker=RAIN, side=ASK, price=cents(52), count=contracts(2))
            exchange.amend("ann", mine.order_id, terms, LATER)
        case "print":
            exchange.house_print(RAIN, BID, cents(50), contracts(2), LATER, through=False)
        case _:
            exchange.advance(LATER)
    assert book(exchange)[0] == [], "one order is left at that price"
    exchange.take_events()
    exchange.cancel("ann", second.order_id, LATER)
    assert exchange.next_deadline() == LATER
    exchange.advance(LATER + timedelta(seconds=5))
    assert book(exchange)[0] == [(50, 5)]
    (laid,) = [one for one in only(exchange.take_events(), BookChanged) if one.side is BID]
    assert (laid.delta, laid.time) == (contracts(5), LATER)


def test_what_waits_may_meet_a_better_order_when_it_comes() -> None:
    exchange = engine()
    first = place(exchange, "ann", ASK, 50, 2).order
    quote(exchange, ladder((50, 5)), [])
    place(exchange, "ben", ASK, 49, 2)
    assert held(exchange, "ben") == 0, "nothing is shown to take"
    exchange.cancel("ann", first.order_id, NOW)
    exchange.advance(NOW)
    assert held(exchange, "ben") == -2
    assert book(exchange) == ([(50, 3)], [])


def test_what_waits_is_forgotten_with_its_ladder_and_at_the_close() -> None:
    exchange = engine()
    mine = place(exchange, "ann", ASK, 50, 2).order
    quote(exchange, ladder((50, 5)), [])
    quote(exchange, ladder((49, 5)), [])
    exchange.cancel("ann", mine.order_id, NOW)
    exchange.advance(NOW)
    assert book(exchange) == ([(49, 5)], [])
    place(exchange, "ann", ASK, 50, 2)
    quote(exchange, ladder((50, 5)), [])
    exchange.advance(CLOSE)
    assert book(exchange) == ([], [])


def test_nothing_is_laid_in_a_pause() -> None:
    exchange = engine()
    mine = place(exchange, "ann", ASK, 50, 2).order
    quote(exchange, ladder((50, 5)), [])
    exchange.pause(PauseScope.TRADING, 0, NOW)
    exchange.cancel("ann", mine.order_id, NOW)
    exchange.house_print(RAIN, BID, cents(50), contracts(2), NOW, through=False)
    exchange.advance(LATER)
    assert book(exchange) == ([], [])
    assert exchange.markets[RAIN].volume == 0


@pytest.mark.parametrize("through", [True, False])
def test_a_print_without_members_is_one_trade_as_recorded(through: bool) -> None:
    exchange = engine()
    quote(exchange, ladder((48, 5)), ladder((50, 2), (51, 7), (60, 1)))
    exchange.take_events()
    # The recorded taker paid 0.51: what is quoted below that is old, and must not be what he paid.
    exchange.house_print(RAIN, BID, cents(51), contracts(12), NOW, through=through)
    assert told(exchange) == [(51, 12, True)]
    assert book(exchange) == ([(48, 5)], [(50, 2), (60, 1)])
    exchange.house_print(RAIN, ASK, cents(30), contracts(3), NOW, through=through)
    assert told(exchange) == [(30, 3, True)]
    market = exchange.markets[RAIN]
    assert (market.volume, market.last_price, market.open_interest) == (contracts(15), cents(30), contracts(12))
    assert check(exchange).hold


def test_a_print_through_orders_fills_them_at_their_price_and_passes_those_at_its_own() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 48, 1)
    quote(exchange, [], ladder((47, 5), (50, 3)))
    place(exchange, "ben", ASK, 49, 2)
    place(exchange, "cat", ASK, 50, 4)
    exchange.take_events()
    exchange.house_print(RAIN, BID, cents(50), contracts(10), NOW, through=True)
    happened = exchange.take_events()
    assert [(one.trade.price, one.trade.count, one.house_only) for one in only(happened, Traded)] == [
        (cents(48), contracts(1), False),
        (cents(49), contracts(2), False),
        (cents(50), contracts(7), True),
    ]
    assert [(one.fill.account_id, one.fill.is_taker) for one in only(happened, Filled)] == [
        ("ann", False),
        ("ben", False),
    ]
    assert book(exchange) == ([], [(47, 5), (50, 4)]), "the house's three at that price are gone, the member's are not"
    assert exchange.markets[RAIN].volume == contracts(10)


def test_a_small_print_ends_at_the_better_orders() -> None:
    exchange = engine()
    place(exchange, "ann", BID, 52, 3)
    place(exchange, "ben", BID, 51, 3)
    exchange.take_events()
    exchange.house_print(RAIN, ASK, cents(50), contracts(4), NOW, through=True)
    assert told(exchange) == [(52, 3, False), (51, 1, False)]
    assert (held(exchange, "ann"), held(exchange, "ben")) == (3, 1)


def test_in_the_queue_prints_go_by_place() -> None:
    exchange = engine()
    quote(exchange, ladder((48, 5)), [], through=False)
    place(exchange, "ann", BID, 48, 2)
    quote(exchange, ladder((48, 9)), [], through=False)
    place(exchange, "ben", BID, 48, 2)
    exchange.take_events()
    exchange.house_print(RAIN, ASK, cents(48), contracts(4), NOW, through=False)
    assert told(exchange) == [(48, 4, True)]
    exchange.house_print(RAIN, ASK, cents(48), contracts(6), NOW, through=False)
    assert told(exchange) == [(48, 2, False), (48, 4, True)]
    exchange.house_print(RAIN, ASK, cents(48), contracts(3), NOW, through=False)
    assert told(exchange) == [(48, 2, False), (48, 1, True)]
    assert (held(exchange, "ann"), held(exchange, "ben")) == (2, 2)
    assert book(exchange) == ([], [])


def test_a_quote_that_tells_of_a_trade_before_its_print_does_not_count_twice() -> None:
    exchange = engine()
    quote(exchange, ladder((48, 5)), [], through=False)
    mine = place(exchange, "ann", BID, 48, 2).order
    quote(exchange, ladder((48, 1)), [], through=False)
    exchange.take_events()
    exchange.house_print(RAIN, ASK, cents(48), contracts(4), NOW, through=False)
    assert told(exchange) == [(48, 4, True)]
    assert (book(exchange)[0], exchange.queue_position(mine)) == ([(48, 3)], contracts(1))
    exchange.house_print(RAIN, ASK, cents(48), contracts(2), NOW, through=False)
    assert held(exchange, "ann") == 1
    # Who comes when nobody waits any more has a queue of his own.
    quote(exchange, ladder((48, 5)), [], through=False)
    last = place(exchange, "ben", BID, 48, 1).order
    quote(exchange, [], [], through=False)
    exchange.cancel("ann", mine.order_id, NOW)
    exchange.cancel("ben", last.order_id, NOW)
    place(exchange, "ben", BID, 48, 1)
    exchange.house_print(RAIN, ASK, cents(48), contracts(1), NOW, through=False)
    assert held(exchange, "ben") == 1


def test_a_quote_of_the_other_side_fills_whoever_waits_at_its_price_unless_it_must_be_through() -> None:
    for through, filled in ((False, 2), (True, 0)):
        exchange = engine()
        place(exchange, "ann", BID, 48, 2)
        quote(exchange, [], ladder((48, 5)), through=through)
        assert held(exchange, "ann") == filled


def test_a_print_takes_what_waits_for_an_order_to_go() -> None:
    exchange = engine()
    mine = place(exchange, "ann", ASK, 50, 2).order
    quote(exchange, ladder((50, 5)), [])
    exchange.house_print(RAIN, ASK, cents(50), contracts(4), NOW, through=True)
    exchange.cancel("ann", mine.order_id, NOW)
    exchange.advance(NOW)
    assert book(exchange) == ([(50, 1)], [])


def test_an_order_group_ends_within_a_print() -> None:
    exchange = engine()
    group = exchange.create_group("ann", contracts(1), NOW).group_id
    for price in (46, 47, 48):
        place(exchange, "ann", ASK, price, 2, order_group_id=group)
    exchange.take_events()
    exchange.house_print(RAIN, BID, cents(50), contracts(10), NOW, through=True)
    assert told(exchange) == [(46, 2, False), (50, 8, True)]
    assert book(exchange) == ([], [])


def test_an_order_that_can_no_longer_be_paid_gets_nothing_of_a_print() -> None:
    exchange = engine(affordable_at="limit")
    mine = place(exchange, "ann", BID, 50, 200, ticker=SNOW).order  # all the money there is, and nothing for the fee
    exchange.take_events()
    exchange.house_print(SNOW, ASK, cents(40), contracts(200), NOW, through=True)
    assert told(exchange) == [(40, 200, True)]
    assert exchange.orders[mine.order_id].reason is UpdateReason.MARGIN_CANCEL
    assert check(exchange).hold


@pytest.mark.parametrize(("price", "count"), [(cents("48.5"), contracts(1)), (cents(48), Hundredths(0))])
def test_impossible_prints_are_errors(price: Micros, count: Hundredths) -> None:
    exchange = engine()
    with pytest.raises(ValueError, match="not a trade"):
        exchange.house_print(RAIN, BID, price, count, NOW, through=False)
    assert exchange.markets[RAIN].volume == 0


def test_liquidity_withdraws_from_the_side_that_a_taker_meets_and_keeps_its_place() -> None:
    exchange = engine()
    exchange.set_book(RAIN, ladder((44, 5)), ladder((45, 4), (46, 10)), NOW)
    place(exchange, "ann", BID, 45, 1, tif=IOC)
    mine = place(exchange, "ann", ASK, 46, 2).order
    exchange.take_events()
    exchange.thin(RAIN, BID, contracts(3.5), NOW)
    assert book(exchange) == ([(44, 5)], [(45, 3), (46, 2.5)])
    assert {(one.price, one.delta) for one in only(exchange.take_events(), BookChanged)} == {
        (cents(46), contracts(-9.5))
    }
    assert exchange.queue_position(mine) == contracts(3.5), "the half contract that stays is still ahead"
    exchange.thin(RAIN, BID, contracts(0), NOW)
    assert book(exchange) == ([(44, 5)], [(46, 2)])
    exchange.set_book(RAIN, ladder((44, 5)), ladder((45, 4), (46, 10)), NOW)
    assert book(exchange)[1] == [(45, 3), (46, 12)], "the one that a member took stays taken"
    with pytest.raises(Refused, match="404"):
        exchange.thin("KX-NO", BID, contracts(1), NOW)
    assert check(exchange).hold


def test_the_shards_are_told() -> None:
    assert list(engine().shards) == sorted(SHARDS)


def test_open_interest_is_remembered_after_the_pay_out() -> None:
    exchange = engine()
    place(exchange, "ann", BID, 50, 7)
    place(exchange, "ben", ASK, 50, 7)
    exchange.determine(RAIN, Result.YES, None, "", NOW)
    exchange.advance(CLOSE + timedelta(days=1))
    assert exchange.markets[RAIN].status is MarketStatus.FINALIZED
    assert exchange.markets[RAIN].open_interest == contracts(7)
    assert exchange.positions_of("ann")[0].count == 0
    assert check(exchange).hold
