"""The published package over the same weights: for horizons beyond one pass, and to compare with.

The package has one size of network, in an attribute of its class; here it takes the sizes of the checkpoint, for as
long as an instance is made. It always computes in float32.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forecast_server.checkpoints import pinned_sha256
from forecast_server.models.base import Series
from forecast_server.models.timesfm25.packing import passes
from forecast_server.models.timesfm25.weights import Sizes, Weights

PACKAGE = "timesfm"
_MOST_SERIES = 32
_FLAX = "timesfm.timesfm_2p5.timesfm_2p5_flax"
_class_attribute = Lock()


def installed() -> bool:
    """Tell whether the package is there, without importing it."""
    return find_spec(PACKAGE) is not None


class Stock:
    """The package's forecasts. The weights are read when the first one is asked for."""

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._file, self._sha256, self._sizes, self._device = weights.file, weights.sha256, weights.sizes, device
        self._wrapper: Any = None

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> NDArray[np.float32]:
        """Forecast.

        Args:
            batch: [points] each.
            horizon_steps: At most what the quantile head reaches.

        Returns:
            [series, horizon, 9]: the quantiles 0.1 to 0.9.

        Raises:
            CannotLoad: the file of the weights has gone or changed since it was read first.
        """
        if self._wrapper is None:
            pinned_sha256(self._file, self._sha256)
            self._wrapper = make(self._file, self._sizes, self._device)
        found = np.empty((len(batch), horizon_steps, 9), dtype=np.float32)
        for packed in passes(batch, self._sizes.patch, sys.maxsize):
            start = 0
            for group in packed.groups:
                # Equal patch counts, so that no patch is padding: its attention would be undefined (timesfm #321).
                for first in range(start, start + group.rows, _MOST_SERIES):
                    members = packed.members[first : min(first + _MOST_SERIES, start + group.rows)]
                    series = [batch[member] for member in members]
                    found[members] = run(self._wrapper, series, horizon_steps, group.patches * self._sizes.patch)
                start += group.rows
        return found


def make(file: Path, sizes: Sizes, device: torch.device) -> Any:
    """Make the package's wrapper over a checkpoint. Asks no network: it is given a file.

    Args:
        file: The safetensors.
        sizes: Of its network.
        device: Where it shall compute.
    """
    base, package = _package()
    network = package.TimesFM_2p5_200M_torch_module
    with _class_attribute:
        published = network.config
        network.config = _definition(base.TimesFM_2p5_200M_Definition(), sizes)
        try:
            wrapper = package.TimesFM_2p5_200M_torch(torch_compile=False)
        finally:
            network.config = published
    # It takes the first GPU if there is one, and a batch per GPU though it uses one.
    wrapper.model.device, wrapper.model.device_count = device, 1
    wrapper.load_checkpoint(str(file), torch_compile=False)
    return wrapper


def run(wrapper: Any, series: Sequence[Series], horizon_steps: int, context_points: int) -> NDArray[np.float32]:
    """Forecast series together, with the options that the lean pass stands for.

    Args:
        wrapper: as `make` gave it.
        series: [points] each.
        horizon_steps: Steps.
        context_points: What every series is cut or padded to.

    Returns:
        [series, horizon, 9]: the quantiles 0.1 to 0.9.
    """
    from timesfm import ForecastConfig  # noqa: PLC0415  # the wrapper is there, so it has been imported

    wrapper.compile(
        ForecastConfig(
            max_context=context_points,
            max_horizon=horizon_steps,
            per_core_batch_size=len(series),
            use_continuous_quantile_head=True,
            force_flip_invariance=True,
            infer_is_positive=True,
            fix_quantile_crossing=True,
        )
    )
    quantiles: NDArray[np.float32] = wrapper.forecast(horizon_steps, list(series))[1]  # it appends to its list
    return quantiles[..., 1:]


def _package() -> tuple[ModuleType, ModuleType]:
    """Import the package without its flax twin: jax would cost seconds, and may fail in ways that break the import."""
    hide = PACKAGE not in sys.modules
    if hide:
        sys.modules[_FLAX] = None  # type: ignore[assignment]  # how Python is told that a module is not there
    try:
        from timesfm.timesfm_2p5 import timesfm_2p5_base, timesfm_2p5_torch  # noqa: PLC0415
    finally:
        if hide:
            del sys.modules[_FLAX]
    return timesfm_2p5_base, timesfm_2p5_torch


def _definition(published: Any, sizes: Sizes) -> Any:
    stack = published.stacked_transformers
    layer = replace(
        stack.transformer, model_dims=sizes.width, hidden_dims=sizes.hidden, num_heads=sizes.width // sizes.head
    )
    width = sizes.width

    def head(block: Any, hidden: int, steps: int) -> Any:
        outputs = steps * (len(published.quantiles) + 1)
        return replace(block, input_dims=width, hidden_dims=hidden, output_dims=outputs)

    return replace(
        published,
        input_patch_len=sizes.patch,
        output_patch_len=sizes.steps,
        output_quantile_len=sizes.quantile_steps,
        tokenizer=replace(
            published.tokenizer, input_dims=2 * sizes.patch, hidden_dims=sizes.tokenizer_hidden, output_dims=width
        ),
        stacked_transformers=replace(stack, num_layers=sizes.layers, transformer=layer),
        output_projection_point=head(published.output_projection_point, sizes.point_hidden, sizes.steps),
        output_projection_quantiles=head(
            published.output_projection_quantiles, sizes.quantiles_hidden, sizes.quantile_steps
        ),
    )
