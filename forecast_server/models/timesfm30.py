"""TimesFM 3.0: stock decoding over a local checkpoint; opt-in, because its weights' licence forbids production.

Positions count from the padded start of a batch, and learned scales act after their rotation, so attention is not
purely relative: a longer neighbour changes a series' answer. Hence only series of equal patch count share a batch.
"""

import json
from collections.abc import Sequence
from inspect import signature
from math import ceil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from timesfm3 import TimesFM3Torch

from forecast_server.checkpoints import CONFIG_FILE, NEEDS, WEIGHTS_FILE, locate, pinned_sha256
from forecast_server.models.base import CannotLoad, DeviceUse, ModelFacts, Paths, Series
from forecast_server.models.torch_device import choose_device, choose_precision, device_use, memory_errors

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_NAME = "timesfm-3.0"
_MEDIAN = LEVELS.index(0.5)
_PATCH_POINTS = 32
_HORIZON_BLOCK = 64
"""The stock forecaster rounds a horizon up to this; rounded otherwise, answers would not be the stock ones."""
_CONTEXT_POINTS = 2048
"""As many as a history in the contract has; the model would take 15,360."""
_HORIZON_STEPS, _BATCH_SERIES = 1024, 64
_BATCH_TOLERANCE = 1e-4
"""Largest seen: 1.1e-5, at full size with random weights on a CPU, batches of 1 to 8, recorded and random histories."""


class TimesFM30:
    """The package's model, called below its forecaster, which collects garbage on every call.

    Args:
        checkpoint: folder with config.json and model.safetensors.
        device: `auto`, `cuda`, `mps` or `cpu`.
        accept_licence: name of the weights' licence, which says that the operator knows what it forbids.
        weights_sha256: SHA-256 that the weights must have; empty takes any.
    """

    _model: TimesFM3Torch
    _facts: ModelFacts

    def __init__(self, checkpoint: Path, *, device: str, accept_licence: str, weights_sha256: str = "") -> None:
        self._checkpoint, self._asked = checkpoint, device
        self._accepted, self._pin = accept_licence, weights_sha256
        self._device: torch.device | None = None

    def load(self) -> ModelFacts:
        """Read the checkpoint from its folder; never asks the network."""
        licence = NEEDS[_NAME].licence
        if self._accepted != licence:
            raise CannotLoad(
                f"the weights of {_NAME} are under {licence}, which forbids commercial use and use in production: "
                f'to serve research and paper with them set model.accept_licence = "{licence}"'
            )
        folder = locate(_NAME, checkpoint=self._checkpoint)
        device = choose_device(self._asked)
        choose_precision("float32", device)
        file = folder / WEIGHTS_FILE
        digest = pinned_sha256(file, self._pin)
        self._model = _read(folder).to(device)
        self._device = device
        self._facts = ModelFacts(
            name=_NAME,
            weights_digest=digest,
            weights_source=str(file),
            licence=licence,
            allowed_purposes=NEEDS[_NAME].purposes,
            restriction=NEEDS[_NAME].restriction,
            device=str(device),
            precision="float32",
            compile_mode="eager",
            max_context_points=_CONTEXT_POINTS,
            max_horizon_steps=_HORIZON_STEPS,
            max_batch_series=_BATCH_SERIES,
            quantile_levels=LEVELS,
            cost_points=_PATCH_POINTS,
            equal_cost_batches=True,
            batch_tolerance=_BATCH_TOLERANCE,
        )
        return self._facts

    def warm(self) -> ModelFacts:
        """Forecast once: the first call makes the device's kernels ready."""
        self.forecast([np.linspace(40, 60, _PATCH_POINTS, dtype=np.float32)], 1)
        return self._facts

    def device(self) -> DeviceUse:
        """Look at the device; before it is chosen nothing is known of it."""
        return DeviceUse() if self._device is None else device_use(self._device)

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast series of equal patch count in one pass.

        Raises:
            ValueError: their patch counts differ.
            FloatingPointError: the model gave values that are not finite.
            OutOfMemory: the batch is too large for the device just now.
        """
        patches = {ceil(len(series) / _PATCH_POINTS) for series in batch}
        if len(patches) != 1:
            raise ValueError(f"series of {sorted(patches)} patches would change each other's answers")
        context = patches.pop() * _PATCH_POINTS
        with memory_errors():
            quantiles = self._decode(batch, context, horizon_steps)
        if not np.isfinite(quantiles).all():
            raise FloatingPointError(f"{_NAME} gave values that are not finite")
        points = sum(len(series) for series in batch)
        return Paths(quantiles[..., _MEDIAN].copy(), quantiles, 1 - points / (len(batch) * context))

    def _decode(self, batch: Sequence[Series], context: int, horizon_steps: int) -> NDArray[np.float32]:
        """Compute what the stock forecaster does for series without covariates, [series, horizon, levels]."""
        values = np.zeros((len(batch), 1, context), dtype=np.float32)
        hidden = np.ones((len(batch), context), dtype=np.bool_)
        for row, series in enumerate(batch):
            values[row, 0, context - len(series) :] = series
            hidden[row, context - len(series) :] = False
        with torch.inference_mode():
            decoded = self._model.decode(
                torch.from_numpy(values).to(self._device),
                horizon=ceil(horizon_steps / _HORIZON_BLOCK) * _HORIZON_BLOCK,
                mask=torch.from_numpy(hidden).to(self._device),
            )
        rows: NDArray[np.float32] = decoded[:, 0, :horizon_steps].cpu().numpy()
        return np.sort(rows, axis=-1)


def _read(folder: Path) -> TimesFM3Torch:
    """Build the model that the folder's configuration describes, with the folder's weights.

    The package's own reader fills whatever tensor the file lacks with random numbers, and prints.

    Raises:
        CannotLoad: configuration or weights are damaged, or not of this model.
    """
    known = signature(TimesFM3Torch).parameters
    try:
        settings = json.loads((folder / CONFIG_FILE).read_text())
        model = TimesFM3Torch(**{key: value for key, value in settings.items() if key in known})
        model.load_state_dict(load_file(folder / WEIGHTS_FILE), strict=True)
    except Exception as error:  # whatever a damaged file makes of the package's code
        reason = str(error).partition("\n")[0]
        raise CannotLoad(f"{folder} does not hold {_NAME}: {type(error).__name__}: {reason}") from error
    if (model.input_patch_len, model.output_patch_len, *model.quantiles) != (_PATCH_POINTS, _HORIZON_BLOCK, *LEVELS):
        raise CannotLoad(f"{folder} holds a model with other patches or quantiles than {_NAME}")
    return model.eval()
