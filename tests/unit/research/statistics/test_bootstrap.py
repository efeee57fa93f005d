import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.statistics import Clustered, Estimate
from research.statistics import bootstrap
from research.statistics.clusters import Clusters, clusters

FEW = settings(max_examples=15, deadline=None)
observed = st.lists(
    st.tuples(st.integers(-90, 40), st.integers(1, 9)), min_size=40, max_size=60, unique_by=lambda pair: pair
)


def sums(pairs: list[tuple[int, int]], names: list[int] | None = None) -> Clusters:
    labels = list(range(len(pairs))) if names is None else names
    return clusters(labels, [value * weight for value, weight in pairs], [weight for _, weight in pairs])


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def skewed(chance: np.random.Generator, count: int) -> Clusters:
    # One to three contracts, six cents nineteen times in twenty, else 90 are lost: 1.2 a contract in truth.
    weights = chance.integers(1, 4, count)
    values = np.where(chance.random(count) < 0.95, 6 + chance.normal(0, 1, count), -90)
    return clusters(range(count), values * weights, weights)


def test_the_interval_covers_as_often_as_it_claims_where_trades_of_a_day_go_together() -> None:
    # As the trader's report is tested: a target of 20, a stop of 8, one to six trades a day that mostly end alike.
    chance, truth, repetitions = np.random.default_rng(17), 20 * 0.35 - 8 * 0.65, 150
    covered = naive = 0
    for seed in range(repetitions):
        days = np.repeat(np.arange(50), chance.integers(1, 7, 50))
        common, own = chance.random(50)[days], chance.random(len(days))
        luck = np.where(chance.random(len(days)) < 0.7, common, own)
        weights = chance.integers(1, 13, len(days))
        totals = np.where(luck < 0.35, 20, -8) * weights
        low, high = ends(bootstrap.mean(clusters(days.tolist(), totals, weights), resamples=500, seed=seed))
        covered += low <= truth <= high
        low, high = ends(bootstrap.mean(clusters(range(len(days)), totals, weights), resamples=500, seed=seed))
        naive += low <= truth <= high
    assert 0.92 <= covered / repetitions <= 0.99
    assert naive / repetitions < 0.9  # what counting trades instead of days would claim


def test_rare_great_losses_do_not_make_it_say_edge_more_often_than_it_claims_as_they_do_with_students_t() -> None:
    chance, repetitions = np.random.default_rng(3), 150
    ours = students = 0
    for seed in range(repetitions):
        found = skewed(chance, 150)
        low = bootstrap.mean(found, resamples=500, seed=seed).low
        ours += low is not None and low > 1.2
        plain = Clustered()
        for number, (value, weight) in enumerate(zip(found.values[:, 0], found.weights[:, 0], strict=True)):
            plain.add(number, value, weight)
        estimate = plain.estimate()
        assert estimate is not None
        students += estimate.low is not None and estimate.low > 1.2
    assert ours / repetitions <= 0.025
    assert students / repetitions > 0.04


@FEW
@given(observed, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_names_of_clusters_change_anything(
    pairs: list[tuple[int, int]], chance: random.Random
) -> None:
    names = chance.sample(range(1000), len(pairs))
    places = chance.sample(range(len(pairs)), len(pairs))
    found = bootstrap.mean(sums(pairs), resamples=200)
    moved = bootstrap.mean(sums([pairs[place] for place in places], names), resamples=200)
    assert (moved.low is None) == (found.low is None)
    if found.low is not None:
        assert ends(moved) == pytest.approx(ends(found), abs=1e-9)


@FEW
@given(observed, st.floats(0.01, 100), st.integers(-50, 50))
def test_other_units_and_a_constant_move_the_interval_with_them(
    pairs: list[tuple[int, int]], scale: float, constant: int
) -> None:
    found = bootstrap.mean(sums(pairs), resamples=200)
    weights = [weight for _, weight in pairs]
    moved = clusters(range(len(pairs)), [(value * scale + constant) * weight for value, weight in pairs], weights)
    if found.low is not None:
        expected = [end * scale + constant for end in ends(found)]
        assert ends(bootstrap.mean(moved, resamples=200)) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=5, deadline=None)
