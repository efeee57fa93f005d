"""Packed arrays of floats between protobuf and numpy, by their bytes.

On the wire a packed array is a short head and then its values as they lie in memory. protobuf's own way makes a Python
float of every value and takes three times as long or more, and scans consist of little else.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from foremesh.forecast.v1 import forecast_pb2
from numpy.typing import NDArray

from forecast_server.types import FLOAT32
from mesh.packed import head

_TOGETHER = 16
"""Histories read at once. More would gain nothing: protobuf's buffer doubles as it grows, copying what it holds."""


def closes_of(histories: Sequence[forecast_pb2.MarketHistory]) -> list[NDArray[np.float32]]:
    """Return the closes of each history, [points], read-only.

    They are gathered in a message that holds nothing else, and so ends with their bytes.
    """
    found = []
    for start in range(0, len(histories), _TOGETHER):
        gathered = forecast_pb2.MarketHistory()
        closes, ends = gathered.closes_cents, [0]
        for history in histories[start : start + _TOGETHER]:
            closes.MergeFrom(history.closes_cents)
            ends.append(len(closes))
        data = gathered.SerializeToString()
        values = np.frombuffer(data[len(data) - FLOAT32.itemsize * ends[-1] :], FLOAT32)
        found += [values[start:end] for start, end in pairwise(ends)]
    return found


class PathWriter:
    """Writes forecast paths that share their quantile levels."""

    def __init__(self, levels: Sequence[float]) -> None:
        self._levels = levels
        self._heads: dict[int, tuple[bytes, bytes]] = {}

    def write(
        self, message: forecast_pb2.ForecastPath, mean: NDArray[np.float32], quantiles: NDArray[np.float32]
    ) -> None:
        """Fill an empty message with a path: mean [steps] and quantiles [steps, levels], both FLOAT32."""
        heads = self._heads.get(len(mean))
        if heads is None:
            heads = self._heads[len(mean)] = self._heads_of(len(mean))
        message.MergeFromString(heads[0] + mean.tobytes() + heads[1] + quantiles.tobytes())

    def _heads_of(self, steps: int) -> tuple[bytes, bytes]:
        """Return what comes before the mean, and what comes between it and the quantiles."""
        path = forecast_pb2.ForecastPath
        rest = path(horizon_steps=steps, quantile_levels=self._levels).SerializeToString()
        mean = head(path.MEAN_CENTS_FIELD_NUMBER, FLOAT32.itemsize * steps)
        return rest + mean, head(path.QUANTILES_CENTS_FIELD_NUMBER, FLOAT32.itemsize * steps * len(self._levels))
