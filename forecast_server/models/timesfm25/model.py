"""The model `timesfm-2.5`: google/timesfm-2.5-200m-pytorch over our own lean pass."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from forecast_server.checkpoints import NEEDS
from forecast_server.models.base import CannotLoad, DeviceUse, ModelFacts, OutOfMemory, Paths, Series
from forecast_server.models.timesfm25.fused import fuse
from forecast_server.models.timesfm25.graphs import PATCHES, Graph, fitting, record
from forecast_server.models.timesfm25.layout import lay_out, to_device
from forecast_server.models.timesfm25.network import Network
from forecast_server.models.timesfm25.packing import Group, Packed, passes
from forecast_server.models.timesfm25.parameters import arrange
from forecast_server.models.timesfm25.stock import Stock, installed
from forecast_server.models.timesfm25.weights import read_weights
from forecast_server.models.torch_device import (
    choose_device,
    choose_precision,
    device_use,
    memory_errors,
    slow_precision,
)

NAME = "timesfm-2.5"
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MAX_CONTEXT_POINTS = 1024
"""The service sends the last 512 points. The network would take 16,000; nobody has measured that more helps here."""
MAX_BATCH_SERIES = 1024
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.25}
"""Largest difference that neighbours make, as a share of the series' standard deviation.

Measured at full size with random weights, which let errors grow more than trained ones: 1.6e-5 in float32, beyond two
of float32's own steps at the price, which is all that a nearly constant series can show; 0.06 in bfloat16, whose
distance from float32 is up to 0.09.
"""
_LONG_FACTOR = 4
"""How much more the published package takes for the same steps, at the least: it decodes one pass after the other."""
_CENTRE = LEVELS.index(0.5)
_PASS_PATCHES = {"cpu": 512, "mps": 4096, "cuda": 32_768}
"""Most patches of a pass: on the CPU more fall out of its caches, on a GPU more find no room."""


class TimesFM25:
    """TimesFM 2.5. Horizons that one pass reaches (128 steps) are lean, longer ones are the published package's."""

    def __init__(
        self, checkpoint: Path, *, device: str, precision: str, cuda_graphs: bool, weights_sha256: str = ""
    ) -> None:
        """State what is to be loaded.

        Args:
            checkpoint: Folder with `model.safetensors`, or that file.
            device: `auto`, `cuda`, `mps` or `cpu`.
            precision: `auto`, `float32` or `bfloat16`.
            cuda_graphs: Record the usual shapes on a CUDA device.
            weights_sha256: What the weights must have; empty takes any.
        """
        self._checkpoint, self._asked_device, self._asked_precision = checkpoint, device, precision
        self._wants_graphs, self._weights_sha256 = cuda_graphs, weights_sha256
        self._device: torch.device | None = None
        self._graphs: dict[Group, Graph] = {}

    def load(self) -> ModelFacts:
        """Read the weights and put them on the device; raises CannotLoad."""
        device = choose_device(self._asked_device)
        precision = choose_precision(self._asked_precision, device)
        weights = read_weights(self._checkpoint, sha256=self._weights_sha256)
        sizes, name = weights.sizes, str(precision).removeprefix("torch.")
        try:
            with memory_errors():
                self._network = Network(arrange(weights.tensors, sizes, device, precision), sizes, device, precision)
        except OutOfMemory as error:
            raise CannotLoad(f"the weights do not fit on {device}: {error}") from error
        self._stock, self._sizes, self._device = Stock(weights, device), sizes, device
        self._facts = ModelFacts(
            name=NAME,
            weights_digest=weights.sha256,
            weights_source=str(weights.file),
            licence=NEEDS[NAME].licence,
            allowed_purposes=NEEDS[NAME].purposes,
            device=str(device),
            precision=name,
            compile_mode="eager",
            compile_detail=slow_precision(device, precision),
            max_context_points=MAX_CONTEXT_POINTS,
            max_horizon_steps=sizes.quantile_steps if installed() else sizes.steps,
            max_batch_series=MAX_BATCH_SERIES,
            quantile_levels=LEVELS,
            cost_points=sizes.patch,
            cost_steps=sizes.steps,
            long_factor=_LONG_FACTOR,
            batch_tolerance=TOLERANCE[name],
        )
        return self._facts

    def warm(self) -> ModelFacts:
        """Compile kernels and record graphs where the device is a GPU of CUDA, and run every usual length once."""
        if self._network.device.type == "cuda" and self._wants_graphs:
            notes = [fuse(self._network, self._facts.batch_tolerance)]
            mode = "eager" if notes[0] else "compiled"
            try:
                with memory_errors():
                    self._graphs, mode = record(self._network), "cuda-graphs"
            except (OutOfMemory, RuntimeError) as error:
                notes.append(f"no graphs: {error}".partition("\n")[0])
            self._facts = replace(self._facts, compile_mode=mode, compile_detail="; ".join(filter(None, notes)))
        lengths = tuple(patches * self._sizes.patch for patches in PATCHES)
        lengths = tuple(points for points in lengths if points <= MAX_CONTEXT_POINTS)
        for points in lengths:
            self.forecast([np.arange(points, dtype=np.float32)], 1)
        self._facts = replace(self._facts, warm_context_points=lengths)
        return self._facts

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast each series by itself.

        Raises:
            OutOfMemory: the batch is too large for the device just now.
            ValueError: there is no series, one is empty or too long, or the horizon is.
        """
        lengths = [len(series) for series in batch]
        if not lengths or min(lengths) < 1 or max(lengths) > MAX_CONTEXT_POINTS:
            raise ValueError(f"series have {min(lengths, default=0)} to {max(lengths, default=0)} points")
        if not 1 <= horizon_steps <= self._facts.max_horizon_steps:
            raise ValueError(f"a horizon of {horizon_steps} steps")
        with memory_errors():
            if horizon_steps > self._sizes.steps:
                quantiles, computed, needed = self._stock.forecast(batch, horizon_steps), 1, 1
            else:
                quantiles, computed, needed = self._lean(batch, horizon_steps)
        return Paths(quantiles[:, :, _CENTRE].copy(), quantiles, 1 - needed / computed)

    def device(self) -> DeviceUse:
        """Look at the device."""
        return DeviceUse() if self._device is None else device_use(self._device)

    def _lean(self, batch: Sequence[Series], horizon_steps: int) -> tuple[NDArray[np.float32], int, int]:
        """Give the quantiles, and how many patches were computed and needed."""
        quantiles = np.empty((len(batch), horizon_steps, len(LEVELS)), dtype=np.float32)
        computed = needed = 0
        for packed in passes(batch, self._sizes.patch, _PASS_PATCHES[self._network.device.type]):
            shape = fitting(packed) if self._graphs else None
            found = self._graphs[shape](packed, horizon_steps) if shape else self._eager(packed, horizon_steps)
            quantiles[packed.members] = _ordered(found.cpu().numpy(), packed)
            computed += shape.rows * shape.patches if shape else packed.patches
            needed += packed.patches
        return quantiles, computed, needed

    def _eager(self, packed: Packed, horizon_steps: int) -> torch.Tensor:
        network = self._network
        # Metal knows no float64, which the statistics need.
        near = torch.device("cpu") if network.device.type == "mps" else network.device
        values, fill, last = (to_device(array, near) for array in (packed.values, packed.fill, packed.last))
        return network.forward(values, fill, last, lay_out(packed.groups, network.device), horizon_steps)


def _ordered(quantiles: NDArray[np.float32], packed: Packed) -> NDArray[np.float32]:
    """Let no quantile cross the next, outwards from the median, nor any be negative where no price is."""
    low = np.minimum.accumulate(quantiles[:, :, _CENTRE::-1], axis=2)[:, :, ::-1]
    high = np.maximum.accumulate(quantiles[:, :, _CENTRE:], axis=2)[:, :, 1:]
    least = np.where((packed.values >= 0).all(axis=1), np.float32(0), np.float32(-np.inf))
    ordered: NDArray[np.float32] = np.maximum(np.concatenate([low, high], axis=2), least[:, None, None])
    return ordered
