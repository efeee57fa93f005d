"""Sharpe ratios that know how many were tried (Bailey and Lopez de Prado, 2012 and 2014). Pure.

A ratio is that of results per day, not annualised. The probabilistic ratio is the probability that the true one is
above a benchmark, given length, skewness and fat tails of the record; the deflated one takes as its benchmark the best
that so many trials without any edge would have shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, e, sqrt
from statistics import NormalDist, variance

import numpy as np
from numpy.typing import ArrayLike

from mesh.types import DOLLAR
from research.rows import TradeRow
from research.statistics.clusters import Doubles

_EULER = 0.5772156649015329
_NORMAL = NormalDist()
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of daily results."""

    sharpe: float
    """Mean over standard deviation, of one day."""
    skewness: float
    kurtosis: float
    """3 for a normal distribution."""
    days: int

    def probability(self, benchmark: float = 0.0) -> float:
        """Return how probable it is that the true ratio is above a benchmark."""
        return _NORMAL.cdf((self.sharpe - benchmark) * sqrt(self.days - 1) / sqrt(self._spread))

    def days_needed(self, benchmark: float = 0.0, confidence: float = CONFIDENCE) -> int | None:
        """Return how long a record like this one must be to be above a benchmark; None if none is long enough."""
        if self.sharpe <= benchmark:
            return None
        return ceil(1 + self._spread * (_NORMAL.inv_cdf(confidence) / (self.sharpe - benchmark)) ** 2)

    @property
    def _spread(self) -> float:
        # Variance of the estimated ratio times days. Positive for all moments that a sample can have, but for rounding.
        return max(1 - self.skewness * self.sharpe + (self.kurtosis - 1) / 4 * self.sharpe**2, 1e-12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflated:
    """A record among its trials."""

    record: Record
    trials: int
    expected_best: float
    """Ratio of the best of so many trials without an edge."""
    probability: float
    """That the true ratio is above that."""
    days_needed: int | None
    """For a probability of `CONFIDENCE`; None where the record does not even reach it."""


def daily(rows: Iterable[TradeRow]) -> tuple[list[date], Doubles]:
    """Return days, from the first settlement to the last, and [days] dollars: nothing on days without a trade."""
    sums: dict[date, int] = {}
    for row in rows:
        day = date.fromisoformat(row.settlement_day)
        sums[day] = sums.get(day, 0) + row.pnl_micros
    if not sums:
        return [], np.zeros(0)
    days = [date.fromordinal(number) for number in range(min(sums).toordinal(), max(sums).toordinal() + 1)]
    return days, np.array([sums.get(day, 0) / DOLLAR for day in days])


def record(results: ArrayLike) -> Record | None:
    """Describe [days] results; None for fewer than two days, or if all are alike."""
    told = np.asarray(results, float)
    if len(told) < 2:  # noqa: PLR2004  # no spread
        return None
    rest = told - told.mean()
    spread = float(np.sqrt((rest**2).mean()))
    if spread <= 1e-12 * float(np.abs(told).max()):
        return None
    return Record(
        sharpe=float(told.mean() / told.std(ddof=1)),
        skewness=float((rest**3).mean() / spread**3),
        kurtosis=float((rest**4).mean() / spread**4),
        days=len(told),
    )


def expected_best(trials: int, trials_variance: float) -> float:
    """Return the expected largest ratio of independent trials whose true ratio is zero.

    Args:
        trials: How many; nothing is expected of fewer than two.
        trials_variance: Of their estimated ratios.
    """
    if trials < 2:  # noqa: PLR2004  # the best of one is no choice
        return 0.0
    quantiles = _NORMAL.inv_cdf(1 - 1 / trials), _NORMAL.inv_cdf(1 - 1 / (trials * e))
    return sqrt(trials_variance) * ((1 - _EULER) * quantiles[0] + _EULER * quantiles[1])


def deflated(found: Record, trials: Sequence[float]) -> Deflated:
    """Judge a record among all trials of the ledger.

    Args:
        found: The one that is shown.
        trials: Daily ratio of every trial, this one included; those that never traded have 0.
    """
    best = expected_best(len(trials), variance(trials) if len(trials) > 1 else 0.0)
    return Deflated(
        record=found,
        trials=len(trials),
        expected_best=best,
        probability=found.probability(best),
        days_needed=found.days_needed(best),
    )
