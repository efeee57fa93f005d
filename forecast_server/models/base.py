"""What every forecast model promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forecast_server.types import Purpose

Series = NDArray[np.float32]
"""One history: [points], cents, finite, oldest first."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a model says of itself once it is loaded."""

    name: str
    """Such as `random-walk`."""
    weights_digest: str
    """SHA-256 of the weights, hexadecimal; of the model's own version text where there are no weights."""
    licence: str
    """SPDX identifier or name of the weights' licence."""
    allowed_purposes: frozenset[Purpose]
    """What licence and nature of the model allow."""
    device: str
    """`cpu`, `cuda:0`, `mps`."""
    precision: str
    """`float32`, `bfloat16`, `float64`."""
    compile_mode: str
    """`eager`, `compiled`, `cuda-graphs`, `numpy`."""
    max_context_points: int
    """Most points of a history it looks at."""
    max_horizon_steps: int
    """Most steps it forecasts."""
    max_batch_series: int
    """Most series it computes at once."""
    quantile_levels: tuple[float, ...]
    """Levels it knows by itself, ascending."""
    warm_context_points: tuple[int, ...] = ()
    """Context lengths that are compiled and warm; empty where the model needs none."""

    @cached_property
    def reference(self) -> str:
        """Short name with digest, as it stands in every answer."""
        return f"{self.name}@{self.weights_digest[:12]}"


@dataclass(frozen=True, slots=True)
class Paths:
    """Forecasts of a batch, on the CPU."""

    mean: NDArray[np.float32]
    """[series, horizon], cents."""
    quantiles: NDArray[np.float32]
    """[series, horizon, levels of the model], cents; may cross or leave 0 to 100."""


class Model(Protocol):
    """A forecast model. Its methods run in a thread of their own, one call at a time."""

    def load(self) -> ModelFacts:
        """Load and warm up. An exception means that the model cannot serve; the server never takes another."""
        ...

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast each series by itself.

        The answer for a series does not depend on its neighbours in the batch, their number or their order.

        Args:
            batch: 1 to `max_batch_series` series of 3 to `max_context_points` points.
            horizon_steps: 1 to `max_horizon_steps`.
        """
        ...
