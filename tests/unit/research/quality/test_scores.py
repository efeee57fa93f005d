"""Scores: what is known of them by heart, and what must hold whatever is forecast."""

from math import erf, exp, pi, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.quality import scores

DECILES = tuple(n / 10 for n in range(1, 10))
PERCENTS = tuple(n / 100 for n in range(1, 100))

finite = st.floats(-100, 100)
samples = st.lists(st.integers(0, 100), min_size=1, max_size=30)


def exact_of_normal(came: float) -> float:
    """CRPS of the standard normal forecast (Gneiting and Raftery 2007, equation 5)."""
    density, below = exp(-(came**2) / 2) / sqrt(2 * pi), (1 + erf(came / sqrt(2))) / 2
    return came * (2 * below - 1) + 2 * density - 1 / sqrt(pi)


def exact_of_uniform(came: float) -> float:
    """CRPS of the uniform forecast on 0 to 1, of what lies within."""
    return (came**3 + (1 - came) ** 3) / 3


def crps(quantiles: list[float], levels: tuple[float, ...], came: float) -> float:
    return float(scores.crps(scores.pinball(np.array(quantiles), levels, came), levels))


def test_pinball_loss_by_hand() -> None:
    losses = scores.pinball(np.array([[40.0, 50.0, 60.0]]), (0.1, 0.5, 0.9), np.array([44.0]))
    assert losses[0].tolist() == pytest.approx([0.4, 3.0, 1.6])


@given(samples, st.sampled_from(DECILES))
def test_no_forecast_has_less_pinball_loss_than_the_quantile_of_what_came(came: list[int], level: float) -> None:
    true = float(np.quantile(came, level, method="inverted_cdf"))
    said = np.array([true, *range(101)])[:, None]
    losses = scores.pinball(said[:, None], (level,), np.array(came, float)[None, :]).mean(axis=(1, 2))
    assert losses[0] <= losses.min() + 1e-9


def test_weights_of_deciles_are_those_stated_and_sum_to_one() -> None:
    assert scores.crps_weights(DECILES).tolist() == pytest.approx([0.15, *[0.1] * 7, 0.15])
    assert scores.crps_weights((0.1, 0.5, 0.6)).tolist() == pytest.approx([0.3, 0.25, 0.45])


@pytest.mark.parametrize("came", [-3.0, -0.6, 0.0, 0.3, 1.1, 2.5])
def test_with_many_quantiles_the_crps_is_the_exact_one_of_a_normal(came: float) -> None:
    said = [NormalDist().inv_cdf(level) for level in PERCENTS]
    assert crps(said, PERCENTS, came) == pytest.approx(exact_of_normal(came), abs=0.01)


@pytest.mark.parametrize("came", [0.0, 0.2, 0.5, 0.93])
def test_with_many_quantiles_the_crps_is_the_exact_one_of_a_uniform(came: float) -> None:
    assert crps(list(PERCENTS), PERCENTS, came) == pytest.approx(exact_of_uniform(came), abs=0.001)


def test_deciles_overstate_a_true_normal_by_what_is_stated() -> None:
    came = np.array([NormalDist().inv_cdf((n + 0.5) / 4000) for n in range(4000)])
    said = np.broadcast_to([NormalDist().inv_cdf(level) for level in DECILES], (4000, 9))
    found = scores.crps(scores.pinball(said, DECILES, came), DECILES).mean()
    assert found * sqrt(pi) == pytest.approx(1.047, abs=0.002)


@given(finite, finite)
def test_the_crps_of_one_number_is_its_absolute_error(said: float, came: float) -> None:
    assert crps([said] * 9, DECILES, came) == pytest.approx(abs(said - came), abs=1e-9)


@given(st.lists(finite, min_size=9, max_size=9).map(sorted), finite, st.floats(0.1, 10), finite)
def test_the_crps_scales_with_its_unit_and_does_not_care_where_zero_is(
    said: list[float], came: float, factor: float, shift: float
) -> None:
    moved = crps([factor * one + shift for one in said], DECILES, factor * came + shift)
    assert moved == pytest.approx(factor * crps(said, DECILES, came), abs=1e-6)


