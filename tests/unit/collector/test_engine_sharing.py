"""Who gets what: the split's preference, stealing, hand-over, and what people see of it."""

from datetime import timedelta

import pytest

from collector.coordinator.calls import Intent, Renewed, Revoked, ShardQuery
from collector.coordinator.rows import EventRow, ShardState
from collector.ownership import preferred_node
from collector.types import LeaseKey, Phase, Purpose, Stage
from mesh.shards import Hole, HoleReason
from tests.unit.collector.coordinator_site import HOUR, NOON, Site, Worker, event, open_event, shard_of, worker


@pytest.fixture
def site() -> Site:
    return Site(nodes=2)


def of_place(place: int, count: int) -> list[EventRow]:
    """Closed events that a place of two prefers."""
    found = [event(number) for number in range(count * 6)]
    return [each for each in found if preferred_node(each.event, 2) == place][:count]


def working(node: Worker, done: int) -> None:
    """Say that one lease moves, and that the rest wait."""
    for at, lease in enumerate(node.held):
        node.hold(lease, Stage.FETCHING if at == 0 else Stage.QUEUED, done_markets=done if at == 0 else 0)


def test_each_place_gets_its_own_events(site: Site) -> None:
    site.list(*of_place(0, 4), *of_place(1, 4))
    nodes = [worker(site, 0), worker(site, 1)]
    for place, node in enumerate(nodes):
        grants = node.take(8)
        assert len(grants) == 4
        assert {preferred_node(grant.lease.shard.event, 2) for grant in grants} == {place}


def test_who_is_alone_gets_everything(site: Site) -> None:
    site.list(*of_place(0, 2), *of_place(1, 2))
    assert len(worker(site, 1).take(8)) == 4


def test_another_place_is_helped_only_after_it_waited(site: Site) -> None:
    site.list(*of_place(0, 4))
    busy, idle = worker(site, 0), worker(site, 1)
    busy.take(1)
    assert idle.take(8) == []
    for _ in range(2):
        site.pass_time(10)
        busy.beat()
    assert len(idle.take(8)) == 3


def test_a_draining_or_lost_workers_place_is_free_for_all(site: Site) -> None:
    site.list(*of_place(0, 4))
    first, second = worker(site, 0), worker(site, 1)
    first.beat(intent=Intent.DRAIN)
    assert len(second.take(2)) == 2
    first.beat()
    assert second.take(2) == []


def test_a_worker_without_a_place_takes_what_is_left_over(site: Site) -> None:
    site.list(*of_place(0, 1), *of_place(1, 1))
    worker(site, 0)
    spare = worker(site, None)
    assert [preferred_node(grant.lease.shard.event, 2) for grant in spare.take(5)] == [1]


def test_what_trades_comes_first_then_what_closed_last_and_retries_at_the_end(site: Site) -> None:
    site = Site(nodes=1)
    old, new, now = event(0, closes=NOON - 9 * HOUR), event(1, closes=NOON - 2 * HOUR), open_event(2)
    holed = event(3, closes=NOON - 1.5 * HOUR)
    site.list(holed)
    node = worker(site)
    node.commit(node.take()[0].lease, holes=(Hole("KXHIGHNY-E3-T0000", HoleReason.NOT_ATTEMPTED),))
    site.list(old, new, now)
    assert [grant.lease.shard.event[-2:] for grant in node.take(9)] == ["E2", "E1", "E0", "E3"]


def test_a_node_that_joins_gets_half_of_the_longest_queue_gracefully(site: Site) -> None:
    site.list(*of_place(0, 5), *of_place(1, 5))
    busy = worker(site, 0)
    assert len(busy.take(10)) == 10
    working(busy, 1)
    busy.beat()
    joined = worker(site, 1)
    assert joined.take(10) == []
    site.pass_time(10)
    working(busy, 2)
    verdicts = busy.beat(5).verdicts
    asked_back = [verdict for verdict in verdicts if isinstance(verdict, Revoked)]
    assert {(verdict.reason.value, verdict.next_worker) for verdict in asked_back} == {("rebalance", "node-1")}
    assert len(asked_back) == 4
    assert {preferred_node(verdict.lease.shard.event, 2) for verdict in asked_back} == {1}
    assert isinstance(verdicts[0], Renewed)  # what was begun stays
    assert joined.take(10) == []  # nothing moves before it is given back
    for verdict in asked_back:
        busy.release(verdict.lease)
    assert busy.take(10) == []  # it does not get back what it gave up
    assert [grant.lease for grant in joined.take(10)] == [LeaseKey(verdict.lease.shard, 2) for verdict in asked_back]


