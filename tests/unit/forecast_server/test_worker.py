"""One bad series costs nothing but itself; what cannot forecast anything any more says so."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_server.models.base import DeviceUse, ModelFacts, OutOfMemory, Paths, Series
from forecast_server.models.random_walk import RandomWalk
from forecast_server.thread import ThreadEnded
from forecast_server.worker import Computed, ModelDied, NotFinite, Worker

PROBE: Series = np.array([1.0, 2.0, 3.0], np.float32)


class Fragile(RandomWalk):
    """Does to a batch what it is told, before it forecasts."""

    def __init__(self, strike: Callable[[Sequence[Series]], Paths | None]) -> None:
        self._strike = strike
        self.sizes: list[int] = []

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Note the batch's size and suffer."""
        self.sizes.append(len(batch))
        return self._strike(batch) or super().forecast(batch, horizon_steps)


def computed(strike: Callable[[Sequence[Series]], Paths | None], marks: Sequence[float]) -> tuple[Computed, list[int]]:
    """Compute a batch of series that begin with these marks."""
    model = Fragile(strike)
    worker = Worker(lambda: model)
    facts = worker.load()
    try:
        return worker.compute([series(mark) for mark in marks], 3, facts, PROBE), model.sizes
    finally:
        worker.close()


def series(mark: float) -> Series:
    return np.array([mark, 40, 43, 41, 45, 44], np.float32)


def alone(mark: float) -> Paths:
    return RandomWalk().forecast([series(mark)], 3)


def fail_at(*marks: float) -> Callable[[Sequence[Series]], Any]:
    def strike(batch: Sequence[Series]) -> None:
        if any(one[0] in marks for one in batch):
            raise ValueError("not this one")

    return strike


@settings(deadline=None)
@given(st.lists(st.sampled_from([10.0, 20.0, 66.0, 77.0]), min_size=1, max_size=20))
def test_whatever_is_in_a_batch_what_fails_is_named_and_the_rest_is_forecast(marks: list[float]) -> None:
    found, _ = computed(fail_at(66.0, 77.0), marks)
    assert set(found.failures) == {row for row, mark in enumerate(marks) if mark > 50}
    for row, mark in enumerate(marks):
        if row in found.failures:
            assert np.isnan(found.paths.mean[row]).all()
        else:
            assert np.array_equal(found.paths.mean[row], alone(mark).mean[0])
            assert np.array_equal(found.paths.quantiles[row], alone(mark).quantiles[0])


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    def strike(batch: Sequence[Series]) -> None:
        if len(batch) > 3:
            raise OutOfMemory

    found, sizes = computed(strike, [10.0] * 10)
    assert not found.failures
    assert found.paths.mean.shape == (10, 3)
    assert sizes == [10, 5, 2, 3, 5, 2, 3]
    assert found.shortages == 3


def test_a_series_that_never_fits_fails_by_itself() -> None:
    def strike(batch: Sequence[Series]) -> None:
        if any(one[0] == 66 for one in batch):
            raise OutOfMemory("4 GiB")

    found, _ = computed(strike, [10.0, 66.0, 20.0])
    assert set(found.failures) == {1}
    assert isinstance(found.failures[1], OutOfMemory)


@pytest.mark.parametrize("part", ["mean", "quantiles"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_no_forecast(part: str, wrong: float) -> None:
    def strike(batch: Sequence[Series]) -> Paths:
        paths = RandomWalk().forecast(batch, 3)
        for row, one in enumerate(batch):
            if one[0] == 66:
                getattr(paths, part)[row, 1] = wrong
        return paths

    found, sizes = computed(strike, [10.0, 66.0, 20.0])
    assert set(found.failures) == {1}
    assert isinstance(found.failures[1], NotFinite)
    assert sizes == [3], "nothing is computed twice for it"


def test_a_model_is_not_dead_because_one_series_kills_its_batch() -> None:
    found, _ = computed(fail_at(66.0), [66.0])
    assert set(found.failures) == {0}


def test_a_model_that_fails_on_everything_has_died() -> None:
    with pytest.raises(ModelDied, match="not this one"):
        computed(fail_at(66.0, 1.0), [66.0, 66.0])  # the probe begins with 1


@pytest.mark.parametrize("end", [SystemExit(0), KeyboardInterrupt()])
async def test_a_model_that_ends_its_thread_fails_its_caller_and_nobody_else(end: BaseException) -> None:
    def strike(batch: Sequence[Series]) -> None:
        if batch[0][0] == 66:
            raise end

    worker = Worker(lambda: Fragile(strike))
    facts = await worker.thread.run(worker.load)
    with pytest.raises(ThreadEnded, match=type(end).__name__):
        await worker.thread.run(worker.compute, [series(66.0)], 3, facts, PROBE)
    assert not (await worker.thread.run(worker.compute, [series(10.0)], 3, facts, PROBE)).failures
    worker.close()


def test_a_model_that_is_not_loaded_has_no_device_to_show() -> None:
    def make() -> RandomWalk:
        sys.exit("not to be called")

    worker = Worker(make)
    assert worker.device() == DeviceUse()
    worker.close()


def test_facts_are_those_after_warming_up() -> None:
    class Warmer(RandomWalk):
        def warm(self) -> ModelFacts:
            """Change the facts."""
            facts = super().warm()
            object.__setattr__(facts, "compile_mode", "warm")
            return facts

    worker = Worker(Warmer)
    worker.load()
    assert worker.warm().compile_mode == "warm"
    worker.close()
