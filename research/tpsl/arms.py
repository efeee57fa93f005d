"""Ways out other than one target and one stop for all: hold, trailing stops, time stops, each trade's own levels. Pure.

The rules are the trader's. A target sells at once; a stop when it was seen for as long as it takes to confirm it, at
whatever is bid, then or later; a time stop at its minute, at the bid that holds. What nobody buys until the end is paid
by the market's result.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mesh.types import CENT
from research.tpsl.grid import made
from research.tpsl.passage import Block, blocks
from research.tpsl.paths import UNKNOWN, Paths
from research.types import Ints
from trader.domain.settings import ExitSettings

_NEVER = np.iinfo(np.int64).max // 2
_NOT_MADE = -1


class Way(IntEnum):
    """How a trade ended."""

    SETTLEMENT = 0
    TAKE_PROFIT = 1
    STOP_LOSS = 2
    TRAILING_STOP = 3
    TIME_STOP = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """One way out for all trades. Distances are micros from the entry; None is without."""

    name: str
    targets: Ints | None = None
    """[trades]"""
    stops: Ints | None = None
    """[trades]"""
    trailing_from: int | None = None
    trailing_distance: int | None = None
    time_stop_seconds: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What an arm came to, trade by trade."""

    name: str
    results: Ints
    """[trades] net, micros; 0 where the trade is not made."""
    ways: NDArray[np.int8]
    """[trades] numbers of `Way`; -1 where the trade is not made."""

    @property
    def made(self) -> NDArray[np.bool_]:
        """[trades] whether the trade is made."""
        found: NDArray[np.bool_] = self.ways != _NOT_MADE
        return found


def levels_of_rows(paths: Paths) -> tuple[Ints, Ints]:
    """Return [trades] targets and stops that the policy in force gave each trade, micros from the entry."""
    levels = [[round(cents * CENT) for cents in (row.tp_cents, row.sl_cents)] for row in paths.rows]
    found = np.array(levels, np.int64).reshape(len(levels), 2)
    return found[:, 0], found[:, 1]


def cell(paths: Paths, target: int, stop: int) -> Arm:
    """Make the arm of one cell of the grid, micros."""
    name = f"target {target / CENT:g}c, stop {stop / CENT:g}c"
    return Arm(name=name, targets=np.full(len(paths), target), stops=np.full(len(paths), stop))


def current(paths: Paths, exits: ExitSettings, name: str = "current policy") -> Arm:
    """Make the arm of the policy in force, with all that the trader's settings add to it or take away."""
    if paths.rows and paths.rows[0].series_ticker in exits.hold_to_settlement:
        return Arm(name=name)
    targets, stops = levels_of_rows(paths)
    start, distance = exits.trailing_from_cents, exits.trailing_distance_cents
    return Arm(
        name=name,
        targets=targets if exits.take_profit else None,
        stops=stops if exits.stop_loss else None,
        trailing_from=None if start is None else round(start * CENT),
        trailing_distance=None if distance is None else round(distance * CENT),
        time_stop_seconds=exits.time_stop_seconds,
    )


def others(
    trailing_cents: tuple[tuple[float, float], ...] = ((5, 3), (10, 5), (15, 8), (20, 10)),
    hours: tuple[float, ...] = (1, 2, 3, 6, 12),
) -> list[Arm]:
    """Return the usual arms: hold to settlement, trailing stops (gain from which, distance), time stops."""
    trailing = [
        Arm(
            name=f"trailing from {start:g}c, {distance:g}c below the peak",
            trailing_from=round(start * CENT),
            trailing_distance=round(distance * CENT),
        )
        for start, distance in trailing_cents
    ]
    timed = [Arm(name=f"sell after {each:g} h", time_stop_seconds=each * 3600) for each in hours]
    return [Arm(name="hold to settlement"), *trailing, *timed]


def evaluate(paths: Paths, arm: Arm) -> Outcomes:
    """Work out what an arm came to."""
    results, ways = np.zeros(len(paths), np.int64), np.zeros(len(paths), np.int8)
    for block in blocks(paths, paths.places):
        results[block.places], ways[block.places] = _of_block(paths, block, arm)
    if arm.stops is not None:
        refused = ~made(paths, paths.places, arm.stops[:, None])[:, 0]
        results[refused], ways[refused] = 0, _NOT_MADE
    return Outcomes(arm.name, results, ways)


