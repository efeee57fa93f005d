"""Anything may happen in any order: coordinators and workers die, clocks jump, answers are lost, disks fill."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from collector.coordinator.calls import Intent, ReleaseReason, ShardQuery
from collector.coordinator.progress import Tallies
from collector.types import Condition, FileReport, Grant, LeaseKey, Stage
from mesh.errors import MeshError
from mesh.shards import Hole, HoleReason, ShardKey
from tests.unit.collector.coordinator_site import HOUR, NOON, Site, Worker, event, open_event, shard_of

T = TypeVar("T")
WORKERS = st.integers(0, 2)
PLACES: tuple[int | None, ...] = (0, 1, None)


def attempt(call: Callable[[], T]) -> tuple[T | None, str]:
    """Give what a call answers, or why it was refused."""
    try:
        return call(), ""
    except MeshError as error:
        return None, error.reason


class CoordinatorMachine(RuleBasedStateMachine):
    """Two places, three workers, a few events; every granted epoch and every promised commit is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(nodes=2)
        self.site.list(event(0), event(1), open_event(2, closes=NOON + HOUR))
        self.workers = [Worker(self.site, name=f"node-{at}", place=place) for at, place in enumerate(PLACES)]
        for worker in self.workers:
            worker.register()
        self.granted: dict[LeaseKey, str] = {}
        self.promised: dict[LeaseKey, str] = {}
        self.sequences: dict[ShardKey, int] = {}

    def granted_now(self, worker: Worker, grants: list[Grant]) -> None:
        for grant in grants:
            owner = self.granted.setdefault(grant.lease, worker.name)
            assert owner == worker.name, "one epoch, two workers"
            newest = max(lease.epoch for lease in self.granted if lease.shard == grant.lease.shard)
            assert grant.lease.epoch == newest, "an epoch that is not the highest was granted"

    @rule(who=WORKERS, wanted=st.integers(0, 3), lost=st.booleans(), stage=st.sampled_from(Stage))
    def beat(self, who: int, wanted: int, lost: bool, stage: Stage) -> None:
        worker = self.workers[who]
        for lease in worker.held:
            worker.hold(lease, stage)
        answer, reason = attempt(lambda: worker.beat(wanted, take=not lost))
        if answer is None:
            assert reason in ("WORKER_NOT_FOUND", "DATABASE_UNAVAILABLE")
            self.register(who)
            return
        assert [verdict.lease for verdict in answer.verdicts] == [
            lease for lease in worker.held if lease not in {grant.lease for grant, _ in answer.grants}
        ]
        self.granted_now(worker, [grant for grant, _ in answer.grants])

    @rule(who=WORKERS)
    def let_leases_run_out_and_go_to_another(self, who: int) -> None:
        self.pass_time(95.0)
        self.beat(who, 3, lost=False, stage=Stage.FETCHING)

    @rule(who=WORKERS)
    def repeat_or_straggle(self, who: int) -> None:
        worker = self.workers[who]
        answer, _ = attempt(lambda: self.site.coordinator.heartbeat(worker.as_beat(3)))
        self.granted_now(worker, [grant for grant, _ in answer.grants] if answer else [])

    @rule(who=WORKERS)
    def leave(self, who: int) -> None:
        worker = self.workers[who]
        answer, _ = attempt(lambda: worker.beat(intent=Intent.LEAVE))
        if answer is not None:
            worker.held.clear()

    @rule(who=WORKERS, keeps=st.booleans())
    def kill_worker(self, who: int, keeps: bool) -> None:
        worker = self.workers[who]
        found = list(worker.held)[:1] if keeps else []
        worker.restart()
        for lease in found:
            worker.hold(lease)
        self.register(who)

    @rule(who=WORKERS)
    def register(self, who: int) -> None:
        _, reason = attempt(self.workers[who].register)
        assert reason in ("", "DATABASE_UNAVAILABLE")

    @rule(
        data=st.data(),
        holes=st.sampled_from(((), (HoleReason.TIMED_OUT,), (HoleReason.NOT_ATTEMPTED,))),
        name=st.sampled_from(("one", "two")),
        behind=st.integers(0, 12),
    )
    @precondition(lambda self: self.granted)
    def commit(self, data: st.DataObject, holes: tuple[HoleReason, ...], name: str, behind: int) -> None:
        """Any epoch ever granted, by anybody: late, repeated, with another file."""
        lease = data.draw(st.sampled_from(sorted(self.granted)))
        who = data.draw(st.sampled_from([self.granted[lease], "node-0"]))
        row = self.site.row(lease.shard)
        missing = tuple(Hole(f"{lease.shard.event}-T0000", reason) for reason in holes)
        covered = self.site.clock.now() - behind * HOUR
        answer, reason = attempt(lambda: self.site.commit(who, lease, name=name, holes=missing, covered_end=covered))
        if answer is None:
            expected = {
                "COMMIT_CONFLICT": lease in self.promised,
                "STALE_EPOCH": lease.epoch < row.epoch and lease not in self.promised,
                "LEASE_NOT_YOURS": self.granted[lease] != who,
                "DATABASE_UNAVAILABLE": self.site.store.failing,
            }
            assert expected[reason]
            return
        kept = self.site.store.history[lease.shard, lease.epoch]
        assert kept.commit == answer.commit, "answered, and not kept"
        assert self.promised.setdefault(lease, answer.commit.file.sha256) == answer.commit.file.sha256
        assert answer.already_committed or lease.epoch == row.epoch, "a stale epoch was committed"

    @rule(data=st.data(), reason=st.sampled_from(ReleaseReason))
    @precondition(lambda self: self.granted)
    def release(self, data: st.DataObject, reason: ReleaseReason) -> None:
        lease = data.draw(st.sampled_from(sorted(self.granted)))
        _, refusal = attempt(lambda: self.site.coordinator.release(self.granted[lease], lease, reason, ""))
        assert refusal in ("", "STALE_EPOCH", "DATABASE_UNAVAILABLE")
        if refusal:
            assert refusal != "STALE_EPOCH" or lease.epoch < self.site.row(lease.shard).epoch
            return
        live = self.site.row(lease.shard).lease
        assert live is None or live.epoch != lease.epoch

    @rule(who=WORKERS, number=st.integers(0, 2), condition=st.sampled_from(Condition))
    def report(self, who: int, number: int, condition: Condition) -> None:
        row = self.site.row(shard_of(event(number)))
        sha256 = row.commit.file.sha256 if row.commit else "0" * 64
        attempt(lambda: self.workers[who].beat(reports=(FileReport(row.key, sha256, condition),), take=False))

    @rule(seconds=st.sampled_from((1.0, 9.0, 31.0, 61.0, 700.0)))
    def pass_time(self, seconds: float) -> None:
        attempt(lambda: self.site.pass_time(seconds))

    @rule(hours=st.integers(-30, 30))
    def set_the_wall_clock(self, hours: int) -> None:
        self.site.clock.wall += timedelta(hours=hours)

    @rule(number=st.integers(0, 3), hours=st.integers(-6, 6), settled=st.booleans())
    def list_again(self, number: int, hours: int, settled: bool) -> None:
        closes = NOON + hours * HOUR
        listed = event(number, closes=closes) if settled else open_event(number, closes=closes)
        attempt(lambda: self.site.list(listed))

    @rule()
    def kill_coordinator(self) -> None:
        self.site.store.failing = False
        self.site.restart()

    @rule(failing=st.booleans())
    def fill_the_disk(self, failing: bool) -> None:
        self.site.store.failing = failing

    @invariant()
    def memory_is_what_is_kept(self) -> None:
        book = self.site.coordinator._book
        assert book.rows == self.site.store.shards
        assert book.last_sequence == self.site.store.last_sequence
        assert {name: live.row for name, live in book.workers.items()} == self.site.store.workers

    @invariant()
    def every_lease_is_in_force_once(self) -> None:
        book = self.site.coordinator._book
        kept = {key: (row.lease.worker_id, row.lease.epoch) for key, row in book.rows.items() if row.lease}
        assert {key: (live.worker_id, live.epoch) for key, live in book.leases.items()} == kept
        assert {key: (name, live.epoch) for name, w in book.workers.items() for key, live in w.leases.items()} == kept
        assert all(row.epoch >= row.lease.epoch for row in book.rows.values() if row.lease)

    @invariant()
    def nobody_waits_and_is_leased(self) -> None:
        book = self.site.coordinator._book
        waiting = {key for key, row in book.rows.items() if row.due is not None and row.lease is None}
        assert {*book.waiting._ready, *book.waiting._future} == waiting
        lost = [row for row in book.rows.values() if row.state.value != "sealed" and not (row.due or row.lease)]
        assert not lost, "a shard that nobody will ever look at again"

    @invariant()
    def a_commit_in_force_is_never_replaced_by_an_older_one(self) -> None:
        for key, row in self.site.store.shards.items():
            sequence = row.commit.sequence if row.commit else 0
            assert sequence >= self.sequences.get(key, 0)
            self.sequences[key] = sequence

    @invariant()
    def counts_and_lists_agree_with_the_rows(self) -> None:
        book = self.site.coordinator._book
        fresh = Tallies(0.0)
        for row in book.rows.values():
            fresh.change(None, row, 0.0)
        for where, tally in fresh.by_series.items():
            known = book.tallies.by_series[where]
            for name in ("total", "committed", "sealed", "open", "leased", "holed", "holes", "rows"):
                assert getattr(known, name) == getattr(tally, name), name
            waiting = [row for row in book.rows.values() if (row.key.series, row.key.step_seconds) == where and row.due]
            waiting = [row for row in waiting if row.lease is None and not row.withdrawn]
            ready, wait = book.waiting.outlook(*where, NOON)
            assert ready == sum(book.waiting.is_ready(row.key) for row in waiting)
            coming = [row.due for row in waiting if not book.waiting.is_ready(row.key) and row.due]
            assert wait == (max(timedelta(), min(coming) - NOON) if coming else None)
        for query in (ShardQuery(), ShardQuery(committed_only=True), ShardQuery(holed_only=True)):
            listed = [row.key for row in book.index.find(query, book.rows, None)]
            assert listed == sorted(
                key
                for key, row in book.rows.items()
                if (row.commit or query == ShardQuery())
                and (not query.holed_only or (row.commit and row.commit.hole_count))
            )
        since = [row.key for row in book.index.find(ShardQuery(after_sequence=0), book.rows, None)]
        assert sorted(since) == sorted(key for key, row in book.rows.items() if row.commit)


TestCoordinator = CoordinatorMachine.TestCase
TestCoordinator.settings = settings(
    max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
