"""More models that tests hold, slow down, starve and break; each keeps every promise but the one it is for."""

import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast_server.models.base import ModelFacts, OutOfMemory, Paths, Series
from tests.fakes.models import HeldModel

_PATIENCE_SECONDS = 50.0


class RecordingModel(HeldModel):
    """Remembers every batch: the first price of each of its series, and the horizon. Computes one for each `let`."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.firsts: list[list[float]] = []
        self.horizons: list[int] = []
        self.lengths: list[list[int]] = []
        self._permits = threading.Semaphore(0)
        self._free = threading.Event()

    def let(self, batches: int) -> None:
        """Let it compute so many more batches."""
        for _ in range(batches):
            self._permits.release()

    def let_go(self) -> None:
        """Let it compute whatever comes."""
        self._free.set()
        self._permits.release()

    @property
    def order(self) -> list[float]:
        """First prices in the order in which they were computed."""
        return [first for batch in self.firsts for first in batch]

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Say what came, then wait."""
        self.firsts.append([float(series[0]) for series in batch])
        self.lengths.append([len(series) for series in batch])
        self.horizons.append(horizon_steps)
        self.asked.set()
        if not self._free.is_set() and not self._permits.acquire(timeout=_PATIENCE_SECONDS):
            raise TimeoutError("nobody let the model answer")
        return super().forecast(batch, horizon_steps)


class SlowModel(HeldModel):
    """Takes a time per series, which a test may change; meanwhile others may run, as beside a device."""

    def __init__(self, seconds_per_series: float, *, seconds_per_batch: float = 0.0, **facts: Any) -> None:
        super().__init__(**facts)
        self.pace, self.fixed = seconds_per_series, seconds_per_batch

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Take the time."""
        time.sleep(self.fixed + self.pace * len(batch))
        return super().forecast(batch, horizon_steps)


class TightModel(HeldModel):
    """Has memory for so many series at once, and never for one that begins with a certain price."""

    never = 99.5

    def __init__(self, fits: int, **facts: Any) -> None:
        super().__init__(**facts)
        self.fits = fits
        self.tried: list[int] = []
        self.fitted: list[int] = []

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Look at the size first."""
        self.tried.append(len(batch))
        if len(batch) > self.fits or any(series[0] == self.never for series in batch):
            raise OutOfMemory("2 GiB were wanted")
        self.fitted.append(len(batch))
        return super().forecast(batch, horizon_steps)


class BlindModel(HeldModel):
    """Answers NaN or infinity, somewhere, to a series that begins with a certain price."""

    disliked = 99.5

    def __init__(self, nothing: float = np.nan, *, in_quantiles: bool = True, **facts: Any) -> None:
        super().__init__(**facts)
        self._nothing, self._in_quantiles = nothing, in_quantiles

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Put one wrong number into the last step."""
        paths = super().forecast(batch, horizon_steps)
        for row, series in enumerate(batch):
            if series[0] == self.disliked:
                (paths.quantiles if self._in_quantiles else paths.mean)[row, -1] = self._nothing
        return paths


class DriftingModel(HeldModel):
    """Climbs by what a test says, ten cents at first; or only series of a length do, such as the canary."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.off = 0.0
        self.only_points: int | None = None
        self.deadly_points: int | None = None
        """Length of series that end it."""

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Add what it is off by."""
        if any(len(series) == self.deadly_points for series in batch):
            raise SystemExit
        paths = super().forecast(batch, horizon_steps)
        for row, series in enumerate(batch):
            if self.only_points in {None, len(series)}:
                paths.mean[row] += np.float32(self.off)
                paths.quantiles[row] += np.float32(self.off)
        return paths


class MortalModel(HeldModel):
    """Works until it is given a series that begins with a certain price; from then on it only ever raises."""

    deadly = 99.5

    def __init__(self, end: BaseException, *, at_load: bool = False, **facts: Any) -> None:
        super().__init__(**facts)
        self._end, self._at_load, self._dead = end, at_load, False

    def load(self) -> ModelFacts:
        """Load, or end."""
        if self._at_load:
            raise self._end
        return super().load()

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast, or end."""
        time.sleep(0.05)  # so that something waits
        self._dead |= any(series[0] == self.deadly for series in batch)
        if self._dead:
            raise self._end
        return super().forecast(batch, horizon_steps)
