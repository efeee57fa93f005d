"""What the paper account asks of the exchange by itself: books, and how markets ended."""

from collections.abc import Sequence

from mesh.kalshi.book import Book
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.rest.reading import RECONCILE
from mesh.kalshi.terms import MarketStatus, Result
from mesh.types import DOLLAR, Price
from trader.ports import Markets

_PAID = {Result.YES: Price(DOLLAR), Result.NO: Price(0)}


class Results:
    """`trader.paper.exchange.PaperMarkets` over Kalshi's API."""

    def __init__(self, markets: Markets, client: KalshiClient) -> None:
        self._markets = markets
        self._client = client

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        """Read books now. Raises ExchangeError."""
        return await self._markets.books(tickers)

    async def result(self, ticker: str) -> Price | None:
        """Return what one YES contract pays; None until that is final. Raises ExchangeError."""
        market = await self._client.anytime.market(ticker, urgency=RECONCILE)
        if market.status is not MarketStatus.FINALIZED:
            return None
        return market.settlement_value if market.settlement_value is not None else _PAID.get(market.result)
