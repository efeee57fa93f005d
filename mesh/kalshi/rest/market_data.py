"""Series, events, markets, order books and trades, as long as they are live."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from mesh.kalshi.rest.filters import MarketQuery, known, listed, since, until
from mesh.kalshi.rest.market_wire import (
    Event,
    EventReply,
    EventsPage,
    Market,
    MarketReply,
    MarketsPage,
    Series,
    SeriesList,
    SeriesReply,
)
from mesh.kalshi.rest.price_wire import BookReply, BooksReply, Levels, TradesPage
from mesh.kalshi.rest.reading import SCAN, Group, Urgency
from mesh.kalshi.terms import MarketFilter

MOST_BOOKS = 100
"""Order books of one call."""
_EVENTS_PAGE = 200
_MOST_TICKERS = 100  # of one call for markets: a longer list might not fit into a URL


class MarketData(Group):
    """Public data of live markets."""

    async def series(self, ticker: str, *, volume: bool = False, urgency: Urgency = SCAN) -> Series:
        """Return one series; fees stand there."""
        return (await self._get(f"/series/{ticker}", SeriesReply, urgency, {"include_volume": volume})).series

    async def all_series(
        self,
        *,
        category: str | None = None,
        tags: Iterable[str] | None = None,
        updated_from: datetime | None = None,
        urgency: Urgency = SCAN,
    ) -> tuple[Series, ...]:
        """Return every series, or those of a category: without a filter some 18 MB."""
        params = {"category": category, "tags": listed(tags), "min_updated_ts": since(updated_from)}
        return (await self._get("/series", SeriesList, urgency, params)).series

    async def event(self, ticker: str, *, urgency: Urgency = SCAN) -> Event:
        """Return one event with its markets, without those that are archived."""
        return (await self._get(f"/events/{ticker}", EventReply, urgency, {"with_nested_markets": True})).event

    def events(
        self,
        *,
        series_ticker: str | None = None,
        tickers: Iterable[str] | None = None,
        status: MarketFilter | None = None,
        close_from: datetime | None = None,
        updated_from: datetime | None = None,
        nested_markets: bool = False,
        urgency: Urgency = SCAN,
    ) -> AsyncIterator[EventsPage]:
        """Yield pages of events, which never move to the archive; an event has a state when any of its markets has."""
        params = {
            "series_ticker": series_ticker,
            "tickers": listed(tickers),
            "status": known(status),
            "min_close_ts": since(close_from),
            "min_updated_ts": since(updated_from),
            "with_nested_markets": nested_markets,
        }
        return self._pages("/events", EventsPage, urgency, params, _EVENTS_PAGE)

    async def market(self, ticker: str, *, urgency: Urgency = SCAN) -> Market:
        """Return one market. Raises ObjectNotFound once it is archived."""
        return (await self._get(f"/markets/{ticker}", MarketReply, urgency)).market

    def markets(self, query: MarketQuery, *, urgency: Urgency = SCAN) -> AsyncIterator[MarketsPage]:
        """Yield pages of markets."""
        return self._pages("/markets", MarketsPage, urgency, query.params())

    async def markets_named(self, tickers: Sequence[str], *, urgency: Urgency = SCAN) -> dict[str, Market]:
        """Return markets by ticker; those that the exchange does not know, or has archived, are not in it."""
        found: dict[str, Market] = {}
        for start in range(0, len(tickers), _MOST_TICKERS):
            query = MarketQuery(tickers=tickers[start : start + _MOST_TICKERS], combos=True)
            async for page in self.markets(query, urgency=urgency):
                found |= {market.ticker: market for market in page.items}
        return found

    async def order_book(self, ticker: str, *, depth: int | None = None, urgency: Urgency = SCAN) -> Levels:
        """Return one order book, or its best `depth` levels (1 to 100) of each side."""
        return (await self._get(f"/markets/{ticker}/orderbook", BookReply, urgency, {"depth": depth})).levels

    async def order_books(self, tickers: Sequence[str], *, urgency: Urgency = SCAN) -> dict[str, Levels]:
        """Return order books by ticker, 100 a call; those that the exchange does not know are not in it."""
        found: dict[str, Levels] = {}
        for start in range(0, len(tickers), MOST_BOOKS):
            params = {"tickers": tuple(tickers[start : start + MOST_BOOKS])}
            reply = await self._get("/markets/orderbooks", BooksReply, urgency, params)
            found |= {book.ticker: book.levels for book in reply.books}
        return found

    def trades(
        self,
        ticker: str | None = None,
        *,
        first: datetime | None = None,
        last: datetime | None = None,
        block_trades: bool | None = None,
        urgency: Urgency = SCAN,
    ) -> AsyncIterator[TradesPage]:
        """Yield pages of trades, newest first: of one market or all. Archived ones are missing without a word."""
        params = trade_params(ticker, first, last, block_trades)
        return self._pages("/markets/trades", TradesPage, urgency, params)


def trade_params(
    ticker: str | None, first: datetime | None, last: datetime | None, block_trades: bool | None
) -> dict[str, str | int | bool | None]:
    """Return the filters of a list of trades; None for `block_trades` is both kinds."""
    return {"ticker": ticker, "min_ts": since(first), "max_ts": until(last), "is_block_trade": block_trades}
