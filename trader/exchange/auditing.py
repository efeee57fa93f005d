"""Streamed books compared with what the exchange answers: a line can be alive and silent about a market."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from mesh import log
from mesh.kalshi.book import Book
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.stream.streaming import Stream
from trader.exchange.watchlist import Watchlist

AUDIT_SECONDS = 30.0
_AGAIN = 0.1  # of that; by then the stream must have told what a read shows

_log = log.get(__name__)


class Audit:
    """Has books begun anew that the stream does not keep up with.

    Args:
        stream: What is audited.
        watched: Which books.
        read: Reads books.
        seconds: Between two audits, of real time, in which the line lives.
    """

    def __init__(
        self,
        stream: Stream,
        watched: Watchlist,
        read: Callable[[tuple[str, ...]], Awaitable[tuple[Book, ...]]],
        seconds: float,
    ) -> None:
        self._stream = stream
        self._watched = watched
        self._read = read
        self._seconds = seconds

    async def run(self) -> None:
        """Compare for ever."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                differing = await self._differing(self._watched.tickers)
                if not differing:
                    continue
                await asyncio.sleep(self._seconds * _AGAIN)
                still = await self._differing(differing)
            except ExchangeError as error:
                _log.warning("streamed books cannot be compared with the exchange's", problem=str(error))
                continue
            if wrong := sorted(ticker for ticker, book in still.items() if book is differing[ticker]):
                _log.error("the stream is silent about what happens", markets=wrong)
                self._stream.doubt(wrong, "the exchange has another book")

    async def _differing(self, tickers: Iterable[str]) -> dict[str, Book]:
        """Return the streamed books of markets that did not change during a read that shows others."""
        streamed = {ticker: book for ticker in tickers if (book := self._stream.book(ticker)) is not None}
        read = await self._read(tuple(sorted(streamed))) if streamed else ()
        return {
            book.ticker: known
            for book in read
            if (known := streamed[book.ticker]) is self._stream.book(book.ticker)
            and (known.yes_bids, known.yes_asks) != (book.yes_bids, book.yes_asks)
        }
