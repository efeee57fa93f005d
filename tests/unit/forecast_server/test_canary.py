"""The canary: what it is, when it rides, what it notices."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast_server.canary import Canary, known_series
from forecast_server.models.base import ModelFacts, Paths
from forecast_server.models.random_walk import RandomWalk

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONGEST = 15.0


def facts(**changes: Any) -> ModelFacts:
    return replace(RandomWalk().load(), **changes)


def canary(*horizons: int, **changes: Any) -> Canary:
    """A canary of the random walk that has learned these horizons."""
    made = Canary(facts(**changes), longest_seconds=LONGEST)
    for steps in horizons or (6,):
        made.learn(RandomWalk().forecast([made.series], steps))
    return made


def forecast(of: Canary, steps: int = 6) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the random walk says of it in company."""
    paths = RandomWalk().forecast([np.array([1, 2, 3], np.float32), of.series], steps)
    return paths.mean[1], paths.quantiles[1]


@settings(deadline=None)
@given(st.integers(2, 3000))
def test_the_series_moves_within_5_and_95_whole_cents(points: int) -> None:
    series = known_series(points)
    assert len(series) == points
    assert series.dtype == np.float32
    assert 5 <= series.min() < series.max() <= 95
    assert np.array_equal(series, series.round())
    assert series.std() > 5


def test_the_series_is_the_same_for_ever() -> None:
    assert known_series(8).tolist() == [50, 69, 57, 52, 76, 84, 66, 69]


@pytest.mark.parametrize(
    ("changes", "points"), [({}, 64), ({"min_points": 100}, 100), ({"max_context_points": 16}, 16)]
)
def test_the_series_is_one_that_the_model_takes(changes: dict[str, int], points: int) -> None:
    assert len(canary(**changes).series) == points


def test_it_does_not_ride_before_it_has_learned() -> None:
    assert not Canary(facts(), longest_seconds=LONGEST).due(0.0, 10_000, 1)


def test_the_first_batch_takes_it_along() -> None:
    assert canary().due(0.0, 1, 1)


@pytest.mark.parametrize(
    ("seconds", "batch_cost", "own_cost", "rides"),
    [
        (1.0, 100, 2, True),
        (0.99, 100, 2, False),  # not twice a second
        (5.0, 100, 3, False),  # not for more than 2 %
        (5.0, 0, 1, False),
        (14.9, 1, 1, False),
        (15.0, 1, 1, True),  # but after the longest time even if it doubles the batch
    ],
)
def test_after_a_look_it_rides_where_it_costs_little_or_waited_long(
    seconds: float, batch_cost: int, own_cost: int, rides: bool
) -> None:
    made = canary()
    assert made.due(100.0, 1, 1)
    assert made.due(100.0 + seconds, batch_cost, own_cost) is rides


def test_a_turn_is_taken_once() -> None:
    made = canary()
    assert [made.due(moment, 1000, 1) for moment in (7.0, 7.0, 7.5, 8.0, 8.5)] == [True, False, False, True, False]


def test_the_same_forecast_in_company_is_no_drift() -> None:
    made = canary()
    assert made.check(*forecast(made), NOW) == 0
    assert (made.checks, made.drifts, made.drifted, made.last_difference) == (1, 0, False, 0)
    assert made.last_check_time == NOW


def test_the_difference_is_a_share_of_the_deviation_of_the_series() -> None:
    made = canary(batch_tolerance=0.01)
    mean, quantiles = forecast(made)
    quantiles[3, 4] -= np.float32(0.5) * made.series.std()
    assert made.check(mean, quantiles, NOW) == pytest.approx(0.5, rel=1e-4)
    assert (made.drifts, made.drifted) == (1, True)


@pytest.mark.parametrize(
    ("tolerance", "moved", "drifts"), [(0.01, 0.009, False), (0.01, 0.011, True), (0.0, 1e-7, False), (0.0, 1e-5, True)]
)
def test_only_what_exceeds_the_tolerance_and_the_last_bits_is_drift(
    tolerance: float, moved: float, drifts: bool
) -> None:
    made = canary(batch_tolerance=tolerance)
    mean, quantiles = forecast(made)
    mean[0] += np.float32(moved) * made.series.std()
    made.check(mean, quantiles, NOW)
    assert made.drifted is drifts


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("of_the_mean", [True, False])
def test_what_is_not_a_number_is_drift(value: float, of_the_mean: bool) -> None:
    made = canary(batch_tolerance=1e9)
    mean, quantiles = forecast(made)
    (mean if of_the_mean else quantiles)[2] = value
    assert made.check(mean, quantiles, NOW) == np.inf
    assert made.drifted


def test_a_forecast_that_is_right_again_ends_the_drift_but_stays_counted() -> None:
    made = canary()
    mean, quantiles = forecast(made)
    made.check(mean + 1, quantiles, NOW)
    made.check(mean, quantiles, NOW)
    assert (made.checks, made.drifts, made.drifted) == (2, 1, False)


@pytest.mark.parametrize("steps", [1, 6, 9, 12, 30])
def test_batches_of_any_horizon_are_compared(steps: int) -> None:
    made = canary(6, 12)
    mean, quantiles = forecast(made, steps)
    assert made.check(mean, quantiles, NOW) == 0
    assert made.check(mean + 1, quantiles, NOW) > 0


def test_each_horizon_is_compared_with_the_shortest_reference_that_reaches_it() -> None:
    made = Canary(facts(), longest_seconds=LONGEST)
    for steps, level in ((6, 10), (12, 20)):
        made.learn(Paths(np.full((1, steps), level, np.float32), np.full((1, steps, 9), level, np.float32)))
    for steps, level in ((1, 10), (6, 10), (7, 20), (12, 20), (40, 20)):
        found = np.full(steps, level, np.float32), np.full((steps, 9), level, np.float32)
        assert made.check(*found, NOW) == 0


def test_a_model_that_computes_into_the_same_memory_again_does_not_change_the_reference() -> None:
    made = Canary(facts(), longest_seconds=LONGEST)
    paths = RandomWalk().forecast([made.series], 6)
    made.learn(paths)
    np.add(paths.mean, 1, out=paths.mean)
    assert made.check(paths.mean[0], paths.quantiles[0], NOW) > 0
