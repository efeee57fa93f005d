"""Every pair of a take profit and a stop loss on the same trades at once, to the micro. Pure.

A target sells to the first bid at or above it, a stop to the first bid at which it can be sold once the bid was at or
below the level. Which comes first is all that a pair decides; so for each trade the first step of each level is found,
once, and a cell costs one comparison.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mesh.types import CENT
from research.statistics.clusters import BY_DAY, Naming
from research.tpsl.passage import Block, blocks, first_steps
from research.tpsl.paths import Paths
from research.types import Ints

_FINEST = 100
"""No market's prices lie closer together, micros."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The grid; cents from the entry, as micros, ascending."""

    targets: Ints
    stops: Ints

    @classmethod
    def of_cents(cls, targets: Sequence[float], stops: Sequence[float]) -> "Levels":
        """Make a grid. ValueError where a level is not above 0 and at most 100, or comes twice."""
        found = [np.array(sorted(round(each * CENT) for each in part), np.int64) for part in (targets, stops)]
        for part in found:
            if not len(part) or part[0] <= 0 or part[-1] > 100 * CENT or (np.diff(part) <= 0).any():
                raise ValueError("levels are above 0 and at most 100 cents, each once")
        return cls(*found)

    @classmethod
    def default(cls) -> "Levels":
        """Return 60 x 60: 1 to 60 cents, in whole cents."""
        return cls.of_cents(range(1, 61), range(1, 61))

    @property
    def count(self) -> int:
        """Cells."""
        return len(self.targets) * len(self.stops)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Results of some trades in all cells."""

    block: Block
    results: Ints
    """[trades, targets, stops] net, micros; 0 where the trade is not made."""
    hits: NDArray[np.bool_]
    """[trades, targets, stops] the target sells."""
    stopped: NDArray[np.bool_]
    """[trades, stops] the stop sells, unless the target does before."""
    made: NDArray[np.bool_]
    """[trades, stops] the trade is made: its stop does not lie inside the spread."""


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Sums over trades, of every cell."""

    levels: Levels
    days: tuple[str, ...]
    """Clusters, in the order of their days."""
    sums: Ints
    """[days, targets, stops] net results, micros."""
    contracts: Ints
    """[days, stops] hundredths."""
    offered: Ints
    """[days] hundredths of all trades, made or not."""
    trades: Ints
    """[stops] trades made."""
    wins: Ints
    """[targets, stops] trades with a net gain."""
    hits: Ints
    """[targets, stops] sold by the target."""
    stopped: Ints
    """[targets, stops] sold by the stop."""


def results(paths: Paths, levels: Levels, order: Ints | None = None) -> Iterator[Cells]:
    """Give the results of trades in all cells, some trades at a time.

    Args:
        paths: Of the trades.
        levels: The grid.
        order: Places of the wanted trades; None for all.
    """
    for block in blocks(paths, paths.places if order is None else order):
        yield _cells(paths, block, levels)


def made(paths: Paths, places: Ints, stops: Ints) -> NDArray[np.bool_]:
    """[trades, stops] whether each trade is made under each stop, micros from the entry.

    Args:
        paths: Of all trades.
        places: Of the wanted ones.
        stops: [stops] or [trades, stops].
    """
    works = paths.entries[places][:, None] - stops >= paths.lowest[places][:, None]
    spreads = paths.spreads[places][:, None]
    refused = works & ((spreads < 0) | (stops < spreads + _FINEST))
    return ~refused if paths.rules.stop_distance else np.ones_like(refused)


def totals(paths: Paths, levels: Levels, naming: Naming = BY_DAY) -> Totals:
    """Sum results over trades, cell by cell and day by day.

    Args:
        paths: Of the trades.
        levels: The grid.
        naming: What a trade wins and loses together with.
    """
    days, of_trade = clusters_of(paths, naming)
    shape = (len(levels.targets), len(levels.stops))
    sums = np.zeros((len(days), *shape), np.int64)
    wins, hits, stopped = (np.zeros(shape, np.int64) for _ in range(3))
    contracts = np.zeros((len(days), shape[1]), np.int64)
    trades = np.zeros(shape[1], np.int64)
    counts = paths.contracts
    for cells in results(paths, levels, np.argsort(of_trade, kind="stable")):
        places = cells.block.places
        numbers = of_trade[places]
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(numbers)]):
            sums[numbers[start]] += cells.results[start:end].sum(axis=0)
        np.add.at(contracts, numbers, cells.made * counts[places][:, None])
        trades += cells.made.sum(axis=0)
        wins += np.count_nonzero(cells.results > 0, axis=0)
        hit = np.count_nonzero(cells.hits, axis=0)
        hits += hit
        stopped += cells.stopped.sum(axis=0) - np.count_nonzero(cells.hits & cells.stopped[:, None, :], axis=0)
    offered = np.bincount(of_trade, counts, len(days)).astype(np.int64)
    return Totals(levels, days, sums, contracts, offered, trades, wins, hits, stopped)


def clusters_of(paths: Paths, naming: Naming = BY_DAY) -> tuple[tuple[str, ...], Ints]:
    """Return the clusters in the order of their days, and [trades] the number of each trade's."""
    labels = [naming(row) for row in paths.rows]
    days = {label: row.settlement_day for label, row in zip(labels, paths.rows, strict=True)}
    ordered = tuple(sorted(days, key=lambda label: (days[label], label)))
    numbers = {label: number for number, label in enumerate(ordered)}
    return ordered, np.fromiter((numbers[label] for label in labels), np.int64, len(labels))


def _cells(paths: Paths, block: Block, levels: Levels) -> Cells:
    places, width = block.places, block.width
    rows = np.arange(len(places))[:, None]
    reached = np.searchsorted(levels.targets, paths.reaches[places], side="right")
    targets = first_steps(levels.targets, block.gains(), reached)
    room = paths.entries[places] - paths.lowest[places]
    stops = first_steps(levels.stops, block.losses(), np.searchsorted(levels.stops, room, side="right"))
    sales = block.sales[rows, stops]
    is_made = made(paths, places, levels.stops)
    by_target = block.results[rows, targets]
    by_stop = np.where(is_made, block.results[rows, sales], 0)
    # A trade that is not made has its stop before everything, and no result.
    hits = targets.astype(np.int32)[:, :, None] < np.where(is_made, stops, -1).astype(np.int32)[:, None, :]
    found = np.where(hits, by_target[:, :, None], by_stop[:, None, :])
    return Cells(block, found, hits, is_made & (sales < width), is_made)
