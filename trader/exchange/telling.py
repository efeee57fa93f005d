"""What is told of watched markets: from the stream, or by asking again and again where there is none."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from mesh import log
from mesh.kalshi.book import Book
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Disconnected, Event, Gap, Refused, Resynced
from mesh.kalshi.stream.market import EventFeeUpdate, MarketLifecycle, Trade
from mesh.kalshi.stream.queue import Events
from mesh.kalshi.stream.streaming import Stream
from mesh.kalshi.terms import BookSide
from trader.domain.events import BookCame, BooksConfirmed, BooksLost, MarketSeen, Traded
from trader.exchange.fee_book import FeeBook
from trader.exchange.known_markets import KnownMarkets
from trader.exchange.watchlist import Watchlist

PUBLIC = (Channel.BOOK, Channel.TRADES, Channel.LIFECYCLE)

Told = BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen

_log = log.get(__name__)


class _Nothing(Enum):
    """What came instead of an event."""

    YET = "yet"
    MORE = "more"


@dataclass
class Streamed:
    """One consumer of the stream. It ends with the stream.

    Attributes:
        stream: What it listens to.
        watched: What it tells of.
        known: Terms, to which it adds what the stream says.
        fees: Likewise.
        seconds: Between two confirmations of the books that did not change.
    """

    stream: Stream
    watched: Watchlist
    known: KnownMarkets
    fees: FeeBook
    seconds: float
    _told: dict[str, Book] = field(default_factory=dict, init=False)

    async def events(self) -> AsyncGenerator[Told, None]:
        """Yield what happens, and at least so often that what did not change is still so."""
        events = self.stream.events(PUBLIC)
        self.known.again(self.watched.tickers)
        time = asyncio.get_running_loop().time  # of the line, whatever clock the exchange lives by
        due = time()
        while (event := await _next(events, due)) is not _Nothing.MORE:
            if not isinstance(event, _Nothing):
                for told in self._about(event):
                    yield told
            for seen in self.known.news(self.watched.tickers):
                yield seen
            if time() >= due:
                due = time() + self.seconds
                self.known.close(self.watched.tickers)
                if exact := self._exact():
                    yield BooksConfirmed(exact)

    def _exact(self) -> tuple[str, ...]:
        """Return the markets whose books, as told last, are the stream's: nothing newer waits to be told."""
        told = sorted(self._told.keys() & self.watched.tickers)
        return tuple(ticker for ticker in told if self.stream.book(ticker) is self._told[ticker])

    def _about(self, event: Event) -> Iterator[Told]:  # noqa: C901  # a case a kind
        match event:
            case BookSnapshot(book) | BookUpdated(book):
                if book.ticker in self.watched.tickers:
                    self._told[book.ticker] = book
                    yield BookCame(book)
            case Trade(is_block_trade=False) if event.ticker in self.watched.tickers:
                yield Traded(event.ticker, event.yes_price, event.count, event.taker_book_side is BookSide.BID)
            case MarketLifecycle() if event.ticker in self.watched.tickers:
                if not self.known.happened(event):
                    self.watched.ask((event.ticker,))
            case EventFeeUpdate():
                self.fees.overridden(event)
                self.watched.ask(self.known.of_event(event.event_ticker))
            case Resynced(Channel.LIFECYCLE):
                self.watched.ask(self.watched.tickers)
            case Gap(Channel.BOOK, tickers):
                yield self._lost(tickers)
            case Disconnected():
                yield self._lost(None)
            case Refused(channel, tickers, problem):
                _log.error("the exchange does not stream", channel=channel, problem=str(problem))
                if channel is Channel.BOOK:
                    yield self._lost(tickers)

    def _lost(self, tickers: tuple[str, ...] | None) -> BooksLost:
        for ticker in tuple(self._told) if tickers is None else tickers:
            self._told.pop(ticker, None)
        return BooksLost(tickers)


async def polled(
    books: Callable[[Sequence[str]], Awaitable[tuple[Book, ...]]],
    watched: Watchlist,
    known: KnownMarkets,
    *,
    wait: Callable[[], Awaitable[None]],
) -> AsyncGenerator[Told, None]:
    """Yield books as they are read again and again; there are no trades.

    Args:
        books: Reads them.
        watched: Which.
        known: Their terms.
        wait: Comes back when it is time for the next round.
    """
    known.again(watched.tickers)
    while True:
        tickers = tuple(sorted(watched.tickers))
        try:
            found = await books(tickers)
        except ExchangeError as error:
            _log.warning("books cannot be read", markets=len(tickers), problem=str(error))
            found = ()
        for book in found:
            yield BookCame(book)
        if missing := set(tickers) - {book.ticker for book in found}:
            yield BooksLost(tuple(sorted(missing)))
        known.close(tickers)
        for seen in known.news(tickers):
            yield seen
        await wait()


async def _next(events: Events, until: float) -> Event | _Nothing:
    """Wait for an event, no longer than until the loop's time says this."""
    try:
        async with asyncio.timeout_at(until):
            return await anext(events)
    except TimeoutError:
        return _Nothing.YET
    except StopAsyncIteration:
        return _Nothing.MORE
