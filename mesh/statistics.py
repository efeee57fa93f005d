"""Means and their intervals, where what is observed comes in clusters. Pure.

Trades that settle together win and lose together: three of them are hardly more evidence than one. So clusters are
counted, not observations. The interval is the cluster-robust t interval of a ratio (the linearised variance of sums
over clusters), with as many degrees of freedom as there are *effective* clusters less one: a cluster with half of all
contracts makes it wider than so many equal ones would. It needs no random numbers: the same rows always give the same
interval.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import NormalDist

LEVEL = 0.95
"""Probability that an interval claims to cover, where nobody asks for another."""
LEAST_CLUSTERS = 30.0
"""Effective clusters below which there is no interval: `not enough data`."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval."""

    mean: float
    low: float | None
    """None, as the upper end, where there are too few clusters to say."""
    high: float | None
    count: int
    """Observations."""
    cluster_count: int
    effective_clusters: float
    """So many clusters of equal weight would say as much; at most `cluster_count`."""


class Clustered:
    """Sums over clusters of values and weights, for the mean value of one unit of weight."""

    def __init__(self) -> None:
        self._sums: dict[Hashable, list[float]] = {}
        self._count = 0

    def add(self, cluster: Hashable, value: float, weight: float = 1.0) -> None:
        """Count an observation: the value of all of its weight, which is positive. ValueError for what is no number."""
        if not (isfinite(value) and isfinite(weight) and weight > 0):
            raise ValueError(f"cannot count a value of {value} with weight {weight}")
        sums = self._sums.setdefault(cluster, [0.0, 0.0])
        sums[0] += value
        sums[1] += weight
        self._count += 1

    def add_all(self, cluster: Hashable, values: Sequence[float]) -> None:
        """Count observations of weight one of the same cluster. ValueError for what is no number."""
        if not all(map(isfinite, values)):
            raise ValueError("cannot count what is no number")
        if values:
            sums = self._sums.setdefault(cluster, [0.0, 0.0])
            sums[0] = sum(values, sums[0])
            sums[1] += len(values)
            self._count += len(values)

    def estimate(self, level: float = LEVEL, least: float = LEAST_CLUSTERS) -> Estimate | None:
        """Return the mean with an interval; None without an observation.

        Args:
            level: Probability that the interval claims to cover, between 0 and 1.
            least: Effective clusters below which no interval is given; never fewer than two.
        """
        if not self._sums:
            return None
        sums = self._sums.values()
        weight = sum(part[1] for part in sums)
        mean = sum(part[0] for part in sums) / weight
        effective = effective_number(part[1] for part in sums)
        low = high = None
        if enough(effective, least):
            reach = t_quantile((1 + level) / 2, effective - 1) * standard_error([(part[0], part[1]) for part in sums])
            low, high = mean - reach, mean + reach
        return Estimate(mean, low, high, self._count, len(sums), effective)


def enough(effective: float, least: float = LEAST_CLUSTERS) -> bool:
    """Tell whether there are effective clusters enough for an interval; never with fewer than two."""
    return effective >= max(least, 2.0) - 1e-9  # equal weights, but for the last bits


def effective_number(weights: Iterable[float]) -> float:
    """Return how many equal weights would say as much as these, some of them positive (Kish): (sum w)^2 / sum w^2."""
    total = squares = 0.0
    for weight in weights:
        total, squares = total + weight, squares + weight**2
    return total**2 / squares


def standard_error(sums: Collection[tuple[float, float]]) -> float:
    """Return the standard error of a ratio of sums over clusters: the linearised variance, for two clusters or more.

    Args:
        sums: Of values and of weights, for each cluster.
    """
    clusters, weight = len(sums), sum(part[1] for part in sums)
    mean = sum(part[0] for part in sums) / weight
    spread = sum((part[0] - mean * part[1]) ** 2 for part in sums)
    return sqrt(spread * clusters / (clusters - 1)) / weight


def sum_interval(count: int, total: int, squares: int, level: float = LEVEL) -> tuple[float, float] | None:
    """Return where a sum over clusters lies, as far as chance goes: None for fewer than `LEAST_CLUSTERS` of them.

    Args:
        count: Clusters.
        total: Sum of what each comes to.
        squares: Sum of the squares of what each comes to.
        level: Probability that the interval claims to cover.
    """
    if count < LEAST_CLUSTERS:
        return None
    spread = (squares * count - total**2) / count  # whole numbers, so that nothing is lost between the two
    reach = t_quantile((1 + level) / 2, count - 1) * sqrt(spread * count / (count - 1))
    return total - reach, total + reach


def t_quantile(probability: float, freedom: float) -> float:
    """Return a quantile of Student's t, by Fisher's expansion around the normal one.

    Right to a hundredth from three degrees of freedom on, to a ten-thousandth from ten on. ValueError for a probability
    outside 0 and 1, or no freedom.
    """
    if not 0 < probability < 1 or freedom <= 0:
        raise ValueError(f"no quantile {probability} with {freedom} degrees of freedom")
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))
