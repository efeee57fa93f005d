"""What must hold whatever members do while a recording is replayed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesh.kalshi.terms import MarketStatus
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import Filled, Happening, Traded
from sim_exchange.invariants import check
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_commands import (
    MEMBERS,
    TICKERS,
    Command,
    Runner,
    commands,
    counts,
    ladders,
    sides,
    tickers,
    whole_prices,
)
from tests.fakes.exchange_engine import ASK, BID, NOW, RAIN, engine, held, place

recorded = st.one_of(
    st.builds(Command, st.just("book"), st.tuples(tickers, ladders, ladders, st.booleans())),
    st.builds(Command, st.just("print"), st.tuples(tickers, sides, whole_prices, counts, st.booleans())),
)
many = st.lists(st.one_of(commands, recorded, recorded), min_size=20, max_size=50)
thorough = hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Replayer(Runner):
    """A runner that knows recorded events too, and looks at what each of them does."""

    def __init__(self) -> None:
        super().__init__(Quirks(), Micros(100))
        self.happened: list[Happening] = []

    def look(self) -> Sequence[Happening]:
        """What happened since the last look."""
        news = self.exchange.take_events()
        self.happened += news
        return news

    def _book(self, ticker: str, bids: dict[int, int], asks: dict[int, int], through: bool) -> None:
        self.exchange.advance(self.now)
        self.look()
        top = max(bids, default=0)
        shown: dict[Any, list[tuple[int, Hundredths]]] = {
            BID: [(price, Hundredths(count)) for price, count in bids.items()],
            ASK: [(price, Hundredths(count)) for price, count in asks.items() if price > top],
        }
        self.exchange.set_book(ticker, shown[BID], shown[ASK], self.now, through=through)
        for one in self.look():
            if isinstance(one, Filled):
                limits = [price for price, _ in shown[ASK if one.fill.side is BID else BID]]
                inner = 1 if through else 0
                beyond = [limit for limit in limits if self._gap(one.fill.side, one.fill.price, limit) >= inner]
                assert beyond, "nothing quoted reaches the order"

    def _print(self, ticker: str, side: Any, price: int, count: int, through: bool) -> None:
        self.exchange.advance(self.now)
        self.look()
        market = self.exchange.markets[ticker]
        before = market.volume
        trading = market.status is MarketStatus.ACTIVE and self.exchange.status(market.exchange_index).trading_active
        self.exchange.house_print(ticker, side, Micros(price), Hundredths(count), self.now, through=through)
        trades = [one for one in self.look() if isinstance(one, Traded)]
        fills = [one.fill for one in self.happened[-200:] if isinstance(one, Filled) and one.fill.time == self.now]
        ids = {one.trade.trade_id: one for one in trades}
        assert sum(one.trade.count for one in trades) == market.volume - before
        assert market.volume - before == (count if trading else 0)
        assert len([one for one in trades if one.house_only]) <= 1
        assert all(one.trade.price == price for one in trades if one.house_only)
        assert {one.trade.taker_side for one in trades} <= {side}
        for fill in fills:
            if fill.trade_id in ids:
                assert not fill.is_taker
                assert fill.price == self.exchange.orders[fill.order_id].price
                assert self._gap(fill.side, fill.price, price) >= (1 if through else 0)

    @staticmethod
    def _gap(side: Any, price: int, other: int) -> int:
        """How far an order's price lies within the other side's."""
        return price - other if side is BID else other - price


def check_all(runner: Replayer) -> None:
    exchange = runner.exchange
    assert check(exchange).hold
    for ticker in TICKERS:
        market = exchange.markets[ticker]
        names = [*exchange.accounts, *exchange.house_accounts]
        held_there = [one.count for name in names for one in exchange.positions_of(name) if one.ticker == ticker]
        if market.status is not MarketStatus.FINALIZED:
            assert market.open_interest == sum(count for count in held_there if count > 0)
        assert 0 <= market.open_interest <= market.volume
    for name in MEMBERS:
        assert all(exchange.available(name, shard) >= 0 for shard in exchange.shards)


@thorough
@given(many)
def test_members_and_a_recording_together_break_nothing(todo: list[Command]) -> None:
    runner = Replayer()
    for command in todo:
        runner.run(command)
        check_all(runner)
        runner.exchange.advance(runner.now)
        check_all(runner)
    runner.look()
    for ticker in TICKERS:
        told = [one.trade for one in runner.happened if isinstance(one, Traded) and one.trade.ticker == ticker]
        assert sum(trade.count for trade in told) == runner.exchange.markets[ticker].volume
        if told:
            assert runner.exchange.markets[ticker].last_price == told[-1].price


@thorough
@given(many)
def test_a_replay_does_not_depend_on_how_often_one_looks(todo: list[Command]) -> None:
    seldom, often = Replayer(), Replayer()
    for command in todo:
        assert seldom.run(command) == often.run(command)
        often.exchange.advance(often.now)
        if command.kind == "wait":
            often.exchange.advance(often.now + timedelta(microseconds=1))
            often.now += timedelta(microseconds=1)
            seldom.now += timedelta(microseconds=1)
    seldom.exchange.advance(seldom.now)
    for runner in (seldom, often):
        runner.look()
    assert seldom.happened == often.happened


quotes = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=30)


@given(st.integers(0, 20), st.integers(1, 20), quotes)
def test_in_the_queue_an_order_gets_what_prints_leave_over_of_what_was_quoted_before_it(
    ahead: int, size: int, events: list[tuple[bool, int]]
) -> None:
    """Whatever the quotes say in the meantime: they neither bring the order forward nor put anything before it."""
    exchange = engine()
    price = Micros(480_000)

    def quote(count: int) -> None:
        exchange.set_book(RAIN, [(price, Hundredths(count * 100))] if count else [], [], NOW)

    quote(ahead)
    place(exchange, "ann", BID, 48, size)
    printed = 0
    for is_print, count in events:
        if not is_print:
            quote(count)
        elif count:
            exchange.house_print(RAIN, ASK, price, Hundredths(count * 100), NOW, through=False)
            printed += count
        assert held(exchange, "ann") == min(size, max(0, printed - ahead))
    assert exchange.markets[RAIN].volume == printed * 100


@given(st.lists(st.tuples(sides, st.integers(30, 70), st.integers(1, 500)), max_size=20), st.booleans())
def test_without_members_recorded_trades_come_out_as_they_were(
    prints: list[tuple[Any, int, int]], through: bool
) -> None:
    exchange = engine()
    exchange.set_book(RAIN, [(450_000, Hundredths(500))], [(550_000, Hundredths(500))], NOW, through=through)
    exchange.take_events()
    for side, cents, count in prints:
        exchange.house_print(RAIN, side, Micros(cents * 10_000), Hundredths(count), NOW, through=through)
    trades = [one.trade for one in exchange.take_events() if isinstance(one, Traded)]
    assert [(trade.taker_side, trade.price // 10_000, trade.count) for trade in trades] == prints
