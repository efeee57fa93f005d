"""The installed trader on a simulated exchange, from the outside: what it does on a good day, and with its switches."""

import contextlib
import itertools
import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from mesh.types import Side, micros_from_dollars
from tests.fakes.cable import cable
from tests.fakes.collection import free_port, wait_for
from tests.fakes.exchange_process import BIN
from tests.fakes.trader_process import (
    ScriptedForecasts,
    TraderProcess,
    TradingDesk,
    books_equal,
    every,
    serving,
    trading,
)
from tests.fakes.trading import NOON, cents
from trader.domain.entries import (
    Differed,
    ExitDecided,
    Notified,
    OrderIntended,
    OrderUnknown,
    PositionClosed,
    PositionOpened,
    ScanFinished,
    Started,
    Stopped,
    SwitchesChanged,
)
from trader.domain.facts import Block, Trade
from trader.domain.words import BlockKind, ChangeKind, ExitKind, Mode, OrderState, Purpose
from trader.journal.store import opened


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradingDesk]:
    with trading(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def desk(whole: TradingDesk) -> Iterator[TradingDesk]:
    """The exchange of all tests, with nothing wrong and nothing said; at the end no trader runs."""
    whole.quiet()
    yield whole
    whole.quiet()


def shown(trader: TraderProcess) -> list[dict[str, Any]]:
    """What `foremesh journal show --json` says."""
    done = subprocess.run(
        [BIN / "foremesh", "journal", "show", trader.journal, "--json"], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def round_trip(desk: TradingDesk, trader: TraderProcess) -> Trade:
    """From a signal to a sale at its target, and a stop in order."""
    ticker = desk.ticker()
    desk.quote(ticker, bid=54, ask=56)
    desk.forecasts.say(ticker, take_profit=5.0)
    trader.start()
    opened = trader.wait(PositionOpened)
    desk.forecasts.hush()
    assert (opened.side, opened.market.ticker) == (Side.NO, ticker)
    assert opened.plan.take_profit == cents(61)
    desk.quote(ticker, bid=63, ask=65)
    trade = trader.wait(PositionClosed).trade
    assert (trade.exit_kind, trade.count) == (ExitKind.TAKE_PROFIT, 400)
    assert (trade.cost, trade.proceeds) == (4 * 560_000, 4 * 630_000)
    assert trader.stop() == 0
    return trade


def test_on_paper_a_signal_becomes_a_trade_and_the_journal_shows_every_step(desk: TradingDesk) -> None:
    trader = desk.trader("paper", mode="paper")
    trade = round_trip(desk, trader)
    kinds = [row["entry"]["kind"] for row in shown(trader)]
    for earlier, later in itertools.pairwise(
        ["order_intended", "order_sent", "position_opened", "fill", "exit", "trade"]
    ):
        assert kinds.index(earlier) < kinds.index(later)
    assert kinds[-1] == "stopped"
    assert not trader.written(Differed)
    verified = subprocess.run([BIN / "foremesh", "journal", "verify", trader.journal], capture_output=True, check=False)
    assert verified.returncode == 0
    books = trader.books()
    assert books.expected_cash == 1_000_000_000 + trade.net


def test_with_a_key_the_same_is_done_with_real_orders_and_the_exchanges_books_are_equal_to_the_micro(
    desk: TradingDesk,
) -> None:
    trader = desk.trader("trip")
    trade = round_trip(desk, trader)
    books_equal(trader)
    assert not trader.written(Differed)
    assert sum(micros_from_dollars(fill["fee_cost"]) for fill in every(trader.call, "fills")) == trade.fees
    assert trader.cash() == 1_000_000_000 + trade.net


def test_a_price_that_falls_through_the_stop_is_sold_as_soon_as_somebody_bids(desk: TradingDesk) -> None:
    ticker, trader = desk.ticker(), desk.trader("stop")
    desk.quote(ticker, bid=54, ask=56)
    desk.forecasts.say(ticker, stop_loss=8.0)
    trader.start()
    trader.wait(PositionOpened)
    desk.forecasts.hush()
    desk.quote(ticker, bid=None, ask=31)
    decided = trader.wait(ExitDecided)
    assert decided.exit_kind is ExitKind.STOP_LOSS
    desk.quote(ticker, bid=12, ask=31)
    trade = trader.wait(PositionClosed).trade
    assert trade.proceeds == 4 * 120_000
    assert trader.stop() == 0
    books_equal(trader)


def test_behind_a_cut_network_nothing_is_entered_exits_go_on_and_it_enters_again_by_itself(desk: TradingDesk) -> None:
    held, wanted = desk.ticker(), desk.ticker()
    with cable(desk.forecast_address) as network:
        trader = desk.trader("cut", f'forecast.targets=["{network.address}"]', "useful_seconds=2")
        desk.quote(held, bid=54, ask=56)
        desk.forecasts.say(held, take_profit=5.0)
        trader.start()
        trader.wait(PositionOpened)
        network.cut()
        halted = trader.wait(SwitchesChanged, such=lambda entry: any(away(block) for block in entry.began))
        desk.forecasts.hush()
        desk.quote(wanted, bid=54, ask=56)
        desk.forecasts.say(wanted)
        desk.quote(held, bid=63, ask=65)
        assert trader.wait(PositionClosed).trade.exit_kind is ExitKind.TAKE_PROFIT
        assert {entry.market.ticker for entry in trader.written(PositionOpened)} == {held}
        network.mend()
        trader.wait(PositionOpened, such=lambda entry: entry.market.ticker == wanted)
        desk.forecasts.hush()
    ended = {block_id for entry in trader.written(SwitchesChanged) for block_id in entry.ended}
    assert {block.block_id for block in halted.began if away(block)} <= ended
    titles = {entry.notification_id: entry.title for entry in trader.written(Notified) if "server" in entry.title}
    away_title = "the forecast server is away"
    assert list(titles.values()) == [away_title, f"over: {away_title}"], (
        "the owner is told once, and once that it is over"
    )
    assert trader.stop() == 0
    books_equal(trader)


def away(block: Block) -> bool:
    return block.kind is BlockKind.LINK and "forecast server" in block.why


def test_an_order_whose_reply_is_lost_is_unknown_until_it_is_found_and_is_never_sent_again(desk: TradingDesk) -> None:
    ticker, trader = desk.ticker(), desk.trader("lost")
    desk.quote(ticker, bid=54, ask=56)
    desk.fault(kind="latency", seconds=2.0, channel="*", account=trader.name)  # nor does the stream tell of it in time
    desk.fault(kind="reply_lost", **desk.orders(trader), count=1)
    desk.forecasts.say(ticker)
    trader.start()
    trader.wait(OrderUnknown)
    trader.wait(PositionOpened)
    desk.forecasts.hush()
    desk.fault(kind="reply_lost", **desk.orders(trader), count=1)
    desk.quote(ticker, bid=70, ask=72)
    trader.wait(PositionClosed)
    trader.wait_flat()
    assert trader.stop() == 0
    books_equal(trader)
    assert len(every(trader.call, "orders")) == 2
    assert not trader.written(Differed)


def test_the_kill_switch_file_stops_entries_and_exits_go_on(desk: TradingDesk) -> None:
    held, other = desk.ticker(), desk.ticker()
    trader = desk.trader("switch")
    desk.quote(held, bid=54, ask=56)
    desk.quote(other, bid=54, ask=56)
    desk.forecasts.say(held)
    trader.start()
    trader.wait(PositionOpened)
    trader.kill_switch.touch()
    trader.wait(SwitchesChanged, such=lambda entry: any(b.kind is BlockKind.KILL_SWITCH_FILE for b in entry.began))
    desk.forecasts.hush()
    desk.forecasts.say(other)
    desk.quote(held, bid=70, ask=72)
    trader.wait(PositionClosed)
    trader.kill_switch.unlink()
    opened = trader.wait(PositionOpened, 2)
    lifted = [entry for entry in trader.written(SwitchesChanged) if entry.ended][-1]
    assert opened.market.ticker == other
    entries = [entry.order for entry in trader.written(OrderIntended) if entry.order.purpose is Purpose.ENTRY]
    assert [order.ticker for order in entries] == [held, other]
    assert lifted.change in {ChangeKind.RESUMED, ChangeKind.RELEASED}
    assert trader.stop() == 0
    books_equal(trader)


def test_a_stop_waits_for_the_answer_of_what_is_under_way_and_leaves_nothing_unknown(desk: TradingDesk) -> None:
    ticker, trader = desk.ticker(), desk.trader("drain")
    desk.quote(ticker, bid=54, ask=56)
    desk.fault(
        kind="latency", seconds=1.0, method="POST", path="*/portfolio/events/orders", ticker=ticker, account=trader.name
    )
    desk.forecasts.say(ticker)
    trader.start()
    wait_for(lambda: [rule for rule in desk.faults() if rule["strikes"]])
    trader.daemon.signal(signal.SIGTERM)
    assert trader.daemon.wait() == 0
    assert not trader.written(OrderUnknown)
    assert isinstance(trader.written(Stopped)[-1], Stopped)
    assert len(every(trader.call, "orders")) == 1
    assert [order.state for order in trader.books().orders.values() if order.order_id] == [OrderState.FILLED]


def test_a_second_trader_on_one_journal_refuses_and_the_first_goes_on(desk: TradingDesk) -> None:
    ticker, first = desk.ticker(), desk.trader("first", mode="paper")
    first.start()
    second = first.again()
    second.daemon.start()
    assert second.daemon.wait() == 1
    assert "the journal cannot be used" in second.daemon.said()
    assert "Traceback" not in second.daemon.said()
    desk.quote(ticker, bid=54, ask=56)
    desk.forecasts.say(ticker)
    first.wait(PositionOpened)
    assert first.stop() == 0


def test_without_a_forecast_server_it_guards_and_enters_once_one_is_there(desk: TradingDesk) -> None:
    address, ticker = f"127.0.0.1:{free_port()}", desk.ticker()
    trader = desk.trader("alone", f'forecast.targets=["{address}"]')
    desk.quote(ticker, bid=54, ask=56)
    trader.start()
    trader.wait(ScanFinished)
    assert not trader.written(OrderIntended)
    forecasts = ScriptedForecasts()
    forecasts.say(ticker)
    with serving(forecasts, address):
        trader.wait(PositionOpened)
    desk.quote(ticker, bid=70, ask=72)
    trader.wait(PositionClosed)
    assert trader.stop() == 0
    books_equal(trader)


def test_a_journal_that_was_tampered_with_is_refused_and_left_as_it_is(desk: TradingDesk) -> None:
    trader = desk.trader("tampered", mode="paper")
    trader.journal.parent.mkdir()
    with opened(trader.journal) as store:
        store.append(NOON, [Started(run_id="run-1", mode=Mode.PAPER, version="1", config_digest="0" * 64)])
    with contextlib.closing(sqlite3.connect(trader.journal, isolation_level=None)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        (body,) = database.execute("SELECT body FROM entries").fetchone()
        database.execute("UPDATE entries SET body = ?", (body.replace(b"run-1", b"run-2"),))
    before = trader.journal.read_bytes()
    trader.daemon.start()
    assert trader.daemon.wait() == 1
    said = trader.daemon.said()
    assert "the journal cannot be used" in said
    assert "entry 1" in said
    assert "Traceback" not in said
    assert trader.journal.read_bytes() == before
