"""What batches are expected to take, and how the cost of a batch is chosen."""

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecast_server.cost import CostModel, Timing, Tuned, sweet_spot, tune
from forecast_server.models.base import OutOfMemory

BATCHES = st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 20)), min_size=1, max_size=60)
COSTS = (1, 2, 3, 7, 8, 9, 31, 64, 65, 500, 4096, 100_000)


def machine(cost: int, *, pace: float = 1.0) -> float:
    """Seconds of a batch: 2 ms, and 0.1 ms per cost."""
    return pace * (0.002 + 0.0001 * cost)


def fitted(*costs: int, times: int = 9, pace: float = 1.0) -> CostModel:
    model = CostModel()
    for cost in costs * times:
        model.observe(cost, machine(cost, pace=pace))
    return model


def expected(model: CostModel, cost: int) -> float:
    seconds = model.expected_seconds(cost)
    assert seconds is not None
    return seconds


def test_nothing_is_expected_before_anything_was_measured() -> None:
    model = CostModel()
    assert model.expected_seconds(10) is None
    assert model.backlog_seconds(10, 5) is None
    assert model.timings() == []


@pytest.mark.parametrize("cost", [1, 3, 8, 20, 100, 300, 512, 1000, 4000])
def test_a_fixed_time_and_a_time_per_cost_are_found_between_and_beyond_what_was_measured(cost: int) -> None:
    assert expected(fitted(4, 32, 512), cost) == pytest.approx(machine(cost))


def test_of_one_cost_the_dearer_guess_is_taken_on_both_sides() -> None:
    model = fitted(64)
    assert expected(model, 64) == pytest.approx(machine(64))
    assert expected(model, 1) == pytest.approx(machine(64))
    assert expected(model, 128) == pytest.approx(2 * machine(64))


def test_a_single_pause_changes_nothing() -> None:
    model = fitted(32, 64)
    before = [expected(model, cost) for cost in COSTS]
    model.observe(64, 10.0)
    assert [expected(model, cost) for cost in COSTS] == pytest.approx(before)


def test_a_pause_in_the_first_batch_of_a_bucket_is_not_believed() -> None:
    model = fitted(32)
    model.observe(128, 10.0)
    assert expected(model, 32) == pytest.approx(machine(32))
    assert expected(model, 128) < 10 * machine(128)
    model.observe(128, machine(128))
    assert expected(model, 128) == pytest.approx(machine(128))


@pytest.mark.parametrize("pace", [0.25, 4.0])
def test_a_new_pace_of_the_machine_is_learned_within_ten_batches(pace: float) -> None:
    model = fitted(32, 64, times=50)
    for _ in range(10):
        model.observe(64, machine(64, pace=pace))
    assert expected(model, 64) == pytest.approx(machine(64, pace=pace))


def test_costs_that_are_not_in_use_follow_when_the_pace_changes() -> None:
    slower, faster = fitted(32, 128), fitted(32, 128)
    for _ in range(10):
        slower.observe(32, machine(32, pace=10.0))
        faster.observe(32, machine(32, pace=0.1))
    assert expected(slower, 128) >= machine(32, pace=10.0)
    assert expected(faster, 128) < machine(128) / 2


def test_a_backlog_is_full_batches_and_what_is_left() -> None:
    model = fitted(8, 64, 512)
    assert model.backlog_seconds(1034, 512) == pytest.approx(2 * machine(512) + machine(10))
    assert model.backlog_seconds(1024, 512) == pytest.approx(2 * machine(512))
    assert model.backlog_seconds(10, 512) == pytest.approx(machine(10))
    assert model.backlog_seconds(0, 512) == 0


def test_timings_name_each_bucket_by_its_largest_cost() -> None:
    model = CostModel()
    for cost in (1, 2, 3, 4, 65, 128, 128):
        model.observe(cost, machine(cost))
    assert [(timing.up_to_cost, timing.batches) for timing in model.timings()] == [(1, 1), (2, 1), (4, 2), (128, 3)]
    assert model.timings()[-1] == Timing(128, 3, expected(model, 128))


@pytest.mark.parametrize(("cost", "seconds"), [(0, 1.0), (-1, 1.0), (1, -0.1), (1, math.nan), (1, math.inf)])
def test_a_batch_that_cannot_be_is_refused(cost: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="no batch"):
        CostModel().observe(cost, seconds)


@given(BATCHES)
@example([(8, 0.0), (3, 5.553848110223145)])  # the last bit once fell there
def test_whatever_was_measured_more_cost_never_takes_less_time(batches: list[tuple[int, float]]) -> None:
    model = CostModel()
    for cost, seconds in batches:
        model.observe(cost, seconds)
    times = [expected(model, cost) for cost in sorted({*COSTS, *(cost for cost, _ in batches)})]
    assert all(0 <= low <= high < math.inf for low, high in pairwise(times))