def _of_block(paths: Paths, block: Block, arm: Arm) -> tuple[Ints, NDArray[np.int8]]:
    width, count = block.width, len(block.places)
    rules = paths.rules
    target, stop, trails = _first_target(paths, block, arm), *_first_stop(paths, block, arm)
    steps = np.stack([target, stop, np.full(count, width)])
    seen = np.hstack([block.times, np.full((count, 1), _NEVER)])
    rows = np.arange(count)
    grace = paths.opened[block.places] + round(rules.exits.grace_seconds * 1000)
    stopped_at = np.maximum(seen[rows, stop], grace) + rules.confirmation
    clock, at_clock = _clock(paths, block, arm)
    moments = np.stack([seen[rows, target], np.where(stop < width, stopped_at, _NEVER), clock])
    steps[2] = at_clock
    # The target's look comes first where all fall together, then the stop's: the trader's own order.
    first = np.argmin(moments, axis=0)
    never = moments.min(axis=0) >= _NEVER
    sold = np.where(never, width, block.sales[rows, steps[first, rows]])
    kinds = np.array([Way.TAKE_PROFIT, Way.STOP_LOSS, Way.TIME_STOP])[first]
    kinds = np.where((first == 1) & trails, Way.TRAILING_STOP, kinds)
    return block.results[rows, sold], np.where(sold == width, Way.SETTLEMENT, kinds).astype(np.int8)


def _first(found: NDArray[np.bool_]) -> Ints:
    """[trades] the first step at which something is so; the width where it never is."""
    closed = np.hstack([found, np.ones((len(found), 1), bool)])
    step: Ints = np.argmax(closed, axis=1)
    return step


def _first_target(paths: Paths, block: Block, arm: Arm) -> Ints:
    if arm.targets is None:
        return np.full(len(block.places), block.width)
    targets = arm.targets[block.places]
    there = (targets <= paths.reaches[block.places])[:, None]
    return _first(there & (block.bids >= 0) & (block.bids >= (block.entries + targets)[:, None]))


def _first_stop(paths: Paths, block: Block, arm: Arm) -> tuple[Ints, NDArray[np.bool_]]:
    """Return [trades] the first step at a stop, and whether it is the trailing one."""
    nothing = np.full(block.bids.shape, UNKNOWN, np.int64)
    fixed, trailing = nothing, nothing
    if arm.stops is not None:
        level = block.entries - arm.stops[block.places]
        level = np.where(level >= paths.lowest[block.places], level, UNKNOWN)
        fixed = np.broadcast_to(level[:, None], block.bids.shape)
    if arm.trailing_from is not None and arm.trailing_distance is not None:
        peaks = np.maximum.accumulate(block.bids, axis=1).astype(np.int64)
        works = (peaks >= block.entries[:, None] + arm.trailing_from) & (peaks > arm.trailing_distance)
        works &= (arm.trailing_from <= paths.reaches[block.places])[:, None]
        trailing = np.where(works, peaks - arm.trailing_distance, UNKNOWN)
    levels = np.maximum(fixed, trailing)
    below = (levels > UNKNOWN) & block.confirms & (block.bids != UNKNOWN) & (block.bids <= levels)
    step = _first(below)
    rows, known = np.arange(len(step)), np.minimum(step, max(block.width - 1, 0))
    if not block.width:
        return step, np.zeros(len(step), bool)
    return step, levels[rows, known] != fixed[rows, known]


def _clock(paths: Paths, block: Block, arm: Arm) -> tuple[Ints, Ints]:
    """Return [trades] when a time stop sells, milliseconds, and the step that holds then."""
    count, latency = len(block.places), paths.rules.latency
    if arm.time_stop_seconds is None:
        return np.full(count, _NEVER), np.full(count, block.width)
    moment = paths.opened[block.places] + round(arm.time_stop_seconds * 1000)
    for begin, end in paths.rules.pauses:
        moment = np.where((moment >= begin * 1000) & (moment < end * 1000), end * 1000, moment)
    holding = (block.times < (moment + latency)[:, None]).sum(axis=1) - 1
    over = moment + latency >= np.minimum(paths.closes, paths.ends)[block.places]
    return np.where(over, _NEVER, moment), np.where(over | (holding < 0), block.width, holding)
