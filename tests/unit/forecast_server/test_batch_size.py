"""The cost of a full batch follows what is measured: halved by a shortage, regrown, tried larger now and then."""

from hypothesis import given
from hypothesis import strategies as st

from forecast_server.batch_size import BatchSize
from forecast_server.cost import CostModel

PLENTY = 1 << 30


def made(cost: int = 64, longest_seconds: float = 10.0) -> BatchSize:
    costs = CostModel()
    costs.observe(cost, 1.0)
    return BatchSize(cost, costs, longest_seconds)


def work(size: BatchSize, batches: int, seconds_of: float = 1 / 64, fixed: float = 0.0) -> list[int]:
    """Compute batches of what there is plenty of; gives their costs."""
    costs = []
    for _ in range(batches):
        costs.append(size.following(PLENTY))
        size.computed(costs[-1], fixed + seconds_of * costs[-1])
    return costs


def test_a_shortage_halves_the_batch_and_those_that_fit_grow_it_back() -> None:
    size = made(longest_seconds=0)
    size.did_not_fit(64)
    assert size.cost == 32
    grown = work(size, 30)
    assert grown == sorted(grown)
    assert size.cost == 64


@given(st.lists(st.integers(1, 10_000), max_size=40))
def test_a_batch_never_costs_nothing_however_often_memory_runs_out(shortages: list[int]) -> None:
    size = made()
    for cost in shortages:
        size.did_not_fit(cost)
        assert size.cost >= 1


def test_larger_batches_are_tried_and_taken_where_they_are_worth_it() -> None:
    size = made()
    costs = work(size, 200, seconds_of=0.001, fixed=1.0)
    assert set(costs[:31]) == {64}
    assert costs[31] == 128, "a trial"
    assert size.cost > 64


def test_larger_batches_are_not_kept_where_they_gain_nothing() -> None:
    size = made()
    costs = work(size, 200)
    assert costs.count(128) == 200 // 32
    assert size.cost == 64


def test_a_given_cost_is_never_tried_otherwise() -> None:
    assert set(work(made(longest_seconds=0), 200, seconds_of=0.001, fixed=1.0)) == {64}


def test_nothing_is_tried_that_would_take_too_long_or_that_is_not_there_to_compute() -> None:
    assert set(work(made(longest_seconds=1.5), 100)) == {64}
    size = made()
    work(size, 31)
    assert size.following(100) == 64
