"""The installed trader is killed, and its exchange goes away: one order for one decision, and books that are equal."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.collection import free_port, wait_for
from tests.fakes.trader_process import TradingDesk, books_equal, every, trading
from trader.domain.entries import (
    Differed,
    ExitDecided,
    OrderIntended,
    OrderSent,
    PositionClosed,
    PositionOpened,
    Started,
)
from trader.domain.words import ExitKind, Purpose

FULL = 160
"""KiB that a file may have: a journal with its first entries, and not many more."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradingDesk]:
    with trading(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def desk(whole: TradingDesk) -> Iterator[TradingDesk]:
    whole.quiet()
    yield whole
    whole.quiet()


def test_a_kill_while_an_order_is_on_its_way_leaves_one_order_at_most_and_equal_books(desk: TradingDesk) -> None:
    faults: dict[str, dict[str, float]] = {"latency": {"seconds": 0.5}, "reply_lost": {}, "drop_socket": {}}
    traders = {fault: desk.trader(fault) for fault in faults}
    tickers = {fault: desk.ticker() for fault in faults}
    for fault, trader in traders.items():
        desk.quote(tickers[fault], bid=54, ask=56)
        desk.fault(kind=fault, **desk.orders(trader), **faults[fault])
        desk.forecasts.say(tickers[fault])
        trader.start()
        trader.wait(OrderSent)
        if fault == "reply_lost":  # it must have arrived for its reply to be lost
            wait_for(partial(every, trader.call, "orders"))
        trader.kill()
        desk.forecasts.hush()
    desk.heal()
    for trader in traders.values():
        trader.start()
    for fault, trader in traders.items():
        trader.wait_settled()
        books_equal(trader)
        if trader.books().positions:
            desk.quote(tickers[fault], bid=70, ask=72)
            trader.wait(PositionClosed)
            trader.wait_flat()
        assert trader.stop() == 0
        books_equal(trader)
        assert len([order for order in every(trader.call, "orders") if order["action"] == "sell"]) <= 1
        assert not trader.written(Differed)
    assert not traders["drop_socket"].written(PositionOpened)
    assert traders["reply_lost"].written(PositionClosed)


def test_a_kill_with_an_open_position_and_one_while_it_is_sold_end_in_one_sale_and_equal_books(
    desk: TradingDesk,
) -> None:
    ticker, trader = desk.ticker(), desk.trader("exit")
    desk.quote(ticker, bid=54, ask=56)
    desk.forecasts.say(ticker, stop_loss=8.0)
    trader.start()
    trader.wait(PositionOpened)
    desk.forecasts.hush()
    trader.kill()
    desk.quote(ticker, bid=40, ask=42)
    desk.fault(kind="latency", seconds=1.0, **desk.orders(trader))
    trader.start()
    decided = trader.wait(ExitDecided)
    assert decided.exit_kind is ExitKind.STOP_LOSS
    trader.wait(OrderSent, 2)
    trader.kill()
    desk.heal()
    trader.start()
    trade = trader.wait(PositionClosed, seconds=30.0).trade
    assert trade.exit_kind is ExitKind.STOP_LOSS
    trader.wait_flat()
    assert trader.stop() == 0
    books_equal(trader)
    sold = [order.terms for order in trader.books().orders.values() if order.terms.purpose is Purpose.EXIT]
    assert sum(int(order["fill_count_fp"].partition(".")[0]) for order in every(trader.call, "orders")) == 8
    assert all(terms.reduce_only for terms in sold)
    assert len(trader.written(Started)) == 3
    assert not trader.written(Differed)


def test_a_full_disk_ends_the_process_in_plain_words_and_with_space_again_it_goes_on(desk: TradingDesk) -> None:
    ticker, trader = desk.ticker(), desk.trader("full")
    command = trader.daemon.command
    desk.quote(ticker, bid=54, ask=56)
    desk.forecasts.say(ticker)
    trader.daemon.command = ["bash", "-c", f'ulimit -f {FULL}; exec "$@"', "trader", *command]
    trader.daemon.start()
    assert trader.daemon.wait(40.0) == 1
    assert "the disk fails" in trader.daemon.said()
    assert "the trader cannot go on and has ended" in trader.daemon.said(), "the owner is told without the journal"
    assert "Traceback" not in trader.daemon.said()
    desk.forecasts.hush()
    desk.quote(ticker, bid=70, ask=72)
    trader.daemon.command = command
    trader.start()
    trader.wait_settled()
    trader.wait_flat()
    assert trader.stop() == 0
    books_equal(trader)
    assert not trader.written(Differed)


def test_an_exchange_that_is_away_at_the_start_and_dies_with_a_position_open_costs_nothing_but_time(
    tmp_path: Path,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with trading(tmp_path, f"listen={address}") as desk:
        ticker = desk.ticker()
        desk.quote(ticker, bid=54, ask=56)
        trader = desk.trader("patient")
        desk.exchange.kill()
        trader.start()
        wait_for(lambda: "notification" in trader.daemon.said())
        assert not trader.written(OrderIntended)
        desk.forecasts.say(ticker)
        with desk.exchange_again():
            trader.wait(PositionOpened, seconds=40.0)
            desk.forecasts.hush()
            desk.exchange.kill()
        with desk.exchange_again():
            desk.quote(ticker, bid=70, ask=72)
            trader.wait(PositionClosed, seconds=40.0)
            trader.wait_flat()
            assert trader.stop() == 0
            books_equal(trader)
            assert not trader.written(Differed)
