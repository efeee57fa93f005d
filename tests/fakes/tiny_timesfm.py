"""Checkpoints of TimesFM 2.5 with random weights: tiny ones for every test, full-size ones for those who ask.

The package starts its norm scales at zero, which switches every layer off: tests on such weights would pass whatever
the layers do. Here they are drawn, and so are the scales of the queries.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from forecast_server.models.base import Series
from forecast_server.models.timesfm25.weights import Sizes

TINY = Sizes(
    patch=32,
    tokenizer_hidden=48,
    width=64,
    layers=3,
    head=16,
    hidden=80,
    point_hidden=40,
    quantiles_hidden=56,
    steps=128,
    quantile_steps=1024,
)
"""Every size another, so that none can be taken for the other."""
SHORT = replace(TINY, layers=2, steps=32, quantile_steps=128)
"""One pass reaches 32 steps: longer horizons need the package's decoding."""
FULL = Sizes(
    patch=32,
    tokenizer_hidden=1280,
    width=1280,
    layers=20,
    head=80,
    hidden=1280,
    point_hidden=1280,
    quantiles_hidden=1280,
    steps=128,
    quantile_steps=1024,
)
"""The published model's."""


def checkpoint(folder: Path, sizes: Sizes = TINY, *, norm_scales: tuple[float, float] = (0.3, 0.9)) -> Path:
    """Write a checkpoint, always the same for the same sizes; gives the folder."""
    drawn = torch.Generator().manual_seed(7)
    tensors = {}
    for name, shape in sizes.shapes().items():
        low, high = norm_scales
        if name.endswith("per_dim_scale"):
            low, high = -0.6, 0.6
        elif not name.endswith("scale"):  # as torch starts a linear layer
            high = (shape[1] if len(shape) > 1 else shape[0]) ** -0.5
            low = -high
        tensors[name] = torch.empty(shape).uniform_(low, high, generator=drawn)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    return folder


def prices(lengths: Sequence[int], seed: int = 7) -> list[Series]:
    """Draw histories of these lengths: walks between 0 and 100 cents, in steps of a tenth."""
    drawn = np.random.default_rng(seed)
    walks = [drawn.uniform(5, 95) + drawn.normal(0, 2, length).cumsum() for length in lengths]
    return [np.clip(walk, 0, 100).round(1).astype(np.float32) for walk in walks]
