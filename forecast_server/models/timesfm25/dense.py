"""A matrix of weights that inputs are multiplied by, held the way its device multiplies fastest."""

import sys

import torch
from torch.nn import functional

_FEW_ROWS = 64
"""Up to here the packed layout is several times faster, beyond it the plain one is by a fifth (measured with AVX2)."""


class Dense:
    """inputs × weightᵀ, plus a bias, through SiLU where asked.

    On the CPU float32 weights are held twice: packed for oneDNN, which reads them at the memory's full speed where few
    rows are multiplied, and plain for the BLAS, which is faster where many are.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None, *, silu: bool = False) -> None:
        """Take the weights.

        Args:
            weight: [outputs, inputs], on the device, in the type to multiply in.
            bias: [outputs], in the same type.
            silu: Pass the result through SiLU.
        """
        packed = _packed(weight)
        self._packed = weight if packed is None else packed
        self._packed_rows = 0 if packed is None else _FEW_ROWS if weight.dtype == torch.float32 else sys.maxsize
        self._plain = weight if self._packed_rows < sys.maxsize else self._packed  # which is never used as such
        self._bias, self._silu = bias, silu

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Multiply: [rows, inputs] to [rows, outputs]."""
        if len(inputs) <= self._packed_rows:
            return _pointwise(inputs, self._packed, self._bias, "swish" if self._silu else "none")
        product = functional.linear(inputs, self._plain, self._bias)
        return functional.silu(product, inplace=True) if self._silu else product


def _packed(weight: torch.Tensor) -> torch.Tensor | None:
    """Pack weights for oneDNN, as torch.compile does; None where this torch, CPU or type has no packed layout."""
    if weight.device.type != "cpu":
        return None
    try:
        packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, _FEW_ROWS)
        _pointwise(weight.new_zeros(2, weight.shape[1]), packed, None, "swish")
    except (AttributeError, RuntimeError, TypeError):  # not there, not for this type, or called differently
        return None
    return packed


def _pointwise(inputs: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None, activation: str) -> torch.Tensor:
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, packed, bias, activation, [], "")
    return product