def test_a_balanced_load_is_left_alone(site: Site) -> None:
    site.list(*of_place(0, 3), *of_place(1, 3))
    nodes = [worker(site, 0), worker(site, 1)]
    for node in nodes:
        node.take(3)
    for done in range(30):
        site.pass_time(10)
        for node in nodes:
            working(node, done)
            assert {type(verdict) for verdict in node.beat(5).verdicts} == {Renewed}


def test_a_slow_workers_queue_goes_to_who_has_room(site: Site) -> None:
    site.list(*of_place(0, 4), *of_place(1, 1))
    slow, quick = worker(site, 0), worker(site, 1)
    (stuck, *queued) = slow.take(4)
    quick.take(1)
    for done in range(40):
        working(slow, 1)
        working(quick, done)
        site.pass_time(10)
        slow.beat()
        quick.beat()
        if site.coordinator.workers()[0].state.value == "slow":
            break
    quick.beat(3)
    site.pass_time(5)
    verdicts = slow.beat().verdicts
    asked_back = [verdict for verdict in verdicts if isinstance(verdict, Revoked)]
    assert [verdict.lease for verdict in asked_back if verdict.reason.value == "slow"] == [stuck.lease]
    moving = [verdict for verdict in asked_back if verdict.reason.value == "rebalance"]
    assert {verdict.lease for verdict in moving} == {grant.lease for grant in queued}
    assert {verdict.next_worker for verdict in moving} == {"node-1"}


def test_a_shard_that_stood_still_goes_back_to_its_worker_where_nobody_else_has_room(site: Site) -> None:
    site.list(*of_place(0, 1))
    slow, full = worker(site, 0), worker(site, 1)
    (stuck,) = slow.take()
    slow.hold(stuck.lease, Stage.FETCHING, done_markets=1)
    waited = 0
    while stuck.lease in slow.held:
        site.pass_time(10)
        full.beat()
        if isinstance(slow.beat().verdicts[0], Revoked):
            slow.release(stuck.lease)
    while not slow.take() and waited < 2 * site.policy.stuck:
        site.pass_time(10)
        full.beat()
        waited += 10
    assert waited == site.policy.stuck, "first it waits for the other"


def test_a_hand_over_that_its_receiver_never_fetches_goes_to_others(site: Site) -> None:
    site.list(*of_place(0, 4))
    busy = worker(site, 0)
    busy.take(4)
    working(busy, 1)
    busy.beat()
    joined = worker(site, 1)
    joined.beat(4)
    site.pass_time(10)
    verdicts = busy.beat().verdicts
    for verdict in verdicts:
        if isinstance(verdict, Revoked):
            busy.release(verdict.lease)
    for _ in range(4):
        site.pass_time(10)
        busy.beat()
        joined.beat()
    assert len(busy.take(4)) == 1


def test_holders_that_are_heard_of_are_where_a_file_can_be_fetched(site: Site) -> None:
    site.list(event())
    node = worker(site, None)
    node.commit(node.take()[0].lease)
    row = site.row(event())
    assert site.coordinator.addresses(row) == ("spare:7",)
    site.pass_time(60)
    assert site.coordinator.addresses(row) == ()
    node.beat()
    assert site.coordinator.addresses(row) == ("spare:7",)


def test_a_workers_state_follows_its_heartbeats(site: Site) -> None:
    site.list(event())
    node = worker(site, None)

    def state() -> str:
        return site.coordinator.workers()[0].state.value

    node.take()
    assert state() == "active"
    node.beat(intent=Intent.DRAIN)
    assert state() == "draining"
    site.pass_time(30)
    assert state() == "silent"
    site.pass_time(40)
    assert state() == "lost"
    node.beat(intent=Intent.LEAVE)
    assert state() == "left"


