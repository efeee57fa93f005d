"""A matrix of weights that inputs are multiplied by, held the way its device multiplies fastest."""

import torch
from torch.nn import functional

_PACKED_FOR_ROWS = 64
"""The CPU's library lays weights out for a number of rows; a layout for few serves many equally well (measured)."""


class Dense:
    """inputs × weightᵀ, plus a bias, through SiLU where asked."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None, *, silu: bool = False) -> None:
        """Take the weights.

        Args:
            weight: [outputs, inputs], on the device, in the type to multiply in.
            bias: [outputs], in the same type.
            silu: Pass the result through SiLU.
        """
        self._packed = _packed(weight)
        self._weight = weight if self._packed is None else None
        self._bias, self._silu = bias, silu

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Multiply: [rows, inputs] to [rows, outputs]."""
        if self._weight is None:
            return _pointwise(inputs, self._packed, self._bias, "swish" if self._silu else "none")
        product = functional.linear(inputs, self._weight, self._bias)
        return functional.silu(product, inplace=True) if self._silu else product


def _packed(weight: torch.Tensor) -> torch.Tensor | None:
    """Lay weights out for oneDNN, as torch.compile does; None where this torch, CPU or type has no such layout.

    torch's own path for float32 lays them out again in every call: with few rows that takes three times as long as the
    product itself.
    """
    if weight.device.type != "cpu":
        return None
    try:
        packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, _PACKED_FOR_ROWS)
        _pointwise(weight.new_zeros(2, weight.shape[1]), packed, None, "swish")
    except (AttributeError, RuntimeError, TypeError):  # not there, not for this type, or called differently
        return None
    return packed


def _pointwise(
    inputs: torch.Tensor, packed: torch.Tensor | None, bias: torch.Tensor | None, activation: str
) -> torch.Tensor:
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, packed, bias, activation, [], "")
    return product
