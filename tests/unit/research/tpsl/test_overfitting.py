"""The probability of overfitting is high for noise and low where a cell is really better."""

from itertools import combinations
from math import comb

import numpy as np
import pytest

from research.tpsl.overfitting import overfitting


def noise(seed: int, days: int = 160, cells: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1_000_000, (days, cells)).astype(np.int64)


def test_noise_is_overfitted_half_of_the_time_or_more() -> None:
    found = [overfitting(sums, np.full_like(sums, 500)) for sums in map(noise, range(12))]
    probabilities = [each.probability for each in found if each is not None]
    assert len(probabilities) == 12
    assert np.mean(probabilities) > 0.45
    assert all(each.inside_cents > 0 for each in found if each is not None)


def test_a_planted_cell_is_not() -> None:
    sums = noise(1)
    sums[:, 7] += 1_000_000
    found = overfitting(sums, np.full_like(sums, 500))
    assert found is not None
    assert found.probability < 0.02
    assert found.loss_probability < 0.02
    assert found.outside_cents == pytest.approx(20, rel=0.3)


def test_all_halves_are_tried_where_they_are_few_and_a_seeded_part_where_they_are_many() -> None:
    sums = noise(2, days=16, cells=5)
    weights = np.full_like(sums, 500)
    every = overfitting(sums, weights, blocks=8)
    assert every is not None
    assert (every.splits, every.possible) == (comb(8, 4), comb(8, 4))
    some, again, other = (overfitting(sums, weights, blocks=8, most=20, seed=seed) for seed in (1, 1, 2))
    assert some == again != other
    assert some is not None
    assert (some.splits, some.possible) == (20, comb(8, 4))


def test_it_is_what_plain_loops_over_halves_give() -> None:
    sums, chance = noise(3, days=8, cells=4), np.random.default_rng(1)
    weights = chance.integers(100, 900, sums.shape)
    below = []
    for half in combinations(range(4), 2):
        inside = [day for day in range(8) if day // 2 in half]
        outside = [day for day in range(8) if day // 2 not in half]
        learned, later = (
            [sums[part, cell].sum() / weights[part, cell].sum() for cell in range(4)] for part in (inside, outside)
        )
        best = max(range(4), key=learned.__getitem__)
        rank = 1 + sum(each < later[best] for each in later)
        below.append(rank / 5 <= 1 / 2)
    found = overfitting(sums, weights, blocks=4, offered=np.zeros(8, np.int64))
    assert found is not None
    assert found.probability == pytest.approx(np.mean(below))


def test_cells_that_hardly_trade_are_not_taken_for_the_best() -> None:
    sums = noise(4)
    weights = np.full_like(sums, 500)
    sums[:, 3], weights[:, 3] = 10_000_000, 10
    found = overfitting(sums, weights, offered=np.full(160, 500))
    assert found is not None
    assert found.inside_cents < 1000


def test_a_handful_of_days_tells_nothing() -> None:
    sums = noise(5, days=7)
    assert overfitting(sums, np.ones_like(sums)) is None
