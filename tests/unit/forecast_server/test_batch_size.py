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


def measured(longest_seconds: float) -> BatchSize:
    """Where batches take a second, and a hundredth for each unit of cost."""
    costs = CostModel()
    for cost in (16, 64):
        costs.observe(cost, 1 + 0.01 * cost)
    return BatchSize(64, costs, longest_seconds)


def test_a_first_batch_is_short_and_those_after_it_grow_while_much_waits_and_it_pays() -> None:
    size = measured(2.0)
    costs = work(size, 10, seconds_of=0.01, fixed=1.0)
    assert costs == [64, 128, *[128] * 8], "two hundred and fifty-six would take more than 1.75 times two seconds"
    assert size.cost == 64
    assert size.following(100) == 64, "little waits"
    assert size.following(PLENTY) == 64, "the first batch of what came since"
    assert size.following(PLENTY) == 128


def test_no_batch_takes_more_than_half_of_what_waits_beyond_the_usual() -> None:
    size = measured(10.0)
    work(size, 5, seconds_of=0.01, fixed=1.0)
    assert [size.following(waiting) for waiting in (4096, 1100, 300, 255, 64)] == [1024, 512, 128, 64, 64]


def test_longer_usual_batches_are_taken_where_they_are_worth_it() -> None:
    size = made()
    work(size, 200, seconds_of=0.001, fixed=1.0)
    assert size.cost > 64


def test_larger_batches_are_tried_now_and_then_and_not_kept_where_they_gain_nothing() -> None:
    size = made()
    costs = work(size, 200)
    assert costs.count(128) == 200 // 32
    assert max(costs) <= 512
    assert size.cost == 64


def test_a_given_cost_is_never_tried_otherwise() -> None:
    assert set(work(made(longest_seconds=0), 200, seconds_of=0.001, fixed=1.0)) == {64}


def test_nothing_is_tried_that_would_take_too_long_or_that_is_not_there_to_compute() -> None:
    assert set(work(made(longest_seconds=1.1), 100)) == {64}
    size = made()
    work(size, 31)
    assert size.following(100) == 64
