"""Cancel, decrease and amend; the queue; groups."""

from datetime import timedelta
from typing import Any

import pytest

from mesh.kalshi.terms import OrderStatus, UpdateReason
from mesh.types import Hundredths
from sim_exchange.domain.events import GroupChange, GroupChanged, OrderChanged
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import Amended, PauseScope
from sim_exchange.domain.types import Amendment, Order, Refused
from tests.fakes.exchange_engine import (
    ASK,
    BID,
    NOW,
    RAIN,
    SNOW,
    book,
    cents,
    contracts,
    engine,
    only,
    place,
    said,
    usd,
)


def amend(exchange: Exchange, order: Order, price: float, count: float, **changes: Any) -> Amended:
    terms: dict[str, Any] = {
        "ticker": order.ticker,
        "side": order.side,
        "price": cents(price),
        "count": contracts(count),
    }
    return exchange.amend(order.account_id, order.order_id, Amendment(**terms | changes), NOW)


def test_a_cancel_takes_the_rest_and_a_second_one_finds_nothing() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 3).order
    place(exchange, "ben", ASK, 50, 1)
    cancelled = exchange.cancel("ann", placed.order_id, NOW)
    assert (cancelled.reduced_by, cancelled.order.status, cancelled.order.fill_count) == (
        contracts(2),
        OrderStatus.CANCELED,
        contracts(1),
    )
    assert exchange.available("ann", 0) == exchange.cash("ann", 0)


def test_dead_executed_unknown_and_foreign_orders_are_refused_alike() -> None:
    exchange = engine()
    dead = place(exchange, "ann", BID, 40, 1).order
    exchange.cancel("ann", dead.order_id, NOW)
    executed = place(exchange, "ann", BID, 50, 1).order
    place(exchange, "ben", ASK, 50, 1)
    foreign = place(exchange, "ben", BID, 40, 1).order
    told = set()
    for order_id in (dead.order_id, executed.order_id, "never", foreign.order_id):
        for refuse in (
            lambda: exchange.cancel("ann", order_id, NOW),  # noqa: B023  called at once
            lambda: exchange.decrease("ann", order_id, reduce_to=Hundredths(0), now=NOW),  # noqa: B023
        ):
            with pytest.raises(Refused) as refused:
                refuse()
            told.add((refused.value.status, refused.value.code, refused.value.message, refused.value.details))
    assert told == {(404, "not_found", "not found", "")}
    with pytest.raises(Refused, match="404"):
        amend(exchange, dead, 40, 2)


def test_a_cancel_must_name_the_right_market_and_shard() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 1, ticker=SNOW).order
    for wrong in ({"exchange_index": 0}, {"market_ticker": RAIN}, {"subaccount": 1}):
        with pytest.raises(Refused, match="404"):
            exchange.cancel("ann", placed.order_id, NOW, **wrong)
    exchange.cancel("ann", placed.order_id, NOW, exchange_index=-1, market_ticker=SNOW)
    strict = engine(cancel_needs_market_ticker=True)
    placed = place(strict, "ann", BID, 50, 1, ticker=SNOW).order
    with pytest.raises(Refused, match="404"):
        strict.cancel("ann", placed.order_id, NOW)
    strict.cancel("ann", placed.order_id, NOW, market_ticker=SNOW)


def test_cancel_all_takes_every_shard() -> None:
    exchange = engine()
    for ticker in (RAIN, SNOW, RAIN):
        place(exchange, "ann", BID, 50, 1, ticker=ticker)
    place(exchange, "ben", BID, 50, 1)
    assert exchange.cancel_all("ann", NOW, subaccount=1) == []
    assert [cancelled.order.ticker for cancelled in exchange.cancel_all("ann", NOW)] == [RAIN, SNOW, RAIN]
    assert book(exchange) == ([(50, 1)], [])


