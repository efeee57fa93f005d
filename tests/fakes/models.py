"""Models that tests hold, count and break; they keep every other promise of `forecast_server.models.base.Model`."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from forecast_server.models.base import DeviceUse, ModelFacts, Paths, Series
from forecast_server.models.random_walk import LEVELS, RandomWalk

_PATIENCE_SECONDS = 50.0
"""A test that forgets to open a gate must not hold the interpreter's exit."""


class HeldModel:
    """Climbs ten cents from the last price, at no cost, once its gates are open; counts the series it was given."""

    def __init__(self, *, loads: bool = True, answers: bool = True, free_batches: int = 0, **facts: Any) -> None:
        self.may_load, self.may_answer, self.asked = threading.Event(), threading.Event(), threading.Event()
        if loads:
            self.may_load.set()
        if answers:
            self.may_answer.set()
        self.batches: list[int] = []
        self._free_batches, self._facts = free_batches, facts

    @property
    def computed(self) -> int:
        """Series computed so far."""
        return sum(self.batches)

    def load(self) -> ModelFacts:
        """Wait for the gate."""
        if not self.may_load.wait(_PATIENCE_SECONDS):
            raise TimeoutError("nobody let the model load")
        return self.warm()

    def warm(self) -> ModelFacts:
        """Say what it is."""
        return replace(RandomWalk().load(), name="held", **{"cost_steps": 0, **self._facts})

    def device(self) -> DeviceUse:
        """None."""
        return DeviceUse()

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Wait for the gate, unless this is one of the free batches."""
        self.asked.set()
        if len(self.batches) >= self._free_batches and not self.may_answer.wait(_PATIENCE_SECONDS):
            raise TimeoutError("nobody let the model answer")
        self.batches.append(len(batch))
        last = np.array([series[-1] for series in batch], dtype=np.float32)
        mean = np.repeat(last[:, None] + 10, horizon_steps, axis=1)
        spread = np.linspace(-4, 4, len(LEVELS), dtype=np.float32)
        return Paths(mean, mean[:, :, None] + spread)


class PickyModel(HeldModel):
    """Fails on every batch with a series that begins with a certain price."""

    disliked = 13.0

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Look at the series first."""
        if any(series[0] == self.disliked for series in batch):
            raise ValueError("not this one")
        return super().forecast(batch, horizon_steps)


class BrokenModel:
    """Fails at what it is told to, with a text that is nobody's business."""

    secret = "weights at /srv/private/weights.bin are damaged"

    def __init__(self, *, loads: bool) -> None:
        self._loads = loads

    def load(self) -> ModelFacts:
        """Load, or fail."""
        if not self._loads:
            raise RuntimeError(self.secret)
        return RandomWalk().load()

    def warm(self) -> ModelFacts:
        """Warm up."""
        return RandomWalk().load()

    def device(self) -> DeviceUse:
        """None."""
        return DeviceUse()

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Fail."""
        raise RuntimeError(self.secret)
