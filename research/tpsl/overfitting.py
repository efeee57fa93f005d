"""How probable it is that the best cell in the sample is worse than the middle one outside of it (CSCV). Pure.

Bailey, Borwein, López de Prado and Zhu, "The probability of backtest overfitting" (2015): days are cut into an even
number of blocks, in their order; every way of putting half of them together is a sample, the other half is what comes
after. The cell that is best in the sample has a rank outside; the probability is how often that rank is not above the
middle. Noise gives about a half, and more where what was best must come down again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from mesh.types import CENT, CONTRACT
from research.tpsl.grid import Totals
from research.tpsl.selection import LEAST_SHARE

_BLOCKS = 16
_AT_ONCE = 4_000_000
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """What was found."""

    probability: float
    """That the best in the sample is not above the middle outside of it."""
    loss_probability: float
    """That the best in the sample loses outside of it."""
    inside_cents: float
    """Mean of the best in the sample."""
    outside_cents: float
    """Mean of the same, outside of it."""
    splits: int
    """Ways of cutting that were tried."""
    possible: int
    """That there are."""
    blocks: int
    cells: int


def overfitting(
    sums: NDArray[np.int64],
    weights: NDArray[np.int64],
    *,
    blocks: int = _BLOCKS,
    most: int = 2000,
    seed: int = 7,
    offered: NDArray[np.int64] | None = None,
) -> Overfitting | None:
    """Cut days in halves in many ways.

    Args:
        sums: [days, cells] net results, in the order of days.
        weights: [days, cells] what they are divided by.
        blocks: Even, of days that follow each other; fewer where there are too few days.
        most: Ways of cutting; drawn at random where there are more.
        seed: Of that.
        offered: [days] weights there could have been: a cell with less than half of them in a sample is not chosen.

    Returns:
        None with fewer than four blocks of two days, or fewer than two cells.
    """
    days, cells = sums.shape
    blocks = min(blocks, days // 2) // 2 * 2
    if blocks < 4 or cells < 2:  # noqa: PLR2004  # two halves of two blocks, and a choice
        return None
    edges = np.linspace(0, days, blocks + 1)[:-1].astype(int)
    values, sizes = (np.add.reduceat(part, edges, axis=0).astype(float) for part in (sums, weights))
    offers = sizes.max(axis=1) if offered is None else np.add.reduceat(offered, edges).astype(float)
    inside, outside, ranks = (list[float]() for _ in range(3))
    for halves in _halves(blocks, most, seed, max(1, _AT_ONCE // cells)):
        learned, learned_sizes = halves @ values, halves @ sizes
        tried, tried_sizes = values.sum(axis=0) - learned, sizes.sum(axis=0) - learned_sizes
        enough = (learned_sizes >= LEAST_SHARE * (halves @ offers)[:, None]) & (learned_sizes > 0) & (tried_sizes > 0)
        before = np.where(enough, learned / np.maximum(learned_sizes, 1), -np.inf)
        after = np.where(tried_sizes > 0, tried / np.maximum(tried_sizes, 1), np.nan)
        best = np.argmax(before, axis=1)
        rows = np.flatnonzero(np.isfinite(before.max(axis=1)))
        chosen = after[rows, best[rows]]
        there = np.isfinite(after[rows])
        below = (after[rows] < chosen[:, None]).sum(axis=1)
        same = (after[rows] == chosen[:, None]).sum(axis=1)
        ranks += ((below + (same + 1) / 2) / (there.sum(axis=1) + 1)).tolist()
        inside += before[rows, best[rows]].tolist()
        outside += chosen.tolist()
    if not ranks:
        return None
    scale = CONTRACT / CENT
    return Overfitting(
        probability=float(np.mean(np.array(ranks) <= 1 / 2)),
        loss_probability=float(np.mean(np.array(outside) < 0)),
        inside_cents=float(np.mean(inside)) * scale,
        outside_cents=float(np.mean(outside)) * scale,
        splits=len(ranks),
        possible=comb(blocks, blocks // 2),
        blocks=blocks,
        cells=cells,
    )


def of_totals(totals: Totals, *, most: int = 2000, seed: int = 7) -> Overfitting | None:
    """Cut the days of a grid; see `overfitting`."""
    days, targets, stops = totals.sums.shape
    weights = np.broadcast_to(totals.contracts[:, None, :], (days, targets, stops))
    flat = (totals.sums.reshape(days, targets * stops), weights.reshape(days, targets * stops))
    return overfitting(*flat, most=most, seed=seed, offered=totals.offered)


def _halves(blocks: int, most: int, seed: int, at_once: int) -> Iterator[Doubles]:
    """Give [some, blocks] ones where a block belongs to the sample."""
    half = blocks // 2
    if comb(blocks, half) <= most:
        found = np.zeros((comb(blocks, half), blocks))
        for row, chosen in zip(found, combinations(range(blocks), half), strict=True):
            row[list(chosen)] = 1
    else:
        chance, seen = np.random.default_rng(seed), set[tuple[int, ...]]()
        while len(seen) < most:
            seen.add(tuple(sorted(chance.permutation(blocks)[:half].tolist())))
        found = np.zeros((most, blocks))
        for row, chosen in zip(found, sorted(seen), strict=True):
            row[list(chosen)] = 1
    for begin in range(0, len(found), at_once):
        yield found[begin : begin + at_once]
