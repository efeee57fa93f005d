"""Open markets of a series and the past of each as a grid of prices; what was read once is not fetched again.

A past is a grid of steps that ends with the last candle the exchange has: how long ago that was is the data's age. The
exchange makes no candle of a period in which nothing happened; such a step is a gap, and so is a candle without the
price asked for: NaN, never a number. Candles still in the making are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from mesh.kalshi.client import KalshiClient
from mesh.kalshi.rest.candle_plan import PERIODS_MINUTES, CandleCall, Span
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
_LAG_SECONDS = 10
"""A candle that ended this recently may not have been there at the last reading."""

_CandlePrices: TypeAlias = dict[int, float]
"""Price of each candle by its end in Unix seconds, in cents; NaN where the candle has none."""


@dataclass(frozen=True, slots=True)
class Past:
    """One open market."""

    market: Market
    closes_cents: NDArray[np.float32]
    """[steps], oldest first, NaN where there is no price."""
    last_candle_time: datetime | None
    """End of the last step; None without a candle."""
    answered: bool
    """False: the exchange gave no candles of it; it may just have been archived."""


class Pasts:
    """Reads a series again and again.

    Attributes:
        listed: Open markets that the series had at the last listing.
    """

    def __init__(
        self,
        kalshi: KalshiClient,
        series_ticker: str,
        step: timedelta,
        *,
        points: int = 512,
        price: PriceKind = "trade",
        now: Callable[[], datetime] | None = None,
        on_candles: Callable[[str, Sequence[Candle]], object] = lambda _ticker, _candles: None,
    ) -> None:
        """Name what is read.

        Args:
            kalshi: The exchange.
            series_ticker: The series.
            step: One of STEPS.
            points: Most steps of a past.
            price: `trade` takes the last trade of a candle, `mid` the middle of its last bid and ask.
            now: Gives the exchange's time, where markets live in another than the exchange's own clock shows.
            on_candles: Told the candles that the exchange has given of a market; some come again.
        """
        self.listed = 0
        self.seconds = int(step.total_seconds())
        self._kalshi, self._series, self._points, self._kind = kalshi, series_ticker, points, price
        self._on_candles = on_candles
        clock = kalshi.transport.sender.server_clock
        self._now = now or (lambda: datetime.fromtimestamp(clock.timestamp_ms() / 1000, UTC))
        self._candles: dict[str, _CandlePrices] = {}
        self._read_until: dict[str, int] = {}

    async def open(self) -> list[Market]:
        """List the series' open markets, those that close first in front. Raises ExchangeError."""
        pages = self._kalshi.markets.markets(MarketQuery(series_ticker=self._series, status=MarketFilter.OPEN))
        # By ticker: a list that changes between two pages can hold a market twice.
        found = {market.ticker: market async for page in pages for market in page.items}
        self.listed = len(found)
        return sorted(found.values(), key=lambda market: (market.close_time, market.ticker))

    async def of(self, markets: Sequence[Market], on_fetched: Callable[[], object] = lambda: None) -> list[Past]:
        """Return the pasts of markets, in their order, fetching only candles that cannot be known yet.

        Args:
            markets: Those that are wanted now; what is known of others is forgotten.
            on_fetched: Called after each call to the exchange.

        Raises:
            ExchangeError: The exchange refuses, or stays away; what was fetched before is kept.
        """
        now = int(self._now().timestamp())
        first = self.first(now)
        kept = {market.ticker: self._candles.get(market.ticker, {}) for market in markets}
        self._candles = {
            ticker: {end: price for end, price in candles.items() if end >= first} for ticker, candles in kept.items()
        }
        self._read_until = {ticker: until for ticker, until in self._read_until.items() if ticker in kept}
        spans = [
            Span(market.ticker, max(first, self._resumes(market)), now)
            for market in markets
            if self._may_have_more(market.ticker, now)
        ]
        minutes = self.seconds // 60
        async for call, answered in self._kalshi.candles.planned(self._kalshi.candles.plan(spans, minutes), minutes):
            for ticker, candles in answered.items():
                wanted = [candle for candle in candles if self._asked_for(candle, call)]
                self._candles[ticker] |= {candle.end_ts: self._price(candle) for candle in wanted}
                self._on_candles(ticker, wanted)
                self._read_until[ticker] = call.end_ts  # not now: the market's later calls may fail
            on_fetched()
        return [self._past(market) for market in markets]

    def first(self, now: int) -> int:
        """Return the earliest end of a candle that belongs to a past, in Unix seconds."""
        return now - self._points * self.seconds + 1

    def _may_have_more(self, ticker: str, now: int) -> bool:
        """Tell whether a candle may have come since the last reading: one has ended, or had only just ended then."""
        until = self._read_until.get(ticker)
        if until is None:
            return True
        return now // self.seconds > until // self.seconds or (
            until % self.seconds < _LAG_SECONDS <= now % self.seconds
        )

    def _resumes(self, market: Market) -> int:
        """Return the earliest end of a candle that is not known for certain, Unix seconds."""
        known = self._read_until.get(market.ticker)
        return int(market.open_time.timestamp()) + 1 if known is None else known - _REFETCHED * self.seconds + 1

    def _asked_for(self, candle: Candle, call: CandleCall) -> bool:
        """Tell whether a candle is of the span of its call: one from year 9999 would make a grid of gigabytes."""
        return call.start_ts - self.seconds <= candle.end_ts <= call.end_ts + self.seconds

    def _price(self, candle: Candle) -> float:
        if self._kind == "trade":
            price = candle.trades.close if candle.volume else None
            return float("nan") if price is None else price.cents
        bid, ask = candle.bid.close, candle.ask.close
        return float("nan") if bid is None or ask is None else (bid.cents + ask.cents) / 2

    def _past(self, market: Market) -> Past:
        candles = self._candles[market.ticker]
        return Past(
            market,
            on_grid(candles, self.seconds),
            datetime.fromtimestamp(max(candles), UTC) if candles else None,
            market.ticker in self._read_until,
        )


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
