"""Fracast-0: a small convolutional model whose weights come with its package; for demonstrations and work offline.

It is no better than the last price on market prices, so it serves research and paper only.
"""

from collections.abc import Sequence

import numpy as np
import torch
from fracast import FracastModel
from numpy.typing import NDArray

from forecast_server.checkpoints import NEEDS, locate, pinned_sha256, weights_file
from forecast_server.models.base import CannotLoad, DeviceUse, ModelFacts, Paths, Series
from forecast_server.models.torch_device import choose_device, choose_precision, device_use, memory_errors

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_NAME = "fracast"
_CONTEXT_POINTS, _HORIZON_STEPS, _MIN_POINTS = 2048, 48, 8
_MEDIAN = LEVELS.index(0.5)
_CPU_BATCH, _GPU_BATCH = 16, 256
"""On a CPU more series at once fall out of its cache, and each of them takes longer."""
_BATCH_TOLERANCE = 1e-4
"""On a CPU batches of 1 to 32 series gave the same bits; the rest is room for kernels chosen by a batch's size."""


class Fracast:
    """The package's own inference over its float32 weights.

    Args:
        device: `auto`, `cuda`, `mps` or `cpu`.
        weights_sha256: SHA-256 that the weights must have; empty takes any.
    """

    _model: FracastModel
    _facts: ModelFacts

    def __init__(self, *, device: str, weights_sha256: str = "") -> None:
        self._asked, self._pin = device, weights_sha256
        self._device: torch.device | None = None

    def load(self) -> ModelFacts:
        """Read the weights that the package carries; needs no network."""
        device = choose_device(self._asked)
        choose_precision("float32", device)
        torch.backends.cudnn.fp32_precision = "ieee"  # the same for convolutions, which are all of this model
        file = weights_file(locate(_NAME))
        digest = pinned_sha256(file, self._pin)
        # Unasked the package takes weights of eight bits, which move forecasts by up to 1.3 cents.
        self._model = FracastModel.from_pretrained(weights="fp32", device=device)
        if (self._model.context_length, self._model.horizon, *self._model.quantiles) != (
            _CONTEXT_POINTS,
            _HORIZON_STEPS,
            *LEVELS,
        ):
            raise CannotLoad("the installed package fracast holds another model than Fracast-0: install fracast 0.1")
        self._device = device
        self._facts = ModelFacts(
            name=_NAME,
            weights_digest=digest,
            weights_source=str(file),
            licence=NEEDS[_NAME].licence,
            allowed_purposes=NEEDS[_NAME].purposes,
            restriction=NEEDS[_NAME].restriction,
            device=str(device),
            precision="float32",
            compile_mode="eager",
            max_context_points=_CONTEXT_POINTS,
            min_points=_MIN_POINTS,
            # Beyond these the package feeds medians back, and its quantiles stay as narrow as for a known past.
            max_horizon_steps=_HORIZON_STEPS,
            max_batch_series=_CPU_BATCH if device.type == "cpu" else _GPU_BATCH,
            quantile_levels=LEVELS,
            cost_points=_CONTEXT_POINTS,  # it always computes its whole context
            batch_tolerance=_BATCH_TOLERANCE,
        )
        return self._facts

    def warm(self) -> ModelFacts:
        """Forecast once: the first call makes the device's kernels ready."""
        self.forecast([np.linspace(40, 60, _MIN_POINTS, dtype=np.float32)], 1)
        return self._facts

    def device(self) -> DeviceUse:
        """Look at the device; before it is chosen nothing is known of it."""
        return DeviceUse() if self._device is None else device_use(self._device)

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast series of any lengths together: missing points are masked, so neighbours change nothing."""
        with memory_errors():
            quantiles = self._model.forecast_batch(_left_padded(batch), horizon=horizon_steps).astype(np.float32)
        points = sum(len(series) for series in batch)
        return Paths(quantiles[..., _MEDIAN].copy(), quantiles, 1 - points / (len(batch) * _CONTEXT_POINTS))


def _left_padded(batch: Sequence[Series]) -> NDArray[np.float32]:
    """Lay series out to end together, [series, points of the longest]; NaN where a shorter one has no point."""
    longest = max(len(series) for series in batch)
    rows = np.full((len(batch), longest), np.nan, dtype=np.float32)
    for row, series in zip(rows, batch, strict=True):
        row[longest - len(series) :] = series
    return rows
