"""`trader.ports.Exchange` without an exchange: orders meet the quotes that come, in a file, and nothing is sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.book import Book
from mesh.kalshi.errors import ExchangeError, ExchangePaused, ExchangeUnavailable
from mesh.types import Micros, Price
from trader.domain.events import (
    Accepted,
    BookCame,
    MarketSeen,
    NoOutcome,
    Refused,
)
from trader.domain.facts import Ending, FillFacts, MarketTerms, OrderTerms
from trader.domain.views import (
    OrderView,
    Snapshot,
)
from trader.domain.words import EndReason, ExchangeState
from trader.paper import views
from trader.paper.config import PaperConfig
from trader.paper.desk import Desk, Seen
from trader.paper.own import Told
from trader.paper.store import Store, opened
from trader.ports import CancelDone

_STEP_SECONDS = 1.0
_KEPT_SECONDS = 600.0
"""For which a book that is too old for any order is kept: it may still be confirmed."""

_log = log.get(__name__)


class PaperMarkets(Protocol):
    """What the paper account asks of the markets by itself; part of `trader.ports.Markets`, and results."""

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        """Read books now; a market that the exchange does not know is not among them. Raises ExchangeError."""
        ...

    async def result(self, ticker: str) -> Price | None:
        """Return what one YES contract of a market pays: a dollar, nothing, or between for a scalar result.

        None until the result is final, which is when the exchange pays. Raises ExchangeError.
        """
        ...


class PaperExchange:
    """Implements `trader.ports.Exchange`. Make it with `paper_exchange`, and tell it all it has to `see`."""

    def __init__(self, config: PaperConfig, store: Store, markets: PaperMarkets, clock: Clock) -> None:
        self._config = config
        self._markets = markets
        self._clock = clock
        self._desk = Desk(config, store, clock)
        self._asked: dict[str, float] = {}
        """Monotonic second at which a market was last asked for its result."""

    def see(self, event: Seen) -> None:
        """Take in what is public, of any market: it fills orders, or ends them. Never waits, never raises."""
        if isinstance(event, MarketSeen) and not event.trading:
            self._asked.pop(event.market.ticker, None)
        try:
            self._desk.see(event)
        except ExchangeUnavailable as error:
            _log.error("the paper account missed something it was told", reason=error.message)

    async def place(self, order: OrderTerms, market: MarketTerms) -> Accepted | Refused | NoOutcome:
        """Let an order meet the market as it is after the latency; once it is accepted, it is in the file."""
        await self._clock.sleep(self._config.latency_seconds)
        book = await self._book(order.ticker)
        try:
            now = self._desk.advanced()
        except ExchangeUnavailable as error:
            ending = Ending(reason=EndReason.NEVER_LEFT, code="paper_account_unavailable", detail=error.message)
            return Refused(ending, never_left=True)
        if order.client_order_id in self._desk.account.by_client_id:
            return NoOutcome("an earlier request placed it")  # only the record of that order tells what it is
        if (closed := self._desk.closed(market, now)) is not None:
            return closed
        answer = self._desk.matching(now).place(order, market, book, now)
        try:
            self._desk.written()
        except ExchangeUnavailable as error:
            return NoOutcome(error.message)
        return answer

    async def cancel(self, order_id: str, market: MarketTerms) -> CancelDone | NoOutcome:
        """Cancel an order once. Raises ExchangePaused, and ExchangeUnavailable where nothing was done."""
        await self._clock.sleep(self._config.latency_seconds)
        now = self._desk.advanced()
        if self._desk.state is ExchangeState.EXCHANGE_PAUSED:
            raise ExchangePaused("the exchange is paused", request="paper cancel", code="exchange_is_paused")
        done = CancelDone(self._desk.matching(now).cancel(order_id, now))
        try:
            self._desk.written()
        except ExchangeUnavailable as error:
            return NoOutcome(error.message)
        return done

    async def order(self, order_id: str) -> OrderView | None:
        """Read one order; None where there is none of this id. Raises ExchangeUnavailable, as every read."""
        self._desk.advanced()
        found = self._desk.account.orders.get(order_id)
        return None if found is None else views.order_view(found)

    async def find(self, client_order_id: str, ticker: str, since: datetime) -> OrderView | None:
        """Look for an order by our id among those since an instant."""
        self._desk.advanced()
        found = self._desk.account.by_client_id.get(client_order_id)
        if found is None or found.ticker != ticker or found.created_time < since:
            return None
        return views.order_view(found)

    async def fills_of(self, order_id: str) -> tuple[FillFacts, ...]:
        """Read the fills of one order, oldest first."""
        self._desk.advanced()
        return tuple(views.fill_facts(fill) for fill in self._desk.account.fills.get(order_id, ()))

    async def snapshot(self, since: datetime) -> Snapshot:
        """Read the account: everything that rests or is held, and what happened since an instant."""
        now = self._desk.advanced()
        return views.snapshot(self._desk.account, since, now, self._clock.monotonic())

    @asynccontextmanager
    async def own(self) -> AsyncIterator[AsyncIterator[Told]]:
        """Stream what becomes of the orders."""
        with self._desk.listeners.listening() as told:
            yield told

    async def keep(self) -> None:
        """Let time go on, for ever: orders expire, markets close and are paid out."""
        while True:
            await self._clock.sleep(_STEP_SECONDS)
            self._desk.quotes.drop(self._clock.monotonic() - _KEPT_SECONDS - self._config.max_book_age_seconds)
            try:
                self._desk.advanced()
                for ticker in self._unpaid():
                    await self._settle(ticker)
            except ExchangeError as error:
                _log.warning("the paper account could not be brought up to date", reason=error.message)

    async def _book(self, ticker: str) -> Book | None:
        """Return a market's book as it is now; None where nobody can say."""
        quotes, began = self._desk.quotes, self._clock.monotonic()
        if (known := quotes.since(ticker, began - self._config.max_book_age_seconds)) is not None:
            return known
        try:
            books = await self._markets.books([ticker])
        except ExchangeError as error:
            _log.warning("a book could not be read", market=ticker, reason=error.message)
            books = ()
        for book in books:
            # What was told while the read was under way is newer than it.
            if book.ticker == ticker and quotes.since(ticker, began) is None:
                self.see(BookCame(book))
        return quotes.since(ticker, began)

    def _unpaid(self) -> list[str]:
        """Markets that have closed, are not paid out, and were not asked about for a while."""
        account, now, seconds = self._desk.account, self._clock.now(), self._clock.monotonic()
        due = []
        for ticker, holding in account.holdings.items():
            over = account.venues[ticker].close_time <= now or ticker in self._desk.halted
            if over and not holding.settled:
                last = self._asked.get(ticker)
                if last is None or seconds - last >= self._config.result_check_seconds:
                    due.append(ticker)
        return due

    async def _settle(self, ticker: str) -> None:
        self._asked[ticker] = self._clock.monotonic()
        try:
            value = await self._markets.result(ticker)
        except ExchangeError as error:
            _log.warning("a result could not be read", market=ticker, reason=error.message)
            return
        if value is not None and not self._desk.account.held(ticker).settled:
            self._desk.account.settle(ticker, Micros(int(Price(value))), self._clock.now())
            self._desk.written()


@asynccontextmanager
async def paper_exchange(config: PaperConfig, markets: PaperMarkets, clock: Clock) -> AsyncIterator[PaperExchange]:
    """Open the paper account.

    Args:
        config: The `paper` table.
        markets: Where books are read when none fresh enough was seen, and results.
        clock: Latency, ages, expiry and what is written.

    Raises:
        Fatal: The file cannot be used, or another process uses it.
    """
    with opened(config) as store:
        exchange = PaperExchange(config, store, markets, clock)
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(exchange.keep())
                try:
                    yield exchange
                finally:
                    keeping.cancel()
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:  # what the caller raised, as it was
                raise group.exceptions[0] from group.exceptions[0].__cause__
            raise
