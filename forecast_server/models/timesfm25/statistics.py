"""The scale that every patch is seen in: mean and spread of its series up to and including it."""

from dataclasses import dataclass

import torch

_FLAT = 1e-6
"""Standard deviation below which the network sees a series unscaled, as the package has it."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """Series as the network sees them."""

    features: torch.Tensor
    """[series, patches, 2 × patch], float32: values, then 1 where there is none."""
    mean: torch.Tensor
    """[series, patches], float32, in the series' unit."""
    deviation: torch.Tensor
    """[series, patches], float32, in the series' unit; unlike a scale it may be zero."""


def normalise(values: torch.Tensor, fill: torch.Tensor, patch: int) -> Normalised:
    """Scale each patch by what is known of its series when it ends.

    The package folds patch after patch into a running float32 mean and deviation. One float64 sum around a value of the
    series gives the same, and is exact where that is not: a stretch of equal prices has a deviation of zero.

    Args:
        values: [series, patches × patch], float32, on a device that knows float64.
        fill: [series]: values at the start that do not count, fewer than a patch.
        patch: Points per patch.
    """
    points = values.view(len(values), -1, patch)
    nothing = torch.zeros(points.shape, dtype=torch.bool, device=values.device)
    nothing[:, 0] = torch.arange(patch, device=values.device) < fill[:, None]
    pivot = points[:, :1, -1:].double()
    moved = points.double().sub_(pivot).masked_fill_(nothing, 0.0)
    known = torch.arange(1, points.shape[1] + 1, device=values.device) * patch - fill[:, None]
    mean = moved.sum(-1).cumsum(1) / known
    deviation = (moved.square().sum(-1).cumsum(1) / known - mean.square()).clamp_min_(0.0).sqrt_()
    # masked_fill, unlike where with a number, copies nothing from the host: a CUDA graph can record it.
    scale = deviation.masked_fill(deviation < _FLAT, 1.0)
    seen = moved.sub_(mean[..., None]).div_(scale[..., None]).masked_fill_(nothing, 0.0)
    features = torch.cat([seen.float(), nothing.float()], dim=-1)
    return Normalised(features, (mean + pivot[..., 0]).float(), deviation.float())