def test_a_decrease_keeps_the_place() -> None:
    exchange = engine()
    first = place(exchange, "ann", BID, 50, 3).order
    place(exchange, "ben", BID, 50, 3)
    less = exchange.decrease("ann", first.order_id, reduce_by=contracts(1), now=NOW)
    assert (less.remaining_count, less.initial_count, less.reason) == (
        contracts(2),
        contracts(3),
        UpdateReason.DECREASE,
    )
    assert exchange.queue_position(less) == 0
    assert exchange.decrease("ann", first.order_id, reduce_to=contracts("0.5"), now=NOW).remaining_count == 50
    assert book(exchange) == ([(50, 3.5)], [])


@pytest.mark.parametrize("how", [{"reduce_to": Hundredths(0)}, {"reduce_by": contracts(2)}])
def test_a_decrease_to_nothing_cancels(how: dict[str, Hundredths]) -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 2).order
    assert exchange.decrease("ann", placed.order_id, now=NOW, **how).status is OrderStatus.CANCELED


def test_a_decrease_beyond_what_is_left_is_a_setting() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 2).order
    assert exchange.decrease("ann", placed.order_id, reduce_by=contracts(9), now=NOW).remaining_count == 0
    strict = engine(decrease_beyond_remaining="refused")
    placed = place(strict, "ann", BID, 50, 2).order
    with pytest.raises(Refused, match="400 invalid_parameters"):
        strict.decrease("ann", placed.order_id, reduce_by=contracts(9), now=NOW)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"reduce_by": contracts(1), "reduce_to": contracts(1)},
        {"reduce_by": Hundredths(0)},
        {"reduce_by": contracts(-1)},
        {"reduce_to": contracts(-1)},
        {"reduce_to": contracts(3)},
    ],
)
def test_impossible_decreases_are_refused(how: dict[str, Hundredths]) -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 2).order
    with pytest.raises(Refused, match="400 invalid_parameters"):
        exchange.decrease("ann", placed.order_id, now=NOW, **how)
    assert book(exchange) == ([(50, 2)], [])


def test_an_amendment_keeps_the_place_only_when_it_asks_for_no_more() -> None:
    exchange = engine()
    first = place(exchange, "ann", BID, 50, 3).order
    place(exchange, "ben", BID, 50, 3)
    smaller = amend(exchange, first, 50, 2).order
    assert exchange.queue_position(smaller) == 0
    later = NOW + timedelta(minutes=5)
    assert exchange.queue_position(amend(exchange, first, 50, 2, expiration_time=later).order) == 0
    larger = amend(exchange, first, 50, 4).order
    assert (exchange.queue_position(larger), larger.initial_count) == (contracts(3), contracts(4))
    assert larger.reason is UpdateReason.AMEND
    moved = amend(exchange, first, 49, 4).order
    assert (exchange.queue_position(moved), moved.price) == (contracts(3), cents(49))
    assert book(exchange) == ([(50, 3), (49, 4)], [])


def test_the_count_of_an_amendment_includes_what_is_filled() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 3).order
    place(exchange, "ben", ASK, 50, 1)
    assert amend(exchange, placed, 50, 2).order.remaining_count == contracts(1)
    for count in (1, 0.5):
        with pytest.raises(Refused, match="400 invalid_order"):
            amend(exchange, placed, 50, count)


def test_an_amendment_may_cross_and_fill_as_taker() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 55, 1)
    placed = place(exchange, "ann", BID, 50, 3).order
    amended = amend(exchange, placed, 60, 3)
    assert (amended.filling.count, amended.filling.average_price) == (contracts(1), cents(55))
    assert (amended.order.order_id, amended.order.remaining_count) == (placed.order_id, contracts(2))
    assert exchange.fills_of("ann")[0].is_taker
    assert book(exchange) == ([(60, 2)], [])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": cents("50.5")}, "invalid_price"),
        ({"price": cents(60)}, "invalid_order"),
        ({"ticker": SNOW}, "invalid_order"),
        ({"side": ASK}, "invalid_order"),
        ({"expiration_time": NOW - timedelta(seconds=1)}, "invalid_order"),
        ({"count": contracts(1_000)}, "insufficient_balance"),
        ({"updated_client_order_id": "taken"}, "order_already_exists"),
    ],
)
def test_a_refused_amendment_changes_nothing(changes: dict[str, Any], code: str) -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 55, 1)
    place(exchange, "ann", BID, 10, 1, client_order_id="taken")
    placed = place(exchange, "ann", BID, 50, 3, post_only=True).order
    terms: dict[str, Any] = {"ticker": RAIN, "side": BID, "price": cents(50), "count": contracts(4)}
    before = exchange.available("ann", 0)
    exchange.take_events()
    with pytest.raises(Refused) as refused:
        exchange.amend("ann", placed.order_id, Amendment(**terms | changes), NOW)
    assert refused.value.code == code
    assert exchange.take_events() == []
    assert exchange.orders[placed.order_id] == placed
    assert exchange.available("ann", 0) == before


