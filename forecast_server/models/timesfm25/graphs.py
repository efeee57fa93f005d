"""Recorded passes, for batches of few tokens on a CUDA device.

A pass is a thousand small kernels, and starting them one by one takes longer than they run; a CUDA graph starts them
all at once. A large batch keeps the device busy anyway. A graph has a fixed shape, so a batch is padded to one: rows
are added, and patches after a series' last, which no earlier patch ever sees.
"""

from typing import Any

import torch

from forecast_server.models.timesfm25.layout import lay_out, to_device
from forecast_server.models.timesfm25.network import Network
from forecast_server.models.timesfm25.packing import Group, Packed, padded

PATCHES = (1, 2, 4, 8, 16, 24, 32)
"""Context lengths that are recorded, in patches."""
_SERIES = (1, 8, 32, 128)
_MOST_PATCHES = 2048
"""Of one graph. Beyond, the device is busy for longer than the kernels take to start."""
_CHEAP_PATCHES = 512
"""Up to here a pass takes the time to read the weights, whatever is padding."""
_MOST_PADDED = 1.25
"""Beyond that, most patches to compute for one that is needed."""

SHAPES = tuple(Group(series, patches) for patches in PATCHES for series in _SERIES if series * patches <= _MOST_PATCHES)


def fitting(packed: Packed) -> Group | None:
    """Choose the smallest recorded shape that holds a batch; None where none does without much waste."""
    series, longest = len(packed.members), packed.groups[-1].patches
    holding = [shape for shape in SHAPES if shape.rows >= series and shape.patches >= longest]
    best = min(holding, key=lambda shape: shape.rows * shape.patches, default=None)
    if best is None or best.rows * best.patches > max(_CHEAP_PATCHES, _MOST_PADDED * packed.patches):
        return None
    return best


class Graph:
    """One shape, recorded."""

    def __init__(self, network: Network, shape: Group, pool: Any) -> None:
        """Record.

        Args:
            network: on a CUDA device.
            shape: Series and patches.
            pool: Token of the memory that it shares with graphs which never run at the same time.

        Raises:
            RuntimeError: it cannot be recorded.
        """
        device, self._shape, self._patch = network.device, shape, network.sizes.patch
        self._values = torch.zeros(shape.rows, shape.patches * self._patch, device=device)
        self._fill = torch.zeros(shape.rows, dtype=torch.int64, device=device)
        self._last = torch.zeros(shape.rows, dtype=torch.int64, device=device)
        # Kept: the graph reads it wherever it lies now.
        self._layout = lay_out((shape,), device, padded=True)

        def forward() -> torch.Tensor:
            return network.forward(self._values, self._fill, self._last, self._layout, network.sizes.steps)

        aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch leaves it without types
        here = torch.cuda.current_stream(device)
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(3):  # libraries choose kernels and take memory in the first calls, which cannot be recorded
                forward()
        here.wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self._quantiles = forward()

    def __call__(self, packed: Packed, horizon_steps: int) -> torch.Tensor:
        """Forecast, as `Network.forward`. The result lasts until any graph of the pool runs again."""
        full = padded(packed, self._shape, self._patch)
        for there, array in ((self._values, full.values), (self._fill, full.fill), (self._last, full.last)):
            there.copy_(to_device(array, there.device))
        self._graph.replay()
        return self._quantiles[: len(packed.members), :horizon_steps]


def record(network: Network) -> dict[Group, Graph]:
    """Record every shape.

    Raises:
        RuntimeError: one cannot be recorded.
    """
    pool = torch.cuda.graph_pool_handle()
    # The largest first: the others find room in what it took.
    shapes = sorted(SHAPES, key=lambda shape: shape.tokens, reverse=True)
    return {shape: Graph(network, shape, pool) for shape in shapes}