@given(BATCHES, st.integers(1, 2000), st.lists(st.integers(0, 5000), min_size=2, max_size=8))
def test_a_larger_backlog_never_takes_less_time(
    batches: list[tuple[int, float]], batch_cost: int, totals: list[int]
) -> None:
    model = CostModel()
    for cost, seconds in batches:
        model.observe(cost, seconds)
    times = [model.backlog_seconds(total, batch_cost) or 0.0 for total in sorted(totals)]
    assert all(low <= high * (1 + 1e-9) for low, high in pairwise(times))


@given(st.floats(1e-6, 0.1), st.floats(1e-7, 1e-3), st.lists(st.integers(1, 4096), min_size=1, max_size=40))
def test_a_steady_machine_is_never_expected_to_be_far_from_what_it_is(
    fixed: float, each: float, costs: list[int]
) -> None:
    model = CostModel()
    for cost in costs:
        model.observe(cost, fixed + each * cost)
    for cost in range(min(costs), max(costs) + 1, 97):
        true = fixed + each * cost
        assert 0.5 * true <= expected(model, cost) <= 2 * true


class Device:
    """Counts what it is asked, and takes what its formula says."""

    def __init__(
        self, *, fixed: float = 0.0, each: float = 0.001, full: float = math.inf, fits: float = math.inf
    ) -> None:
        self.asked: list[int] = []
        self._fixed, self._each, self._full, self._fits = fixed, each, full, fits

    def measure(self, cost: int) -> float:
        """Batches up to `full` cost nothing but the fixed time; the first of each pair is slow."""
        self.asked.append(cost)
        if cost > self._fits:
            raise OutOfMemory("too large")
        slow = 5.0 if self.asked.count(cost) == 1 else 1.0
        return slow * (self._fixed + self._each * cost if self._full == math.inf else max(1.0, cost / self._full))


def test_batches_grow_until_the_fixed_time_hardly_matters() -> None:
    device = Device(fixed=0.016, each=0.001)
    found = tune(device.measure, largest_cost=100_000, longest_seconds=1000.0)
    assert found.batch_cost == 128  # 128 / 144 ms is 0.89 of the limit, and of the best seen over 0.9
    assert device.asked == [cost for cost, _ in found.observations for _ in range(2)]
    assert [seconds for _, seconds in found.observations[:2]] == pytest.approx([0.017, 0.018])
    assert max(device.asked) < 4096


def test_a_device_that_is_full_at_some_cost_gets_batches_of_that_cost() -> None:
    device = Device(full=256)
    assert tune(device.measure, largest_cost=100_000, longest_seconds=100.0).batch_cost == 256
    assert max(device.asked) == 1024


def test_one_flat_rung_does_not_end_the_climb() -> None:
    rates = {1: 1.0, 2: 2.0, 4: 2.0, 8: 6.0, 16: 9.0, 32: 9.0, 64: 9.0, 128: 99.0}
    found = tune(lambda cost: cost / rates[cost], largest_cost=1000, longest_seconds=1000.0)
    assert found.batch_cost == 16
    assert found.observations[-1][0] == 64


def test_urgent_work_never_waits_for_a_batch_longer_than_allowed() -> None:
    device = Device(fixed=1.0, each=0.01)
    found = tune(device.measure, largest_cost=100_000, longest_seconds=2.5)
    assert found.batch_cost == 128
    assert found.observations[-1][0] == 256


def test_a_device_too_slow_for_anything_gets_the_smallest_batches() -> None:
    found = tune(Device(each=10.0).measure, largest_cost=64, longest_seconds=0.1)
    assert found == Tuned(1, ((1, 10.0),))


def test_a_batch_that_does_not_fit_ends_the_climb_and_a_smallest_one_that_does_not_is_an_error() -> None:
    found = tune(Device(fixed=1.0, fits=40).measure, largest_cost=4096, longest_seconds=100.0)
    assert (found.batch_cost, found.observations[-1][0]) == (32, 32)
    with pytest.raises(OutOfMemory):
        tune(Device(fits=0).measure, largest_cost=4096, longest_seconds=100.0)


@pytest.mark.parametrize(
    ("smallest", "largest", "rungs"),
    [(1, 10, [1, 2, 4, 8, 10]), (64, 256, [64, 128, 256]), (64, 32, [32]), (1, 1, [1])],
)
def test_the_climb_begins_at_the_smallest_cost_and_ends_at_the_largest(
    smallest: int, largest: int, rungs: list[int]
) -> None:
    found = tune(Device(fixed=100.0).measure, smallest_cost=smallest, largest_cost=largest, longest_seconds=1000.0)
    assert [cost for cost, _ in found.observations] == rungs


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(1e-6, 10)), min_size=1, max_size=20), st.floats(1e-3, 10))
def test_the_sweet_spot_is_fast_and_no_smaller_cost_is(measured: list[tuple[int, float]], longest: float) -> None:
    chosen = sweet_spot(measured, longest_seconds=longest)
    fitting = [(cost, seconds) for cost, seconds in measured if seconds <= longest]
    if not fitting:
        assert chosen == min(cost for cost, _ in measured)
        return
    bar = 0.9 * max(cost / seconds for cost, seconds in fitting)
    assert chosen == min(cost for cost, seconds in fitting if cost / seconds >= bar)
