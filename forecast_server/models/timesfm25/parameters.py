"""The weights as a pass wants them.

Rearranged, which changes no result beyond rounding. The scale of a norm that stands before a matrix is multiplied into
the matrix. Queries and keys of each head are reordered so that the pairs of numbers which positions turn lie together,
as complex numbers; a scalar product does not care about order. The scale of the keys' norm is moved over to the
queries, for the same reason. The heads keep the rows that a single pass can use.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

from forecast_server.models.timesfm25.dense import Dense
from forecast_server.models.timesfm25.weights import OUTPUTS, Sizes

_LOG2_E = 1.442695041
"""As the package has it."""
_MEDIAN = 5
"""Place of the median among a step's outputs: 0 is the mean, 1 to 9 the quantiles."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer."""

    query_key_value: Dense
    """Without the query in the last layer."""
    query_scale: torch.Tensor
    """[head], float32."""
    out: Dense
    out_scale: torch.Tensor
    """[width], float32: of the norm after the branch."""
    up: Dense
    down: Dense
    down_scale: torch.Tensor
    """[width], float32."""


@dataclass(frozen=True, slots=True)
class Head:
    """A residual block that turns the last patch's state into steps; float32."""

    hidden: torch.Tensor
    output: torch.Tensor
    """[steps × outputs of a step, hidden]."""
    residual: torch.Tensor
    """[steps × outputs of a step, width]."""

    def __call__(self, state: torch.Tensor, outputs: int) -> torch.Tensor:
        """Give the first so many outputs: [rows, width] to [rows, outputs]."""
        hidden = functional.silu(functional.linear(state, self.hidden))
        return functional.linear(hidden, self.output[:outputs]) + functional.linear(state, self.residual[:outputs])


@dataclass(frozen=True, slots=True)
class Parameters:
    """All of them, on one device."""

    tokenizer_hidden: Dense
    tokenizer_output: Dense
    tokenizer_residual: Dense
    layers: tuple[Layer, ...]
    last_query: Dense
    """Of the last layer, which asks for each series' last patch alone."""
    median: Head
    """One output a step."""
    quantiles: Head
    """Nine outputs a step."""


def arrange(tensors: Mapping[str, torch.Tensor], sizes: Sizes, device: torch.device, dtype: torch.dtype) -> Parameters:
    """Bring a checkpoint's tensors to a device.

    Args:
        tensors: float32, as `sizes.shapes()` names them.
        sizes: Of the network.
        device: Where to.
        dtype: Of the matrices that are large; norms and heads stay float32.
    """

    def dense(weight: torch.Tensor, bias: torch.Tensor | None = None, *, silu: bool = False) -> Dense:
        moved = None if bias is None else bias.to(device, dtype)
        return Dense(weight.to(device, dtype).contiguous(), moved, silu=silu)

    def layer(number: int, skipped: int) -> Layer:
        prefix = f"stacked_xf.{number}."
        before = tensors[f"{prefix}pre_ff_ln.scale"]
        return Layer(
            query_key_value=dense(_query_key_value(tensors, prefix, sizes)[skipped:]),
            query_scale=_query_scale(tensors, prefix, sizes).to(device),
            out=dense(tensors[f"{prefix}attn.out.weight"]),
            out_scale=tensors[f"{prefix}post_attn_ln.scale"].to(device),
            up=dense(tensors[f"{prefix}ff0.weight"] * before, silu=True),
            down=dense(tensors[f"{prefix}ff1.weight"]),
            down_scale=tensors[f"{prefix}post_ff_ln.scale"].to(device),
        )

    def head(name: str, outputs: slice) -> Head:
        def rows(kind: str) -> torch.Tensor:
            weight = tensors[f"{name}.{kind}_layer.weight"]
            by_step = weight.view(-1, OUTPUTS, weight.shape[1])
            return by_step[: sizes.steps, outputs].flatten(0, 1).to(device, copy=True)

        return Head(tensors[f"{name}.hidden_layer.weight"].to(device), rows("output"), rows("residual"))

    tokenizer = {
        kind: (tensors[f"tokenizer.{kind}_layer.weight"], tensors[f"tokenizer.{kind}_layer.bias"])
        for kind in ("hidden", "output", "residual")
    }
    last = sizes.layers - 1
    return Parameters(
        tokenizer_hidden=dense(*tokenizer["hidden"], silu=True),
        tokenizer_output=dense(*tokenizer["output"]),
        tokenizer_residual=dense(*tokenizer["residual"]),
        layers=tuple(layer(number, sizes.width if number == last else 0) for number in range(sizes.layers)),
        last_query=dense(_query_key_value(tensors, f"stacked_xf.{last}.", sizes)[: sizes.width]),
        median=head("output_projection_point", slice(_MEDIAN, _MEDIAN + 1)),
        quantiles=head("output_projection_quantiles", slice(1, OUTPUTS)),
    )


def _query_key_value(tensors: Mapping[str, torch.Tensor], prefix: str, sizes: Sizes) -> torch.Tensor:
    weight = tensors[f"{prefix}attn.qkv_proj.weight"] * tensors[f"{prefix}pre_attn_ln.scale"]
    query, key, value = weight.chunk(3)
    return torch.cat([_paired(query, sizes.head), _paired(key, sizes.head), value])


def _query_scale(tensors: Mapping[str, torch.Tensor], prefix: str, sizes: Sizes) -> torch.Tensor:
    softmax = (
        _LOG2_E / math.sqrt(sizes.head) * functional.softplus(tensors[f"{prefix}attn.per_dim_scale.per_dim_scale"])
    )
    norms = tensors[f"{prefix}attn.query_ln.scale"] * tensors[f"{prefix}attn.key_ln.scale"]
    return _paired((norms * softmax)[:, None], sizes.head)[:, 0].contiguous()


def _paired(rows: torch.Tensor, head: int) -> torch.Tensor:
    """Reorder rows of each head from first halves and second halves to pairs."""
    return rows.reshape(-1, 2, head // 2, rows.shape[1]).transpose(1, 2).flatten(0, 2)
