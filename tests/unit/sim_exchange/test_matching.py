"""Who meets whom, at which price, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from mesh.kalshi.terms import BookSide, OrderStatus, SelfTradePrevention, TimeInForce, UpdateReason
from sim_exchange.domain.events import BookChanged, Filled, OrderChanged, Traded
from sim_exchange.domain.types import Account, Refused
from tests.fakes.exchange_engine import (
    ASK,
    BID,
    FOK,
    GTC,
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
    order,
    place,
    said,
    usd,
)


def test_better_prices_trade_first_then_older_orders() -> None:
    exchange = engine()
    worse = place(exchange, "ann", ASK, 52, 1).order
    first = place(exchange, "ann", ASK, 51, 2).order
    second = place(exchange, "ben", ASK, 51, 2).order
    exchange.take_events()
    taker = place(exchange, "cat", BID, 60, 4.5)
    trades = [traded.trade for traded in only(exchange.take_events(), Traded)]
    assert [(trade.price, trade.count) for trade in trades] == [
        (cents(51), contracts(2)),
        (cents(51), contracts(2)),
        (cents(52), contracts(0.5)),
    ]
    assert exchange.orders[first.order_id].status is OrderStatus.EXECUTED
    assert exchange.orders[second.order_id].status is OrderStatus.EXECUTED
    assert exchange.orders[worse.order_id].remaining_count == contracts(0.5)
    assert taker.order.status is OrderStatus.EXECUTED
    assert taker.filling.count == contracts(4.5)


def test_trades_print_at_the_resting_price_and_the_taker_keeps_the_improvement() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 52, 1)
    placed = place(exchange, "ben", BID, 99, 1, tif=IOC)
    assert placed.filling.average_price == cents(52)
    assert placed.filling.average_fee == 17_500
    assert exchange.cash("ben", 0) == usd(100) - usd("0.52") - 17_500
    assert exchange.cash("ann", 0) == usd(100) - usd("0.48")


def test_averages_are_rounded_half_up_to_the_exchange_s_digits() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 52, 1)
    place(exchange, "ann", ASK, 53, 2)
    filling = place(exchange, "ben", BID, 60, 3).filling
    assert filling.average_price == 526_700  # 52.666… cents
    fees = [fill.fee for fill in exchange.fills_of("ben")]
    assert filling.average_fee == round(sum(fees) / 3)


def test_the_rest_of_a_limit_order_rests_and_the_rest_of_an_ioc_does_not() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 50, 1)
    resting = place(exchange, "ben", BID, 50, 3).order
    assert (resting.status, resting.remaining_count) == (OrderStatus.RESTING, contracts(2))
    assert book(exchange) == ([(50, 2)], [])
    gone = place(exchange, "ann", ASK, 50, 5, tif=IOC).order
    assert (gone.status, gone.fill_count, gone.remaining_count) == (OrderStatus.CANCELED, contracts(2), 0)
    assert book(exchange) == ([], [])


def test_an_ioc_without_a_match_is_accepted_and_over() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 1, tif=IOC)
    assert (placed.order.status, placed.filling.count, placed.filling.average_price) == (
        OrderStatus.CANCELED,
        0,
        None,
    )


def test_fill_or_kill_is_all_or_nothing() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 50, 1)
    place(exchange, "ann", ASK, 51, 1)
    place(exchange, "ann", ASK, 53, 5)
    with pytest.raises(Refused) as refused:
        place(exchange, "ben", BID, 52, 3, tif=FOK, client_order_id="mine")
    assert said(refused.value) == (409, "fill_or_kill_insufficient_resting_volume")
    assert exchange.orders_of("ben") == []
    # Nothing was created, so the client order id is still free.
    placed = place(exchange, "ben", BID, 52, 2, tif=FOK, client_order_id="mine")
    assert (placed.order.status, placed.filling.count) == (OrderStatus.EXECUTED, contracts(2))


def test_post_only_is_refused_when_it_would_cross() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 50, 1)
    with pytest.raises(Refused) as refused:
        place(exchange, "ben", BID, 50, 1, post_only=True)
    assert (said(refused.value), refused.value.details) == ((400, "invalid_order"), "post only cross")
    assert place(exchange, "ben", BID, 49, 1, post_only=True).order.status is OrderStatus.RESTING


def test_whether_post_only_sees_own_orders_is_a_setting() -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 50, 1)
    with pytest.raises(Refused, match="post only cross"):
        place(exchange, "ann", BID, 50, 1, post_only=True)
    lenient = engine(post_only_sees_own_orders=False)
    place(lenient, "ann", ASK, 50, 1)
    met = place(lenient, "ann", BID, 50, 1, post_only=True).order
    assert (met.status, met.reason) == (OrderStatus.CANCELED, UpdateReason.SELF_TRADE_CANCEL)
    place(lenient, "ben", ASK, 51, 1)
    with pytest.raises(Refused, match="post only cross"):
        place(lenient, "ann", BID, 51, 1, post_only=True)


def test_a_taker_that_meets_its_own_order_stops_there() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 50, 1)
    own = place(exchange, "ann", ASK, 51, 1).order
    place(exchange, "ben", ASK, 52, 1)
    taker = place(exchange, "ann", BID, 55, 3).order
    assert (taker.status, taker.fill_count, taker.reason) == (
        OrderStatus.CANCELED,
        contracts(1),
        UpdateReason.SELF_TRADE_CANCEL,
    )
    assert exchange.orders[own.order_id].status is OrderStatus.RESTING
    assert book(exchange) == ([], [(51, 1), (52, 1)])


def test_the_other_prevention_cancels_the_resting_order_and_goes_on() -> None:
    exchange = engine()
    own = place(exchange, "ann", ASK, 51, 1).order
    place(exchange, "ben", ASK, 52, 1)
    taker = place(exchange, "ann", BID, 55, 3, self_trade_prevention=SelfTradePrevention.MAKER).order
    gone = exchange.orders[own.order_id]
    assert (gone.status, gone.reason, gone.fill_count) == (
        OrderStatus.CANCELED,
        UpdateReason.SELF_TRADE_CANCEL,
        0,
    )
    assert (taker.fill_count, taker.status) == (contracts(1), OrderStatus.RESTING)
    assert book(exchange) == ([(55, 2)], [])


def test_fill_or_kill_that_meets_an_own_order_ends_like_ioc() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 50, 1)
    place(exchange, "ann", ASK, 51, 1)
    place(exchange, "ben", ASK, 52, 5)
    taker = place(exchange, "ann", BID, 55, 3, tif=FOK).order
    assert (taker.status, taker.fill_count) == (OrderStatus.CANCELED, contracts(1))


def test_whether_own_orders_count_for_fill_or_kill_is_a_setting() -> None:
    counting = engine(fill_or_kill_counts_own_orders=True)
    sparing = engine(fill_or_kill_counts_own_orders=False)
    for exchange in (counting, sparing):
        place(exchange, "ann", ASK, 50, 2)
    assert place(counting, "ann", BID, 50, 2, tif=FOK).order.fill_count == 0
    with pytest.raises(Refused, match="fill_or_kill_insufficient_resting_volume"):
        place(sparing, "ann", BID, 50, 2, tif=FOK)


@pytest.mark.parametrize(("side", "holds"), [(ASK, 2.0), (BID, -2.0)])
def test_reduce_only_is_capped_by_the_position(side: BookSide, holds: float) -> None:
    exchange = engine()
    other = BID if side is ASK else ASK
    place(exchange, "ann", side, 50, 2)
    place(exchange, "ben", other, 50, 2)
    assert held(exchange, "ben") == holds
    place(exchange, "cat", other, 50, 9)
    closing = place(exchange, "ben", side, 50, 5, tif=IOC, reduce_only=True).order
    assert (closing.fill_count, closing.initial_count, closing.remaining_count) == (contracts(2), contracts(5), 0)
    assert (closing.status, closing.reason) == (OrderStatus.CANCELED, UpdateReason.REDUCE_ONLY_CANCEL)
    assert held(exchange, "ben") == 0
    nothing = place(exchange, "ben", side, 50, 5, tif=IOC, reduce_only=True)
    assert (nothing.order.fill_count, nothing.order.remaining_count) == (0, 0)


@pytest.mark.parametrize("tif", [GTC, FOK])
def test_reduce_only_goes_with_ioc_only(tif: TimeInForce) -> None:
    with pytest.raises(Refused) as refused:
        place(engine(), "ann", ASK, 50, 1, tif=tif, reduce_only=True)
    assert (said(refused.value), refused.value.details) == (
        (400, "invalid_order"),
        "reduce_only can only be used with IoC orders",
    )


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"ticker": "KXNONE-26JUL10-T1"}, 404, "market_not_found"),
        ({"exchange_index": 2}, 404, "market_not_found"),
        ({"price": cents("50.5")}, 400, "invalid_price"),
        ({"price": cents(0)}, 400, "invalid_price"),
        ({"price": cents(100)}, 400, "invalid_price"),
        ({"count": contracts(0)}, 400, "invalid_order"),
        ({"count": contracts(-1)}, 400, "invalid_order"),
        ({"count": contracts(1000)}, 400, "insufficient_balance"),
        ({"subaccount": 3}, 400, "insufficient_balance"),
        ({"expiration_time": NOW}, 400, "invalid_order"),
        ({"expiration_time": NOW + timedelta(hours=1), "time_in_force": IOC}, 400, "invalid_order"),
        ({"post_only": True, "time_in_force": IOC}, 400, "invalid_order"),
        ({"post_only": True, "time_in_force": FOK}, 400, "invalid_order"),
        ({"order_group_id": "none"}, 404, "not_found"),
    ],
)
def test_wrong_orders_are_refused_and_leave_nothing(changes: dict[str, Any], status: int, code: str) -> None:
    exchange = engine()
    terms: dict[str, Any] = {"client_order_id": "mine"} | changes
    usual = order(BID, 50, 1)
    wrong = type(usual)(**{name: getattr(usual, name) for name in usual.__struct_fields__} | terms)
    with pytest.raises(Refused) as refused:
        exchange.place("ann", wrong, NOW)
    assert said(refused.value) == (status, code)
    assert exchange.take_events() == []
    assert place(exchange, "ann", BID, 50, 1, client_order_id="mine").order.status is OrderStatus.RESTING


def test_routing_by_ticker_and_the_right_shard_are_accepted() -> None:
    exchange = engine()
    for index in (None, -1, 2):
        assert place(exchange, "ann", BID, 50, 1, ticker=SNOW, exchange_index=index).order.exchange_index == 2


def test_client_order_ids_are_used_up_for_ever() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 1, client_order_id="mine").order
    exchange.cancel("ann", placed.order_id, NOW)
    with pytest.raises(Refused) as refused:
        place(exchange, "ann", ASK, 70, 2, client_order_id="mine")
    assert said(refused.value) == (409, "order_already_exists")
    assert place(exchange, "ben", BID, 50, 1, client_order_id="mine").order.client_order_id == "mine"
    for _ in range(2):
        assert place(exchange, "ann", BID, 50, 1).order.client_order_id == ""


def test_whether_a_refused_order_uses_its_id_is_a_setting() -> None:
    exchange = engine(refused_order_uses_its_id=True)
    with pytest.raises(Refused, match="invalid_price"):
        place(exchange, "ann", BID, "50.5", 1, client_order_id="mine")
    with pytest.raises(Refused, match="order_already_exists"):
        place(exchange, "ann", BID, 50, 1, client_order_id="mine")
    assert exchange.client_order_ids_of("ann") == ["mine"]


def test_what_an_order_leaves_behind_is_told_in_order() -> None:
    exchange = engine()
    maker = place(exchange, "ann", ASK, 50, 2, client_order_id="quote").order
    assert only(exchange.take_events(), BookChanged) == [
        BookChanged(RAIN, ASK, cents(50), contracts(2), NOW, "ann", "quote")
    ]
    taker = place(exchange, "ben", BID, 50, 0.75).order
    told = exchange.take_events()
    assert exchange.take_events() == []
    traded, removed, *_ = told
    assert isinstance(traded, Traded)
    assert (traded.trade.taker_side, traded.house_only, traded.open_interest) == (BID, False, contracts(0.75))
    assert removed == BookChanged(RAIN, ASK, cents(50), contracts(-0.75), NOW, "ann", "quote")
    fills = [filled.fill for filled in only(told, Filled)]
    assert [(fill.order_id, fill.is_taker, fill.position_after) for fill in fills] == [
        (maker.order_id, False, contracts(-0.75)),
        (taker.order_id, True, contracts(0.75)),
    ]
    assert {fill.trade_id for fill in fills} == {traded.trade.trade_id}
    changed = [change.order for change in only(told, OrderChanged)]
    assert [(one.order_id, one.status, one.reason) for one in changed] == [
        (maker.order_id, OrderStatus.RESTING, UpdateReason.TRADE),
        (taker.order_id, OrderStatus.EXECUTED, UpdateReason.TRADE),
    ]
    # Copies: what happens later does not change what was told.
    exchange.cancel("ann", maker.order_id, NOW)
    assert changed[0].status is OrderStatus.RESTING


def test_accounts_of_the_house_trade_without_money_and_without_messages() -> None:
    exchange = engine()
    exchange.open_account(Account(account_id="bot", name="bot", house=True), {})
    place(exchange, "bot", ASK, 50, 1_000)
    assert "bot" not in exchange.accounts
    place(exchange, "ann", BID, 50, 1)
    exchange.set_book(RAIN, ladder((30, 1)), [], NOW)
    place(exchange, "bot", ASK, 30, 1, tif=IOC)
    told = exchange.take_events()
    assert {filled.fill.account_id for filled in only(told, Filled)} == {"ann"}
    assert {change.order.account_id for change in only(told, OrderChanged)} == {"ann"}
    assert [traded.house_only for traded in only(told, Traded)] == [False, True]
    assert exchange.money_held() == exchange.deposited