def test_leases_are_shown_longest_held_first_and_paused_after_a_restart(site: Site) -> None:
    site.list(*of_place(0, 3))
    node = worker(site, 0)
    for _ in range(3):
        node.take(1)
        site.pass_time(5)
    node.beat()
    shown = site.coordinator.progress(max_leases=2).leases
    assert [view.held_seconds for view in shown] == [15.0, 10.0]
    assert [view.expire_seconds for view in shown] == [60.0, 60.0]
    site.restart()
    assert [view.expire_seconds for view in site.coordinator.progress(max_leases=5).leases] == [None] * 3
    node.register()
    assert None not in [view.expire_seconds for view in site.coordinator.progress(max_leases=5).leases]


def test_rates_and_commits_of_a_worker_are_shown(site: Site) -> None:
    site.list(*of_place(0, 2))
    node = worker(site, 0)
    one, two = node.take(2)
    node.hold(one.lease, Stage.FETCHING, rows=500)
    site.pass_time(10)
    node.beat()
    node.hold(one.lease, Stage.FETCHING, rows=1000)
    site.pass_time(10)
    node.beat()
    node.commit(two.lease)
    (view,) = site.coordinator.workers()
    assert (view.commits, view.leases) == (1, 1)
    assert view.rows_per_second == pytest.approx((1000 + 10) / 20)
    site.restart()
    assert site.coordinator.workers()[0].commits == 1


def test_shards_are_listed_by_key_page_by_page(site: Site) -> None:
    site.list(*(event(number) for number in range(7)), event(series="KXBTC"))
    keys = sorted(site.store.shards, key=str)
    listed = []
    after = None
    while page := site.coordinator.shards(ShardQuery(), after, 3):
        listed += [view.row.key for view in page]
        after = page[-1].row.key
    assert listed == keys
    only = site.coordinator.shards(ShardQuery(series=("KXBTC",)), None, 10)
    assert [view.row.key.series for view in only] == ["KXBTC"]


def test_shards_are_found_by_what_is_asked_of_them(site: Site) -> None:
    site.list(*of_place(0, 4), open_event(99))
    node = worker(site, 0)
    first, second, *_ = (grant for grant in node.take(3) if grant.purpose is Purpose.COLLECT)
    node.commit(first.lease, holes=(Hole("KXHIGHNY-X", HoleReason.TIMED_OUT),))

    def found(query: ShardQuery) -> set[str]:
        return {view.row.key.event for view in site.coordinator.shards(query, None, 100)}

    assert found(ShardQuery(committed_only=True)) == {first.lease.shard.event}
    assert found(ShardQuery(holed_only=True)) == {first.lease.shard.event}
    assert second.lease.shard.event in found(ShardQuery(owner="node-0"))
    assert found(ShardQuery(states=(ShardState.OPEN,))) == {"KXHIGHNY-E99"}
    assert found(ShardQuery(event="KXHIGHNY-E99")) == {"KXHIGHNY-E99"}
    assert len(found(ShardQuery(states=(ShardState.OPEN, ShardState.CLOSED)))) == 5
    assert found(ShardQuery(series=("KXBTC",))) == set()


def test_commits_are_listed_in_their_order_from_a_sequence_on(site: Site) -> None:
    site.list(*of_place(0, 4))
    node = worker(site, 0)
    order = [grant.lease for grant in reversed(node.take(4))]
    for lease in order:
        node.commit(lease)
    query = ShardQuery(after_sequence=1)
    page = site.coordinator.shards(query, None, 2)
    assert [view.row.key for view in page] == [lease.shard for lease in order[1:3]]
    rest = site.coordinator.shards(query, 3, 10)
    assert [view.row.key for view in rest] == [order[3].shard]
    site.restart()
    assert [view.row.key for view in site.coordinator.shards(query, 3, 10)] == [order[3].shard]


def test_a_shard_shows_who_prefers_it_and_when_it_is_due(site: Site) -> None:
    waiting = event(0, opens=NOON + HOUR, closes=NOON + 5 * HOUR, phase=Phase.UPCOMING)
    site.list(waiting)
    worker(site, preferred_node(waiting.event, 2))
    (view,) = site.coordinator.shards(ShardQuery(event=waiting.event), None, 1)
    assert view.preferred_worker == f"node-{preferred_node(waiting.event, 2)}"
    assert view.due_seconds == timedelta(hours=2).total_seconds()
    assert view.row.key == shard_of(waiting)
