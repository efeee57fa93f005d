"""What the store brings back is what members knew, whatever they did and whenever the process was killed."""

from datetime import timedelta
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mesh.types import Micros
from sim_exchange.domain.exchange import SHARDS, Exchange
from sim_exchange.domain.types import Event, Market, Refused, Series
from sim_exchange.hub import Hub
from sim_exchange.invariants import check
from sim_exchange.quirks import Quirks
from sim_exchange.recorder import Recorder, restore_exchange, restore_tape, saved_time
from sim_exchange.store import STATE_FILE, Store
from sim_exchange.tape.tape import Tape
from tests.fakes.exchange_commands import MEMBERS, TICKERS, Command, Runner, commands
from tests.fakes.exchange_engine import ASK, BID, NOW, ladder, order, place, usd

many = st.lists(commands, min_size=5, max_size=40)
thorough = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)


class Recorded:
    """A runner whose exchange is recorded after every command, as the daemon does."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / STATE_FILE
        self.store = Store(self.file)
        self.runner = Runner(Quirks(), Micros(100))
        self.tape = Tape(self.runner.exchange.markets)
        self.recorder = Recorder(self.store, self.runner.exchange, self.tape, lambda: self.runner.now)
        self.hub = Hub(self.recorder, self.tape)
        self.publish()

    def publish(self) -> None:
        self.hub.publish(self.runner.exchange.take_events())

    def run(self, todo: list[Command]) -> None:
        for command in todo:
            self.runner.run(command)
            self.publish()

    def restarted(self) -> "Recorded":
        """What another process makes of it if this one is killed now: an open transaction is lost."""
        left = self.file.parent / "left"
        left.mkdir()
        for part in ("", "-wal"):
            copy(f"{self.file}{part}", left / f"{STATE_FILE}{part}")
        other = Recorded.__new__(Recorded)
        other.file = left / STATE_FILE
        other.store = Store(other.file)
        other.runner = self.runner.moved(Quirks())
        other.runner.exchange = exchange = Exchange(seed=3, quirks=Quirks())
        restore_exchange(other.store, exchange, self.runner.now)
        other.tape = Tape(exchange.markets)
        restore_tape(other.store, other.tape, exchange)
        other.recorder = Recorder(other.store, exchange, other.tape, lambda: other.runner.now)
        other.hub = Hub(other.recorder, other.tape)
        source = Runner(Quirks(), Micros(100)).exchange  # lists its markets anew after every start
        items: list[Series | Event | Market] = [*source.series.values(), *source.events.values()]
        for item in (*items, *source.markets.values()):
            exchange.list(item, self.runner.now)
        return other

    def reopened(self) -> tuple[Exchange, Tape]:
        """The same, to look at only."""
        other = self.restarted()
        other.store.close()
        return other.runner.exchange, other.tape


def known(exchange: Exchange) -> dict[str, Any]:
    """All that members know."""
    return {
        name: {
            "orders": sorted(exchange.orders_of(name), key=lambda one: one.order_id),
            "fills": list(exchange.fills_of(name)),
            "positions": sorted(exchange.positions_of(name), key=lambda one: one.ticker),
            "settlements": list(exchange.settlements_of(name)),
            "groups": sorted(exchange.groups_of(name), key=lambda one: one.group_id),
            "client order ids": exchange.client_order_ids_of(name),
            "cash": [exchange.cash(name, shard) for shard in SHARDS],
            "available": [exchange.available(name, shard) for shard in SHARDS],
        }
        for name in MEMBERS
    }


@thorough
@given(many)
def test_a_killed_exchange_brings_back_all_that_members_knew(todo: list[Command]) -> None:
    with TemporaryDirectory() as folder:
        was = Recorded(Path(folder))
        was.run(todo)
        exchange, _ = was.reopened()
        assert known(exchange) == known(was.runner.exchange)
        assert exchange.issued >= was.runner.exchange.issued  # no id is given out twice
        assert exchange.deposited == was.runner.exchange.deposited
        assert check(exchange).hold, check(exchange)
        was.store.close()


@thorough
@given(many, many)
def test_it_goes_on_as_if_nothing_had_been(before: list[Command], after: list[Command]) -> None:
    """Members' own orders among each other: the house's ladders are laid anew, so they are left out."""
    before, after = ([one for one in todo if one.kind not in {"ladder", "house"}] for todo in (before, after))
    with TemporaryDirectory() as folder:
        was = Recorded(Path(folder))
        was.run(before)
        was.recorder.close()
        exchange, _ = was.reopened()
        moved = was.runner.moved(Quirks())
        moved.exchange = exchange
        assert [moved.run(command) for command in after] == [was.runner.run(command) for command in after]
        assert known(exchange) == known(was.runner.exchange)
        was.store.close()


@thorough
@given(many)
def test_candles_and_trades_of_members_markets_come_back(todo: list[Command]) -> None:
    with TemporaryDirectory() as folder:
        was = Recorded(Path(folder))
        was.run(todo)
        was.recorder.close()
        assert saved_time(was.store) == was.runner.now
        exchange, tape = was.reopened()
        far = int(was.runner.now.timestamp()) + 10**6
        for ticker in {order.ticker for name in MEMBERS for order in was.runner.exchange.orders_of(name)}:
            first = min(one.created_time for one in exchange.orders.values() if one.ticker == ticker)
            since = int(first.timestamp()) // 60 * 60 + 1
            assert tape.candles(ticker, 1, since, far) == was.tape.candles(ticker, 1, since, far)
            assert tape.trades(ticker, min_ts=since)[0] == was.tape.trades(ticker, min_ts=since)[0]
            kept, had = exchange.markets[ticker], was.runner.exchange.markets[ticker]
            assert (kept.volume, kept.last_price, kept.status) == (had.volume, had.last_price, had.status)
        was.store.close()


@thorough
@given(many, many)
def test_volume_trades_and_candles_agree_after_kills(first: list[Command], second: list[Command]) -> None:
    """Nothing is flushed: minutes that were not written are made anew from trades, each time."""
    with TemporaryDirectory() as folder:
        was = Recorded(Path(folder))
        was.run(first)
        again = was.restarted()
        again.publish()
        again.run(second)
        exchange, tape = again.reopened()
        for ticker in {one.ticker for one in exchange.orders.values()}:
            trades, _ = tape.trades(ticker)
            assert sum(one.count for one in trades) == sum(one.volume for one in tape.candles(ticker, 1, 0, 1 << 40))
            if trades:
                assert exchange.markets[ticker].last_price == trades[0].price
        for each in (was, again):
            each.store.close()


def test_a_minute_made_anew_from_trades_is_written_then(tmp_path: Path) -> None:
    ticker = TICKERS[0]

    def trade(recorded: Recorded, seconds: int) -> None:
        recorded.runner.now += timedelta(seconds=seconds)
        for name, side in (("ann", BID), ("ben", ASK)):
            recorded.runner.exchange.place(name, order(side, 50, 1, ticker=ticker), recorded.runner.now)
        recorded.publish()

    was = Recorded(tmp_path)
    trade(was, 1)
    trade(was, 70)  # the first minute is over, and not written
    again = was.restarted()
    trade(again, 70)
    again.recorder.flush()
    _, tape = again.reopened()
    assert [candle.volume for candle in tape.candles(ticker, 1, 0, 1 << 40)] == [100, 100, 100]
    for each in (was, again):
        each.store.close()


def test_a_transfer_is_not_made_twice_over_a_kill(tmp_path: Path) -> None:
    was = Recorded(tmp_path)
    was.runner.exchange.transfer("ann", 0, 2, usd(1), NOW, client_transfer_id="rent")
    was.publish()
    again = was.restarted()
    with pytest.raises(Refused, match="transfer_already_exists"):
        again.runner.exchange.transfer("ann", 0, 2, usd(1), NOW, client_transfer_id="rent")
    assert known(again.runner.exchange) == known(was.runner.exchange)
    for each in (was, again):
        each.store.close()


def test_nothing_is_told_once_it_cannot_be_written(tmp_path: Path) -> None:
    was = Recorded(tmp_path)
    place(was.runner.exchange, "ann", BID, 40, 1, ticker=TICKERS[0])
    was.store.close()
    with pytest.raises(Exception, match="closed"):
        was.publish()
    place(was.runner.exchange, "ann", BID, 30, 1, ticker=TICKERS[0])
    with pytest.raises(RuntimeError, match="could not be written"):
        was.publish()


def test_what_the_simulation_did_before_the_first_order_is_not_kept(tmp_path: Path) -> None:
    was = Recorded(tmp_path)
    was.runner.exchange.set_book(TICKERS[0], ladder((40, 5)), ladder((50, 5)), NOW)
    was.runner.exchange.house_trade(TICKERS[0], BID, Micros(500_000), order(BID, 50, 1).count, NOW)
    was.publish()
    was.recorder.flush()
    assert list(was.store.entries("trade", dict)) == []
    place(was.runner.exchange, "ann", BID, 50, 2, ticker=TICKERS[0])
    was.publish()
    assert len(list(was.store.entries("trade", dict))) == 2  # the one in the same minute, and the member's
    was.store.close()
