"""Means over clusters, and how sure one can be of them. Pure.

There are hundreds of lines, so each has the t interval of `mesh.statistics`, which needs no random number. What
decides, the differences of losses, has the bootstrap of `research.statistics`: it is the Diebold-Mariano comparison
with clusters in the place of autocorrelations, paired, since both models are judged by the same forecasts.
"""

from dataclasses import dataclass, replace

from mesh.statistics import LEVEL, Estimate, effective_number, enough, standard_error, t_quantile
from research.quality.scores import Doubles
from research.statistics import bootstrap
from research.statistics.clusters import clusters


@dataclass(frozen=True, slots=True)
class Chance:
    """How intervals are made."""

    level: float = LEVEL
    """Probability that they claim to cover."""
    resamples: int = bootstrap.RESAMPLES
    seed: int = bootstrap.SEED


def share(values: Doubles, counts: Doubles, chance: Chance) -> Estimate | None:
    """Return the mean over all that was counted; None where nothing was.

    Args:
        values: [clusters] sums.
        counts: [clusters] how many each is a sum of.
        chance: How the interval is made.
    """
    some = counts > 0
    if not some.any():
        return None
    values, counts = values[some], counts[some]
    effective = effective_number(counts.tolist())
    mean = float(values.sum() / counts.sum())
    low = high = None
    if enough(effective):
        error = standard_error(list(zip(values.tolist(), counts.tolist(), strict=True)))
        reach = t_quantile((1 + chance.level) / 2, effective - 1) * error
        low, high = mean - reach, mean + reach
    return Estimate(mean, low, high, round(counts.sum()), len(counts), effective)


def difference(values: Doubles, others: Doubles, counts: Doubles, chance: Chance) -> Estimate | None:
    """Return the mean of the first less that of the second, over the same forecasts; None where there were none.

    Args:
        values: [clusters] sums.
        others: [clusters] sums of what they are compared with.
        counts: [clusters] how many each is a sum of.
        chance: How the interval is made.
    """
    some = counts > 0
    if not some.any():
        return None
    sums = clusters(range(int(some.sum())), (values - others)[some], counts[some])
    found = bootstrap.mean(sums, level=chance.level, resamples=chance.resamples, seed=chance.seed)
    return replace(found, count=round(counts.sum()))
