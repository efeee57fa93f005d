"""Leases, from the grant to the commit: what workers are told and what they are refused."""

import pytest

from collector.coordinator.calls import (
    CancellationReason,
    Cancelled,
    Intent,
    ReleaseReason,
    Renewed,
    Revoked,
)
from collector.types import Condition, FileReport, LeaseKey, Purpose, Stage
from mesh.errors import AlreadyExists, Denied, MeshError, NotFound, NotReady, Unavailable
from mesh.shards import ShardKey
from tests.unit.collector.coordinator_site import Site, Worker, event, file_of, shard_of, worker


@pytest.fixture
def site() -> Site:
    return Site(nodes=1)


def refused(error: type[MeshError], reason: str, **metadata: str) -> pytest.RaisesExc[MeshError]:
    def matches(raised: BaseException) -> bool:
        return isinstance(raised, MeshError) and raised.reason == reason and raised.metadata == metadata

    return pytest.RaisesExc(error, check=matches)


def test_a_closed_event_is_granted_collected_and_sealed(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    assert (grant.purpose, grant.base, grant.fetch_from) == (Purpose.COLLECT, None, None)
    assert [task.ticker for task in grant.markets] == ["KXHIGHNY-E0-T0000", "KXHIGHNY-E0-T0001", "KXHIGHNY-E0-T0002"]
    answer = node.commit(grant.lease)
    assert (answer.commit.epoch, answer.commit.sequence, answer.state.value) == (1, 1, "sealed")
    assert node.take(5) == []


def test_every_grant_of_a_shard_has_a_higher_epoch(site: Site) -> None:
    site.list(event())
    node = worker(site)
    for epoch in (1, 2, 3):
        (grant,) = node.take()
        assert grant.lease.epoch == epoch
        node.release(grant.lease)


def test_a_grant_is_repeated_until_its_lease_is_named(site: Site) -> None:
    site.list(event())
    node = worker(site)
    lost = node.beat(1, take=False).grants
    again = node.beat(1).grants
    assert [grant for grant, _ in again] == [grant for grant, _ in lost]
    assert node.beat(1).grants == ()


def test_a_repeated_grant_takes_up_the_room_that_was_asked_for(site: Site) -> None:
    site.list(*(event(number) for number in range(5)))
    node = worker(site)
    node.beat(2, take=False)
    assert len(node.beat(2).grants) == 2


def test_a_grant_that_is_never_taken_runs_out(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    node.beat(1, take=False)
    for _ in range(9):
        site.pass_time(10)
        node.beat(0, take=False)
    assert [grant.lease.epoch for grant in other.take()] == [2]


def test_a_lease_named_once_and_named_no_more_is_free(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    node.beat()
    node.held.clear()
    node.beat()
    assert site.row(event()).lease is None
    node.hold(grant.lease)
    assert [type(verdict) for verdict in node.beat().verdicts] == [Cancelled]
    site.pass_time(20)
    assert [again.lease.epoch for again in other.take()] == [2]


def test_a_heartbeat_renews_the_leases_that_it_names(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    for _ in range(20):
        site.pass_time(10)
        assert node.beat().verdicts == (Renewed(grant.lease, 60.0),)
    assert other.take() == []


def test_a_lease_runs_out_when_its_worker_falls_silent(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    node.take()
    site.pass_time(55)
    assert other.take() == []
    site.pass_time(10)
    assert [grant.lease.epoch for grant in other.take()] == [2]


def test_a_lease_that_ran_out_and_went_to_nobody_is_taken_up_again(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    site.pass_time(200)
    assert site.row(event()).lease is None
    assert node.beat().verdicts == (Renewed(grant.lease, 60.0),)
    assert site.row(event()).epoch == 1


def test_a_lease_that_ran_out_and_went_to_nobody_still_commits(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    site.pass_time(200)
    assert not node.commit(grant.lease).already_committed


def test_a_zombie_is_told_who_has_its_shard_and_cannot_commit(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    site.pass_time(70)
    (newer,) = other.take()
    assert node.beat().verdicts == (Cancelled(grant.lease, CancellationReason.STALE_EPOCH, "spare", 2),)
    with refused(NotReady, "STALE_EPOCH", current_owner="spare", current_epoch="2"):
        site.commit("node-0", grant.lease)
    other.commit(newer.lease)
    with refused(NotReady, "STALE_EPOCH", current_owner="", current_epoch="2"):
        site.commit("node-0", grant.lease)


def test_a_commit_repeated_is_answered_again_even_after_the_shard_moved_on(site: Site) -> None:
    listed = event()
    site.list(listed)
    node = worker(site)
    (grant,) = node.take()
    first = node.commit(grant.lease, covered_end=listed.closes)
    again = site.commit("node-0", grant.lease)
    assert (again.commit, again.already_committed) == (first.commit, True)
    site.list(event(closes=listed.closes.replace(hour=10)))  # the close moved: there is more to collect
    (finish,) = node.take()
    node.commit(finish.lease)
    assert site.commit("node-0", grant.lease).commit == first.commit
    assert site.row(listed).commit != first.commit


def test_another_file_under_the_same_epoch_is_refused_with_the_committed_hash(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    committed = site.commit("node-0", grant.lease, name="one").commit.file.sha256
    with refused(AlreadyExists, "COMMIT_CONFLICT", sha256=committed):
        site.commit("node-0", grant.lease, name="two")


def test_an_epoch_that_was_never_granted_is_refused(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    future = LeaseKey(grant.lease.shard, 7)
    with refused(NotReady, "UNKNOWN_EPOCH", current_epoch="1"):
        site.commit("node-0", future)
    with refused(NotReady, "UNKNOWN_EPOCH", current_epoch="1"):
        node.release(future)
    node.hold(future)
    assert node.beat().verdicts[1] == Cancelled(future, CancellationReason.UNKNOWN_EPOCH, "node-0", 1)


def test_a_lease_of_another_worker_is_refused(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    with refused(Denied, "LEASE_NOT_YOURS"):
        site.commit("spare", grant.lease)
    with refused(Denied, "LEASE_NOT_YOURS"):
        other.release(grant.lease)
    other.hold(grant.lease)
    assert other.beat().verdicts == (Cancelled(grant.lease, CancellationReason.STALE_EPOCH, "node-0", 1),)


def test_a_shard_that_nobody_knows_is_refused(site: Site) -> None:
    node = worker(site)
    nowhere = LeaseKey(ShardKey("KXHIGHNY", "KXHIGHNY-NONE", 3600), 1)
    with refused(NotFound, "SHARD_NOT_FOUND"):
        site.commit("node-0", nowhere)
    with refused(NotFound, "SHARD_NOT_FOUND"):
        node.release(nowhere)


def test_a_stranger_is_told_to_register(site: Site) -> None:
    stranger = Worker(site, name="stranger")
    with refused(NotFound, "WORKER_NOT_FOUND"):
        stranger.beat()
    with refused(NotFound, "WORKER_NOT_FOUND"):
        site.adopt("stranger", shard_of(event()))
    stranger.register()
    stranger.instance = "another"
    with refused(NotFound, "WORKER_NOT_FOUND"):
        stranger.beat()


def test_a_later_process_supersedes_the_one_before(site: Site) -> None:
    site.list(event(0), event(1))
    node = worker(site)
    before = Worker(site, sequence=5)
    grants = node.take(2)
    node.restart()
    node.hold(grants[0].lease)  # found on its disk
    verdicts = node.register().verdicts
    assert [type(verdict) for verdict in verdicts] == [Renewed]
    assert site.row(grants[1].lease.shard).lease is None
    with refused(NotReady, "WORKER_SUPERSEDED"):
        before.beat()
    with refused(NotReady, "WORKER_SUPERSEDED"):
        before.register()


def test_a_new_process_that_names_an_old_epoch_frees_the_lease_of_the_one_before(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (old,) = node.take()
    node.release(old.lease)
    (newer,) = node.take()
    node.restart()
    node.hold(old.lease)
    (verdict,) = node.register().verdicts
    assert verdict == Cancelled(old.lease, CancellationReason.STALE_EPOCH, "node-0", 2)
    assert (newer.lease.epoch, site.row(event()).lease) == (2, None)


def test_registering_twice_changes_nothing_twice(site: Site) -> None:
    site.list(event(0), event(1))
    node = worker(site)
    node.take(2)
    node.beat()
    saves, workers = site.store.saves, dict(site.store.workers)
    verdicts = node.register().verdicts
    assert node.register().verdicts == verdicts
    assert (site.store.saves, site.store.workers) == (saves, workers)
    node.held.clear()
    node.register()  # a straggler that names no leases frees none
    assert site.row(event(0)).lease is not None


def test_a_straggling_heartbeat_changes_nothing(site: Site) -> None:
    site.list(event(0), event(1))
    node = worker(site)
    (grant,) = node.take()
    early = node.as_beat(5)
    node.beat()
    node.commit(grant.lease)
    node.beat()
    saves = site.store.saves
    answer = site.coordinator.heartbeat(early)
    assert (answer.grants, site.store.saves) == ((), saves)


def test_a_heartbeat_sent_again_gets_the_same_grants(site: Site) -> None:
    site.list(*(event(number) for number in range(4)))
    node = worker(site)
    first = node.beat(2, take=False)
    again = site.coordinator.heartbeat(node.as_beat(2))
    assert (again.grants, again.share) == (first.grants, first.share)


def test_who_leaves_frees_everything_at_once_and_must_register_to_come_back(site: Site) -> None:
    site.list(event(0), event(1))
    node, other = worker(site), worker(site, None)
    node.take(2)
    answer = node.beat(intent=Intent.LEAVE)
    assert (answer.grants, answer.share.tokens_per_second) == ((), 0.0)
    assert {type(verdict) for verdict in answer.verdicts} == {Cancelled}
    assert len(other.take(2)) == 2
    with refused(NotFound, "WORKER_NOT_FOUND"):
        node.beat()
    node.restart()
    node.register()
    assert node.beat().verdicts == ()


def test_who_drains_keeps_what_it_named_and_gets_nothing_new(site: Site) -> None:
    site.list(*(event(number) for number in range(4)))
    node = worker(site)
    node.take()
    node.beat(1, take=False)  # granted, and never heard of
    answer = node.beat(3, intent=Intent.DRAIN)
    assert [type(verdict) for verdict in answer.verdicts] == [Renewed]
    assert answer.grants == ()
    assert sum(row.lease is not None for row in site.store.shards.values()) == 1


def test_releasing_again_and_after_the_commit_is_fine(site: Site) -> None:
    site.list(event(0), event(1))
    node = worker(site)
    one, two = node.take(2)
    node.release(one.lease)
    node.release(one.lease)
    node.commit(two.lease)
    node.release(two.lease)
    assert site.row(two.lease.shard).commit is not None


def test_another_worker_cannot_give_back_what_was_committed(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    file = node.commit(grant.lease).commit.file
    with refused(Denied, "LEASE_NOT_YOURS"):
        other.release(grant.lease)
    node.beat(reports=(FileReport(grant.lease.shard, file.sha256, Condition.MISSING),))
    assert len(node.take()) == 1
    with refused(NotReady, "STALE_EPOCH", current_owner="node-0", current_epoch="2"):
        other.release(grant.lease)
    node.release(grant.lease)


def test_a_lease_given_back_is_not_taken_up_again_by_a_heartbeat_that_was_on_its_way(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    node.beat()
    node.release(grant.lease)
    node.hold(grant.lease)
    assert node.beat().verdicts == (Cancelled(grant.lease, CancellationReason.STALE_EPOCH, "", 1),)
    assert site.row(event()).lease is None


def test_a_heartbeat_after_the_commit_hears_that_the_file_is_good(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    node.commit(grant.lease)
    node.hold(grant.lease, Stage.COMMITTING)
    assert node.beat().verdicts == (Cancelled(grant.lease, CancellationReason.COMMITTED, "", 1),)


def test_failed_work_waits_twice_as_long_each_time(site: Site) -> None:
    site.list(event())
    node = worker(site)
    for wait in (30.0, 60.0, 120.0):
        (grant,) = node.take()
        node.release(grant.lease, ReleaseReason.FAILED)
        site.pass_time(wait * 0.7)
        assert node.take() == []
        site.pass_time(wait * 0.6)


def test_a_worker_whose_disk_fails_rests_while_others_take_its_shard(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    node.release(grant.lease, ReleaseReason.DISK)
    assert node.take() == []
    assert len(other.take()) == 1


def test_leases_go_on_for_lease_and_grace_after_a_restart_of_the_coordinator(site: Site) -> None:
    site.list(event(0), event(1))
    node, other = worker(site), worker(site, None)
    grants = node.take(2)
    site.clock.pass_time(10_000)  # nobody could reach it for hours
    site.restart()
    node.drop(grants[1].lease)
    site.pass_time(85)
    other.register()
    assert other.take(2) == []
    assert [type(verdict) for verdict in node.register().verdicts] == [Renewed]
    site.pass_time(26)
    assert [grant.lease for grant in other.take(2)] == [LeaseKey(grants[1].lease.shard, 2)]


def test_a_coordinator_that_stood_still_lets_no_lease_run_out(site: Site) -> None:
    site.list(event())
    node = worker(site)
    node.take()
    site.clock.pass_time(3600)
    site.coordinator.tick()
    assert site.row(event()).lease is not None
    assert [type(verdict) for verdict in node.beat().verdicts] == [Renewed]


def test_the_wall_clock_ends_no_lease(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    node.take()
    site.clock.wall = site.clock.wall.replace(year=2031)
    site.coordinator.tick()
    assert other.take() == []
    site.clock.wall = site.clock.wall.replace(year=2020)
    site.pass_time(70)
    assert len(other.take()) == 1


def test_nothing_changes_where_the_store_fails(site: Site) -> None:
    site.list(event(0), event(1))
    node = worker(site)
    (grant,) = node.take()
    shards, workers = dict(site.store.shards), dict(site.store.workers)
    site.store.failing = True
    with pytest.raises(Unavailable):
        node.beat(1)
    with pytest.raises(Unavailable):
        site.commit("node-0", grant.lease)
    with pytest.raises(Unavailable):
        site.coordinator.release("node-0", grant.lease, ReleaseReason.REVOKED, "")
    with pytest.raises(Unavailable):
        Worker(site, name="new").register()
    with pytest.raises(Unavailable):
        site.list(event(2))
    site.store.failing = False
    assert (site.store.shards, site.store.workers) == (shards, workers)
    assert [view.row.worker_id for view in site.coordinator.workers()] == ["node-0"]
    assert site.coordinator.progress().last_sequence == 0
    again = site.coordinator.heartbeat(node.as_beat(1))  # the same heartbeat, sent again, is the first that counts
    assert [other.lease.epoch for other, _ in again.grants] == [1]
    assert site.commit("node-0", grant.lease).commit.sequence == 1


def test_a_database_that_is_away_lets_no_lease_run_out(site: Site) -> None:
    site.list(event(0), event(1))
    node = worker(site)
    (grant,) = node.take()
    site.store.failing = True
    for _ in range(20):
        site.pass_time(10)
        with pytest.raises(Unavailable):
            node.beat(1)
        node.sequence -= 1
    site.store.failing = False
    site.pass_time(10)
    assert site.row(grant.lease.shard).lease is not None


def test_a_tick_that_cannot_be_saved_is_made_up_for(site: Site) -> None:
    site.list(event())
    node = worker(site)
    node.take()
    site.clock.pass_time(9)
    for _ in range(10):
        site.coordinator.tick()
        site.clock.pass_time(9)
        site.store.failing = True
        try:
            site.coordinator.tick()
        except Unavailable:
            break
    site.store.failing = False
    assert site.row(event()).lease is not None
    site.coordinator.tick()
    assert site.row(event()).lease is None


def test_a_lease_that_does_not_move_goes_to_another_worker(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    node.hold(grant.lease, Stage.FETCHING)
    for _ in range(40):
        site.pass_time(10)
        (verdict,) = node.beat().verdicts
        if isinstance(verdict, Revoked):
            break
        other.beat()
    assert isinstance(verdict, Revoked)
    assert (verdict.reason.value, verdict.drain_seconds <= 30) == ("slow", True)
    assert site.coordinator.workers()[0].state.value == "slow"
    node.release(grant.lease)
    assert node.take() == []
    assert [again.lease.epoch for again in other.take()] == [2]


def test_a_lease_that_moves_is_not_asked_back(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (grant,) = node.take()
    for done in range(50):
        node.hold(grant.lease, Stage.FETCHING, done_markets=done)
        site.pass_time(10)
        assert [type(verdict) for verdict in node.beat().verdicts] == [Renewed]


def test_a_lease_asked_back_and_not_returned_ends_with_the_drain(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    node.hold(grant.lease, Stage.FETCHING)
    for _ in range(45):
        site.pass_time(10)
        node.beat()
        other.beat()
    assert site.row(event()).lease is None
    assert [type(verdict) for verdict in node.beat().verdicts] == [Cancelled]
    assert [again.lease.epoch for again in other.take()] == [2]


def test_never_more_leases_than_wanted_and_allowed(site: Site) -> None:
    site.list(*(event(number) for number in range(50)))
    node = worker(site)
    assert len(node.take(5)) == 5
    assert len(node.take(100)) == 27
    assert node.take(100) == []


def test_all_grants_of_an_answer_hold_at_most_six_thousand_markets(site: Site) -> None:
    site.list(*(event(number, markets=900) for number in range(10)))
    grants = worker(site).take(10)
    assert len(grants) == 6
    assert site.commit("node-0", grants[0].lease, name=file_of("x").sha256[:4]).state.value == "sealed"
