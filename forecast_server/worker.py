"""The model in its thread: loading, warming up, and batches in which one bad series costs nothing but itself."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from forecast_server.models.base import CannotLoad, DeviceUse, Model, ModelFacts, OutOfMemory, Paths, Series
from forecast_server.thread import PatientThread


class ModelDied(Exception):
    """The model forecasts nothing any more; only a new process helps."""


class NotFinite(Exception):
    """The model answered with something that is not a number."""


@dataclass(slots=True)
class Computed:
    """What became of a batch."""

    paths: Paths
    """Rows of series that failed are NaN."""
    failures: dict[int, Exception] = field(default_factory=dict)
    """By the series' place in the batch."""
    shortages: int = 0
    """How often the device's memory did not suffice and the batch was halved."""
    seconds: float = 0.0
    """From the first series to the last, in the thread."""


class Worker:
    """Runs a model in a thread of its own, one call at a time."""

    def __init__(self, make: Callable[[], Model]) -> None:
        self._make = make
        self._model: Model | None = None
        self.thread = PatientThread("model")
        """Where everything but `device` is to be called."""

    def load(self) -> ModelFacts:
        """Make the model and read its weights. Raises what the model raises."""
        self._model = self._make()
        return self._model.load()

    def warm(self) -> ModelFacts:
        """Do what the first forecasts would have to wait for."""
        return self._loaded.warm()

    def device(self) -> DeviceUse:
        """Look at the device."""
        return self._model.device() if self._model else DeviceUse()

    def close(self) -> None:
        """Let the thread end after what it is computing."""
        self.thread.close()

    def compute(self, batch: Sequence[Series], horizon_steps: int, facts: ModelFacts, probe: Series) -> Computed:
        """Forecast a batch.

        A batch that does not fit into memory, or that fails, is halved until what fits or works is computed and what
        does not is named.

        Args:
            batch: The series.
            horizon_steps: Steps to forecast.
            facts: The model's.
            probe: A series that can be forecast by a model that works at all.

        Raises:
            ModelDied: every series failed, and the probe does too.
        """
        began = time.monotonic()
        computed = self._part(batch, range(len(batch)), horizon_steps, len(facts.quantile_levels))
        if len(computed.failures) == len(batch):
            found = self._part([probe], range(1), 1, len(facts.quantile_levels))
            for problem in found.failures.values():
                raise ModelDied(f"nothing can be forecast any more: {type(problem).__name__}: {problem}") from problem
        computed.seconds = time.monotonic() - began
        return computed

    def _part(self, batch: Sequence[Series], rows: range, horizon_steps: int, levels: int) -> Computed:
        try:
            paths = self._loaded.forecast([batch[row] for row in rows], horizon_steps)
        except CannotLoad as error:  # no part of the batch will fare better
            return Computed(_nothing(len(rows), horizon_steps, levels), dict.fromkeys(rows, error))
        except Exception as error:
            if len(rows) > 1:
                return self._halves(batch, rows, horizon_steps, levels, short=isinstance(error, OutOfMemory))
            return Computed(
                _nothing(1, horizon_steps, levels), {rows[0]: error}, shortages=isinstance(error, OutOfMemory)
            )
        fine = np.isfinite(paths.mean).all(axis=1) & np.isfinite(paths.quantiles).all(axis=(1, 2))
        bad = np.flatnonzero(~fine).tolist()
        return Computed(paths, {rows[place]: NotFinite("the forecast holds what is not a number") for place in bad})

    def _halves(
        self, batch: Sequence[Series], rows: range, horizon_steps: int, levels: int, *, short: bool
    ) -> Computed:
        middle = len(rows) // 2
        first = self._part(batch, rows[:middle], horizon_steps, levels)
        second = self._part(batch, rows[middle:], horizon_steps, levels)
        paths = Paths(
            np.concatenate([first.paths.mean, second.paths.mean]),
            np.concatenate([first.paths.quantiles, second.paths.quantiles]),
            (first.paths.padding * middle + second.paths.padding * (len(rows) - middle)) / len(rows),
        )
        return Computed(paths, first.failures | second.failures, first.shortages + second.shortages + short)

    @property
    def _loaded(self) -> Model:
        if self._model is None:
            raise AssertionError("a model is asked only once it is loaded")
        return self._model


def _nothing(series: int, horizon_steps: int, levels: int) -> Paths:
    """Make paths that hold no number."""
    shape = (series, horizon_steps)
    return Paths(np.full(shape, np.nan, np.float32), np.full((*shape, levels), np.nan, np.float32))
