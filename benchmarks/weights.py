"""Checkpoints of TimesFM 2.5 with random weights: they compute as long as trained ones, and forecast nonsense."""

import math
import shutil
from pathlib import Path as Folder

import torch
from safetensors.torch import save_file

from forecast_server.checkpoints import WEIGHTS_FILE
from forecast_server.models.timesfm25.weights import Shape, Sizes


def sizes(layers: int = 20, width: int = 1280) -> Sizes:
    """Size a network; the published one by default. Raises ValueError if there is no such network."""
    heads = max(4, width // 80)
    if layers < 1 or width < 1 or width % (2 * heads):
        raise ValueError(f"{layers} layers of width {width}: take at least one layer, and a multiple of 80 or of 8")
    return Sizes(
        patch=32,
        tokenizer_hidden=width,
        width=width,
        layers=layers,
        head=width // heads,
        hidden=width,
        point_hidden=width,
        quantiles_hidden=width,
        steps=128,
        quantile_steps=1024,
    )


def random_checkpoint(folder: Folder, wanted: Sizes) -> None:
    """Write random weights.

    Norm scales are drawn too: at zero, where the package starts them, every layer is switched off.

    Raises:
        OSError: the folder's disk has too little room.
    """
    shapes = wanted.shapes()
    needed, free = 4 * sum(map(math.prod, shapes.values())), shutil.disk_usage(folder).free
    if free < 1.1 * needed:
        raise OSError(f"{folder}: {free / 1e6:,.0f} MB are free, the checkpoint takes {needed / 1e6:,.0f} MB")
    random = torch.Generator().manual_seed(7)
    save_file({name: _drawn(name, shape, random) for name, shape in shapes.items()}, folder / WEIGHTS_FILE)


def _drawn(name: str, shape: Shape, random: torch.Generator) -> torch.Tensor:
    tensor = torch.empty(shape)
    if name.endswith("_ln.scale"):
        return tensor.uniform_(0.3, 0.9, generator=random)
    if name.endswith(("per_dim_scale", "bias")):
        return tensor.uniform_(-0.3, 0.3, generator=random)
    return tensor.normal_(0, shape[1] ** -0.5, generator=random)
