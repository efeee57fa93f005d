"""Letting somebody else see what the markets tell: the paper account lives on it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from mesh.kalshi.book import Book
from trader.domain.events import BookCame, BooksConfirmed, BooksLost, ExchangeSeen, MarketSeen, Traded
from trader.ports import Markets

Seen = BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen | ExchangeSeen


class Tapped:
    """`trader.ports.Markets` that shows everything to `see` before its caller gets it."""

    own_shown = False
    """Nobody at the exchange has heard of the paper account's orders."""

    def __init__(self, markets: Markets, see: Callable[[Seen], None]) -> None:
        self._markets = markets
        self._see = see

    async def status(self) -> ExchangeSeen:
        """Read what the exchange allows."""
        found = await self._markets.status()
        self._see(found)
        return found

    async def market(self, ticker: str) -> MarketSeen:
        """Read one market's terms."""
        found = await self._markets.market(ticker)
        self._see(found)
        return found

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        """Read books now."""
        found = await self._markets.books(tickers)
        for book in found:
            self._see(BookCame(book))
        return found

    def watch(self, tickers: Iterable[str]) -> None:
        """Let `told` tell the books of these markets and no others."""
        self._markets.watch(tickers)

    @asynccontextmanager
    async def told(
        self,
    ) -> AsyncIterator[AsyncIterator[BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen]]:
        """Stream the books of watched markets, their trades and what becomes of them."""
        async with self._markets.told() as told:
            yield self._shown(told)

    async def _shown(
        self, told: AsyncIterator[BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen]
    ) -> AsyncIterator[BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen]:
        async for event in told:
            self._see(event)
            yield event
