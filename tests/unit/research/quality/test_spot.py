"""The digital that a spot implies: a probability, a fair one, and one of what the market settles by."""

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.terms import StrikeType
from research.quality.spot import LEAST_CHANGES, SpotPath, fan, probability, seconds_unknown, volatility
from research.strikes import Strikes

PERCENTILES = [(number + 0.5) / 100 for number in range(100)]
AT = 1_750_000_000
ABOVE, UP_TO, BETWEEN = (
    Strikes(StrikeType.GREATER, 100.0, None),
    Strikes(StrikeType.LESS_OR_EQUAL, None, 100.0),
    Strikes(StrikeType.BETWEEN, 99.0, 101.5),
)
spots = st.floats(90, 110)
moves = st.floats(0.001, 1)
lefts = st.integers(1, 60).map(lambda minutes: 60 * minutes)
strikes = st.sampled_from([ABOVE, UP_TO, BETWEEN])
averages = st.sampled_from([0, 60])


def said(one: Strikes, spot: float, move: float, left: int, averaged: int = 60) -> tuple[np.ndarray, np.ndarray]:
    ahead = np.arange(60, min(left, 360) + 1, 60)
    return fan(one, spot, move, left=left, averaged=averaged, ahead=ahead, levels=PERCENTILES)


def walk(move: float, seconds: int, seed: int = 0, *, begin: int = AT) -> SpotPath:
    changes = np.random.default_rng(seed).normal(0, move, seconds)
    times = np.arange(begin + 1, begin + seconds + 1) * 1_000_000
    return SpotPath(times, 100 + np.cumsum(changes))


@given(strikes, spots, moves, lefts, averages)
def test_quantiles_are_prices_in_order_about_a_point_that_has_no_drift(
    one: Strikes, spot: float, move: float, left: int, averaged: int
) -> None:
    point, quantiles = said(one, spot, move, left, averaged)
    assert ((quantiles >= 0) & (quantiles <= 100)).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert len(set(point.tolist())) == 1
    assert quantiles.mean(axis=1) == pytest.approx(point, abs=1.1)  # of a hundred quantiles each is one in a hundred


@given(spots, moves, lefts, averages)
def test_a_ladder_sums_to_one_and_a_higher_spot_never_makes_above_less_likely(
    spot: float, move: float, left: int, averaged: int
) -> None:
    low, high = Strikes(StrikeType.LESS, None, 99.0), Strikes(StrikeType.GREATER, 101.5, None)
    points = [said(one, spot, move, left, averaged)[0][0] for one in (low, BETWEEN, high)]
    assert sum(points) == pytest.approx(100, abs=1e-3)
    assert said(ABOVE, spot + 1, move, left, averaged)[0][0] >= said(ABOVE, spot, move, left, averaged)[0][0]


@given(strikes, spots, moves, lefts, st.floats(0.01, 1000))
def test_the_unit_of_the_underlying_makes_no_difference(
    one: Strikes, spot: float, move: float, left: int, unit: float
) -> None:
    other = Strikes(one.kind, one.floor and one.floor * unit, one.cap and one.cap * unit)
    for found, wanted in zip(said(other, spot * unit, move * unit, left), said(one, spot, move, left), strict=True):
        assert found == pytest.approx(wanted, abs=0.05)


def test_quantiles_of_a_threshold_are_those_of_the_formula() -> None:
    _, quantiles = said(ABOVE, 100.3, 0.1, 600, averaged=0)
    normal = NormalDist()
    for step, row in enumerate(quantiles, 1):
        gone, left = sqrt(60 * step), sqrt(600 - 60 * step)
        wanted = [normal.cdf((0.3 + 0.1 * gone * normal.inv_cdf(level)) / (0.1 * left)) for level in PERCENTILES]
        assert row == pytest.approx(np.array(wanted) * 100, abs=1.0)


def test_it_is_as_likely_as_paths_that_settle_by_the_mean_of_their_last_minute_say() -> None:
    chance = np.random.default_rng(1)
    for left in (60, 180):
        paths = 100.2 + np.cumsum(chance.normal(0, 0.1, (20_000, left)), axis=1)
        share = ABOVE.answers(paths[:, -60:].mean(axis=1)).mean()
        point, _ = said(ABOVE, 100.2, 0.1, left)
        assert point[0] / 100 == pytest.approx(share, abs=0.012)
        assert abs(said(ABOVE, 100.2, 0.1, left, averaged=0)[0][0] / 100 - share) > 0.012


def test_at_the_close_a_market_is_worth_all_or_nothing() -> None:
    point, quantiles = said(BETWEEN, 100.0, 0.2, 120)
    assert set(quantiles[-1].tolist()) == {0.0, 100.0}
    assert quantiles[-1].mean() == pytest.approx(point[-1], abs=1.1)


def test_a_mean_has_less_before_it_than_a_last_price_and_the_less_the_nearer() -> None:
    left = np.array([300.0, 60.0, 30.0, 0.0])
    assert seconds_unknown(left, 0).tolist() == left.tolist()
    assert seconds_unknown(left, 60) == pytest.approx([260, 20, 2.5, 0])


def test_without_anything_open_the_answer_is_certain() -> None:
    numbers = np.array([99.9, 100.0, 100.1])
    assert probability(ABOVE, numbers, np.zeros(3)).tolist() == [0, 0, 1]
    assert probability(UP_TO, numbers, np.zeros(3)).tolist() == [1, 1, 0]


def test_the_volatility_is_that_of_the_path() -> None:
    path = walk(0.25, 7300)
    (found,) = volatility(path, np.array([AT + 7300]))
    assert found == pytest.approx(0.25, rel=0.2)


def test_nobody_knows_a_spot_that_is_old_or_the_volatility_of_a_few_minutes() -> None:
    path = walk(0.25, 7300)
    enough = AT + 60 * LEAST_CHANGES
    assert np.isnan(volatility(path, np.array([enough, enough + 60]))).tolist() == [True, False]
    assert np.isnan(path.at(np.array([AT, AT + 1, AT + 7310, AT + 7311]))).tolist() == [True, False, False, True]
    assert np.isnan(path.mean(AT + 59, 60))
    assert path.mean(AT + 60, 60) == pytest.approx(path.prices[:60].mean())
    assert path.mean(AT + 60, 0) == path.prices[59]


def test_gaps_are_no_changes() -> None:
    early, late = walk(0.1, 3600), walk(0.1, 1800, begin=AT + 5000)
    both = SpotPath(np.concatenate([early.times, late.times]), np.concatenate([early.prices, late.prices + 50]))
    (found,) = volatility(both, np.array([AT + 6800]))
    assert found == pytest.approx(0.1, rel=0.25)


@given(st.integers(0, 7000))
def test_nothing_that_comes_later_makes_a_difference(seconds: int) -> None:
    path, moment = walk(0.2, 7300), np.array([AT + seconds])
    later = SpotPath(path.times, np.where(path.times > moment * 1_000_000, -1e9, path.prices))
    assert np.array_equal(volatility(later, moment), volatility(path, moment), equal_nan=True)
    assert np.array_equal(later.at(moment), path.at(moment), equal_nan=True)
