"""Market histories to measure with: drawn from a seed, or recorded; in the words of either server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path as Folder
from typing import Any

import numpy as np
from foremesh.forecast.v1 import forecast_pb2
from numpy.typing import NDArray

from console.histories import read

LONGEST = 512
SHORTEST = 24


@dataclass(frozen=True, slots=True)
class Market:
    """One market's past."""

    ticker: str
    series_ticker: str
    closes: NDArray[np.float32]
    """[points], cents, oldest first, at most LONGEST."""
    price: float
    """Now, in cents."""

    def filled(self) -> NDArray[np.float32]:
        """Give the closes with gaps interpolated, as a model wants them."""
        known = np.isfinite(self.closes)
        places = np.arange(len(self.closes))
        return np.interp(places, places[known], self.closes[known]).astype(np.float32)

    def message(self, priority: int = 0) -> forecast_pb2.MarketHistory:
        """Write it as our server reads it."""
        return forecast_pb2.MarketHistory(
            market_ticker=self.ticker,
            series_ticker=self.series_ticker,
            closes_cents=self.closes,
            current_price_cents=self.price,
            priority=priority,
        )

    def row(self) -> dict[str, Any]:
        """Write it as the predecessor reads it."""
        return {
            "ticker": self.ticker,
            "series_ticker": self.series_ticker,
            "prices": self.closes.tolist(),
            "current_price": self.price,
        }


def drawn(count: int, points: int | None = None) -> list[Market]:
    """Draw bounded random walks.

    Args:
        count: How many.
        points: Length of each; None draws lengths between SHORTEST and LONGEST, evenly over their logarithm: a third
            is shorter than 67 points, a third longer than 185.
    """
    random = np.random.default_rng(7)
    lengths = np.exp(random.uniform(np.log(SHORTEST), np.log(LONGEST), count)).round().astype(int)
    return [
        _market(number, np.clip(50 + random.normal(size=points or length).cumsum(), 1, 99).astype(np.float32))
        for number, length in enumerate(lengths)
    ]


def recorded(file: Folder, count: int) -> tuple[list[Market], timedelta]:
    """Read recorded markets, again from the first one where the file has too few; gives their step too.

    Markets that nobody can forecast are left out: fewer than 3 prices, or all of them equal. Gaps between prices stay.

    Raises:
        HistoryError: the file cannot be read.
        ValueError: it holds no market that can be forecast.
    """
    recording = read(file)
    usable = []
    for market in recording.markets:
        closes = market.closes_cents[-LONGEST:]
        known = np.flatnonzero(np.isfinite(closes))
        if len(known) > 2 and np.ptp(closes[known]) > 0:
            usable.append(closes[known[0] : known[-1] + 1])
    if not usable:
        raise ValueError(f"{file}: holds no market that can be forecast")
    return [_market(number, closes) for number, closes in enumerate(islice(cycle(usable), count))], recording.step


def _market(number: int, closes: NDArray[np.float32]) -> Market:
    return Market(f"KXHIGHNY-26NOV22-B{number}", "KXHIGHNY", closes, float(closes[-1]))


def lengths(markets: Sequence[Market]) -> str:
    """Describe how long they are."""
    points = [len(market.closes) for market in markets]
    low, middle, high = np.percentile(points, [10, 50, 90])
    return f"{low:.0f} (p10), {middle:.0f} (p50), {high:.0f} (p90) points, {sum(points)} in all"
