"""What wins and loses together: values and weights summed over clusters. Pure.

Trades on one underlying that settle on one day share one path of prices, so they are one observation, however many
they are. Everything that says how sure one can be starts from sums over such clusters. They are kept in an order that
depends on their sums alone, so that neither the order of rows nor the names of clusters can change a result.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh.statistics import effective_number, standard_error
from mesh.types import CENT, CONTRACT
from research.rows import TradeRow

Doubles = NDArray[np.float64]
Naming = Callable[[TradeRow], str]
"""Names the cluster of a row."""
Valuing = Callable[[TradeRow], int]
"""Gives what a row came to, in micros."""
Share = tuple[TradeRow, float]
"""A row, and what it came to or has of something, in micros."""

_ITSELF: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Sums over clusters, of one quantity or of several that are observed on the same clusters."""

    values: Doubles
    """[clusters, quantities] sums of value times weight."""
    weights: Doubles
    """[clusters, quantities] sums of weight; none negative, and each quantity has some."""
    count: int
    """Observations."""
    naive_error: float
    """Standard error of the first quantity's mean if every observation were a cluster of its own."""

    @property
    def means(self) -> Doubles:
        """[quantities] mean value of one unit of weight."""
        means: Doubles = self.values.sum(axis=0) / self.weights.sum(axis=0)
        return means

    @property
    def effective_clusters(self) -> float:
        """So many clusters of equal weight would say as much (Kish); of several quantities, that which has fewest."""
        return min(effective_number(column.tolist()) for column in self.weights.T)

    @property
    def error(self) -> float | None:
        """Standard error of the first quantity's mean between clusters; None where there is only one."""
        if len(self.values) < 2:  # noqa: PLR2004  # one says nothing of the spread
            return None
        return standard_error(list(zip(self.values[:, 0].tolist(), self.weights[:, 0].tolist(), strict=True)))

    @property
    def effective_count(self) -> float | None:
        """So many independent observations would say as much about the first quantity: by the design effect.

        Never more than there are: siblings that lose where others win would seem to say more than they can. None where
        there is one cluster only, or nothing varies.
        """
        error = self.error
        if not error:
            return None
        return min(self.count * (self.naive_error / error) ** 2, float(self.count))


def underlying_and_day(underlyings: Mapping[str, str] = _ITSELF) -> Naming:
    """Name clusters by underlying and day of settlement.

    Args:
        underlyings: Of series whose underlying is not the series itself.
    """
    return lambda row: f"{underlyings.get(row.series_ticker, row.series_ticker)} {row.settlement_day}"


def event(row: TradeRow) -> str:
    """Name clusters by event: finer than the default, for series whose events of one day have nothing in common."""
    return row.event_ticker


BY_DAY = underlying_and_day()


def pnl(row: TradeRow) -> int:
    """Return the net result of a row, in micros."""
    return row.pnl_micros


def clusters(labels: Sequence[Hashable], totals: ArrayLike, weights: ArrayLike | None = None) -> Clusters:
    """Sum observations over clusters.

    Args:
        labels: [observations] cluster of each.
        totals: [observations] or [observations, quantities] value of all of the weight of each, finite.
        weights: The same shape, positive; zero, as its total, where a quantity was not observed. Ones where left out.

    Raises:
        ValueError: There is no observation, shapes differ, or what is no number stands among totals or weights.
    """
    total = _columns(totals)
    weight = np.ones_like(total) if weights is None else _columns(weights)
    if not len(labels) or total.shape != weight.shape or len(labels) != len(total):
        raise ValueError(f"{len(labels)} labels, {total.shape} totals and {weight.shape} weights are no observations")
    if not (np.isfinite(total).all() and np.isfinite(weight).all() and (weight >= 0).all() and weight.any(0).all()):
        raise ValueError("totals and weights are finite, weights not negative, and some of each quantity positive")
    numbers: dict[Hashable, int] = {}
    places = np.array([numbers.setdefault(label, len(numbers)) for label in labels])
    values, sizes = (_sums(places, part, len(numbers)) for part in (total, weight))
    order = np.lexsort(np.hstack([values, sizes]).T)  # by weight, then value: for other units and names the same
    seen = weight[:, 0] > 0
    return Clusters(values[order], sizes[order], int(seen.sum()), _naive(total[seen, 0], weight[seen, 0]))


def of_rows(rows: Iterable[TradeRow], naming: Naming = BY_DAY, value: Valuing = pnl) -> Clusters | None:
    """Sum rows over clusters: the mean is cents of one contract, the weight hundredths of contracts.

    Args:
        rows: In any order.
        naming: What a row wins and loses together with.
        value: What it came to.

    Returns:
        None without a row.
    """
    shares = [(row, value(row)) for row in rows]
    return of_shares(shares, naming) if shares else None


def of_shares(shares: Sequence[Share], naming: Naming = BY_DAY) -> Clusters:
    """Sum rows, at least one, that came to stated amounts; otherwise as `of_rows`."""
    return clusters([naming(row) for row, _ in shares], _totals(shares), _weights(shares))


def joint(shares: Sequence[Share], others: Sequence[Share], naming: Naming = BY_DAY) -> Clusters:
    """Sum two sets, neither empty, over the clusters of both: one quantity each; otherwise as `of_rows`."""
    both = [*shares, *others]
    first = np.arange(len(both)) < len(shares)
    columns = [np.stack([part * first, part * ~first], axis=1) for part in (_totals(both), _weights(both))]
    return clusters([naming(row) for row, _ in both], *columns)


def _totals(shares: Sequence[Share]) -> Doubles:
    return np.array([amount for _, amount in shares], float) * (CONTRACT / CENT)


def _weights(shares: Sequence[Share]) -> Doubles:
    return np.array([row.contract_count for row, _ in shares], float)


def _columns(part: ArrayLike) -> Doubles:
    found = np.asarray(part, float)
    return found[:, None] if found.ndim == 1 else found


def _sums(places: NDArray[np.int64], part: Doubles, count: int) -> Doubles:
    return np.stack([np.bincount(places, column, count) for column in part.T], axis=1)


def _naive(total: Doubles, weight: Doubles) -> float:
    count = len(total)
    if count < 2:  # noqa: PLR2004  # one says nothing of the spread
        return 0.0
    rest = total - weight * (total.sum() / weight.sum())
    return float(np.sqrt((rest**2).sum() * count / (count - 1)) / weight.sum())