def test_central_intervals_are_those_that_lie_evenly_about_the_middle() -> None:
    assert scores.central(DECILES) == [(0, 8, 0.8), (1, 7, 0.6), (2, 6, 0.4), (3, 5, 0.2)]
    assert scores.central((0.1, 0.5, 0.95)) == []


def test_the_ends_of_an_interval_are_inside() -> None:
    said = np.array([10.0, 20.0, 30.0])
    came = np.array([9.9, 10.0, 30.0, 30.1])
    assert scores.covered(np.broadcast_to(said, (4, 3)), (0.1, 0.5, 0.9), came)[:, 0].tolist() == [0, 1, 1, 0]


def test_what_came_lies_in_one_part_or_is_shared_by_those_that_meet_there() -> None:
    levels, said = (0.1, 0.5, 0.9), np.array([10.0, 20.0, 30.0])
    found = scores.pit(np.broadcast_to(said, (3, 3)), levels, np.array([25.0, 20.0, 31.0]))
    assert found.tolist() == [[0, 0, 1, 0], pytest.approx([0, 0.5, 0.5, 0]), [0, 0, 0, 1]]
    flat = scores.pit(np.full((1, 3), 20.0), levels, np.array([20.0]))
    assert flat[0].tolist() == pytest.approx([0.1, 0.4, 0.4, 0.1])


@given(st.lists(st.integers(0, 9), min_size=9, max_size=9).map(sorted), st.integers(-1, 10))
def test_every_price_counts_once_in_the_histogram(said: list[int], came: int) -> None:
    assert scores.pit(np.array(said, float), DECILES, float(came)).sum() == pytest.approx(1.0)


def test_a_right_forecast_fills_the_histogram_by_the_widths_of_its_parts() -> None:
    came = (np.arange(1000) + 0.5) / 1000
    said = np.broadcast_to(np.array(DECILES), (1000, 9))
    assert scores.pit(said, DECILES, came).mean(axis=0).tolist() == pytest.approx([0.1] * 10)
    assert scores.covered(said, DECILES, came).mean(axis=0).tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2])


def test_direction_counts_moves_alone_and_says_what_falls_would_have_got() -> None:
    said, came = np.array([60.0, 40.0, 40.0, 50.0, 60.0]), np.array([55.0, 45.0, 55.0, 45.0, 50.0])
    right, falls = scores.direction(said, np.full(5, 50.0), came)
    np.testing.assert_array_equal(right, [1, 1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(falls, [0, 1, 0, np.nan, np.nan])


def test_brier_and_log_score_by_hand() -> None:
    said, came = np.array([0.8, 0.8, 0.0]), np.array([1.0, 0.0, 1.0])
    assert scores.brier(said, came).tolist() == pytest.approx([0.04, 0.64, 1.0])
    assert scores.log_score(said, came).tolist() == pytest.approx([-np.log(0.8), -np.log(0.2), -np.log(0.005)])


@given(st.floats(0.01, 0.99), st.floats(0, 1))
def test_nothing_scores_better_than_the_true_probability(true: float, said: float) -> None:
    for score in (scores.brier, scores.log_score):
        best, other = (
            float(true * score(np.array(one), np.array(1.0)) + (1 - true) * score(np.array(one), np.array(0.0)))
            for one in (true, said)
        )
        assert best <= other + 1e-12


def test_what_was_not_forecast_or_did_not_come_is_not_scored() -> None:
    said, came = np.array([[1.0, 2.0, 3.0], [np.nan] * 3]), np.array([np.nan, 2.0])
    levels = (0.1, 0.5, 0.9)
    assert np.isnan(scores.pinball(said, levels, came)).all()
    assert np.isnan(scores.covered(said, levels, came)).all()
    assert np.isnan(scores.pit(said, levels, came)).all()
