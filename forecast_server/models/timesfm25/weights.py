"""The weights of TimesFM 2.5, read from safetensors and checked tensor by tensor.

The architecture's sizes are read off the tensors' shapes, so a checkpoint of any size serves, and nothing but the file
says what it is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from forecast_server.checkpoints import pinned_sha256, weights_file
from forecast_server.models.base import CannotLoad

OUTPUTS = 10
"""Numbers per step that the heads give: the mean, then the quantiles 0.1 to 0.9."""
_NAMED = 5
"""Most tensors that a message names; a wrong file has hundreds."""

_KINDS = frozenset({"F64", "F32", "F16", "BF16"})

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the architecture leaves open."""

    patch: int
    """Points that make one token."""
    tokenizer_hidden: int
    width: int
    """Of the residual stream."""
    layers: int
    head: int
    """Width of one attention head."""
    hidden: int
    """Of the feed-forward branch."""
    point_hidden: int
    quantiles_hidden: int
    steps: int
    """Steps of the point head: the longest horizon of one pass."""
    quantile_steps: int
    """Steps of the quantile head: the longest horizon at all."""

    @property
    def heads(self) -> int:
        """Attention heads."""
        return self.width // self.head

    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every tensor."""
        named: dict[str, Shape] = {}
        blocks = {
            "tokenizer": (2 * self.patch, self.tokenizer_hidden, self.width),
            "output_projection_point": (self.width, self.point_hidden, self.steps * OUTPUTS),
            "output_projection_quantiles": (self.width, self.quantiles_hidden, self.quantile_steps * OUTPUTS),
        }
        for block, (inputs, hidden, outputs) in blocks.items():
            named[f"{block}.hidden_layer.weight"] = (hidden, inputs)
            named[f"{block}.output_layer.weight"] = (outputs, hidden)
            named[f"{block}.residual_layer.weight"] = (outputs, inputs)
        named["tokenizer.hidden_layer.bias"] = (self.tokenizer_hidden,)
        named["tokenizer.output_layer.bias"] = (self.width,)
        named["tokenizer.residual_layer.bias"] = (self.width,)
        for number in range(self.layers):
            layer = f"stacked_xf.{number}"
            for norm in ("pre_attn_ln", "post_attn_ln", "pre_ff_ln", "post_ff_ln"):
                named[f"{layer}.{norm}.scale"] = (self.width,)
            for norm in ("query_ln.scale", "key_ln.scale", "per_dim_scale.per_dim_scale"):
                named[f"{layer}.attn.{norm}"] = (self.head,)
            named[f"{layer}.attn.qkv_proj.weight"] = (3 * self.width, self.width)
            named[f"{layer}.attn.out.weight"] = (self.width, self.width)
            named[f"{layer}.ff0.weight"] = (self.hidden, self.width)
            named[f"{layer}.ff1.weight"] = (self.width, self.hidden)
        return named


@dataclass(frozen=True)
class Weights:
    """A checkpoint, read and checked."""

    file: Path
    sha256: str
    sizes: Sizes
    tensors: dict[str, torch.Tensor]
    """By name, float32 on the CPU, in memory of their own: what happens to the file later does not matter."""


def read_weights(checkpoint: Path, *, sha256: str = "") -> Weights:
    """Read a checkpoint.

    Args:
        checkpoint: the file, or the folder it lies in as `model.safetensors`.
        sha256: what the file must have, hexadecimal; empty takes any.

    Raises:
        CannotLoad: it is missing or damaged, has another digest, or is not a checkpoint of TimesFM 2.5; says which
            tensors are wrong.
    """
    file = weights_file(checkpoint)
    if not file.is_file():
        raise CannotLoad(
            f"{file} does not exist: run `foremesh models fetch timesfm-2.5`, or set model.checkpoint to the folder "
            "with model.safetensors"
        )
    digest = pinned_sha256(file, sha256)
    try:
        with safe_open(file, framework="pt") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118  # it is no mapping
            sizes = _check(
                {name: tuple(part.get_shape()) for name, part in slices.items()},
                {name: part.get_dtype() for name, part in slices.items()},
                file,
            )
            tensors = {name: opened.get_tensor(name).to(torch.float32, copy=True) for name in slices}
    except (SafetensorError, OSError) as error:
        raise CannotLoad(
            f"{file} cannot be read as safetensors ({error}): fetch it again with `foremesh models fetch timesfm-2.5`"
        ) from error
    # One number that is not finite makes their sum so; looking at each would take seconds.
    broken = [name for name, tensor in tensors.items() if not math.isfinite(float(tensor.sum()))]
    if broken:
        raise CannotLoad(f"{file} is damaged: not all numbers are finite in {_some(broken)}")
    return Weights(file, digest, sizes, tensors)


def _sizes(shapes: Mapping[str, Shape], file: Path) -> Sizes:
    def size(name: str, axis: int = 0, *, unit: int = 1) -> int:
        shape = shapes.get(name)
        if shape is None:
            raise CannotLoad(f"{file} is no checkpoint of TimesFM 2.5: it has no {name}")
        if axis >= len(shape) or shape[axis] < unit or shape[axis] % unit:
            raise CannotLoad(f"{file} is no checkpoint of TimesFM 2.5: {name} has the shape {list(shape)}")
        return shape[axis] // unit

    head = 2 * size("stacked_xf.0.attn.query_ln.scale", unit=2)  # positions turn pairs of numbers
    patch = size("tokenizer.hidden_layer.weight", 1, unit=2)
    steps = patch * size("output_projection_point.output_layer.weight", unit=OUTPUTS * patch)
    return Sizes(
        patch=patch,
        tokenizer_hidden=size("tokenizer.hidden_layer.weight"),
        width=head * size("stacked_xf.0.attn.out.weight", unit=head),
        # Counted, not the highest number: a stray name must not make this believe in a million layers.
        layers=len({name.split(".")[1] for name in shapes if name.startswith("stacked_xf.")}),
        head=head,
        hidden=size("stacked_xf.0.ff0.weight"),
        point_hidden=size("output_projection_point.hidden_layer.weight"),
        quantiles_hidden=size("output_projection_quantiles.hidden_layer.weight"),
        steps=steps,
        quantile_steps=steps * size("output_projection_quantiles.output_layer.weight", unit=OUTPUTS * steps),
    )


def _check(found: Mapping[str, Shape], kinds: Mapping[str, str], file: Path) -> Sizes:
    sizes = _sizes(found, file)
    expected = sizes.shapes()
    problems = {
        "missing": [name for name in expected if name not in found],
        "unexpected": [name for name in found if name not in expected],
        "of another shape": [
            f"{name} {list(found[name])} instead of {list(shape)}"
            for name, shape in expected.items()
            if name in found and found[name] != shape
        ],
        "not floating point": [f"{name} {kind}" for name, kind in kinds.items() if kind not in _KINDS],
    }
    told = [f"{what}: {_some(names)}" for what, names in problems.items() if names]
    if told:
        raise CannotLoad(f"{file} is no checkpoint of TimesFM 2.5; {'; '.join(told)}")
    return sizes


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
