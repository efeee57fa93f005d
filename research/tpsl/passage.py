"""When prices first reached levels: for many trades and all levels at once. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from research.tpsl.paths import NOBODY, UNKNOWN, Paths
from research.types import Ints

_FAR: Final = 2_000_000_000
"""Micros that no price is away from another."""
_CELLS: Final = 1_500_000
"""Steps of a block in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some trades side by side. A step number equal to `width` is the settlement."""

    places: Ints
    """[trades] in the paths."""
    times: Ints
    """[trades, width] milliseconds; far away where there is no step any more."""
    bids: NDArray[np.int32]
    """[trades, width] UNKNOWN where there is no step any more."""
    results: Ints
    """[trades, width + 1] net result of a sale at each step, micros; the last is that of the settlement."""
    sales: Ints
    """[trades, width + 1] the first step from each on at which somebody buys."""
    confirms: NDArray[np.bool_]
    """[trades, width] a stop that is seen first at this step can be confirmed and sold before trading ends."""
    entries: Ints
    """[trades] price paid."""

    @property
    def width(self) -> int:
        """Most steps of a trade."""
        return int(self.bids.shape[1])

    def gains(self) -> NDArray[np.int32]:
        """[trades, width] how far the highest bid so far lay above the entry, micros."""
        gains = np.where(self.bids >= 0, self.bids - self.entries[:, None], -_FAR).astype(np.int32)
        return np.maximum.accumulate(gains, axis=1)

    def losses(self) -> NDArray[np.int32]:
        """[trades, width] how far the lowest bid so far lay below the entry, micros; nobody is as low as it gets."""
        losses = np.where(self.bids == NOBODY, _FAR, self.entries[:, None] - self.bids)
        losses[(self.bids == UNKNOWN) | ~self.confirms] = -_FAR
        return np.maximum.accumulate(losses.astype(np.int32), axis=1)


def blocks(paths: Paths, order: Ints, steps_at_once: int = _CELLS, most: int = 128) -> Iterator[Block]:
    """Lay trades side by side, some at a time.

    Args:
        paths: Of the trades.
        order: Places of the wanted ones.
        steps_at_once: Bounds the memory of a block.
        most: Trades of a block.
    """
    lengths = np.diff(paths.starts)
    begin = 0
    while begin < len(order):
        widths = np.maximum.accumulate(lengths[order[begin : begin + most]])
        fitting = int((widths * np.arange(1, len(widths) + 1) <= steps_at_once).sum())
        end = begin + max(1, fitting)
        yield block(paths, order[begin:end])
        begin = end


def block(paths: Paths, places: Ints) -> Block:
    """Lay trades side by side."""
    lengths = np.diff(paths.starts)[places]
    width = int(lengths.max(initial=0))
    inside = np.arange(width) < lengths[:, None]
    flat = np.where(inside, paths.starts[:-1][places][:, None] + np.arange(width), 0)

    def laid(values: Ints | NDArray[np.int32], missing: int) -> Ints:
        return np.where(inside, values[flat], missing) if width else np.zeros(inside.shape, np.int64)

    bids = laid(paths.bids, UNKNOWN).astype(np.int32)
    times = laid(paths.times, np.iinfo(np.int64).max // 2)
    paid = paths.paid[places][:, None]
    settled = paths.settled[places][:, None]
    numbers = np.where(bids >= paths.floor, np.arange(width), width)
    numbers = np.hstack([numbers, np.full((len(places), 1), width)])
    rules = paths.rules
    grace = round(rules.exits.grace_seconds * 1000)
    checked = np.maximum(times, paths.opened[places][:, None] + grace)
    sold = checked + rules.confirmation + rules.latency
    return Block(
        places=places,
        times=times,
        bids=bids,
        results=np.hstack([laid(paths.proceeds, 0), settled]) - paid,
        sales=np.minimum.accumulate(numbers[:, ::-1], axis=1)[:, ::-1],
        confirms=sold < np.minimum(paths.closes, paths.ends)[places][:, None],
        entries=paths.entries[places],
    )


def first_steps(levels: Ints, extremes: NDArray[np.int32], most: Ints | None = None) -> Ints:
    """Find the step at which each level is first reached.

    Args:
        levels: [levels] ascending.
        extremes: [trades, width] greatest distance so far.
        most: [trades] so many levels, the lowest, can be reached at all; None for all.

    Returns:
        [trades, levels] numbers of steps; `width` where it never is.
    """
    count, width = extremes.shape
    reached = np.searchsorted(levels, extremes, side="right")
    if most is not None:
        reached = np.minimum(reached, most[:, None])
    # How many levels each step is the first to reach; those that none does belong to the end.
    fresh = np.diff(reached, axis=1, prepend=0, append=len(levels))
    numbers = np.broadcast_to(np.arange(width + 1), fresh.shape)
    return np.repeat(numbers.ravel(), fresh.ravel()).reshape(count, len(levels))
