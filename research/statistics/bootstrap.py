"""Intervals by drawing clusters anew, with replacement: of a mean, of a difference of means, of a sum. Pure.

The interval is the studentised one (bootstrap-t): of every resample the distance of its mean from the real one is
measured in the resample's own standard error, and the quantiles of that replace those of Student's t. Trades are skewed
(many small gains, few losses of the whole stake, or the reverse), and a resample that misses the losses has both too
good a mean and too small an error. The percentile interval believes such resamples; this one does not. With one loss
of 90 in twenty, 200 clusters and a claim of 95 the lower end lay above the truth in 0.4 of 100 simulated cases, against
3.8 for the percentile interval and 5.0 for Student's t (2.5 would be right); tests repeat smaller ones. The price is
width: about a fifth more than percentiles there, about a tenth for targets and stops on 50 clusters.

The seed is an argument, results are the same on every machine, and what is drawn does not depend on how rows are
ordered or clusters are called.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from mesh.statistics import LEAST_CLUSTERS, LEVEL, Estimate, enough
from research.statistics.clusters import Clusters, Doubles

RESAMPLES = 10_000
SEED = 20_140_731
LEAST_SIDE = 5
"""Clusters that must lie above the mean, and below it. With fewer the rare side is known by a handful of cases, and may
be missing from the sample altogether: no way of drawing anew tells of what was never drawn."""
_AT_ONCE = 2_000_000  # draws in memory, 16 MB
_KEPT = 8_000_000  # of draws, 16 MB


def mean(
    sums: Clusters,
    *,
    level: float = LEVEL,
    least: float = LEAST_CLUSTERS,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """Return the mean of one unit of weight, with its interval.

    Args:
        sums: Clusters of one quantity.
        level: Probability that the interval claims to cover, between 0 and 1.
        least: Effective clusters below which there is no interval.
        resamples: How often all clusters are drawn anew.
        seed: Of the draws.

    Raises:
        ValueError: Clusters hold several quantities, or the level is no probability.
    """
    return _estimate(sums, np.ones(1), level, least, _Draws(resamples, seed))


def difference(
    sums: Clusters,
    *,
    level: float = LEVEL,
    least: float = LEAST_CLUSTERS,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """Return the mean of the first quantity less that of the second, with its interval: both are drawn together.

    Arguments and errors as `mean`, but for clusters of two quantities.
    """
    return _estimate(sums, np.array([1.0, -1.0]), level, least, _Draws(resamples, seed))


def total(
    sums: Clusters,
    *,
    level: float = LEVEL,
    least: float = LEAST_CLUSTERS,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """Return the sum of values over clusters, with its interval: where as many clusters would end, drawn anew.

    Arguments and errors as `mean`.
    """
    many = len(sums.values)
    ones = replace(sums, values=np.sort(sums.values, axis=0), weights=np.ones((many, 1)))
    found = mean(ones, level=level, least=least, resamples=resamples, seed=seed)
    ends = (None, None) if found.low is None or found.high is None else (found.low * many, found.high * many)
    return replace(found, mean=found.mean * many, low=ends[0], high=ends[1])


def p_value(
    sums: Clusters, *, least: float = LEAST_CLUSTERS, resamples: int = RESAMPLES, seed: int = SEED
) -> float | None:
    """Return how probable so good a mean would be if the true one were zero; None where there is no interval either.

    One-sided, and never below one over the resamples plus one. Arguments and errors as `mean`.
    """
    signs = np.ones(1)
    if not _tellable(sums, signs, least):
        return None
    ratios = _Draws(resamples, seed).ratios(sums, signs)
    reached = int((ratios >= float(sums.means @ signs) / _error(sums, signs)).sum())
    return (reached + 1) / (resamples + 1)


class _Draws:
    def __init__(self, resamples: int, seed: int) -> None:
        self._resamples, self._seed = resamples, seed

    def ratios(self, sums: Clusters, signs: Doubles) -> Doubles:
        """Return [resamples] the distance of each resample's figure from the real one, in its own standard errors."""
        rest, many = _rest(sums), len(signs)
        # About the resample's own mean a rest is r − δw: with these sums of products its square needs no second look.
        both = np.hstack([rest, sums.weights])
        products = (both[:, :, None] * both[:, None, :]).reshape(len(both), -1)
        table = np.hstack([both, products])
        found = []
        for counts in self._counts(len(rest)):
            drawn = counts @ table
            away = drawn[:, :many] / drawn[:, many : 2 * many]
            part = signs / drawn[:, many : 2 * many]
            influence = np.hstack([part, -part * away])
            squares = drawn[:, 2 * many :].reshape(-1, 2 * many, 2 * many)
            spread = np.einsum("ri,rij,rj->r", influence, squares, influence)
            error = np.sqrt(np.maximum(spread, 0.0) * len(rest) / (len(rest) - 1))
            with np.errstate(divide="ignore", invalid="ignore"):
                # Infinite where the clusters drawn are all alike and not like the rest; no distance at all is none.
                found.append(np.nan_to_num(away @ signs / error, nan=0.0, posinf=np.inf, neginf=-np.inf))
        return np.concatenate(found)

    def _counts(self, clusters: int) -> Iterator[Doubles]:
        """Give [some resamples, clusters] how often each cluster is drawn."""
        if self._resamples * clusters <= _KEPT:
            counts = _few(self._seed, self._resamples, clusters)
            step = max(1, _AT_ONCE // clusters)
            yield from (counts[begin : begin + step].astype(float) for begin in range(0, self._resamples, step))
        else:
            yield from _drawn(self._seed, self._resamples, clusters)


@lru_cache(4)
def _few(seed: int, resamples: int, clusters: int) -> NDArray[np.int16]:
    """Draw once for all figures of a report: it has hundreds over the same clusters, and these are the same draws."""
    return np.concatenate([part.astype(np.int16) for part in _drawn(seed, resamples, clusters)])


def _drawn(seed: int, resamples: int, clusters: int) -> Iterator[Doubles]:
    """Give [some resamples, clusters] how often each cluster is drawn."""
    chance, step = np.random.default_rng(seed), max(1, _AT_ONCE // clusters)
    for begin in range(0, resamples, step):
        some = min(step, resamples - begin)
        drawn = chance.integers(0, clusters, (some, clusters))
        drawn += np.arange(some)[:, None] * clusters
        yield np.bincount(drawn.ravel(), minlength=some * clusters).reshape(some, clusters).astype(float)


def _estimate(sums: Clusters, signs: Doubles, level: float, least: float, draws: _Draws) -> Estimate:
    if not 0 < level < 1:
        raise ValueError(f"no interval covers with probability {level}")
    known = _tellable(sums, signs, least)
    figure = float(sums.means @ signs)
    nothing = Estimate(figure, None, None, sums.count, len(sums.values), sums.effective_clusters)
    if not known:
        return nothing
    tail = (1 - level) / 2
    low, high = np.quantile(draws.ratios(sums, signs), [tail, 1 - tail], method="inverted_cdf").tolist()
    if not (isfinite(low) and isfinite(high)):
        return nothing
    error = _error(sums, signs)
    return replace(nothing, low=figure - high * error, high=figure - low * error)


def _rest(sums: Clusters) -> Doubles:
    return sums.values - sums.means * sums.weights


def _influence(sums: Clusters, signs: Doubles) -> Doubles:
    influence: Doubles = _rest(sums) / sums.weights.sum(axis=0) @ signs
    return influence


def _error(sums: Clusters, signs: Doubles) -> float:
    influence = _influence(sums, signs)
    return float(np.sqrt((influence**2).sum() * len(influence) / (len(influence) - 1)))


def _tellable(sums: Clusters, signs: Doubles, least: float) -> bool:
    if sums.values.shape[1] != len(signs):
        raise ValueError(f"clusters of {len(signs)} quantities are wanted, not of {sums.values.shape[1]}")
    if not enough(sums.effective_clusters, least):
        return False
    influence = _influence(sums, signs)
    slack = 1e-9 * float(np.abs(sums.values / sums.weights.sum(axis=0)).max())  # the last bits are no side
    return min(int((influence > slack).sum()), int((influence < -slack).sum())) >= LEAST_SIDE
