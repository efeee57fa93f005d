"""Orders that rest: who was there before trades before."""

from datetime import timedelta

from mesh.kalshi.terms import OrderStatus
from mesh.types import Micros, Side
from tests.fakes.trading import cents, contracts, market
from tests.unit.trader.paper.bench import IOC, Bench, usd
from trader.domain.words import Purpose
from trader.paper.records import Order, Venue


def resting(bench: Bench, price: float = 40, count: float = 10) -> Order:
    return bench.buy(price, count, post_only=True)


def test_those_who_were_there_before_trade_before() -> None:
    bench = Bench()
    bench.shows(bids=((40, 100),))
    order = resting(bench)
    bench.trade(40, 99.99, taker_buys_yes=False)
    assert (order.filled, order.ahead) == (0, contracts(0.01))
    bench.trade(40, 4.01, taker_buys_yes=False)
    assert order.filled == contracts(4)
    bench.trade(40, 50, taker_buys_yes=False)
    assert (order.filled, order.status) == (contracts(10), OrderStatus.EXECUTED)


def test_a_resting_order_fills_as_maker_at_its_own_price() -> None:
    bench = Bench()
    bench.shows(bids=())
    order = resting(bench)
    bench.trade(38, 10, taker_buys_yes=False)
    (fill,) = bench.account.fills[order.order_id]
    assert (fill.taker, fill.price, fill.fee) == (False, usd(40), Micros(0))


def test_trades_of_the_other_direction_and_at_better_prices_pass_by() -> None:
    bench = Bench()
    bench.shows(bids=())
    order = resting(bench)
    bench.trade(40, 10, taker_buys_yes=True)
    bench.trade(41, 10, taker_buys_yes=False)
    assert order.filled == 0


def test_a_trade_through_the_price_has_met_everybody_there() -> None:
    bench = Bench()
    bench.shows(bids=((40, 100), (39, 100)))
    order = resting(bench)
    bench.trade(39, 3, taker_buys_yes=False)
    assert order.filled == contracts(3)


def test_who_leaves_the_line_is_ahead_no_more() -> None:
    bench = Bench()
    bench.shows(bids=((40, 100),))
    order = resting(bench)
    bench.shows(bids=((40, 30),))
    assert order.ahead == contracts(30)
    bench.shows(bids=((40, 90),))  # who comes later is behind
    assert order.ahead == contracts(30)


def test_what_left_the_book_and_is_told_as_a_trade_afterwards_counts_once() -> None:
    bench = Bench()
    bench.shows(bids=((40, 100),))
    order = resting(bench)
    bench.shows(bids=((40, 60),))
    bench.trade(40, 40, taker_buys_yes=False)
    assert (order.ahead, order.filled) == (contracts(60), 0)
    bench.trade(40, 65, taker_buys_yes=False)
    assert order.filled == contracts(5)


def test_what_left_the_book_before_was_cancelled_if_no_trade_has_told_of_it_in_time() -> None:
    bench = Bench()
    bench.shows(bids=((40, 100),))
    order = resting(bench)
    bench.shows(bids=())
    bench.passes(2)
    bench.trade(40, 4, taker_buys_yes=False)
    assert order.filled == contracts(4)


def test_a_trade_told_before_its_book_counts_once() -> None:
    bench = Bench()
    bench.shows(bids=((40, 100),))
    order = resting(bench)
    bench.trade(40, 40, taker_buys_yes=False)
    bench.shows(bids=((40, 60),))
    assert (order.ahead, order.filled) == (contracts(60), 0)


def test_only_a_share_of_those_shown_is_ahead_where_that_is_set() -> None:
    bench = Bench(queue_share=0.5)
    bench.shows(bids=((40, 99.99),))
    assert resting(bench).ahead == contracts(50)


def test_a_trade_fills_no_two_orders_with_the_same_contracts() -> None:
    bench = Bench()
    bench.shows(bids=((40, 10),))
    first, second, better = resting(bench), resting(bench), resting(bench, 41, 3)
    bench.trade(40, 25, taker_buys_yes=False)
    assert (better.filled, first.filled, second.filled) == (contracts(3), contracts(10), contracts(2))


def test_asks_that_reach_the_price_fill_it_up_to_their_size_and_once() -> None:
    bench = Bench()
    bench.shows(bids=((40, 100),))
    order = resting(bench)
    bench.shows(bids=((37, 5),), asks=((38, 4), (40, 3), (41, 50)))
    assert order.filled == contracts(7)
    assert {fill.price for fill in bench.account.fills[order.order_id]} == {usd(40)}
    bench.shows(bids=((37, 5),), asks=((38, 4), (40, 3), (41, 50)))
    assert order.filled == contracts(7)
    bench.shows(bids=((37, 5),), asks=((38, 5), (40, 3), (41, 50)))
    assert order.filled == contracts(8)


