"""Kalshi's public side: markets, books, trades, the exchange's status."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager

from mesh.clock import Clock
from mesh.kalshi.book import Book, BookError
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import UnexpectedReply
from mesh.kalshi.rest.reading import EXIT, RECONCILE, Urgency
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.streaming import Stream
from trader.domain.events import ExchangeSeen, MarketSeen
from trader.exchange.auditing import AUDIT_SECONDS, Audit
from trader.exchange.fee_book import FeeBook
from trader.exchange.known_markets import KnownMarkets
from trader.exchange.status import Status
from trader.exchange.telling import Streamed, Told, polled
from trader.exchange.watchlist import Watchlist

CONFIRM_SECONDS = 1.0
POLL_SECONDS = 5.0
_BY_MARKET = (Channel.BOOK, Channel.TRADES)


class KalshiMarkets:
    """`trader.ports.Markets` over Kalshi's API.

    Args:
        client: With or without a key.
        stream: None without a key; books are then polled.
        fees: Shared with whoever scans.
        clock: The trader's.
        confirm_seconds: Between two confirmations of books that did not change.
        poll_seconds: Between two polls.
        audit_seconds: Between two comparisons of streamed books with the exchange's answers, of real time.
    """

    own_shown = True

    def __init__(
        self,
        client: KalshiClient,
        stream: Stream | None,
        fees: FeeBook,
        clock: Clock,
        *,
        confirm_seconds: float = CONFIRM_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        audit_seconds: float = AUDIT_SECONDS,
    ) -> None:
        self._client = client
        self._stream = stream
        self._fees = fees
        self._clock = clock
        self._confirm_seconds = confirm_seconds
        self._poll_seconds = poll_seconds
        self._audit_seconds = audit_seconds
        self._known = KnownMarkets(client, fees, clock)
        self._watched = Watchlist(self._known, clock)
        self._status = Status(client, self._known, clock)

    async def status(self) -> ExchangeSeen:
        """Read what the exchange allows, and its scheduled pauses. Raises ExchangeError.

        Where its shards differ, it is paused if all of those are on which watched markets trade; shard 0 without any.
        If only some are, their markets are told as not trading.
        """
        return await self._status.read(self._watched.tickers)

    async def market(self, ticker: str) -> MarketSeen:
        """Read one market's terms. Raises ObjectNotFound, NotTradable or another ExchangeError."""
        return await self._known.read_one(ticker)

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        """Read books now; a market that the exchange does not know is not among them. Raises ExchangeError."""
        return await self._read_books(tickers, EXIT)

    async def _read_books(self, tickers: Sequence[str], urgency: Urgency) -> tuple[Book, ...]:
        found = await self._client.markets.order_books(tuple(dict.fromkeys(tickers)), urgency=urgency)
        try:
            return tuple(Book.from_levels(ticker, levels.bids, levels.asks) for ticker, levels in found.items())
        except BookError as error:
            raise UnexpectedReply(error.message) from None

    def watch(self, tickers: Iterable[str]) -> None:
        """Let `told` tell the books of these markets and no others."""
        new, over = self._watched.change(tickers)
        if self._stream is not None:
            for channel in _BY_MARKET:
                if new:
                    self._stream.subscribe(channel, new)
                if over:
                    self._stream.unsubscribe(channel, over)

    @asynccontextmanager
    async def told(self) -> AsyncIterator[AsyncIterator[Told]]:
        """Stream the books of watched markets, their trades and what becomes of them; polled without a key."""
        try:
            async with asyncio.TaskGroup() as tasks, aclosing(self._telling()) as told:
                beside = [tasks.create_task(self._watched.run())]
                if self._stream is not None:
                    audit = Audit(self._stream, self._watched, self._audited, self._audit_seconds)
                    beside.append(tasks.create_task(audit.run()))
                try:
                    yield told
                finally:
                    for task in beside:
                        task.cancel()
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:  # what the caller raised, as it was
                raise group.exceptions[0] from group.exceptions[0].__cause__
            raise

    def _telling(self) -> AsyncGenerator[Told, None]:
        if self._stream is None:
            return polled(
                self.books,
                self._watched,
                self._known,
                wait=lambda: self._clock.sleep(self._poll_seconds),
            )
        self._stream.subscribe(Channel.LIFECYCLE)
        return Streamed(self._stream, self._watched, self._known, self._fees, self._confirm_seconds).events()

    async def _audited(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        return await self._read_books(tickers, RECONCILE)
