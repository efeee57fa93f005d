"""Open markets of a series and their candles, fetched from the exchange, as histories.

A history is a grid of steps that ends with the last candle the exchange has: how long ago that was is the data's age.
The exchange makes no candle of a period in which nothing happened; such a step is a gap, and so is a candle without the
price asked for: NaN, never a number. Candles still in the making are left out; the current price tells what they would.

The current price is the middle of the best bid and ask, or the last trade where one side of the book is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from console.recorded import Current, HistoryError, Recorded, Recording
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ObjectNotFound
from mesh.kalshi.rest.candle_plan import PERIODS_MINUTES, Span
from mesh.kalshi.rest.filters import MarketQuery
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.price_wire import Candle
from mesh.kalshi.terms import MarketFilter

PriceKind: TypeAlias = Literal["trade", "mid"]
PRICE_KINDS: tuple[PriceKind, ...] = get_args(PriceKind)
STEPS = tuple(timedelta(minutes=minutes) for minutes in PERIODS_MINUTES)
"""Steps of which the exchange has candles."""
_REFETCHED = 2
"""Periods that were complete at the last reading and are read again: the exchange may still have been at work."""

_CandlePrices: TypeAlias = dict[int, float]
"""Price of each candle by its end in Unix seconds, in cents; NaN where the candle has none."""


class NoOpenMarkets(HistoryError):
    """There is nothing to forecast, now or ever; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is read of a series."""

    series_ticker: str
    step: timedelta
    """One of STEPS."""
    points: int = 512
    """Most steps of a history."""
    price: PriceKind = "trade"
    """`trade` takes the last trade of a candle, `mid` the middle of its last bid and ask."""
    market_prefix: str = ""
    """Empty takes every market."""
    limit: int | None = None
    """None takes every market."""


class OpenMarkets:
    """Reads a series again and again; what was read once is not fetched again.

    Attributes:
        listed: Open markets that the series had at the last reading, those that were not wanted among them.
    """

    def __init__(self, kalshi: KalshiClient, wanted: Wanted) -> None:
        self.listed = 0
        self._kalshi, self._wanted = kalshi, wanted
        self._seconds = int(wanted.step.total_seconds())
        self._candles: dict[str, _CandlePrices] = {}
        self._read_until: dict[str, int] = {}

    async def read(self) -> Recording:
        """Return every wanted market, those that close first in front; one without candles has an empty history.

        Raises:
            NoOpenMarkets: The series has none, or none that is wanted.
            ExchangeError: The exchange refuses, or stays away.
        """
        markets = await self._open()
        now = self._kalshi.transport.sender.server_clock.timestamp_ms() // 1000
        first = now - self._wanted.points * self._seconds + 1
        await self._fetch(markets, first, now)
        return Recording(markets=tuple(self._recorded(market, first) for market in markets), step=self._wanted.step)

    async def _open(self) -> list[Market]:
        wanted = self._wanted
        query = MarketQuery(series_ticker=wanted.series_ticker, status=MarketFilter.OPEN)
        pages = self._kalshi.markets.markets(query)
        # By ticker: a list that changes between two pages can hold a market twice.
        found = {market.ticker: market async for page in pages for market in page.items}
        self.listed = len(found)
        if not found:
            raise NoOpenMarkets(await self._why_none())
        chosen = [market for market in found.values() if market.ticker.startswith(wanted.market_prefix)]
        if not chosen:
            raise NoOpenMarkets(
                f"none of the {len(found)} open markets of {wanted.series_ticker} starts with {wanted.market_prefix}"
            )
        return sorted(chosen, key=lambda market: (market.close_time, market.ticker))[: wanted.limit]

    async def _why_none(self) -> str:
        ticker = self._wanted.series_ticker
        try:
            await self._kalshi.markets.series(ticker)
        except ObjectNotFound:
            series, dash, _ = ticker.partition("-")
            hint = f"; events and markets are chosen so: {series} --market {ticker}" if dash else ""
            return f"the exchange has no series {ticker}{hint}"
        return f"{ticker} has no open market now"

    async def _fetch(self, markets: list[Market], first: int, now: int) -> None:
        """Bring the candles of all markets up to now, and forget those that are too old or of other markets."""
        spans = [Span(market.ticker, max(first, self._resumes(market)), now) for market in markets]
        kept = {span.ticker: self._candles.get(span.ticker, {}) for span in spans}
        self._candles = {
            ticker: {end: price for end, price in candles.items() if end >= first} for ticker, candles in kept.items()
        }
        self._read_until = {ticker: until for ticker, until in self._read_until.items() if ticker in kept}
        minutes = self._seconds // 60
        async for call, answered in self._kalshi.candles.planned(self._kalshi.candles.plan(spans, minutes), minutes):
            for ticker, candles in answered.items():
                self._candles[ticker] |= {candle.end_ts: self._price(candle) for candle in candles}
                self._read_until[ticker] = call.end_ts  # not now: the market's later calls may fail

    def _resumes(self, market: Market) -> int:
        """Return the earliest end of a candle that is not known for certain, Unix seconds."""
        known = self._read_until.get(market.ticker)
        return int(market.open_time.timestamp()) + 1 if known is None else known - _REFETCHED * self._seconds + 1

    def _price(self, candle: Candle) -> float:
        if self._wanted.price == "trade":
            price = candle.trades.close if candle.volume else None
            return float("nan") if price is None else price.cents
        bid, ask = candle.bid.close, candle.ask.close
        return float("nan") if bid is None or ask is None else (bid.cents + ask.cents) / 2

    def _recorded(self, market: Market, first: int) -> Recorded:
        candles = self._candles[market.ticker]
        closes = on_grid(candles, self._seconds)
        return Recorded(
            market_ticker=market.ticker,
            series_ticker=self._wanted.series_ticker,
            closes_cents=closes,
            current=current_price(market),
            last_candle_time=datetime.fromtimestamp(max(candles), UTC) if candles else None,
            close_time=market.close_time,
            note=self._note(market, closes, first),
        )

    def _note(self, market: Market, closes: NDArray[np.float32], first: int) -> str:
        if market.ticker not in self._read_until:
            return "the exchange gave no candles of it: it may just have been archived"
        if not len(closes):
            young = market.open_time.timestamp() >= first
            return f"no candle since it opened, {market.open_time:%Y-%m-%d %H:%M} UTC" if young else "no recent candle"
        what = "with a trade" if self._wanted.price == "trade" else "quoted on both sides"
        return f"{np.count_nonzero(~np.isnan(closes))} of {len(closes)} steps {what}"


def current_price(market: Market) -> Current:
    """Read a market's YES price as of now."""
    if market.bid is not None and market.ask is not None:
        return Current(cents=(market.bid.cents + market.ask.cents) / 2, origin="book")
    if market.last_price is not None:
        return Current(cents=market.last_price.cents, origin="last")
    return Current(cents=None, origin="unknown")


def on_grid(candles: Mapping[int, float], step_seconds: int) -> NDArray[np.float32]:
    """Put prices on a grid of steps that ends with the last candle: [steps], oldest first, NaN where there is none.

    Args:
        candles: Prices in cents by the candle's end, in Unix seconds.
        step_seconds: Spacing. Ends may be off by less than half of it: daily candles end at midnight in New York, where
            days have 23 to 25 hours.
    """
    if not candles:
        return np.array([], dtype=np.float32)
    ends = np.array(list(candles), dtype=np.int64)
    back = np.rint((ends.max() - ends) / step_seconds).astype(int)
    closes = np.full(back.max() + 1, np.nan, dtype=np.float32)
    closes[-1 - back] = list(candles.values())
    return closes
