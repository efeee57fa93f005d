"""The honest baseline: the last price, moved by what this history did over as many steps before.

The forecast k steps ahead is the distribution of `last + d` over all k-step differences d of the history. Nothing is
fitted, so a model that does not beat it on the same markets has no business trading.
"""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from forecast_server.checkpoints import NEEDS
from forecast_server.models.base import DeviceUse, ModelFacts, Paths, Series

_NAME = "random-walk"
_VERSION = "random-walk 1: k-step differences, lags up to half the history, scaled beyond"
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class RandomWalk:
    """Last value plus the history's own differences; numpy on the CPU."""

    def load(self) -> ModelFacts:
        """State the facts; there is nothing to load."""
        return ModelFacts(
            name=_NAME,
            weights_digest=sha256(_VERSION.encode()).hexdigest(),
            licence=NEEDS[_NAME].licence,
            allowed_purposes=NEEDS[_NAME].purposes,
            restriction=NEEDS[_NAME].restriction,
            device="cpu",
            precision="float64",
            compile_mode="numpy",
            max_context_points=512,
            max_horizon_steps=1024,
            max_batch_series=1024,
            quantile_levels=LEVELS,
            cost_points=1,
            cost_steps=1,
            batch_tolerance=0.0,
        )

    def warm(self) -> ModelFacts:
        """Nothing needs it."""
        return self.load()

    def device(self) -> DeviceUse:
        """Tell what computes."""
        return DeviceUse(runtime=f"numpy {np.__version__}")

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast series of equal length together: each row is computed by itself, so batches change nothing."""
        mean = np.empty((len(batch), horizon_steps), dtype=np.float32)
        quantiles = np.empty((len(batch), horizon_steps, len(LEVELS)), dtype=np.float32)
        by_length: dict[int, list[int]] = defaultdict(list)
        for row, series in enumerate(batch):
            by_length[len(series)].append(row)
        for rows in by_length.values():
            matrix = np.stack([batch[row] for row in rows]).astype(np.float64)
            for step in range(horizon_steps):
                reached = np.clip(matrix[:, -1:] + _moves(matrix, step + 1), 0.0, 100.0)
                mean[rows, step] = reached.mean(axis=1)
                quantiles[rows, step] = np.quantile(reached, LEVELS, axis=1).T
        return Paths(mean, quantiles)


def _moves(matrix: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Differences over `steps` steps, [series, differences], cents.

    Lags beyond half the history have too few differences; there a random walk's scaling from the longest usable lag
    takes over: drift grows with the number of steps, spread with its square root.
    """
    lag = min(steps, matrix.shape[1] // 2)
    differences = matrix[:, lag:] - matrix[:, :-lag]
    if lag == steps:
        return differences
    ratio = steps / lag
    drift = differences.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float64] = drift * ratio + (differences - drift) * np.sqrt(ratio)
    return scaled
