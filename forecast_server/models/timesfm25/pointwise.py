"""What happens to every token between two matrices: norms, turning by position, adding to the stream.

Each is a handful of passes over memory. On a CPU they cost little beside the multiplications; on a GPU they would cost
more, so there `fused` has a compiler make one kernel of each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

EPSILON = 1e-6
"""Added to a mean square before its root is taken, as the package does."""


def scaled(stream: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Scale each token, [tokens, width] in float32, to a root mean square of one, in the type of the matrices."""
    return torch.mul(stream, _inverse_rms(stream), out=torch.empty_like(stream, dtype=dtype))


def turned(mixed: torch.Tensor, turn: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    """Turn queries or keys by their position, and scale them to a root mean square of one and then by `scale`.

    Args:
        mixed: [tokens, heads × head], pairs together; may be overwritten.
        turn: [tokens, 1, head / 2, 2], float32: cosine and sine of each pair.
        scale: [head], float32.

    Returns:
        [tokens, heads, head], in the type it came in.
    """
    by_head = mixed.view(len(mixed), -1, 2 * turn.shape[2])
    inverse = _inverse_rms(by_head)  # turning changes no length
    pairs = torch.view_as_complex(by_head.float().view(*by_head.shape[:2], -1, 2))
    around = torch.view_as_real(pairs.mul_(torch.view_as_complex(turn))).flatten(2)
    out = torch.empty(by_head.shape, dtype=mixed.dtype, device=mixed.device)
    if scale is None:
        return torch.mul(around, inverse, out=out)
    return torch.mul(around.mul_(inverse), scale, out=out)


def add_scaled(stream: torch.Tensor, branch: torch.Tensor, scale: torch.Tensor) -> None:
    """Scale a branch, [tokens, width], to a root mean square of one and then by `scale`, and add it to the stream.

    The stream, float32, changes in place; the branch may be overwritten.
    """
    inverse = _inverse_rms(branch)
    stream.addcmul_(branch.mul_(inverse) if branch.dtype == torch.float32 else branch * inverse, scale)


@dataclass(frozen=True, slots=True)
class Pointwise:
    """The three of them."""

    scaled: Callable[[torch.Tensor, torch.dtype], torch.Tensor] = scaled
    turned: Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor] = turned
    add_scaled: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None] = add_scaled


def _inverse_rms(rows: torch.Tensor) -> torch.Tensor:
    length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True, dtype=torch.float32)
    mean = length.square_().div_(rows.shape[-1])
    return torch.rsqrt_(mean.add_(EPSILON))
