"""What waits is taken most urgent first, clients take turns, and nothing is taken twice or forgotten."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_server.types import History, Ready
from forecast_server.work import Caller, Lane, Work, WorkQueue

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ALL = 1 << 30


@dataclass(eq=False)
class Scan:
    """Somebody's scan."""

    lane: "Lane[Scan]" = field(default_factory=lambda: Lane(Caller()))
    held_back: bool = False


def work(
    owner: Scan, *, cost: int = 1, priority: int = 0, closes: int | None = None, horizon: int = 6, index: int = 0
) -> Work[Scan]:
    """A work whose market closes some hours after noon."""
    closing = None if closes is None else NOON + timedelta(hours=closes)
    history = History(index, "A-1", "A", np.zeros(3, np.float32), 50.0, None, closing, priority)
    return Work(owner, Ready(history, history.closes, horizon, None, 0.0, ()), "", cost, (horizon, 0))


def filled(*works: Work[Scan]) -> WorkQueue[Scan]:
    queue: WorkQueue[Scan] = WorkQueue()
    for one in works:
        queue.add(one)
    return queue


def indices(works: list[Work[Scan]]) -> list[int]:
    return [one.ready.history.index for one in works]


# What comes first


def test_priority_goes_before_the_close_and_the_close_before_arrival() -> None:
    me = Scan()
    given = [(0, None), (0, 5), (0, 2), (50, None), (50, 9), (0, 2), (100, None)]
    queue = filled(
        *(work(me, priority=priority, closes=closes, index=place) for place, (priority, closes) in enumerate(given))
    )
    assert indices(queue.take(cost=ALL, series=100)) == [6, 4, 3, 2, 5, 1, 0]


def test_a_late_but_urgent_work_is_in_the_next_batch() -> None:
    big, small = Scan(), Scan()
    queue = filled(*(work(big, index=place) for place in range(100)))
    queue.take(cost=10, series=100)
    queue.add(work(small, priority=1, index=1000))
    assert indices(queue.take(cost=10, series=100))[0] == 1000


def test_less_urgent_work_fills_a_batch_only_halfway_and_nothing_more_urgent_is_cut_short() -> None:
    big, small = Scan(), Scan()
    queue = filled(*(work(big) for _ in range(100)), *(work(small, priority=1) for _ in range(2)))
    assert [one.owner for one in queue.take(cost=10, series=100)] == [small] * 2 + [big] * 3
    big, small = Scan(), Scan()
    queue = filled(*(work(big) for _ in range(100)), *(work(small, priority=1) for _ in range(7)))
    assert [one.owner for one in queue.take(cost=10, series=100)] == [small] * 7
    assert len(queue.take(cost=10, series=100)) == 10
    queue.add(work(small, priority=1))
    assert len(queue.take(cost=40, series=100, usual_cost=10)) == 5, "half of a usual batch, not of a grown one"


def test_clients_take_turns_by_cost() -> None:
    dear, cheap = Scan(), Scan()
    queue = filled(*(work(dear, cost=8) for _ in range(50)), *(work(cheap, cost=1) for _ in range(50)))
    taken = queue.take(cost=64, series=100)
    served = {owner: sum(one.cost for one in taken if one.owner is owner) for owner in (dear, cheap)}
    assert abs(served[dear] - served[cheap]) <= 8


def test_callers_take_turns_however_many_scans_they_have_and_so_do_the_scans_of_a_caller() -> None:
    somebody = Caller()
    greedy, modest = [Scan(Lane(somebody)) for _ in range(10)], Scan()
    queue = filled(*(work(stream) for stream in greedy for _ in range(10)), *(work(modest) for _ in range(100)))
    taken = queue.take(cost=40, series=100)
    assert sum(one.owner is modest for one in taken) == 20
    assert [sum(one.owner is stream for one in taken) for stream in greedy] == [2] * 10


def test_what_priority_took_is_not_held_against_newcomers() -> None:
    """Somebody waits while another is served by priority; who comes then shares with who waits."""
    patient, flood, newcomer = Scan(), Scan(), Scan()
    queue = filled(*(work(patient) for _ in range(50)), *(work(flood, priority=9) for _ in range(100)))
    queue.take(cost=100, series=1000)
    for _ in range(10):
        queue.add(work(newcomer))
    taken = queue.take(cost=20, series=100)
    assert sum(one.owner is newcomer for one in taken) == 10


def test_a_client_that_comes_late_has_saved_nothing_up() -> None:
    early, late = Scan(), Scan()
    queue = filled(*(work(early) for _ in range(1000)))
    for _ in range(10):
        queue.take(cost=50, series=100)
    for _ in range(100):
        queue.add(work(late))
    taken = queue.take(cost=50, series=100)
    assert 24 <= sum(one.owner is late for one in taken) <= 26


# What a batch is


def test_a_batch_ends_at_its_cost_and_at_its_count() -> None:
    me = Scan()
    queue = filled(*(work(me, cost=3, index=place) for place in range(10)))
    assert len(queue.take(cost=10, series=100)) == 3
    assert len(queue.take(cost=ALL, series=2)) == 2
    assert (queue.waiting, queue.cost) == (5, 15)


