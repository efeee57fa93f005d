"""Orders that take: only what is shown, level by level, once."""

from datetime import timedelta

import pytest

from mesh.kalshi.fees import trade_fee
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus
from mesh.types import Side
from tests.fakes.trading import NOON, cents, contracts, market
from tests.unit.trader.paper.bench import FOK, GTC, IOC, Bench, order_terms, said
from trader.domain.words import EndReason


def fills(bench: Bench) -> list[tuple[float, float, bool]]:
    return [
        (fill.price / 10_000, fill.count / 100, fill.taker) for fills in bench.account.fills.values() for fill in fills
    ]


def test_an_order_takes_level_by_level_at_the_levels_prices_and_its_rest_waits() -> None:
    bench = Bench()
    bench.shows(asks=((42, 10), (44, 5), (46, 100)))
    order = bench.buy(45, 20)
    assert fills(bench) == [(42, 10, True), (44, 5, True)]
    assert (order.remaining, order.status) == (contracts(5), OrderStatus.RESTING)


def test_buying_no_takes_the_bids_for_yes() -> None:
    bench = Bench()
    bench.shows(bids=((40, 10), (39, 10)))
    order = bench.buy(61, 15, side=Side.NO, tif=IOC)
    assert fills(bench) == [(40, 10, True), (39, 5, True)]
    assert (order.status, bench.net) == (OrderStatus.EXECUTED, -15)


def test_what_was_taken_is_not_had_again_while_the_book_shows_the_same() -> None:
    bench = Bench()
    bench.shows(asks=((42, 10),))
    bench.buy(42, 8, tif=IOC)
    bench.shows(asks=((42, 10),))
    assert bench.buy(42, 8, tif=IOC).filled == contracts(2)
    assert bench.buy(42, 8, tif=IOC).filled == 0


def test_a_level_gives_again_what_others_add_to_it() -> None:
    bench = Bench()
    bench.shows(asks=((42, 10),))
    bench.buy(42, 10, tif=IOC)
    bench.shows(asks=((42, 13),))
    assert bench.buy(42, 10, tif=IOC).filled == contracts(3)


def test_a_level_that_was_empty_meanwhile_is_new() -> None:
    bench = Bench()
    bench.shows(asks=((42, 10),))
    bench.buy(42, 10, tif=IOC)
    bench.shows(asks=())
    bench.shows(asks=((42, 10),))
    assert bench.buy(42, 10, tif=IOC).filled == contracts(10)


def test_only_a_share_of_what_is_shown_may_be_had() -> None:
    bench = Bench(taker_share=0.25)
    bench.shows(asks=((42, 10), (43, 0.5)))
    assert bench.buy(43, 10, tif=IOC).filled == contracts(2.62)


def test_what_an_immediate_order_does_not_get_is_cancelled() -> None:
    bench = Bench()
    bench.shows(asks=((42, 10),))
    order = bench.buy(42, 15, tif=IOC)
    assert (order.filled, order.remaining, order.status) == (contracts(10), 0, OrderStatus.CANCELED)


def test_fill_or_kill_gets_all_or_is_refused_and_its_id_stays_free() -> None:
    bench = Bench()
    bench.shows(asks=((42, 10),))
    terms = order_terms("c", Action.BUY, 42, 11, tif=FOK)
    answer = bench.send(terms)
    assert said(answer) == "fill_or_kill_insufficient_resting_volume"
    assert not bench.account.orders
    bench.shows(asks=((42, 11),))
    assert bench.taken(bench.send(terms)).status is OrderStatus.EXECUTED


def test_an_order_that_meets_an_own_one_stops_there() -> None:
    bench = Bench()
    bench.shows(bids=(), asks=((42, 10), (44, 10)))
    own = bench.sell(43, 5)
    order = bench.buy(45, 30)
    assert (order.filled, order.remaining, order.status) == (contracts(10), 0, OrderStatus.CANCELED)
    assert (own.remaining, own.status) == (contracts(5), OrderStatus.RESTING)


def test_at_the_price_of_an_own_order_only_those_before_it_are_met() -> None:
    bench = Bench()
    bench.shows(bids=(), asks=((42, 10),))
    bench.sell(42, 5)
    bench.shows(bids=(), asks=((42, 17),))
    assert bench.buy(42, 4, tif=IOC).filled == contracts(4)
    assert bench.buy(42, 30, tif=IOC).filled == contracts(6)


def test_nothing_is_taken_from_a_book_that_nobody_knows() -> None:
    bench = Bench()
    assert said(bench.ask_for(Action.BUY, 42, 1, tif=IOC)) == "book_not_known"
    assert said(bench.ask_for(Action.BUY, 42, 1, tif=GTC)) == "book_not_known"
    assert bench.buy(42, 1, post_only=True).ahead is None


def test_an_exit_sells_no_more_than_is_held() -> None:
    bench = Bench()
    bench.shows()
    bench.buy(61, 10, side=Side.NO, tif=IOC)
    order = bench.ask_for(Action.SELL, 50, 25, side=Side.NO, tif=IOC, reduce_only=True)
    taken = bench.taken(order)
    assert (taken.filled, taken.status, bench.net) == (contracts(10), OrderStatus.CANCELED, 0)


