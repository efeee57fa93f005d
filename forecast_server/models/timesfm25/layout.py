"""How the tokens of a pass lie in memory.

Group after group of series of equal patch count: first the tokens of the group's series, one series after the other,
then those of their negatives.
"""

from dataclasses import dataclass

import numpy as np
import torch

from forecast_server.models.timesfm25.packing import Group


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is."""

    groups: tuple[Group, ...]
    padded: bool
    """Whether series may end before their group's last patch: then attention of the last layer needs a mask."""
    positions: torch.Tensor
    """[tokens]: patch within the series."""
    first: torch.Tensor
    """[2, series]: first token of each series, and of its negative."""


def lay_out(groups: tuple[Group, ...], device: torch.device, *, padded: bool = False) -> Layout:
    """Lay out groups of series.

    Args:
        groups: One where `padded`.
        device: Where the network is.
        padded: Series may end before the last patch of their group.
    """
    positions = np.concatenate([np.tile(np.arange(group.patches), 2 * group.rows) for group in groups])
    first, tokens = [], 0
    for group in groups:
        starts = tokens + group.patches * np.arange(2 * group.rows)
        first.append(starts.reshape(2, group.rows))
        tokens += group.tokens
    return Layout(groups, padded, to_device(positions, device), to_device(np.concatenate(first, axis=1), device))


def to_device(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], device: torch.device) -> torch.Tensor:
    """Copy an array to a device without waiting for what it does."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
