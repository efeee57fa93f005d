"""Which days levels may be chosen on, and which they are then tried on. Pure.

Later days are tried, block by block, by what earlier days taught. A day is whole: all events that settle on it are on
one side. A day teaches only if all its results were known, its trading over and its forecasts' horizon past, a while
(the embargo) before the first decision of the block that is tried.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np

from research.statistics.clusters import BY_DAY, Naming
from research.tpsl.grid import clusters_of
from research.tpsl.paths import Paths
from research.types import Ints

LEAST_DAYS = 10
"""Days that must teach before anything is tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One block that is tried."""

    learned: Ints
    """Numbers of the days that teach."""
    tried: Ints
    """Numbers of the days that are tried; later than those."""
    purged: int
    """Earlier days that do not teach, because they reached into the block or the embargo before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldPlan:
    """How days are split."""

    count: int = 5
    """Blocks that are tried."""
    first_share: float = 0.4
    """Part of all days that only teaches."""
    embargo: timedelta = timedelta(days=1)
    """Between the end of what teaches and the first decision that is tried."""
    horizon: timedelta = timedelta(hours=6)
    """Of the forecasts."""


def folds(paths: Paths, plan: FoldPlan, naming: Naming = BY_DAY) -> list[Fold]:
    """Split days, in their order, into blocks that are tried on what came before.

    Args:
        paths: Of the trades.
        plan: How.
        naming: As for the totals: numbers of days are the same.

    Returns:
        Blocks with days enough before them; none where there are too few days.
    """
    days, of_trade = clusters_of(paths, naming)
    dates = np.array([label.rpartition(" ")[2] for label in days])
    begins, ends = _spans(paths, of_trade, len(days), plan)
    first = max(int(len(days) * plan.first_share), LEAST_DAYS)
    # Clusters that settle on one day are tried together.
    edges = sorted({int(np.searchsorted(dates, dates[place])) for place in _edges(first, len(days), plan.count)})
    found = []
    for begin, end in pairwise([*edges, len(days)]):
        tried = np.arange(begin, end)
        bound = begins[tried].min() - round(plan.embargo.total_seconds() * 1000)
        before = np.arange(begin)
        learned = before[ends[before] <= bound]
        if len(learned) >= LEAST_DAYS:
            found.append(Fold(learned, tried, begin - len(learned)))
    return found


def _edges(first: int, count: int, blocks: int) -> list[int]:
    if first >= count:
        return []
    cuts: list[int] = np.linspace(first, count, min(blocks, count - first) + 1)[:-1].astype(int).tolist()
    return cuts


def _spans(paths: Paths, of_trade: Ints, count: int, plan: FoldPlan) -> tuple[Ints, Ints]:
    """[days] the first decision, and when everything was over, in milliseconds."""
    decided = np.array([round(row.decision_time.timestamp() * 1000) for row in paths.rows], np.int64)
    over = np.maximum(paths.ends, paths.closes)
    over = np.maximum(over, decided + round(plan.horizon.total_seconds() * 1000))
    begins, ends = np.full(count, np.iinfo(np.int64).max), np.zeros(count, np.int64)
    np.minimum.at(begins, of_trade, decided)
    np.maximum.at(ends, of_trade, over)
    return begins, ends
