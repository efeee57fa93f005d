"""Open markets of a series and their candles, fetched from the exchange, as histories.

The current price is the middle of the best bid and ask, or the last trade where one side of the book is empty.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from console.recorded import Current, HistoryError, Recorded, Recording
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ObjectNotFound
from mesh.kalshi.pasts import Past, Pasts, PriceKind
from mesh.kalshi.rest.market_wire import Market


class NoOpenMarkets(HistoryError):
    """There is nothing to forecast, now or ever; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is read of a series."""

    series_ticker: str
    step: timedelta
    """One of mesh.kalshi.pasts.STEPS."""
    points: int = 512
    """Most steps of a history."""
    price: PriceKind = "trade"
    """`trade` takes the last trade of a candle, `mid` the middle of its last bid and ask."""
    market_prefix: str = ""
    """Empty takes every market."""
    limit: int | None = None
    """None takes every market."""


class OpenMarkets:
    """Reads a series again and again; what was read once is not fetched again."""

    def __init__(self, kalshi: KalshiClient, wanted: Wanted) -> None:
        self._kalshi, self._wanted = kalshi, wanted
        self._pasts = Pasts(kalshi, wanted.series_ticker, wanted.step, points=wanted.points, price=wanted.price)

    @property
    def listed(self) -> int:
        """Open markets that the series had at the last reading, those that were not wanted among them."""
        return self._pasts.listed

    async def read(self) -> Recording:
        """Return every wanted market, those that close first in front; one without candles has an empty history.

        Raises:
            NoOpenMarkets: The series has none, or none that is wanted.
            ExchangeError: The exchange refuses, or stays away.
        """
        wanted = self._wanted
        markets = await self._pasts.open()
        if not markets:
            raise NoOpenMarkets(await self._why_none())
        chosen = [market for market in markets if market.ticker.startswith(wanted.market_prefix)]
        if not chosen:
            raise NoOpenMarkets(
                f"none of the {len(markets)} open markets of {wanted.series_ticker} starts with {wanted.market_prefix}"
            )
        now = self._kalshi.transport.sender.server_clock.timestamp_ms() // 1000
        pasts = await self._pasts.of(chosen[: wanted.limit])
        return Recording(
            markets=tuple(self._recorded(past, self._pasts.first(now)) for past in pasts), step=wanted.step
        )

    async def _why_none(self) -> str:
        ticker = self._wanted.series_ticker
        try:
            await self._kalshi.markets.series(ticker)
        except ObjectNotFound:
            series, dash, _ = ticker.partition("-")
            hint = f"; events and markets are chosen so: {series} --market {ticker}" if dash else ""
            return f"the exchange has no series {ticker}{hint}"
        return f"{ticker} has no open market now"

    def _recorded(self, past: Past, first: int) -> Recorded:
        return Recorded(
            market_ticker=past.market.ticker,
            series_ticker=self._wanted.series_ticker,
            closes_cents=past.closes_cents,
            current=current_price(past.market),
            last_candle_time=past.last_candle_time,
            close_time=past.market.close_time,
            note=self._note(past, first),
        )

    def _note(self, past: Past, first: int) -> str:
        closes, opened = past.closes_cents, past.market.open_time
        if not past.answered:
            return "the exchange gave no candles of it: it may just have been archived"
        if not len(closes):
            young = opened.timestamp() >= first
            return f"no candle since it opened, {opened:%Y-%m-%d %H:%M} UTC" if young else "no recent candle"
        what = "with a trade" if self._wanted.price == "trade" else "quoted on both sides"
        return f"{np.count_nonzero(~np.isnan(closes))} of {len(closes)} steps {what}"


def current_price(market: Market) -> Current:
    """Read a market's YES price as of now."""
    if market.bid is not None and market.ask is not None:
        return Current(cents=(market.bid.cents + market.ask.cents) / 2, origin="book")
    if market.last_price is not None:
        return Current(cents=market.last_price.cents, origin="last")
    return Current(cents=None, origin="unknown")
