"""How much data an edge needs to be seen, and how much there is. Pure.

A test that asks whether the mean is above zero errs with probability `ERROR` where it is not, and sees an edge with
probability `POWER`. For that, clusters are needed in number ((z(1 - ERROR) + z(POWER)) * SD / edge)^2, where SD is that
of one cluster: as wide as the rows' own clusters are, with as many trades in each and as alike as theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

from mesh.statistics import LEAST_CLUSTERS
from research.statistics.clusters import Clusters

POWER = 0.8
ERROR = 0.05
EDGES_CENTS = (0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What seeing edges takes."""

    clusters: int
    """That there are."""
    sd_cents: float
    """Of one contract's mean result in one cluster."""
    needed: Mapping[float, int]
    """Clusters, by edge in cents of a contract."""
    visible_cents: float
    """The least edge that the clusters at hand would show."""


def needed(sd: float, edge: float, *, power: float = POWER, error: float = ERROR) -> int:
    """Return how many independent observations show a mean.

    Args:
        sd: Standard deviation of one.
        edge: True mean, of the same unit, above zero.
        power: Probability of seeing it.
        error: Probability of seeing one where there is none, one-sided.
    """
    return ceil((_reach(power, error) * sd / edge) ** 2)


def need(sums: Clusters | None, edges: Sequence[float] = EDGES_CENTS) -> Need | None:
    """Return what seeing edges takes, by the spread of clusters at hand; None for fewer than two, or no spread.

    Never fewer than an interval needs.
    """
    error = None if sums is None else sums.error
    if sums is None or not error:
        return None
    many = len(sums.values)
    sd = error * sqrt(many)
    # Clusters of unequal weight say less each: as many more are needed before there is an interval at all.
    least = ceil(LEAST_CLUSTERS * many / sums.effective_clusters - 1e-9)
    return Need(
        clusters=many,
        sd_cents=sd,
        needed={edge: max(needed(sd, edge), least) for edge in edges},
        visible_cents=_reach(POWER, ERROR) * error,
    )


def words(found: Need | None, edge: float = 1.0) -> str:
    """Say it in a sentence for people."""
    if found is None:
        return "nothing can be said of how much data is needed: fewer than two clusters, or all alike"
    return (
        f"to see {edge:g}c a contract this filter needs {found.needed[edge]:,} clusters; there are {found.clusters:,}, "
        f"which show {found.visible_cents:.1f}c or more"
    )


def _reach(power: float, error: float) -> float:
    return NormalDist().inv_cdf(power) + NormalDist().inv_cdf(1 - error)
