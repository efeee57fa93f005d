"""The paper account as the engine uses it: latency, ages of books, pauses, the file, the stream."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mesh.clock import ManualClock
from mesh.daemon import Fatal
from mesh.kalshi.book import Book
from mesh.kalshi.errors import ExchangePaused, ExchangeUnavailable, NoAnswer
from mesh.kalshi.rest.price_wire import BookReply
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus, Result
from mesh.types import Price, Side
from tests.fakes.trading import NOON, TICKER, cents, contracts, market
from tests.unit.trader.paper.bench import IOC, order_terms, said, usd, yes_book
from trader.domain.events import (
    Accepted,
    BookCame,
    BooksConfirmed,
    BooksLost,
    ExchangeSeen,
    FillSeen,
    MarketSeen,
    NoOutcome,
    OrderSeen,
    Refused,
    Traded,
)
from trader.domain.facts import MarketTerms, OrderTerms
from trader.domain.words import EndReason, ExchangeState
from trader.paper.config import PaperConfig
from trader.paper.exchange import PaperExchange, paper_exchange
from trader.paper.own import Listeners
from trader.ports import CancelDone, Exchange

T = TypeVar("T")
BUY = order_terms("c-1", Action.BUY, 42, 5, tif=IOC)
REST = order_terms("c-1", Action.BUY, 40, 5, post_only=True)


@dataclass
class Market:
    """Quotes and results as they are now; counts what it is asked for."""

    shows: dict[str, Book] = field(default_factory=lambda: {TICKER: yes_book()})
    results: dict[str, Price] = field(default_factory=dict)
    away: bool = False
    reads: int = 0

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        self.reads += 1
        if self.away:
            raise NoAnswer("nobody there")
        return tuple(self.shows[ticker] for ticker in tickers if ticker in self.shows)

    async def result(self, ticker: str) -> Price | None:
        if self.away:
            raise NoAnswer("nobody there")
        return self.results.get(ticker)


@dataclass
class Site:
    exchange: PaperExchange
    markets: Market
    clock: ManualClock
    config: PaperConfig

    async def later(self, doing: Coroutine[Any, Any, T], seconds: float = 0.25) -> T:
        done: T = (await asyncio.gather(doing, self.clock.advance(seconds)))[0]
        return done

    async def place(self, order: OrderTerms = BUY, terms: MarketTerms | None = None) -> Accepted | Refused | NoOutcome:
        return await self.later(self.exchange.place(order, terms or market()))

    async def accepted(self, order: OrderTerms = BUY) -> Accepted:
        answer = await self.place(order)
        assert isinstance(answer, Accepted), answer
        return answer

    async def refused(self, order: OrderTerms = BUY, terms: MarketTerms | None = None) -> str:
        answer = await self.place(order, terms)
        assert isinstance(answer, Refused), answer
        return said(answer)


@contextlib.asynccontextmanager
async def site(folder: Path, clock: ManualClock | None = None, **settings: Any) -> AsyncIterator[Site]:
    config = PaperConfig(file=folder / "paper.sqlite", **settings)
    clock, markets = clock or ManualClock(NOON), Market()
    async with paper_exchange(config, markets, clock) as exchange:
        yield Site(exchange, markets, clock, config)


def as_exchange(exchange: PaperExchange) -> Exchange:
    return exchange


async def test_an_order_meets_the_book_as_it_is_after_the_latency(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        one.exchange.see(BookCame(yes_book(asks=((42, 5),))))
        async with asyncio.TaskGroup() as tasks:
            placing = tasks.create_task(as_exchange(one.exchange).place(BUY, market()))
            await one.clock.advance(0.2)
            one.exchange.see(BookCame(yes_book(asks=((42, 2), (43, 100)))))
            await one.clock.advance(0.05)
        answer = placing.result()
    assert isinstance(answer, Accepted)
    assert (answer.filled, answer.remaining) == (contracts(2), 0)


async def test_what_was_taken_of_a_level_that_shrinks_is_on_file_as_the_exchange_told_it(tmp_path: Path) -> None:
    def told(size: str) -> BookCame:
        body = f'{{"orderbook_fp": {{"yes_dollars": [], "no_dollars": [["0.5800", "{size}"]]}}}}'
        levels = decode(body.encode(), BookReply).levels
        return BookCame(Book.from_levels(TICKER, levels.bids, levels.asks))

    async with site(tmp_path) as one:
        one.exchange.see(told("9.00"))
        await one.accepted()
        one.exchange.see(told("4.00"))
        assert (await one.accepted(order_terms("c-2", Action.BUY, 42, 5, tif=IOC))).filled == 0


async def test_a_book_that_nobody_confirms_any_more_is_forgotten(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        one.exchange.see(BookCame(yes_book()))
        one.exchange.see(BookCame(yes_book(ticker="KXOVER-1")))
        await one.clock.advance(590)
        one.exchange.see(BooksConfirmed((TICKER,)))
        await one.clock.advance(30)
        assert set(one.exchange._desk.quotes._seen) == {TICKER}


async def test_an_old_book_is_read_anew_and_a_confirmed_one_is_not_old(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        one.exchange.see(BookCame(yes_book()))
        await one.clock.advance(9)
        await one.accepted()
        assert one.markets.reads == 0
        one.exchange.see(BooksConfirmed((TICKER,)))
        await one.clock.advance(9)
        await one.accepted(order_terms("c-2", Action.BUY, 42, 5, tif=IOC))
        assert one.markets.reads == 0
        await one.clock.advance(2)
        one.markets.shows[TICKER] = yes_book(asks=((41, 12),))
        await one.accepted(order_terms("c-3", Action.BUY, 42, 5, tif=IOC))
        assert one.markets.reads == 1
        assert (await one.exchange.snapshot(NOON)).fills[-1].price == cents(41)


async def test_a_lost_book_is_read_anew(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        one.exchange.see(BookCame(yes_book()))
        one.exchange.see(BooksLost(None))
        await one.accepted()
        assert one.markets.reads == 1


async def test_without_a_book_nothing_is_taken_and_what_rests_rests(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        one.markets.away = True
        assert await one.refused() == "book_not_known"
        assert (await one.accepted(REST)).remaining == contracts(5)


async def test_fills_positions_and_cash_are_reported_as_the_exchange_would(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        accepted = await one.accepted(order_terms("c-1", Action.BUY, 60, 5, side=Side.NO, tif=IOC))
        (fill,) = await one.exchange.fills_of(accepted.order_id)
        view = await one.exchange.order(accepted.order_id)
        seen = await one.exchange.snapshot(NOON)
        assert await one.exchange.order("no such order") is None
    assert (fill.side, fill.action, fill.price, fill.count, fill.taker) == (
        Side.YES,
        Action.SELL,
        cents(40),
        contracts(5),
        True,
    )
    assert view is not None
    assert (view.book_buys_yes, view.status, view.filled) == (False, OrderStatus.EXECUTED, contracts(5))
    (held,) = seen.positions
    assert (held.net, held.exposure, held.fees) == (contracts(-5), 5 * cents(60), fill.fee)
    assert seen.cash == seen.available == 1_000_000_000 - 5 * cents(60) - fill.fee
    assert (seen.as_of, seen.began, seen.fills) == (NOON + timedelta(seconds=0.25), 0.25, (fill,))


async def test_reads_since_an_instant_show_what_rests_and_what_is_newer(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        await one.accepted(order_terms("old", Action.BUY, 42, 1, tif=IOC))
        await one.accepted(order_terms("waits", Action.BUY, 40, 1))
        await one.clock.advance(60)
        since = one.clock.now()
        await one.accepted(order_terms("new", Action.BUY, 42, 1, tif=IOC))
        seen = await one.exchange.snapshot(since)
        assert [order.client_order_id for order in seen.orders] == ["waits", "new"]
        assert len(seen.fills) == 1
        assert await one.exchange.find("old", TICKER, since) is None
        assert (await one.exchange.find("old", TICKER, NOON)) is not None
        assert (await one.exchange.find("old", "KXOTHER-26NOV23-T1", NOON)) is None


async def test_a_second_request_with_the_same_id_changes_nothing_and_leaves_the_first_to_be_looked_up(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as one:
        await one.accepted()
        before = await one.exchange.snapshot(NOON)
        assert isinstance(await one.place(), NoOutcome)
        after = await one.exchange.snapshot(NOON)
    assert (before.orders, before.fills, before.cash) == (after.orders, after.fills, after.cash)


async def test_a_repeated_id_is_looked_up_also_while_nothing_is_traded(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        await one.accepted()
        one.exchange.see(ExchangeSeen(ExchangeState.TRADING_PAUSED))
        assert isinstance(await one.place(), NoOutcome)


async def test_a_book_that_came_while_another_was_read_is_the_newer_one(tmp_path: Path) -> None:
    async with site(tmp_path) as one:

        class Slow(Market):
            async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
                one.exchange.see(BookCame(yes_book(asks=((41, 100),))))
                return await super().books(tickers)

        async with paper_exchange(PaperConfig(file=tmp_path / "other.sqlite"), Slow(), one.clock) as exchange:
            one.exchange = exchange
            accepted = await one.accepted()
            (fill,) = await exchange.fills_of(accepted.order_id)
    assert fill.price == cents(41)


async def test_who_does_not_listen_is_told_that_something_was_missed() -> None:
    listeners = Listeners()
    with listeners.listening() as slow, listeners.listening() as quick:
        for _ in range(3):
            assert await anext(quick) is None
            listeners.tell([None] * 4000)
            for _ in range(3999):
                await anext(quick)
        assert await anext(slow) is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(slow)


async def test_while_trading_is_paused_no_order_is_taken_and_cancels_work(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        exit_order = order_terms("x", Action.SELL, 60, 5, post_only=True)
        resting = await one.accepted(exit_order)
        entry = await one.accepted(REST)
        one.exchange.see(ExchangeSeen(ExchangeState.TRADING_PAUSED))
        assert await one.refused(order_terms("c-9", Action.BUY, 42, 5, tif=IOC)) == "trading_is_paused"
        view = await one.exchange.order(entry.order_id)
        assert view is not None
        assert view.status is OrderStatus.CANCELED
        assert await one.later(one.exchange.cancel(resting.order_id, market())) == CancelDone(None)


async def test_while_the_exchange_is_paused_not_even_cancels_work(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        one.exchange.see(ExchangeSeen(ExchangeState.EXCHANGE_PAUSED))
        assert await one.refused() == "exchange_is_paused"
        with pytest.raises(ExchangePaused):
            await one.later(one.exchange.cancel("any", market()))


async def test_a_market_that_does_not_trade_fills_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        one.exchange.see(BookCame(yes_book(bids=())))
        resting = await one.accepted(order_terms("x", Action.SELL, 60, 5, post_only=True))
        one.exchange.see(MarketSeen(market(), trading=False))
        one.exchange.see(Traded(TICKER, cents(60), contracts(50), taker_buys_yes=True))
        one.exchange.see(BookCame(yes_book(bids=((70, 50),), asks=())))
        assert await one.refused(order_terms("c-2", Action.BUY, 42, 5)) == "trading_is_paused"
        assert await one.exchange.fills_of(resting.order_id) == ()


async def test_after_its_close_a_market_takes_no_order(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        over = market(closes=timedelta(0))
        assert await one.refused(BUY, over) == "market_closed"
        answer = await one.place(order_terms("c-2", Action.BUY, 42, 1), over)
        assert isinstance(answer, Refused)
        assert answer.ending.reason is EndReason.MARKET_CLOSED


async def test_a_closed_market_is_paid_out_once_its_result_is_known(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        soon = market(closes=timedelta(seconds=30))
        await one.place(order_terms("c-1", Action.BUY, 60, 5, side=Side.NO, tif=IOC), soon)
        await one.place(order_terms("c-2", Action.BUY, 30, 5), soon)
        cash = (await one.exchange.snapshot(NOON)).cash
        await one.clock.advance(60)
        assert (await one.exchange.snapshot(NOON)).settlements == ()
        one.markets.results[TICKER] = Price(0)
        await one.clock.advance(60)
        seen = await one.exchange.snapshot(NOON)
        await one.clock.advance(120)
        assert (await one.exchange.snapshot(NOON)).cash == seen.cash
    (paid,) = seen.settlements
    assert (paid.result, paid.no_count, paid.yes_count, paid.revenue) == (Result.NO, contracts(5), 0, 5_000_000)
    assert seen.cash == cash + 5_000_000
    assert seen.positions == ()
    assert {order.status for order in seen.orders} == {OrderStatus.EXECUTED, OrderStatus.CANCELED}


async def test_while_results_cannot_be_read_they_are_asked_for_again(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        await one.place(BUY, market(closes=timedelta(seconds=1)))
        one.markets.results[TICKER], one.markets.away = cents(37), True
        await one.clock.advance(5)
        one.markets.away = False
        await one.clock.advance(60)
        (paid,) = (await one.exchange.snapshot(NOON)).settlements
    assert (paid.result, paid.yes_value, paid.revenue) == (Result.SCALAR, usd(37), 5 * usd(37))


async def test_what_becomes_of_orders_is_streamed_after_a_word_that_something_may_be_missing(tmp_path: Path) -> None:
    async with site(tmp_path) as one, one.exchange.own() as told:
        assert await anext(told) is None
        one.exchange.see(BookCame(yes_book(bids=())))
        accepted = await one.accepted(REST)
        one.exchange.see(Traded(TICKER, cents(40), contracts(2), taker_buys_yes=False))
        seen = [await anext(told) for _ in range(3)]
        cancelled = await one.later(one.exchange.cancel(accepted.order_id, market()))
        last = await anext(told)
    assert [type(event) for event in seen] == [OrderSeen, OrderSeen, FillSeen]
    assert cancelled == CancelDone(contracts(3))
    assert isinstance(last, OrderSeen)
    assert (last.order.status, last.order.filled, last.order.remaining) == (OrderStatus.CANCELED, contracts(2), 0)


async def test_an_order_expires_without_anybody_asking(tmp_path: Path) -> None:
    async with site(tmp_path) as one, one.exchange.own() as told:
        await one.accepted(order_terms("c-1", Action.BUY, 40, 5, expires=NOON + timedelta(seconds=15)))
        await one.clock.advance(16)
        await anext(told)
        await anext(told)
        ended = await anext(told)
    assert isinstance(ended, OrderSeen)
    assert ended.order.status is OrderStatus.CANCELED


async def test_the_account_goes_on_where_it_was(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with site(tmp_path, clock) as one:
        one.exchange.see(BookCame(yes_book(bids=((40, 10),), asks=((42, 8),))))
        await one.accepted()
        await one.accepted(order_terms("rests", Action.BUY, 40, 5, post_only=True))
        before = await one.exchange.snapshot(NOON)
    async with site(tmp_path, clock, starting_cash_dollars=5.0) as one:
        after = await one.exchange.snapshot(NOON)
        assert (after.orders, after.fills, after.positions, after.cash) == (
            before.orders,
            before.fills,
            before.positions,
            before.cash,
        )
        one.exchange.see(BookCame(yes_book(bids=((40, 10),), asks=((42, 8),))))
        again = await one.accepted(order_terms("c-2", Action.BUY, 42, 5, tif=IOC))
        assert again.filled == contracts(3)  # what was taken stays taken
        one.exchange.see(Traded(TICKER, cents(40), contracts(11), taker_buys_yes=False))
        resting = await one.exchange.find("rests", TICKER, NOON)
        assert resting is not None
        assert resting.filled == contracts(1)  # and those ahead are still ahead
        assert isinstance(await one.place(), NoOutcome)  # and its id is still used


async def test_an_answer_that_could_not_be_written_has_not_happened(tmp_path: Path) -> None:
    async with site(tmp_path) as one, one.exchange.own() as told:
        await anext(told)
        with contextlib.closing(sqlite3.connect(one.config.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert isinstance(await one.place(), NoOutcome)
        assert await anext(told) is None
        assert await one.exchange.find("c-1", TICKER, NOON) is None
        assert (await one.exchange.snapshot(NOON)).cash == 1_000_000_000
        assert (await one.accepted()).filled == contracts(5)


async def test_what_is_seen_while_the_file_cannot_be_written_is_told_as_missed(tmp_path: Path) -> None:
    async with site(tmp_path) as one, one.exchange.own() as told:
        one.exchange.see(BookCame(yes_book(bids=())))
        accepted = await one.accepted(REST)
        with contextlib.closing(sqlite3.connect(one.config.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            one.exchange.see(Traded(TICKER, cents(40), contracts(2), taker_buys_yes=False))
        assert [await anext(told) is None for _ in range(3)] == [True, False, True]
        assert await one.exchange.fills_of(accepted.order_id) == ()


async def test_a_second_process_is_refused_the_account(tmp_path: Path) -> None:
    async with site(tmp_path):
        with pytest.raises(Fatal, match="is being written by"):
            async with site(tmp_path):
                pass


@pytest.mark.parametrize("damage", ["no database at all", "of something else", "cash changed", "purse gone"])
async def test_a_file_that_is_not_a_sound_account_is_refused(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "paper.sqlite"
    if damage == "no database at all":
        file.write_bytes(b"this is no database, and much too long to be an empty one" * 20)
    elif damage == "of something else":
        with contextlib.closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE cake (slices)")
    else:
        async with site(tmp_path) as one:
            await one.accepted()
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            if damage == "cash changed":
                other.execute("UPDATE records SET body = json_set(body, '$.cash', 5) WHERE kind = 'purse'")
            else:
                other.execute("DELETE FROM records WHERE kind = 'purse'")
    with pytest.raises(Fatal):
        async with site(tmp_path):
            pass


async def test_reads_say_when_the_file_is_gone_bad_underneath(tmp_path: Path) -> None:
    async with site(tmp_path) as one:
        await one.accepted()
        with contextlib.closing(sqlite3.connect(one.config.file, isolation_level=None)) as other:
            other.execute("DELETE FROM records WHERE kind = 'purse'")
            other.execute("BEGIN IMMEDIATE")
            assert isinstance(await one.place(order_terms("c-2", Action.BUY, 42, 1, tif=IOC)), NoOutcome)
            other.execute("ROLLBACK")
        with pytest.raises(ExchangeUnavailable, match="cannot be read"):
            await one.exchange.snapshot(NOON)
        answer = await one.place(order_terms("c-3", Action.BUY, 42, 1, tif=IOC))
        assert isinstance(answer, Refused)
        assert answer.never_left


async def test_what_goes_wrong_inside_comes_out_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with site(tmp_path):
            raise KeyError("mine")


def test_a_new_accounts_cash_is_in_whole_steps() -> None:
    assert PaperConfig(starting_cash_dollars=10.006, precision="broker").starting_cash == 10_000_000
    assert PaperConfig(starting_cash_dollars=10.00005).starting_cash == 10_000_000
