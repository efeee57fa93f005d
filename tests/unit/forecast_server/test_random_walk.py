"""The baseline: by hand on small histories, and the same in any company."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_server.models.base import Paths
from forecast_server.models.random_walk import LEVELS, RandomWalk
from forecast_server.types import Purpose


def forecast(*series: Sequence[float], horizon_steps: int) -> Paths:
    return RandomWalk().forecast([np.asarray(one, dtype=np.float32) for one in series], horizon_steps)


def test_the_forecast_is_the_last_price_moved_by_every_difference_of_the_past() -> None:
    paths = forecast([40, 42, 41, 45, 50], horizon_steps=2)
    # One step: differences 2, -1, 4, 5 from 50.
    reached = [52, 49, 54, 55]
    assert paths.mean[0, 0] == pytest.approx(np.mean(reached))
    assert paths.quantiles[0, 0] == pytest.approx(np.quantile(reached, LEVELS), abs=1e-5)
    # Two steps: 41-40, 45-42, 50-41.
    reached = [51, 53, 59]
    assert paths.mean[0, 1] == pytest.approx(np.mean(reached), abs=1e-5)
    assert paths.quantiles[0, 1] == pytest.approx(np.quantile(reached, LEVELS), abs=1e-5)


def test_beyond_half_the_history_drift_grows_with_steps_and_spread_with_their_root() -> None:
    # Of four points, lags up to 2 are used: differences 6-0 and 8-2 over two steps have no spread, drift 3 a step.
    straight = forecast([0, 2, 6, 8], horizon_steps=4)
    assert straight.mean[0].tolist() == pytest.approx([8 + 8 / 3, 14, 17, 20], abs=1e-4)
    assert np.ptp(straight.quantiles[0, 3]) == pytest.approx(0, abs=1e-4)
    # Of three points only lag 1: differences 0 and 4, drift 2, distance 2 on both sides; over 4 steps 8 and 2 * 2.
    spread = forecast([50, 50, 54], horizon_steps=4)
    assert spread.mean[0, 3] == pytest.approx(54 + 8, abs=1e-4)
    low, high = 54 + 8 - 4, 54 + 8 + 4
    assert spread.quantiles[0, 3] == pytest.approx(np.quantile([low, high], LEVELS), abs=1e-4)


def test_a_price_never_leaves_the_dollar() -> None:
    paths = forecast([10, 50, 90], [90, 50, 10], horizon_steps=8)
    assert paths.mean[0].max() <= 100
    assert paths.mean[1].min() >= 0
    assert paths.quantiles[0, -1].tolist() == [100] * len(LEVELS)
    assert paths.quantiles[1, -1].tolist() == [0] * len(LEVELS)


def test_shapes_and_facts_agree() -> None:
    facts = RandomWalk().load()
    paths = forecast([1, 2, 3], [1, 2, 3, 4], [3, 2, 1], horizon_steps=5)
    assert paths.mean.shape == (3, 5)
    assert paths.quantiles.shape == (3, 5, len(facts.quantile_levels))
    assert paths.mean.dtype == paths.quantiles.dtype == np.float32


def test_a_baseline_is_not_allowed_to_risk_money() -> None:
    facts = RandomWalk().load()
    assert facts.allowed_purposes == {Purpose.RESEARCH, Purpose.PAPER}
    assert len(facts.weights_digest) == 64
    assert facts.reference == f"random-walk@{facts.weights_digest[:12]}"


SERIES = st.lists(st.floats(0, 100, width=32), min_size=3, max_size=40)


@settings(deadline=None, max_examples=40)
@given(st.lists(SERIES, min_size=1, max_size=10), st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_same_series_gets_the_same_bits_alone_and_in_any_batch_and_order(
    batch: list[list[float]], horizon_steps: int, random: Random
) -> None:
    alone = [forecast(series, horizon_steps=horizon_steps) for series in batch]
    order = list(range(len(batch)))
    random.shuffle(order)
    together = forecast(*(batch[place] for place in order), horizon_steps=horizon_steps)
    for row, place in enumerate(order):
        assert together.mean[row].tobytes() == alone[place].mean[0].tobytes()
        assert together.quantiles[row].tobytes() == alone[place].quantiles[0].tobytes()


@settings(deadline=None, max_examples=40)
@given(SERIES, st.integers(1, 40))
def test_quantiles_are_finite_ordered_and_within_the_dollar(series: list[float], horizon_steps: int) -> None:
    paths = forecast(series, horizon_steps=horizon_steps)
    for values in (paths.mean, paths.quantiles):
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 100
    assert (np.diff(paths.quantiles, axis=2) >= 0).all()


@settings(deadline=None, max_examples=40)
@given(SERIES, st.integers(1, 10), st.integers(1, 10))
def test_a_longer_horizon_begins_with_the_shorter_one(series: list[float], steps: int, more: int) -> None:
    short, long = forecast(series, horizon_steps=steps), forecast(series, horizon_steps=steps + more)
    assert short.mean.tobytes() == long.mean[:, :steps].tobytes()
    assert short.quantiles.tobytes() == long.quantiles[:, :steps].tobytes()
