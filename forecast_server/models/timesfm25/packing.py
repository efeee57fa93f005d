"""From series of any lengths to passes through the network: what is computed together, and how it lies in memory.

A series is cut into patches, which are the network's tokens. Its values stand right-aligned in as few patches as hold
them, so the only filling is at the start of the first patch, which the network is told about. Tokens of all series of
a pass follow each other without gaps; only attention has to know where a series ends, and series of equal patch count
lie side by side for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from forecast_server.models.base import Series

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """Series of equal patch count, side by side."""

    rows: int
    patches: int

    @property
    def tokens(self) -> int:
        """Tokens of the series and of their negatives."""
        return 2 * self.rows * self.patches


@dataclass(frozen=True, slots=True)
class Packed:
    """Series for one pass through the network."""

    members: Indices
    """[series]: place in the batch, by ascending patch count."""
    values: NDArray[np.float32]
    """[series, most patches × patch]; each starts with its fill, what comes after its last patch is zero."""
    fill: Indices
    """[series]: values at the start that are not the series'; fewer than a patch."""
    last: Indices
    """[series]: its last patch, from 0."""
    groups: tuple[Group, ...]
    """How the series follow each other."""

    @property
    def patches(self) -> int:
        """Of all series together."""
        return sum(group.rows * group.patches for group in self.groups)


def passes(batch: Sequence[Series], patch: int, most_patches: int) -> Iterator[Packed]:
    """Cut a batch into passes of at most so many patches, or one series.

    Args:
        batch: [points] each, at least one point.
        patch: Points per patch.
        most_patches: Patches of all series of a pass together.
    """
    counts = np.array([-(-len(series) // patch) for series in batch], dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    start = patches = 0
    for place, member in enumerate(order):
        if place > start and patches + counts[member] > most_patches:
            yield pack(batch, order[start:place], counts, patch)
            start, patches = place, 0
        patches += int(counts[member])
    yield pack(batch, order[start:], counts, patch)


def pack(batch: Sequence[Series], members: Indices, counts: Indices, patch: int) -> Packed:
    """Lay out some series of a batch.

    Args:
        batch: [points] each.
        members: Which, by ascending patch count.
        counts: [series of the batch]: patches.
        patch: Points per patch.
    """
    patches = counts[members]
    lengths = np.array([len(batch[member]) for member in members], dtype=np.int64)
    values = np.zeros((len(members), int(patches[-1]) * patch), dtype=np.float32)
    for row, (member, end, length) in enumerate(zip(members, patches * patch, lengths, strict=True)):
        values[row, end - length : end] = batch[member]
    groups = tuple(Group(len(list(rows)), int(count)) for count, rows in groupby(patches))
    return Packed(members, values, patches * patch - lengths, patches - 1, groups)


def padded(packed: Packed, shape: Group, patch: int) -> Packed:
    """Fill a pass up to a fixed shape: patches after each series' last, and series of one patch of zeros.

    Args:
        packed: At most as many series and patches as the shape.
        shape: Series and patches of the result.
        patch: Points per patch.
    """
    rows, columns = packed.values.shape
    values = np.zeros((shape.rows, shape.patches * patch), dtype=np.float32)
    values[:rows, :columns] = packed.values
    fill, last = (np.pad(array, (0, shape.rows - rows)) for array in (packed.fill, packed.last))
    return Packed(packed.members, values, fill, last, (shape,))
