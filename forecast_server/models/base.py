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


class CannotLoad(Exception):
    """The model cannot serve, for a reason an operator can mend; the text is for people and says how."""


class OutOfMemory(Exception):
    """A batch did not fit into the device's memory; a smaller one may."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a model says of itself once it is loaded."""

    name: str
    """Such as `random-walk`."""
    weights_digest: str
    """SHA-256 of the weights, hexadecimal; of the model's own version text where there are no weights."""
    weights_source: str = ""
    """Where the weights were read, a path; empty where there are none."""
    licence: str
    """SPDX identifier or name of the weights' licence."""
    allowed_purposes: frozenset[Purpose]
    """What licence and nature of the model allow."""
    restriction: str = ""
    """Why not everything is allowed, for people; empty where it is."""
    device: str
    """`cpu`, `cuda:0`, `mps`."""
    precision: str
    """`float32`, `bfloat16`, `float64`."""
    compile_mode: str
    """`eager`, `compiled`, `cuda-graphs`, `numpy`."""
    compile_detail: str = ""
    """Why the compile mode is less than was hoped for; empty otherwise."""
    max_context_points: int
    """Most points of a history it looks at."""
    min_points: int = 3
    """Fewest points it forecasts from."""
    max_horizon_steps: int
    """Most steps it forecasts."""
    max_batch_series: int
    """Most series it computes at once."""
    quantile_levels: tuple[float, ...]
    """Levels it knows by itself, ascending."""
    warm_context_points: tuple[int, ...] = ()
    """Context lengths that are compiled and warm; empty where the model needs none."""
    cost_points: int
    """Points per unit of cost: a series costs its points divided by this, rounded up. A model that always computes its
    whole context states that here."""
    cost_steps: int = 0
    """Steps that a unit of cost reaches: a longer horizon costs so many times more, rounded up. 0: none costs more."""
    long_factor: int = 1
    """How many times more than that a horizon beyond `cost_steps` costs, where it is computed in another way."""
    equal_cost_batches: bool = False
    """Only series of the same cost may share a batch: others would change each other's answers."""
    batch_tolerance: float
    """Largest difference between two forecasts of a series, alone or in any batch, as a share of the standard deviation
    of the series' points; beyond the rounding of float32 at the price itself, which for a nearly constant series is
    more."""

    def cost(self, points: int, steps: int) -> int:
        """Cost of a history of so many points and a horizon of so many steps."""
        alone = -(-points // self.cost_points)
        if not self.cost_steps or steps <= self.cost_steps:
            return alone
        return alone * -(-steps // self.cost_steps) * self.long_factor

    @cached_property
    def reference(self) -> str:
        """Short name with digest, as it stands in every answer."""
        return f"{self.name}@{self.weights_digest[:12]}"


@dataclass(frozen=True, slots=True)
class Paths:
    """Forecasts of a batch, on the CPU."""

    mean: NDArray[np.float32]
    """[series, horizon], cents: the point forecast."""
    quantiles: NDArray[np.float32]
    """[series, horizon, levels of the model], cents; may cross or leave 0 to 100."""
    padding: float = 0.0
    """Share of what was computed that was padding, 0 to 1."""


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """The device as its driver sees it now; zero is unknown."""

    name: str = ""
    runtime: str = ""
    """Such as `torch 2.13.0, CUDA 13.0`."""
    allocated_bytes: int = 0
    """Held by tensors."""
    reserved_bytes: int = 0
    """Taken from the device by the allocator."""
    total_bytes: int = 0


class Model(Protocol):
    """A forecast model. Its methods run in a thread of their own, one call at a time."""

    def load(self) -> ModelFacts:
        """Read the weights and put them on the device.

        Raises:
            CannotLoad: it cannot serve; the server says so, ends, and never takes another model.
        """
        ...

    def warm(self) -> ModelFacts:
        """Do what the first forecasts would have to wait for, such as compiling; gives the facts as they then are."""
        ...

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast each series by itself.

        The answer for a series does not depend on its neighbours in the batch, their number or their order, beyond
        `batch_tolerance`.

        Args:
            batch: 1 to `max_batch_series` series of `min_points` to `max_context_points` points; of one cost where
                `equal_cost_batches`.
            horizon_steps: 1 to `max_horizon_steps`.

        Raises:
            OutOfMemory: the batch is too large for the device just now.
        """
        ...

    def device(self) -> DeviceUse:
        """Look at the device. Cheap; may run beside the other methods."""
        ...
