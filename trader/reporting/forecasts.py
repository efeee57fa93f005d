"""Forecasts against what the market then did. Pure.

A forecast is judged at the end of its horizon: by what the market settled at, where it had settled by then, or by the
YES price of the first later signal of that market whose candle ends there, or at most one step after. Nothing else in a
journal says what a price was, so markets that later scans had no signal about stay unjudged, and the judged are a
selection: their count stands beside every figure. A forecast that later scans repeat on the same candle counts once.

An unchanged price makes no direction right, neither the forecast's nor a baseline's. The baselines: YES always falls;
and by price alone, YES falls below 50 cents and rises above, as it does towards a settlement that the price foretells.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import NamedTuple

from mesh.statistics import Clustered, Estimate
from mesh.types import Side
from trader.domain.edge import horizon_end
from trader.domain.entries import SignalSeen
from trader.domain.words import Confidence

_EVEN_CENTS = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often directions were right, and how far off forecasts were, over judged forecasts."""

    judged: int = 0
    right: int = 0
    right_down: int | None = None
    """Had it always said that YES falls; None where nobody says."""
    right_by_price: int | None = None
    """Had it gone by the price alone; None where nobody says."""
    hit_rate: Estimate | None = None
    """None, as all that follows, where none is judged or nobody says."""
    over_down: Estimate | None = None
    """Hit rate above that of the constant."""
    over_price: Estimate | None = None
    """Hit rate above that of the price alone."""
    signed_error_cents: Estimate | None = None
    """Forecast mean minus outcome."""
    absolute_error_cents: float | None = None
    naive_absolute_error_cents: float | None = None
    """Had the current price been the forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastFigures:
    """Forecasts of one series by one model."""

    series: str
    model: str
    """Digest of its weights."""
    unjudged: int
    rates: Rates


class Moved(NamedTuple):
    """What a judged forecast said of the YES price, and what came, in cents."""

    forecast: float
    actual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """All of them."""

    groups: tuple[ForecastFigures, ...] = ()
    total: Rates | None
    """Of all series and models together; None where nobody says."""
    by_confidence: Mapping[Confidence, Rates]
    """Only confidences that were judged; the more confident should be right more often."""
    points: tuple[Moved, ...] = ()


class _Said(NamedTuple):
    ticker: str
    series: str
    model: str
    side: Side
    confidence: Confidence
    current: float
    mean: float
    target: datetime
    step: timedelta


class ForecastSums:
    """Gathers forecasts and prices."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, datetime], _Said] = {}
        self._prices: dict[str, dict[datetime, float]] = {}
        self._settled: dict[str, tuple[datetime, float]] = {}

    def signal(self, entry: SignalSeen, *, counts: bool) -> None:
        """See a signal: a price for every earlier one, and a forecast to be judged where it `counts`."""
        facts = entry.signal
        if isfinite(facts.current_cents):
            self._prices.setdefault(entry.ticker, {}).setdefault(facts.last_candle_time, facts.current_cents)
        if counts:
            said = _Said(
                entry.ticker,
                entry.series_ticker,
                facts.weights_digest or "unknown",
                facts.side,
                facts.confidence,
                facts.current_cents,
                facts.forecast_mean_cents,
                horizon_end(facts),
                facts.step,
            )
            self._said.setdefault((said.ticker, said.model, facts.last_candle_time), said)

    def settled(self, ticker: str, time: datetime, yes_cents: float) -> None:
        """See a market settle."""
        self._settled.setdefault(ticker, (time, yes_cents))

    def forecasts(self, clusters: Mapping[str, str]) -> Forecasts:
        """Judge what can be judged.

        Args:
            clusters: Of the markets that are known, by ticker; another is one by itself with its event.
        """
        times = {ticker: sorted(prices) for ticker, prices in self._prices.items()}
        groups: dict[tuple[str, str], tuple[_Sums, list[_Said]]] = {}
        whole, words = _Sums(), {word: _Sums() for word in Confidence}
        points: list[Moved] = []
        for said in self._said.values():
            sums, unjudged = groups.setdefault((said.series, said.model), (_Sums(), []))
            outcome = self._outcome(said, times[said.ticker]) if said.ticker in times else None
            if outcome is None or not isfinite(said.mean):
                unjudged.append(said)
                continue
            cluster = clusters.get(said.ticker) or said.ticker.rpartition("-")[0]
            for into in (sums, whole, words[said.confidence]):
                into.add(said, outcome, cluster)
            points.append(Moved(said.mean - said.current, outcome - said.current))
        return Forecasts(
            groups=tuple(
                ForecastFigures(series=series, model=model, unjudged=len(unjudged), rates=sums.rates())
                for (series, model), (sums, unjudged) in sorted(groups.items())
            ),
            total=whole.rates(),
            by_confidence={word: sums.rates() for word, sums in words.items() if sums.judged},
            points=tuple(points),
        )

    def _outcome(self, said: _Said, times: list[datetime]) -> float | None:
        settled = self._settled.get(said.ticker)
        if settled is not None and settled[0] <= said.target:
            return settled[1]
        place = bisect_left(times, said.target)
        if place < len(times) and times[place] <= said.target + said.step:
            return self._prices[said.ticker][times[place]]
        return None


class _Sums:
    def __init__(self) -> None:
        self.judged = self.right = self.down = self.price = 0
        self.absolute = self.naive = 0.0
        self.hits, self.over_down, self.over_price, self.signed = (Clustered() for _ in range(4))

    def add(self, said: _Said, outcome: float, cluster: str) -> None:
        moved = outcome - said.current
        right = moved > 0 if said.side is Side.YES else moved < 0
        down = moved < 0
        price = moved > 0 if said.current > _EVEN_CENTS else down
        self.judged += 1
        self.right, self.down, self.price = self.right + right, self.down + down, self.price + price
        self.absolute += abs(said.mean - outcome)
        self.naive += abs(moved)
        self.hits.add(cluster, right)
        self.over_down.add(cluster, right - down)
        self.over_price.add(cluster, right - price)
        self.signed.add(cluster, said.mean - outcome)

    def rates(self) -> Rates:
        return Rates(
            judged=self.judged,
            right=self.right,
            right_down=self.down,
            right_by_price=self.price,
            hit_rate=self.hits.estimate(),
            over_down=self.over_down.estimate(),
            over_price=self.over_price.estimate(),
            signed_error_cents=self.signed.estimate(),
            absolute_error_cents=self.absolute / self.judged if self.judged else None,
            naive_absolute_error_cents=self.naive / self.judged if self.judged else None,
        )
