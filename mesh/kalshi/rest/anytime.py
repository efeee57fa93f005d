"""Public data whatever its age: from the live endpoints, and from the archive where those no longer have it."""

from collections.abc import AsyncIterator
from datetime import datetime

from mesh.kalshi.errors import ObjectNotFound
from mesh.kalshi.rest.candles import Candles
from mesh.kalshi.rest.historical import Historical
from mesh.kalshi.rest.market_data import MarketData
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.price_wire import Candle, Trade
from mesh.kalshi.rest.reading import SCAN, Urgency


class Anytime:
    """Live first, then the archive."""

    def __init__(self, markets: MarketData, candles: Candles, historical: Historical) -> None:
        self._markets = markets
        self._candles = candles
        self._historical = historical

    async def market(self, ticker: str, *, urgency: Urgency = SCAN) -> Market:
        """Return one market. Raises ObjectNotFound if neither side has it."""
        try:
            return await self._markets.market(ticker, urgency=urgency)
        except ObjectNotFound:
            return await self._historical.market(ticker, urgency=urgency)

    async def candles(
        self, ticker: str, first: datetime, last: datetime, period_minutes: int, *, urgency: Urgency = SCAN
    ) -> list[Candle]:
        """Return one market's candles that end within the span.

        Raises:
            ObjectNotFound: Neither side has the market.
            ValueError: There are no candles of this length.
        """
        try:
            return await self._candles.of_market(ticker, first, last, period_minutes, urgency=urgency)
        except ObjectNotFound:
            return await self._historical.candles(ticker, first, last, period_minutes, urgency=urgency)

    async def trades(
        self,
        ticker: str,
        *,
        first: datetime | None = None,
        last: datetime | None = None,
        urgency: Urgency = SCAN,
    ) -> AsyncIterator[list[Trade]]:
        """Yield one market's trades, newest first, each once, page by page."""
        seen: set[str] = set()
        async for page in self._markets.trades(ticker, first=first, last=last, urgency=urgency):
            yield _new(page.items, seen)
        # Archived trades are missing from a live list without a word, so the line is asked for, and only now: trades
        # that were archived during the live list are beyond it.
        cutoff = await self._historical.cutoff(urgency=urgency)
        if first is not None and first >= cutoff.trades_created_time:
            return
        async for page in self._historical.trades(ticker, first=first, last=last, urgency=urgency):
            yield _new(page.items, seen)


def _new(trades: tuple[Trade, ...], seen: set[str]) -> list[Trade]:
    """Return the trades that have not been seen, and remember them."""
    new: list[Trade] = []
    for trade in trades:
        if trade.trade_id not in seen:
            seen.add(trade.trade_id)
            new.append(trade)
    return new