def test_an_exit_without_a_position_is_accepted_and_does_nothing() -> None:
    bench = Bench()
    order = bench.sell(40, 5, tif=IOC, reduce_only=True)
    assert (order.filled, order.remaining, order.status) == (0, 0, OrderStatus.CANCELED)


def test_buying_no_while_yes_is_held_gives_yes_back() -> None:
    bench = Bench()
    bench.shows()
    bench.buy(42, 10, tif=IOC)
    before = bench.account.purse.cash
    bench.buy(60, 4, side=Side.NO, tif=IOC)
    fee = bench.account.fills[bench.account.by_client_id["c-2"].order_id][0].fee
    assert bench.net == 6
    assert bench.account.purse.cash - before == 4 * cents(40) - fee
    assert bench.account.held(bench.market.ticker).realised == -4 * cents(2)


def test_a_position_is_turned_by_one_order() -> None:
    bench = Bench()
    bench.shows()
    bench.buy(42, 10, tif=IOC)
    bench.sell(40, 25, tif=IOC)
    holding = bench.account.held(bench.market.ticker)
    assert (bench.net, holding.cost, holding.realised) == (-15, 15 * cents(60), -10 * cents(2))


def test_a_whole_cent_and_its_fee_leave_the_cash_they_should() -> None:
    bench = Bench()
    bench.shows()
    bench.buy(42, 10, tif=IOC)
    fee = trade_fee(bench.market.fees, price=cents(42), count=contracts(10))
    assert fee == 170_520  # 0.07 × 10 × 0.42 × 0.58
    assert bench.account.purse.cash == 1_000_000_000 - 10 * cents(42) - 170_600  # to the next 0.0001


def test_an_order_needs_its_limit_and_the_fee_in_cash() -> None:
    bench = Bench(dollars=4.30)
    bench.shows()
    answer = bench.ask_for(Action.BUY, 42, 10)
    assert said(answer) == "insufficient_balance"
    assert bench.buy(42, 9).status is OrderStatus.EXECUTED


def test_money_in_resting_orders_is_not_spent_twice() -> None:
    bench = Bench(dollars=10)
    bench.shows()
    bench.buy(30, 20, post_only=True)
    assert bench.account.available == 4_000_000
    assert said(bench.ask_for(Action.BUY, 42, 10)) == "insufficient_balance"


def test_what_closes_a_position_needs_no_cash() -> None:
    bench = Bench(dollars=4.4)
    bench.shows()
    bench.buy(42, 10, tif=IOC)
    assert bench.sell(40, 10, tif=IOC).status is OrderStatus.EXECUTED


def test_a_client_order_id_is_used_once_for_ever() -> None:
    bench = Bench()
    bench.shows()
    terms = order_terms("once", Action.BUY, 42, 1, tif=IOC)
    bench.taken(bench.send(terms))
    assert said(bench.send(terms)) == "order_already_exists"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expires": NOON + timedelta(seconds=15), "tif": IOC}, "invalid_order"),
        ({"expires": NOON}, "invalid_order"),
        ({"expires": NOON + timedelta(seconds=0.9)}, "invalid_order"),
        ({"reduce_only": True}, "invalid_order"),
        ({"post_only": True, "tif": IOC}, "invalid_order"),
        ({"post_only": True}, "invalid_order"),
        ({"price": 42.5}, "invalid_price"),
        ({"price": 0}, "invalid_price"),
        ({"price": 100}, "invalid_price"),
        ({"count": 0}, "invalid_order"),
        ({"ticker": "KXOTHER-26NOV23-T1"}, "invalid_order"),
    ],
)
def test_what_the_exchange_refuses_is_refused(changes: dict[str, object], code: str) -> None:
    bench = Bench()
    bench.shows()
    asked: dict[str, object] = {"price": 42, "count": 1} | changes
    price, count = float(str(asked.pop("price"))), float(str(asked.pop("count")))
    assert said(bench.ask_for(Action.BUY, price, count, **asked)) == code
    assert not bench.account.orders


def test_a_post_only_order_that_would_cross_says_why() -> None:
    bench = Bench()
    bench.shows()
    answer = bench.send(order_terms("c", Action.BUY, 42, 1, post_only=True))
    assert answer.ending.reason is EndReason.POST_ONLY_CROSS  # type: ignore[union-attr]  # it is refused
    assert bench.buy(41, 1, post_only=True).status is OrderStatus.RESTING


def test_a_market_whose_fees_nobody_knows_takes_no_order() -> None:
    import msgspec

    from mesh.kalshi.fees import FeeTerms
    from mesh.kalshi.terms import FeeType

    bench = Bench(terms=msgspec.structs.replace(market(), fees=FeeTerms(FeeType.FLAT)))
    bench.shows()
    assert said(bench.ask_for(Action.BUY, 42, 1)) == "fee_type_unknown"