@given(observed)
def test_so_many_clusters_again_narrow_the_interval_by_the_root(pairs: list[tuple[int, int]]) -> None:
    once, many = bootstrap.mean(sums(pairs), resamples=500), bootstrap.mean(sums(pairs * 16), resamples=500)
    if once.low is not None:
        widths = [high - low for low, high in (ends(once), ends(many))]
        assert 2.8 < widths[0] / widths[1] < 12  # four, and more where few clusters are skewed


def test_the_interval_of_a_sum_is_that_of_the_mean_of_clusters_so_many_times() -> None:
    values = [float(number * 37 % 41) for number in range(40)]
    one = clusters(range(40), values)
    weighted = clusters(range(40), values, [1 + number % 5 for number in range(40)])
    found = bootstrap.mean(one, resamples=500)
    low, high = ends(bootstrap.total(weighted, resamples=500))
    assert (low, high) == pytest.approx([40 * end for end in ends(found)])
    assert bootstrap.total(weighted, resamples=500).mean == pytest.approx(sum(values))


def test_a_difference_on_shared_luck_is_surer_than_either_mean() -> None:
    chance = np.random.default_rng(2)
    luck = chance.normal(0, 20, 100)
    both = np.stack([luck + 1 + chance.normal(0, 1, 100), luck], axis=1)
    low, high = ends(bootstrap.difference(clusters(range(100), both), resamples=1000))
    alone = ends(bootstrap.mean(clusters(range(100), both[:, 0]), resamples=1000))
    assert 0.5 < low < 1 < high < 1.5
    assert alone[1] - alone[0] > 10 * (high - low)


def test_the_same_on_both_sides_does_not_differ() -> None:
    both = np.repeat(np.arange(40.0)[:, None], 2, axis=1)
    found = bootstrap.difference(clusters(range(40), both))
    assert (found.mean, found.low) == (0.0, None)  # and how sure that is nothing tells


@pytest.mark.parametrize(
    "values",
    [[1.0, -1.0] * 14, [5.0] * 60, [5.0] * 96 + [-95.0] * 4],
    ids=["too few", "all alike", "too few of one kind"],
)
def test_there_is_no_interval_where_too_little_is_known(values: list[float]) -> None:
    found = clusters(range(len(values)), values)
    assert bootstrap.mean(found).low is None
    assert bootstrap.mean(found).mean == pytest.approx(np.mean(values))
    assert bootstrap.p_value(found) is None


def test_one_heavy_cluster_among_many_is_too_little() -> None:
    found = clusters(range(101), [float(number % 7) for number in range(101)], [1.0] * 100 + [1000.0])
    assert found.effective_clusters < 2
    assert bootstrap.mean(found).low is None


def test_a_p_value_is_small_with_an_edge_and_even_without() -> None:
    chance = np.random.default_rng(11)
    fair = [bootstrap.p_value(clusters(range(60), chance.normal(0, 5, 60)), resamples=199) for _ in range(200)]
    assert 0.02 <= np.mean([p is not None and p <= 0.05 for p in fair]) <= 0.09
    assert 0.4 <= np.mean([p or 0.0 for p in fair]) <= 0.6
    assert bootstrap.p_value(clusters(range(60), chance.normal(5, 5, 60)), resamples=999) == 1 / 1000


def test_the_same_seed_draws_the_same_however_many_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    found = clusters(range(50), [float(number * 31 % 47) for number in range(50)])
    before = bootstrap.mean(found, resamples=300, seed=4)
    assert bootstrap.mean(found, resamples=300, seed=5) != before
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 777)
    assert ends(bootstrap.mean(found, resamples=300, seed=4)) == pytest.approx(ends(before), abs=1e-12)
    monkeypatch.setattr(bootstrap, "_KEPT", 0)
    assert ends(bootstrap.mean(found, resamples=300, seed=4)) == pytest.approx(ends(before), abs=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_an_interval_covers_with_a_probability(level: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        bootstrap.mean(clusters(range(40), np.arange(40.0)), level=level)


def test_a_mean_is_of_one_quantity_and_a_difference_of_two() -> None:
    with pytest.raises(ValueError, match="clusters of 1 quantities"):
        bootstrap.mean(clusters(range(40), np.ones((40, 2))))
    with pytest.raises(ValueError, match="clusters of 2 quantities"):
        bootstrap.difference(clusters(range(40), np.ones(40)))
