"""The work between two matrices as one kernel each, made by torch's compiler. For GPUs, which wait for their memory.

The same as `pointwise`, in the plainest words: a compiler knows no complex numbers and chooses its own passes.
"""

import torch

from forecast_server.models.timesfm25.layout import lay_out
from forecast_server.models.timesfm25.network import Network
from forecast_server.models.timesfm25.packing import Group
from forecast_server.models.timesfm25.pointwise import EPSILON, Pointwise

_TRIED = ((1, 2), (1, 16), (8, 16), (24, 32))
"""Series and patches that are forecast both ways: few and many, so that the compiler learns that numbers vary."""
_STEPS = 48


def fuse(network: Network, tolerance: float) -> str:
    """Have it compiled, if that works here and answers as before; a wrong kernel is not taken.

    Args:
        network: Its pointwise work is exchanged.
        tolerance: Largest difference, as a share of a series' standard deviation.

    Returns:
        Why it was left as it is; empty where it was exchanged.
    """
    before = network.pointwise
    expected = [_forecast(network, *tried) for tried in _TRIED]
    try:
        from torch._inductor import config  # noqa: PLC0415  # takes seconds, and most machines need none of it

        config.compile_threads = 1  # three small kernels are not worth a pool of processes
        network.pointwise = Pointwise(torch.compile(_scaled), torch.compile(_turned), torch.compile(_add_scaled))
        apart = [
            (_forecast(network, *tried) - known).abs().max() for tried, known in zip(_TRIED, expected, strict=True)
        ]
        furthest = float(torch.stack(apart).max())  # NaN, if there is one
        if furthest <= tolerance:
            return ""
        reason = f"they answer otherwise, by {furthest:.2g} standard deviations"
    except Exception as error:  # whatever compilers raise: without them the work is done as before
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    network.pointwise = before
    return f"no fused kernels: {reason}"


def _forecast(network: Network, rows: int, patches: int) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(7)
    # Walks, and their standard deviation is one.
    walks = torch.randn(rows, patches * network.sizes.patch, generator=drawn).cumsum(1)
    walks = (walks - walks.mean(1, keepdim=True)) / walks.std(1, keepdim=True)
    zeros = torch.zeros(rows, dtype=torch.int64)
    values, fill, last = (part.to(network.device) for part in (walks, zeros, zeros + patches - 1))
    return network.forward(values, fill, last, lay_out((Group(rows, patches),), network.device), _STEPS).cpu()


def _normed(rows: torch.Tensor) -> torch.Tensor:
    exact = rows.float()
    return exact * torch.rsqrt(exact.square().mean(-1, keepdim=True) + EPSILON)


def _scaled(stream: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return _normed(stream).to(dtype)


def _turned(mixed: torch.Tensor, turn: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    pairs = _normed(mixed.view(len(mixed), -1, 2 * turn.shape[2])).view(len(mixed), -1, turn.shape[2], 2)
    (first, second), (cosine, sine) = pairs.unbind(-1), turn.unbind(-1)
    around = torch.stack((first * cosine - second * sine, second * cosine + first * sine), dim=-1).flatten(2)
    return (around if scale is None else around * scale).to(mixed.dtype)


def _add_scaled(stream: torch.Tensor, branch: torch.Tensor, scale: torch.Tensor) -> None:
    stream.add_(_normed(branch) * scale)
