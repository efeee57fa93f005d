"""A call is refused when it comes, not when it is too late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_server.admission import Load
from forecast_server.cost import CostModel
from forecast_server.types import Purpose, Question
from forecast_server.work import WorkQueue
from mesh.errors import Overloaded
from tests.unit.forecast_server.test_work import Scan, work

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def load(*, waiting: int = 0, lanes: int = 1, per_cost: float | None = 0.01, running: float = 0.0) -> Load:
    """A queue in front of a model that takes `per_cost` seconds for a unit of cost, in batches of 10."""
    queue: WorkQueue[Any] = WorkQueue()
    for _ in range(lanes):
        caller = Scan()
        for _ in range(waiting // lanes):
            queue.add(work(caller))
    costs = CostModel()
    if per_cost is not None:
        for cost in (1, 2, 4, 8, 16):
            for _ in range(3):
                costs.observe(cost, cost * per_cost)
    return Load(queue=queue, costs=costs, batch_cost=10, capacity_series=100, running_seconds=running)


def question(seconds: float | None) -> Question:
    until = None if seconds is None else NOW + timedelta(seconds=seconds)
    return Question(
        horizon_steps=6,
        step=timedelta(hours=1),
        purpose=Purpose.PAPER,
        quantile_levels=(0.1, 0.9),
        useful_until=until,
    )


def test_a_full_queue_refuses_with_a_time_to_come_back() -> None:
    load(waiting=99).check_room()
    with pytest.raises(Overloaded) as refused:
        load(waiting=100).check_room()
    assert refused.value.reason == "QUEUE_FULL"
    assert refused.value.retry_after is not None
    assert refused.value.retry_after >= 1


def test_a_call_that_has_time_enough_is_taken_on_and_one_that_has_not_is_refused() -> None:
    idle = load()
    idle.check_deadline(question(0.2), 10, NOW)
    with pytest.raises(Overloaded) as refused:
        idle.check_deadline(question(0.05), 10, NOW)
    assert refused.value.reason == "DEADLINE_UNREACHABLE"
    assert refused.value.retry_after is not None
    load().check_deadline(question(None), 10_000, NOW)


def test_what_waits_of_others_counts_as_far_as_they_take_turns() -> None:
    """A call of cost 5 in front of a backlog of 90 waits for 5 of each other client, not for all of it."""
    load(waiting=90, lanes=1).check_deadline(question(0.15), 5, NOW)
    with pytest.raises(Overloaded):
        load(waiting=90, lanes=3).check_deadline(question(0.15), 5, NOW)


def test_the_batch_being_computed_counts() -> None:
    load(running=0.1).check_deadline(question(0.25), 10, NOW)
    with pytest.raises(Overloaded):
        load(running=0.2).check_deadline(question(0.25), 10, NOW)


def test_nothing_is_refused_by_a_guess() -> None:
    load(per_cost=None, waiting=90).check_deadline(question(0.001), 1000, NOW)


def test_what_is_useful_no_more_is_not_refused_but_answered_so() -> None:
    load().check_deadline(question(-1), 10, NOW)
    load().check_deadline(question(0), 10, NOW)


@given(st.floats(0.001, 100), st.integers(1, 1000), st.integers(0, 90))
def test_more_time_never_turns_a_yes_into_a_no(seconds: float, cost: int, waiting: int) -> None:
    def admitted(left: float) -> bool:
        try:
            load(waiting=waiting).check_deadline(question(left), cost, NOW)
        except Overloaded as refused:
            assert refused.retry_after is not None  # noqa: PT017
            assert 1 <= refused.retry_after <= 60  # noqa: PT017
            return False
        return True

    assert admitted(2 * seconds) >= admitted(seconds)
