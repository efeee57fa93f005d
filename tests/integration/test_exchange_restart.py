"""What the store brings back is what members knew, whatever they did and whenever the process was killed."""

from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mesh.types import Micros
from sim_exchange.domain.exchange import SHARDS, Exchange
from sim_exchange.domain.types import Event, Market, Series
from sim_exchange.hub import Hub
from sim_exchange.invariants import check
from sim_exchange.quirks import Quirks
from sim_exchange.recorder import Recorder, restore_exchange, restore_tape, saved_time
from sim_exchange.store import STATE_FILE, Store
from sim_exchange.tape.tape import Tape
from tests.fakes.exchange_commands import MEMBERS, TICKERS, Command, Runner, commands
from tests.fakes.exchange_engine import BID, NOW, ladder, order, place

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
        self.recorder = Recorder(self.store, self.runner.exchange, self.tape)
        self.hub = Hub(self.recorder, self.tape)
        self.publish()

    def publish(self) -> None:
        self.hub.publish(self.runner.exchange.take_events())

    def run(self, todo: list[Command]) -> None:
        for command in todo:
            self.runner.run(command)
            self.publish()

    def reopened(self) -> tuple[Exchange, Tape]:
        """What another process finds if this one is killed now: the files as they are, an open transaction lost."""
        left = self.file.parent / "left"
        left.mkdir()
        for part in ("", "-wal"):
            copy(f"{self.file}{part}", left / f"{STATE_FILE}{part}")
        with Store(left / STATE_FILE) as store:
            exchange = Exchange(seed=3, quirks=Quirks())
            restore_exchange(store, exchange, self.runner.now)
            tape = Tape(exchange.markets)
            restore_tape(store, tape, exchange)
        source = Runner(Quirks(), Micros(100)).exchange  # lists its markets anew after every start
        items: list[Series | Event | Market] = [*source.series.values(), *source.events.values()]
        for item in (*items, *source.markets.values()):
            exchange.list(item, self.runner.now)
        return exchange, tape


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
        was.recorder.close(was.runner.now)
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
        was.recorder.close(was.runner.now)
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


def test_what_the_simulation_did_before_the_first_order_is_not_kept(tmp_path: Path) -> None:
    was = Recorded(tmp_path)
    was.runner.exchange.set_book(TICKERS[0], ladder((40, 5)), ladder((50, 5)), NOW)
    was.runner.exchange.house_trade(TICKERS[0], BID, Micros(500_000), order(BID, 50, 1).count, NOW)
    was.publish()
    was.recorder.flush(NOW)
    assert list(was.store.entries("trade", dict)) == []
    place(was.runner.exchange, "ann", BID, 50, 2, ticker=TICKERS[0])
    was.publish()
    assert len(list(was.store.entries("trade", dict))) == 2  # the one in the same minute, and the member's
    was.store.close()