def test_a_new_client_order_id_uses_up_both() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 3, client_order_id="old").order
    assert amend(exchange, placed, 50, 3, updated_client_order_id="new").order.client_order_id == "new"
    amend(exchange, placed, 50, 3, updated_client_order_id="new")
    for used in ("old", "new"):
        with pytest.raises(Refused, match="order_already_exists"):
            place(exchange, "ann", BID, 50, 1, client_order_id=used)
    freeing = engine(renamed_client_order_id_is_free=True)
    placed = place(freeing, "ann", BID, 50, 3, client_order_id="old").order
    amend(freeing, placed, 50, 3, updated_client_order_id="new")
    place(freeing, "ann", BID, 50, 1, client_order_id="old")


def test_money_freed_by_an_amendment_counts_for_it() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 90, 109).order
    amend(exchange, placed, 92, 106)
    with pytest.raises(Refused, match="insufficient_balance"):
        amend(exchange, placed, 92, 112)
    assert exchange.available("ann", 0) == usd(100) - usd("97.52")


def test_expiry_can_be_moved_and_removed() -> None:
    exchange = engine()
    soon, later = NOW + timedelta(seconds=10), NOW + timedelta(seconds=20)
    moved = place(exchange, "ann", BID, 50, 1, expiration_time=soon).order
    kept = place(exchange, "ann", BID, 50, 1, expiration_time=soon).order
    ends = place(exchange, "ann", BID, 50, 1, expiration_time=soon).order
    amend(exchange, moved, 50, 1, expiration_time=later)
    amend(exchange, kept, 50, 1, expiration_time=None)
    amend(exchange, ends, 51, 1)
    exchange.take_events()
    exchange.advance(soon)
    (ended,) = only(exchange.take_events(), OrderChanged)
    assert (ended.order.order_id, ended.order.reason, ended.order.updated_time) == (
        ends.order_id,
        UpdateReason.EXPIRY_CANCEL,
        soon,
    )
    exchange.advance(later)
    assert exchange.orders[moved.order_id].status is OrderStatus.CANCELED
    assert exchange.orders[kept.order_id].status is OrderStatus.RESTING


def test_the_queue_counts_what_is_ahead() -> None:
    exchange = engine()
    place(exchange, "ann", BID, 51, 2)
    place(exchange, "ann", BID, 50, 3)
    last = place(exchange, "ben", BID, 50, 1).order
    assert exchange.queue_position(last) == contracts(5)
    exchange.cancel("ben", last.order_id, NOW)
    assert exchange.queue_position(last) == 0
    narrow = engine(queue_position_counts_better_prices=False)
    place(narrow, "ann", BID, 51, 2)
    place(narrow, "ann", BID, 50, 3)
    assert narrow.queue_position(place(narrow, "ben", BID, 50, 1).order) == contracts(3)


