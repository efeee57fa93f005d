"""What must hold whatever anybody does."""

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesh.kalshi.terms import MarketStatus, OrderStatus, Result, UpdateReason
from mesh.types import Micros
from sim_exchange.domain.book import Lot
from sim_exchange.domain.events import Filled, Happening, OrderChanged
from sim_exchange.domain.exchange import SHARDS, Exchange
from sim_exchange.domain.types import Order
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_commands import (
    MEMBERS,
    PLAIN,
    TICKERS,
    Command,
    Runner,
    commands,
    later,
    precisions,
    settings,
    state_of,
)
from tests.fakes.exchange_engine import ASK, BID, NOW, ladder, place

many = st.lists(commands, min_size=30, max_size=60)
thorough = hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def check_money(exchange: Exchange, *, aligned: bool) -> None:
    assert exchange.money_held() == exchange.deposited
    for ticker in TICKERS:
        counts = [
            position.count
            for name in [*exchange.accounts, *exchange.house_accounts]
            for position in exchange.positions_of(name)
            if position.ticker == ticker
        ]
        assert sum(counts) == 0
        if exchange.markets[ticker].status is not MarketStatus.FINALIZED:  # which keeps the figure it ended with
            assert exchange.markets[ticker].open_interest == sum(count for count in counts if count > 0)
    for name in MEMBERS:
        precision = exchange.accounts[name].balance_precision
        for shard in SHARDS:
            assert exchange.available(name, shard) >= 0
            assert exchange.available(name, shard) == exchange.cash(name, shard) - locked(exchange, name, shard)
            assert not aligned or exchange.cash(name, shard) % precision == 0
        for position in exchange.positions_of(name):
            assert position.open_cost >= 0
            assert (position.open_cost == 0) or position.count


def locked(exchange: Exchange, name: str, shard: int) -> int:
    """The rule, spelled out: each order's cost at its limit, but for what closes the position, oldest first."""
    held: dict[str, int] = {position.ticker: position.count for position in exchange.positions_of(name)}
    total = 0
    for order in sorted(exchange.orders_of(name), key=lambda order: order.sequence):
        if order.status is OrderStatus.RESTING and order.exchange_index == shard:
            position = held.get(order.ticker, 0)
            closing = min(order.remaining_count, max(0, position if order.side is ASK else -position))
            held[order.ticker] = position - closing if order.side is ASK else position + closing
            price = order.price if order.side is BID else 1_000_000 - order.price
            total += price * (order.remaining_count - closing) // 100
    return total


def check_books(exchange: Exchange) -> None:
    resting: dict[tuple[str, str, int], dict[str, int]] = defaultdict(dict)
    for order in exchange.orders.values():
        if order.status is OrderStatus.RESTING:
            resting[order.ticker, order.side, order.price][order.order_id] = order.remaining_count
    for ticker in TICKERS:
        book = exchange.books[ticker]
        bids, asks = book.levels(BID), book.levels(ASK)
        assert not (bids and asks) or bids[0][0] < asks[0][0]
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        if exchange.markets[ticker].status not in (MarketStatus.ACTIVE, MarketStatus.INACTIVE):
            assert (bids, asks) == ([], [])
        for side, levels in ((BID, bids), (ASK, asks)):
            for price, total in levels:
                queue = list(book.side(side).levels[price].queue.values())
                assert total == sum(one.remaining_count for one in queue) > 0
                assert [one.sequence for one in queue] == sorted(one.sequence for one in queue)
                there = {one.order_id: one.remaining_count for one in queue if not isinstance(one, Lot)}
                assert there == resting.pop((ticker, side, price), {})
    assert not resting


def check_orders(exchange: Exchange) -> None:
    for order in exchange.orders.values():
        cancelled = order.initial_count - order.fill_count - order.remaining_count
        assert cancelled >= 0
        assert (order.status is OrderStatus.RESTING) == (order.remaining_count > 0)
        # One that was decreased is executed once the rest is filled.
        executed = order.status is OrderStatus.EXECUTED
        assert executed or order.fill_count < order.initial_count
        assert order.fill_count or not executed
    for name in MEMBERS:
        for group in exchange.groups_of(name):
            assert not (group.triggered and exchange.group_orders(name, group.group_id))