def test_a_work_that_costs_more_than_a_batch_goes_alone() -> None:
    me = Scan()
    queue = filled(work(me, cost=100, index=1), work(me, cost=1, index=2))
    assert indices(queue.take(cost=10, series=100)) == [1]
    assert indices(queue.take(cost=10, series=100)) == [2]
    assert queue.take(cost=10, series=100) == []


def test_a_batch_holds_what_fits_together_beginning_with_the_most_urgent() -> None:
    one, other = Scan(), Scan()
    queue = filled(
        *(work(one, horizon=6, index=place) for place in range(3)),
        work(other, horizon=24, priority=5, index=10),
        work(other, horizon=6, index=11),
        work(one, horizon=24, index=12),
    )
    assert sorted(indices(queue.take(cost=ALL, series=100))) == [10, 12]
    assert sorted(indices(queue.take(cost=ALL, series=100))) == [0, 1, 2, 11]


def test_who_does_not_read_is_passed_over_until_he_does() -> None:
    slow, quick = Scan(held_back=True), Scan()
    queue = filled(work(slow, priority=100, index=1), work(quick, index=2))
    assert indices(queue.take(cost=ALL, series=100)) == [2]
    assert queue.take(cost=ALL, series=100) == []
    assert queue.waiting == 1
    slow.held_back = False
    assert indices(queue.take(cost=ALL, series=100)) == [1]


def test_dropped_work_is_gone_and_dropping_it_again_changes_nothing() -> None:
    me, other = Scan(), Scan()
    mine = [work(me, index=place) for place in range(5)]
    queue = filled(*mine, work(other, index=9))
    queue.drop(mine[1:])
    queue.drop(mine[1:])
    assert (queue.waiting, queue.callers) == (2, 2)
    assert sorted(indices(queue.take(cost=ALL, series=100))) == [0, 9]
    queue.drop(mine)
    assert (queue.waiting, queue.cost, queue.callers) == (0, 0, 0)


# Laws

ADDED = st.tuples(
    st.sampled_from(["add", "add", "add", "take", "drop", "hold"]),
    st.integers(0, 3),  # owner, or how much
    st.integers(1, 9),  # cost
    st.integers(0, 2),  # priority
    st.one_of(st.none(), st.integers(0, 3)),  # close
    st.sampled_from([6, 24]),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(ADDED, max_size=80))
def test_whatever_happens_work_is_taken_once_in_order_and_counted(
    steps: list[tuple[str, int, int, int, int | None, int]],
) -> None:
    owners, queue = [Scan() for _ in range(4)], WorkQueue[Scan]()
    waiting: list[Work[Scan]] = []
    for place, (what, who, cost, priority, closes, horizon) in enumerate(steps):
        if what == "add":
            one = work(owners[who], cost=cost, priority=priority, closes=closes, horizon=horizon, index=place)
            queue.add(one)
            waiting.append(one)
        elif what == "hold":
            owners[who].held_back = not owners[who].held_back
        elif what == "drop":
            dropped = [one for one in waiting if one.owner is owners[who]][:cost]
            queue.drop(dropped)
            waiting = [one for one in waiting if one not in dropped]
        else:
            limit = cost * (who + 1)
            taken = queue.take(cost=limit, series=5)
            free = [one for one in waiting if not one.owner.held_back]
            assert bool(taken) == bool(free), "it is never idle while something may be computed"
            assert all(one in free for one in taken)
            assert len(set(map(id, taken))) == len(taken) <= 5
            assert len({one.key for one in taken}) <= 1
            assert len(taken) == 1 or sum(one.cost for one in taken) <= limit
            waiting = [one for one in waiting if one not in taken]
            _check_order(taken, [one for one in waiting if not one.owner.held_back])
        assert (queue.waiting, queue.cost) == (len(waiting), sum(one.cost for one in waiting))
        assert queue.callers == len({id(one.owner) for one in waiting})


def _check_order(taken: list[Work[Scan]], left: list[Work[Scan]]) -> None:
    """Nothing that was left of the same kind goes before what was taken of the same client, or by priority."""
    by_owner: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
    for one in taken:
        by_owner[id(one.owner)].append(_rank(one))
    for ranks in by_owner.values():
        assert ranks == sorted(ranks)
    for one in left:
        if taken and one.key == taken[0].key:
            assert one.ready.history.priority <= min(other.ready.history.priority for other in taken)
            assert all(_rank(one) > rank for rank in by_owner[id(one.owner)])
    if taken and left:
        most = max(other.ready.history.priority for other in left)
        assert taken[0].ready.history.priority >= most


def _rank(one: Work[Scan]) -> tuple[int, float, int]:
    history = one.ready.history
    closes = float("inf") if history.close_time is None else history.close_time.timestamp()
    return (-history.priority, closes, history.index)


@pytest.mark.parametrize("clients", [2, 5])
def test_over_a_long_time_everybody_gets_the_same_share(clients: int) -> None:
    generator = np.random.default_rng(clients)
    owners, queue = [Scan() for _ in range(clients)], WorkQueue[Scan]()
    for owner in owners:
        for _ in range(400):
            queue.add(work(owner, cost=int(generator.integers(1, 17))))
    served: dict[int, int] = defaultdict(int)
    for _ in range(40):
        for one in queue.take(cost=32, series=100):
            served[id(one.owner)] += one.cost
    assert max(served.values()) - min(served.values()) <= 16