def test_the_rest_of_a_taking_order_is_not_filled_by_what_it_took() -> None:
    bench = Bench()
    bench.shows(asks=((42, 10),))
    order = bench.buy(42, 30)
    bench.shows(asks=((42, 10),))
    assert order.filled == contracts(10)


def test_selling_no_rests_among_the_bids_for_yes() -> None:
    bench = Bench()
    bench.shows()
    bench.buy(61, 10, side=Side.NO, tif=IOC)
    order = bench.sell(65, 10, side=Side.NO, post_only=True)
    assert (order.buys_yes, order.price) == (True, usd(35))
    bench.trade(35, 10, taker_buys_yes=False)
    holding = bench.account.held(bench.market.ticker)
    assert (bench.net, holding.realised) == (0, 10 * cents(5))


def test_an_order_whose_line_nobody_knows_is_not_filled_by_trades() -> None:
    bench = Bench()
    order = resting(bench)
    bench.trade(30, 100, taker_buys_yes=False)
    assert order.filled == 0
    bench.shows(bids=((40, 25),))
    bench.trade(40, 26, taker_buys_yes=False)
    assert order.filled == contracts(1)


def test_a_post_only_order_that_is_found_to_have_crossed_ends_unfilled() -> None:
    bench = Bench()
    order = resting(bench)
    bench.shows(bids=(), asks=((40, 5),))
    assert (order.filled, order.status) == (0, OrderStatus.CANCELED)


def test_an_order_ends_at_its_expiry() -> None:
    bench = Bench()
    bench.shows()
    order = bench.buy(40, 10, expires=bench.now + timedelta(seconds=15, milliseconds=700))
    bench.passes(14.999)
    assert order.status is OrderStatus.RESTING
    bench.passes(0.001)
    assert (order.status, order.remaining) == (OrderStatus.CANCELED, 0)
    assert bench.account.available == bench.account.purse.cash


def test_orders_end_when_their_market_closes() -> None:
    bench = Bench(terms=market(closes=timedelta(seconds=60)))
    bench.shows()
    order = bench.buy(40, 10)
    bench.passes(60)
    assert order.status is OrderStatus.CANCELED


def test_a_cancellation_tells_how_much_it_ended_and_comes_once() -> None:
    bench = Bench()
    bench.shows(bids=())
    order = resting(bench)
    bench.trade(40, 4, taker_buys_yes=False)
    assert bench.matching.cancel(order.order_id, bench.now) == contracts(6)
    assert bench.matching.cancel(order.order_id, bench.now) is None
    assert bench.matching.cancel("no such order", bench.now) is None
    assert (order.status, order.filled) == (OrderStatus.CANCELED, contracts(4))


def test_a_pause_ends_entries_and_leaves_exits() -> None:
    bench = Bench()
    bench.shows()
    bench.buy(42, 10, tif=IOC)
    entry = resting(bench)
    target = bench.sell(60, 10, post_only=True, purpose=Purpose.EXIT)
    bench.matching.halt(None, bench.now)
    assert (entry.status, target.status) == (OrderStatus.CANCELED, OrderStatus.RESTING)


def test_an_order_whose_fee_nobody_knows_any_more_ends_unfilled() -> None:
    from decimal import Decimal

    bench = Bench()
    bench.shows(bids=())
    order = resting(bench)
    venue = Venue.of(bench.market)
    venue.multiplier = Decimal("NaN")
    bench.account.know(venue)
    bench.trade(40, 10, taker_buys_yes=False)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, 0)


def test_a_market_pays_what_it_settles_at_in_whole_steps() -> None:
    bench = Bench(step=10_000)
    bench.shows(bids=(), asks=((42, 10),))
    bench.buy(42, 0.5, tif=IOC)
    cash = bench.account.purse.cash
    bench.account.settle(bench.market.ticker, usd(61.5), bench.now)
    (paid,) = bench.account.settlements
    assert (paid.revenue, bench.account.purse.cash - cash, bench.net) == (300_000, 300_000, 0)
    assert bench.account.missing == 0


def test_settlement_pays_no_a_dollar_less_and_ends_what_rests() -> None:
    bench = Bench()
    bench.shows()
    bench.buy(61, 10, side=Side.NO, tif=IOC)
    order = resting(bench, 30)
    cash = bench.account.purse.cash
    bench.account.settle(bench.market.ticker, usd(0), bench.now)
    assert (bench.account.purse.cash - cash, order.status) == (10_000_000, OrderStatus.CANCELED)
    assert bench.account.held(bench.market.ticker).realised == 10 * cents(40)