class Follower:
    """Follows the events alone, as a store does, and compares."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.filled: dict[str, int] = defaultdict(int)

    def take(self, happenings: Sequence[Happening]) -> None:
        for happening in happenings:
            if isinstance(happening, Filled):
                self.filled[happening.fill.order_id] += happening.fill.count
            if isinstance(happening, OrderChanged):
                order = happening.order
                before = self.orders.get(order.order_id)
                if before is not None and order.status is not OrderStatus.CANCELED:
                    there = order.fill_count + order.remaining_count
                    amended = there == order.initial_count
                    decreased = order.reason is UpdateReason.DECREASE
                    assert amended or decreased or there == before.fill_count + before.remaining_count
                self.orders[order.order_id] = order

    def check(self, exchange: Exchange) -> None:
        assert self.orders == exchange.orders
        for order in self.orders.values():
            assert self.filled[order.order_id] == order.fill_count


@thorough
@given(settings, precisions, many)
def test_the_invariants_hold_after_every_command(quirks: Quirks, precision: Micros, todo: list[Command]) -> None:
    runner = Runner(quirks, precision)
    follower = Follower()
    for command in todo:
        runner.run(command)
        check_money(runner.exchange, aligned=quirks.rounding_fee_on_free_maker_fills)
        check_books(runner.exchange)
        check_orders(runner.exchange)
        follower.take(runner.exchange.take_events())
        follower.check(runner.exchange)


@thorough
@given(settings, precisions, many, st.sampled_from([Result.YES, Result.NO, Result.SCALAR]), st.integers(0, 1_000_000))
def test_when_all_is_paid_out_all_money_is_in_the_accounts(
    quirks: Quirks, precision: Micros, todo: list[Command], result: Result, value: int
) -> None:
    runner = Runner(quirks, precision)
    runner.run_all(todo)
    exchange = runner.exchange
    for ticker in TICKERS:
        runner.run(Command("determine", (ticker, result, value)))
    exchange.advance(later(runner.now))
    assert all(exchange.markets[ticker].status is MarketStatus.FINALIZED for ticker in TICKERS)
    check_money(exchange, aligned=quirks.rounding_fee_on_free_maker_fills)
    check_books(exchange)
    everybody = [*exchange.accounts, *exchange.house_accounts]
    cash = sum(exchange.cash(name, shard) for name in everybody for shard in SHARDS)
    assert cash + exchange.fees_collected == exchange.deposited
    for name in MEMBERS:
        gained = sum(exchange.cash(name, shard) for shard in SHARDS) - 30_000_000
        positions = exchange.positions_of(name)
        assert gained == sum(position.realized_pnl - position.fees_paid for position in positions)


@thorough
@given(settings, precisions, many)
def test_the_same_commands_give_the_same_outcome(quirks: Quirks, precision: Micros, todo: list[Command]) -> None:
    first, second = Runner(quirks, precision), Runner(quirks, precision)
    assert first.run_all(todo) == second.run_all(todo)


@thorough
@given(settings, precisions, many, many)
def test_a_restored_exchange_goes_on_as_the_first_would(
    quirks: Quirks, precision: Micros, before: list[Command], after: list[Command]
) -> None:
    runner = Runner(quirks, precision)
    runner.run_all(before)
    for ticker in TICKERS:
        # The house's ladders are laid anew after a restart: begin without them.
        runner.run(Command("resume", (ticker,)))
        runner.run(Command("ladder", (ticker, {}, {})))
    runner.exchange.take_events()
    moved = runner.moved(quirks)
    assert moved.exchange.take_events() == []
    assert state_of(moved.exchange) == state_of(runner.exchange)
    assert moved.run_all(after) == runner.run_all(after)
    moved.exchange.advance(later(moved.now))
    runner.exchange.advance(later(runner.now))
    assert moved.exchange.take_events() == runner.exchange.take_events()


@given(settings, many)
def test_what_happens_does_not_depend_on_how_often_one_looks(quirks: Quirks, todo: list[Command]) -> None:
    seldom, often = Runner(quirks, Micros(100)), Runner(quirks, Micros(100))
    for command in todo:
        if command.kind == "wait":
            for second in range(1, command.arguments[0]):
                often.exchange.advance(often.now + timedelta(seconds=second))
        assert seldom.run(command) == often.run(command)
    assert seldom.exchange.take_events() == often.exchange.take_events()


def test_a_restart_without_the_house_s_records_still_adds_up() -> None:
    runner = Runner(Quirks(), Micros(100))
    runner.exchange.set_book(PLAIN, [], ladder((50, 5)), NOW)
    place(runner.exchange, "ann", BID, 50, 5, ticker=PLAIN)
    place(runner.exchange, "ben", BID, 40, 5, ticker=PLAIN)
    state = state_of(runner.exchange)
    members_only = copy(state)
    members_only.cash = {key: amount for key, amount in state.cash.items() if key[0] in MEMBERS}
    members_only.positions = [position for position in state.positions if position.account_id in MEMBERS]
    restored = Exchange(seed=3, quirks=Quirks())
    restored.restore(members_only, NOW)
    check_money(restored, aligned=True)
    check_books(restored)
    assert restored.deposited == runner.exchange.deposited
    with pytest.raises(ValueError, match="not been used"):
        restored.restore(state, NOW)
