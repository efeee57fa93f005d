"""Forecasts kept to be given out again to equal inputs, the least recently used forgotten first. Pure."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from forecast_server.types import FLOAT32

ENTRY_BYTES = 550
"""What an entry takes beside its numbers (two arrays, a tuple, the digest, its place): 540 measured, and a little."""


class ForecastCache:
    """Mean paths and quantiles by the digest of what they were made of."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        """Most bytes that are kept; 0 keeps nothing."""
        self.used_bytes = self.hits = self.misses = 0
        self._kept: OrderedDict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = OrderedDict()

    @property
    def entries(self) -> int:
        """Forecasts kept."""
        return len(self._kept)

    def get(self, digest: str) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the mean [steps] and the quantiles [steps, levels], in cents and read-only; counts hit or miss."""
        found = self._kept.get(digest)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(digest)
        return found

    def put(self, digest: str, mean: NDArray[np.float32], quantiles: NDArray[np.float32]) -> None:
        """Keep copies of a forecast, unless it alone is more than may be kept."""
        self._forget(digest)
        size = ENTRY_BYTES + mean.nbytes + quantiles.nbytes
        if size > self.capacity_bytes:
            return
        self.used_bytes += size
        # Copies: a row of a batch would keep the whole batch in memory.
        self._kept[digest] = _copy(mean), _copy(quantiles)
        while self.used_bytes > self.capacity_bytes:
            self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self.used_bytes = 0

    def _forget(self, digest: str) -> None:
        found = self._kept.pop(digest, None)
        if found is not None:
            self.used_bytes -= ENTRY_BYTES + sum(array.nbytes for array in found)


def _copy(array: NDArray[np.float32]) -> NDArray[np.float32]:
    copy = np.array(array, FLOAT32, order="C")
    copy.flags.writeable = False
    return copy
