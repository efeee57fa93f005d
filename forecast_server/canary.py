"""The canary: a known series that is forecast again and again, and must come out as it did at the start. Pure.

It rides in batches where there is room. A forecast that has changed says that the model, its device or its memory are
no longer what they were, which no other number would show.
"""

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from forecast_server.models.base import ModelFacts, Paths, Series
from forecast_server.types import FLOAT32

_POINTS = 64
_SHARE = 0.02
"""Of a batch's cost that the canary may be."""
_SHORTEST_SECONDS = 1.0
"""Between two looks, however much there is to do."""
_LEAST_TOLERANCE = 1e-6
"""A few last bits of float32 are no drift, whatever the model promises."""


class Canary:
    """One model's known series, its forecast, and what became of it since."""

    def __init__(self, facts: ModelFacts, *, longest_seconds: float) -> None:
        self.series: Series = known_series(min(max(_POINTS, facts.min_points), facts.max_context_points))
        """[points], cents, within 5 and 95."""
        self.checks = 0
        """Comparisons made."""
        self.drifts = 0
        """Comparisons that found more than the model's tolerance."""
        self.drifted = False
        """Whether the last one did."""
        self.last_difference = 0.0
        """What it found, as a share of the standard deviation of the series; infinite for what is not a number."""
        self.last_check_time: datetime | None = None
        self._tolerance = max(facts.batch_tolerance, _LEAST_TOLERANCE)
        self._longest_seconds = longest_seconds
        self._looked = -math.inf
        self._references: dict[int, Paths] = {}

    def learn(self, paths: Paths) -> None:
        """Take the forecast of the series alone, [1, steps], as what it should be.

        Learn once for every way in which the model computes: a batch of some horizon is compared with the shortest
        reference that reaches as far, or else with the start of what it holds beyond the longest one.
        """
        # Copies: a model may compute into the same memory again.
        self._references[paths.mean.shape[1]] = Paths(paths.mean.copy(), paths.quantiles.copy())

    def due(self, now_monotonic: float, batch_cost: int, own_cost: int) -> bool:
        """Tell whether the next batch should take it along; if so, its turn is taken.

        Args:
            now_monotonic: Seconds on a clock that never goes back.
            batch_cost: Cost of the batch without it.
            own_cost: What it would add.
        """
        waited = now_monotonic - self._looked
        cheap = own_cost <= _SHARE * batch_cost and waited >= _SHORTEST_SECONDS
        if not self._references or not (cheap or waited >= self._longest_seconds):
            return False
        self._looked = now_monotonic
        return True

    def check(self, mean: NDArray[np.float32], quantiles: NDArray[np.float32], now: datetime) -> float:
        """Compare a forecast of the series with the reference; gives the difference as `last_difference` has it.

        Args:
            mean: [steps], cents, as the model gave it.
            quantiles: [steps, levels], cents, as the model gave them.
            now: Aware UTC.
        """
        horizons = sorted(self._references)
        reference = self._references[next((steps for steps in horizons if steps >= len(mean)), horizons[-1])]
        steps = min(len(mean), reference.mean.shape[1])
        apart = [
            np.abs(found[:steps].astype(np.float64) - known[0, :steps]).max()  # of anything and NaN the largest is NaN
            for found, known in ((mean, reference.mean), (quantiles, reference.quantiles))
        ]
        difference = float(np.max(apart)) / float(self.series.std())
        self.last_difference = difference if math.isfinite(difference) else math.inf
        self.last_check_time = now
        self.drifted = self.last_difference > self._tolerance
        self.checks += 1
        self.drifts += self.drifted
        return self.last_difference


def known_series(points: int) -> Series:
    """Make a series like a price's: two waves that never meet again, in whole cents, the same on every machine."""
    waves = (50 + 28 * math.sin(0.19 * place) + 14 * math.sin(1.7 * place) for place in range(points))
    return np.array([round(price) for price in waves], FLOAT32)
