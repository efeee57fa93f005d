"""The archive: markets that settled long ago, their candles and trades, and the account's own old records."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from mesh.kalshi.rest.candles import check_period, of_asked, span_windows
from mesh.kalshi.rest.filters import listed, since, until
from mesh.kalshi.rest.historical_wire import ArchivedCandles, Cutoff
from mesh.kalshi.rest.market_data import trade_params
from mesh.kalshi.rest.market_wire import Market, MarketReply, MarketsPage
from mesh.kalshi.rest.order_wire import OrdersPage
from mesh.kalshi.rest.portfolio_wire import FillsPage, PositionsPage
from mesh.kalshi.rest.price_wire import Candle, TradesPage
from mesh.kalshi.rest.reading import RECONCILE, SCAN, Group, Urgency


class Historical(Group):
    """Everything older than the cutoff. Near it the archive and the live endpoints may both have the same."""

    async def cutoff(self, *, urgency: Urgency = SCAN) -> Cutoff:
        """Return what is older than is only here."""
        return await self._get("/historical/cutoff", Cutoff, urgency)

    async def market(self, ticker: str, *, urgency: Urgency = SCAN) -> Market:
        """Return one archived market. Raises ObjectNotFound as long as it is live."""
        return (await self._get(f"/historical/markets/{ticker}", MarketReply, urgency)).market

    def markets(
        self,
        *,
        series_ticker: str | None = None,
        event_ticker: str | None = None,
        tickers: Iterable[str] | None = None,
        combos: bool = False,
        urgency: Urgency = SCAN,
    ) -> AsyncIterator[MarketsPage]:
        """Yield pages of archived markets, newest settlement first.

        Raises:
            ValueError: More than one of series, event and tickers is given.
        """
        filters = {"series_ticker": series_ticker, "event_ticker": event_ticker, "tickers": listed(tickers)}
        if sum(value is not None for value in filters.values()) > 1:
            raise ValueError("the archive takes one of series, event and tickers")
        params = {**filters, "mve_filter": None if combos else "exclude"}
        return self._pages("/historical/markets", MarketsPage, urgency, params)

    async def candles(
        self, ticker: str, first: datetime, last: datetime, period_minutes: int, *, urgency: Urgency = SCAN
    ) -> list[Candle]:
        """Return an archived market's candles that end within the span, in as many calls as it takes.

        Raises:
            ObjectNotFound: It is not in the archive.
            ValueError: There are no candles of this length.
        """
        check_period(period_minutes)
        found: list[Candle] = []
        for start, end in span_windows(first, last, period_minutes):
            params = {"start_ts": start, "end_ts": end, "period_interval": period_minutes}
            path = f"/historical/markets/{ticker}/candlesticks"
            reply = of_asked(await self._get(path, ArchivedCandles, urgency, params), ticker)
            found.extend(candle.candle() for candle in reply.candlesticks)
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
        """Yield pages of archived trades, newest first."""
        params = trade_params(ticker, first, last, block_trades)
        return self._pages("/historical/trades", TradesPage, urgency, params)

    def fills(
        self,
        *,
        ticker: str | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        subaccount: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> AsyncIterator[FillsPage]:
        """Yield pages of the account's archived fills, newest first."""
        params = {"ticker": ticker, "min_ts": since(first), "max_ts": until(last), "subaccount": subaccount}
        return self._pages("/historical/fills", FillsPage, urgency, params)

    def orders(
        self,
        *,
        ticker: str | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        subaccount: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> AsyncIterator[OrdersPage]:
        """Yield pages of the account's archived orders, newest first; none of them rests."""
        params = {"ticker": ticker, "min_ts": since(first), "max_ts": until(last), "subaccount": subaccount}
        return self._pages("/historical/orders", OrdersPage, urgency, params)

    def positions(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        subaccount: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> AsyncIterator[PositionsPage]:
        """Yield pages of the account's archived positions, all of them settled."""
        params = {"ticker": ticker, "event_ticker": event_ticker, "subaccount": subaccount}
        return self._pages("/historical/positions", PositionsPage, urgency, params)