def test_a_group_ends_when_more_than_its_limit_is_matched_within_15_seconds() -> None:
    exchange = engine()
    group = exchange.create_group("ann", contracts(3), NOW).group_id
    orders = [place(exchange, "ann", ASK, price, 2, order_group_id=group).order for price in (50, 51, 52)]
    place(exchange, "ben", BID, 50, 2)
    place(exchange, "ben", BID, 51, 1)
    assert not exchange.get_group("ann", group).triggered
    exchange.take_events()
    place(exchange, "ben", BID, 51, 0.01)
    assert [told.change for told in only(exchange.take_events(), GroupChanged)] == [GroupChange.TRIGGERED]
    assert exchange.get_group("ann", group).triggered
    assert [exchange.orders[one.order_id].status for one in orders] == [
        OrderStatus.EXECUTED,
        OrderStatus.CANCELED,
        OrderStatus.CANCELED,
    ]
    with pytest.raises(Refused, match="400 invalid_order"):
        place(exchange, "ann", ASK, 50, 1, order_group_id=group)
    exchange.reset_group("ann", group, NOW)
    place(exchange, "ann", ASK, 50, 3, order_group_id=group)
    place(exchange, "ben", BID, 50, 3)
    assert not exchange.get_group("ann", group).triggered


def test_the_window_rolls() -> None:
    exchange = engine()
    group = exchange.create_group("ann", contracts(3), NOW).group_id
    place(exchange, "ann", ASK, 50, 9, order_group_id=group)
    place(exchange, "ben", BID, 50, 3, now=NOW)
    place(exchange, "ben", BID, 50, 3, now=NOW + timedelta(seconds=15))
    assert not exchange.get_group("ann", group).triggered
    place(exchange, "ben", BID, 50, 1, now=NOW + timedelta(seconds=29, microseconds=999_999))
    assert exchange.get_group("ann", group).triggered


def test_a_taker_of_a_group_stops_when_the_group_does() -> None:
    exchange = engine()
    group = exchange.create_group("ann", contracts(1), NOW).group_id
    for _ in range(3):
        place(exchange, "ben", ASK, 50, 1)
    taker = place(exchange, "ann", BID, 50, 3, order_group_id=group).order
    assert (taker.fill_count, taker.status) == (contracts(2), OrderStatus.CANCELED)


def test_groups_are_triggered_limited_and_deleted_by_hand() -> None:
    exchange = engine()
    first = exchange.create_group("ann", contracts(5), NOW).group_id
    second = exchange.create_group("ann", contracts(5), NOW).group_id
    mine = place(exchange, "ann", ASK, 50, 5, order_group_id=first).order
    other = place(exchange, "ann", ASK, 51, 5, order_group_id=second).order
    assert [one.order_id for one in exchange.group_orders("ann", first)] == [mine.order_id]
    place(exchange, "ben", BID, 50, 2)
    exchange.set_group_limit("ann", first, contracts(2), NOW)
    assert not exchange.get_group("ann", first).triggered
    exchange.set_group_limit("ann", first, contracts(1), NOW)
    assert exchange.get_group("ann", first).triggered
    assert exchange.orders[other.order_id].status is OrderStatus.RESTING
    exchange.trigger_group("ann", second, NOW)
    assert exchange.orders[other.order_id].status is OrderStatus.CANCELED
    exchange.delete_group("ann", second, NOW)
    assert [group.group_id for group in exchange.groups_of("ann")] == [first]
    for name, group_id in (("ann", second), ("ben", first), ("ann", "never")):
        with pytest.raises(Refused) as refused:
            exchange.get_group(name, group_id)
        assert said(refused.value) == (404, "not_found")


def test_groups_have_possible_limits_and_one_shard() -> None:
    exchange = engine()
    for limit in (0, 0.5, 1_000_001):
        with pytest.raises(Refused, match="400 invalid_parameters"):
            exchange.create_group("ann", contracts(limit), NOW)
    with pytest.raises(Refused, match="400 invalid_parameters"):
        exchange.create_group("ann", contracts(1), NOW, exchange_index=9)
    elsewhere = exchange.create_group("ann", contracts(1), NOW, exchange_index=2).group_id
    with pytest.raises(Refused, match="400 invalid_order"):
        place(exchange, "ann", BID, 50, 1, order_group_id=elsewhere)
    exchange.pause(PauseScope.EXCHANGE, 2, NOW)
    with pytest.raises(Refused, match="409 exchange_is_paused"):
        exchange.trigger_group("ann", elsewhere, NOW)
