"""What workers say of themselves: registrations and heartbeats, answered with verdicts, grants and budget."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from collector.coordinator import ledger
from collector.coordinator.book import Book, Draft
from collector.coordinator.budget import Budgets
from collector.coordinator.calls import (
    Beat,
    BeatAnswer,
    CancellationReason,
    Cancelled,
    Intent,
    Registered,
    Registration,
    Verdict,
)
from collector.coordinator.handout import MAX_GRANTS, MAX_MARKETS, Handout
from collector.coordinator.moment import Moment
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.progress import Rate
from collector.coordinator.roster import LiveLease, LiveWorker
from collector.coordinator.rows import ShardRow, WorkerRow
from collector.types import ApiShare, FileReport, Grant, LeaseKey, LeaseProgress
from mesh.errors import MeshError, NotFound, NotReady
from mesh.log import get

_KEPT_INSTANCES = 16

_log = get(__name__)


class Beats:
    """Hears workers."""

    def __init__(self, book: Book, handout: Handout, budgets: Budgets, policy: LeasePolicy) -> None:
        self._book = book
        self._handout = handout
        self._budgets = budgets
        self._policy = policy

    def register(self, registration: Registration, now: Moment) -> Registered:
        """Take a worker process on, and its leases up again."""
        worker_id = registration.worker_id
        worker = self._book.workers.get(worker_id)
        if worker is not None and registration.instance in worker.row.superseded:
            raise _superseded(worker.row, registration.instance)
        row = _worker_row(registration, worker.row if worker is not None else None, now)
        again = worker is not None and worker.row.instance == row.instance
        draft = self._book.draft()
        refused = self._take_up(worker_id, row.instance, registration.leases, draft, now)
        if worker is not None and not again:
            named = {each.lease for each in registration.leases}
            self._free((lease for lease in worker.leases.values() if lease.name not in named), draft, now)
        freed = self._freed(draft)
        if worker is None:  # leases find their worker when they are installed
            worker = LiveWorker(row, now.monotonic, Rate(now.monotonic))
        self._book.save(draft, now, worker=row if row != self._row_of(worker_id) else None)
        self._close(freed, now)
        self._book.workers[worker_id] = worker
        if again:
            worker.row, worker.heard = row, now.monotonic
        else:
            worker.restart(row, now.monotonic)
            _log.info("worker registered", worker=worker_id, instance=row.instance, leases=len(worker.leases))
        self._renew(worker, registration.leases, now)
        self._budgets.join(worker_id, row.instance, row.budget, now.monotonic, fresh=not again)
        self._book.version += 1
        verdicts = self._verdicts(registration.leases, refused, now)
        share = self._budgets.share(worker_id, now.monotonic)
        return Registered(self._policy.heartbeat, self._policy.min_heartbeat, verdicts, share)

    def hear(self, beat: Beat, now: Moment, cutoff: datetime | None) -> BeatAnswer:
        """Take a heartbeat in."""
        worker = self._worker(beat)
        if beat.sequence <= worker.sequence:
            return self._answer_again(worker, beat, now, cutoff)
        worker.heard = now.monotonic
        if beat.sequence == worker.sequence + 1:  # the last answer came through
            self._budgets.settle(beat.worker_id)
        self._renew(worker, beat.leases, now)
        draft = self._book.draft()
        taken = draft if beat.intent is not Intent.LEAVE else self._book.draft()
        refused = self._take_up(beat.worker_id, beat.instance, beat.leases, taken, now)
        repeats = self._drop_unnamed(worker, beat, draft, now)
        self._take_reports(beat.worker_id, beat.reports, draft, now)
        freed = self._freed(draft)
        grants = self._grant(worker, beat, draft, now, repeats=repeats)
        left = replace(worker.row, left=True) if beat.intent is Intent.LEAVE else worker.row
        self._book.save(draft, now, worker=left if left != worker.row else None)
        self._close(freed, now)
        self._note(worker, beat, left, len(repeats) + len(grants))
        if draft.changed:  # what was taken up is in force now
            self._renew(worker, beat.leases, now)
        answers = [*repeats, *((grant, self._remember(grant, now)) for grant in grants)]
        share = self._share(worker, beat, now, eager=bool(answers))
        return BeatAnswer(self._verdicts(beat.leases, refused, now), tuple(answers), share, cutoff)

    def _worker(self, beat: Beat) -> LiveWorker:
        worker = self._book.workers.get(beat.worker_id)
        if worker is not None and beat.instance in worker.row.superseded:
            raise _superseded(worker.row, beat.instance)
        known = worker is not None and worker.row.instance == beat.instance
        goodbye = beat.intent is Intent.LEAVE
        if worker is None or not known or (worker.row.left and not goodbye and beat.sequence > worker.sequence):
            raise NotFound(f"{beat.worker_id} has not registered this process", reason="WORKER_NOT_FOUND")
        return worker

    def _answer_again(self, worker: LiveWorker, beat: Beat, now: Moment, cutoff: datetime | None) -> BeatAnswer:
        """Answer a heartbeat that was heard before or comes too late: from the present, changing nothing."""
        refused: dict[LeaseKey, Cancelled] = {}
        for each in beat.leases:
            row = self._book.rows.get(each.lease.shard)
            over = self._book.refusal(row, each.lease, beat.worker_id)
            if over is None and each.lease.shard not in self._book.leases:
                over = Cancelled(each.lease, CancellationReason.STALE_EPOCH, "", row.epoch if row else 0)
            if over is not None:
                refused[each.lease] = over
        unheard = [lease for lease in worker.leases.values() if not lease.named and lease.revocation is None]
        repeats, _ = self._repeat(unheard if worker.intent is Intent.COLLECT else [], now)
        share = self._budgets.share_left(beat.worker_id, now.monotonic) or self._silence()
        return BeatAnswer(self._verdicts(beat.leases, refused, now), tuple(repeats), share, cutoff)

    def _take_up(
        self, worker_id: str, instance: str, named: Iterable[LeaseProgress], draft: Draft, now: Moment
    ) -> dict[LeaseKey, Cancelled]:
        """Look at each lease named; take up those that ran out, or are of the process before. Return the others."""
        refused: dict[LeaseKey, Cancelled] = {}
        for each in named:
            row = draft.get(each.lease.shard)
            over = self._book.refusal(row, each.lease, worker_id)
            if over is not None:
                refused[each.lease] = over
            elif row is not None and (row.lease is None or row.lease.worker_instance != instance):
                draft.put(ledger.take_up(row, instance, now.wall))
        return refused

    def _drop_unnamed(self, worker: LiveWorker, beat: Beat, draft: Draft, now: Moment) -> list[tuple[Grant, float]]:
        """Free the leases that a worker holds no more; return the grants that it has not heard of yet."""
        named = {each.lease for each in beat.leases} if beat.intent is not Intent.LEAVE else set()
        missing = [lease for lease in worker.leases.values() if lease.name not in named]
        collects = beat.intent is Intent.COLLECT
        unheard = [lease for lease in missing if collects and not lease.named and lease.revocation is None]
        repeats, hopeless = self._repeat(unheard, now)
        kept = {lease.key for lease in unheard} - {lease.key for lease in hopeless}
        self._free((lease for lease in missing if lease.key not in kept), draft, now)
        return repeats

    def _repeat(self, leases: Iterable[LiveLease], now: Moment) -> tuple[list[tuple[Grant, float]], list[LiveLease]]:
        """Give as many grants again as an answer has room for; beside them the leases that have nothing to do."""
        repeats: list[tuple[Grant, float]] = []
        hopeless: list[LiveLease] = []
        room = MAX_MARKETS
        for lease in leases:
            if len(repeats) == MAX_GRANTS:
                break
            grant = self._handout.repeat(lease, now)
            if grant is None:
                hopeless.append(lease)
                continue
            room -= len(grant.markets)
            if room < 0:
                break
            repeats.append((grant, max(0.001, lease.ends - now.monotonic)))
        return repeats, hopeless

    def _free(self, leases: Iterable[LiveLease], draft: Draft, now: Moment) -> None:
        for lease in leases:
            row = draft.get(lease.key)
            if row is not None:
                draft.put(ledger.lapse(row, now.due, self._policy))

    def _freed(self, draft: Draft) -> list[LiveLease]:
        live = ((self._book.leases.get(key), row) for key, row in draft.changed.items())
        return [lease for lease, row in live if lease is not None and row.lease is None]

    def _close(self, leases: Iterable[LiveLease], now: Moment) -> None:
        for lease in leases:
            self._book.close(lease, now)

    def _take_reports(self, worker_id: str, reports: Iterable[FileReport], draft: Draft, now: Moment) -> None:
        for news in reports:
            row = draft.get(news.shard)
            if row is not None:
                draft.put(ledger.report(row, worker_id, news, now.due, self._policy))

    def _grant(
        self, worker: LiveWorker, beat: Beat, draft: Draft, now: Moment, *, repeats: list[tuple[Grant, float]]
    ) -> list[Grant]:
        if beat.intent is not Intent.COLLECT or now.monotonic < worker.rests_until:
            return []
        held = len(worker.leases)
        for key, row in draft.changed.items():
            held += _held_by(row, beat.worker_id) - (key in worker.leases)
        room = min(beat.wanted_leases - len(repeats), self._policy.max_leases - held, MAX_GRANTS - len(repeats))
        markets = MAX_MARKETS - sum(len(grant.markets) for grant, _ in repeats)
        return self._handout.choose(worker, room, markets, draft, now)

    def _note(self, worker: LiveWorker, beat: Beat, row: WorkerRow, answered: int) -> None:
        worker.row = row
        worker.sequence = beat.sequence
        worker.intent = beat.intent
        worker.wanted = max(0, beat.wanted_leases - answered)
        worker.usage = beat.usage
        worker.missing_copies = beat.missing_copies
        worker.free_disk_bytes = beat.free_disk_bytes
        self._book.version += 1

    def _renew(self, worker: LiveWorker, named: Iterable[LeaseProgress], now: Moment) -> None:
        for each in named:
            lease = worker.leases.get(each.lease.shard)
            if lease is None or lease.epoch != each.lease.epoch:
                continue
            moved = lease.moved
            rows = lease.hear(each, now.monotonic, self._policy)
            if rows:
                worker.rows.add(rows, now.monotonic)
            if lease.moved > moved:
                worker.stuck = False

    def _remember(self, grant: Grant, now: Moment) -> float:
        lease = self._book.leases[grant.lease.shard]
        lease.grant = grant
        return lease.ends - now.monotonic

    def _verdicts(
        self, named: Iterable[LeaseProgress], refused: dict[LeaseKey, Cancelled], now: Moment
    ) -> tuple[Verdict, ...]:
        return tuple(refused.get(each.lease) or self._verdict(each.lease, now) for each in named)

    def _verdict(self, lease: LeaseKey, now: Moment) -> Verdict:
        live = self._book.leases.get(lease.shard)
        if live is None or live.epoch != lease.epoch:  # its worker leaves
            return Cancelled(lease, CancellationReason.STALE_EPOCH, "", lease.epoch)
        return live.verdict(now.monotonic)

    def _share(self, worker: LiveWorker, beat: Beat, now: Moment, *, eager: bool) -> ApiShare:
        if worker.row.left:
            self._budgets.leave(beat.worker_id)
            return self._silence()
        self._budgets.join(beat.worker_id, beat.instance, worker.row.budget, now.monotonic)
        self._budgets.note(beat.worker_id, beat.usage, now.monotonic)
        return self._budgets.share(beat.worker_id, now.monotonic, eager=eager)

    def _silence(self) -> ApiShare:
        return ApiShare(0.0, 0.0, self._policy.heartbeat, 0.0)

    def _row_of(self, worker_id: str) -> WorkerRow | None:
        known = self._book.workers.get(worker_id)
        return known.row if known is not None else None


def _worker_row(registration: Registration, before: WorkerRow | None, now: Moment) -> WorkerRow:
    again = before is not None and before.instance == registration.instance
    earlier = before.superseded if before is not None else ()
    if before is not None and not again:
        earlier = (*earlier, before.instance)[-_KEPT_INSTANCES:]
    return WorkerRow(
        registration.worker_id,
        registration.instance,
        earlier,
        registration.software_version,
        registration.node_index,
        registration.fetch_address,
        registration.budget,
        registered=before.registered if before is not None and again else now.wall,
    )


def _held_by(row: ShardRow, worker_id: str) -> bool:
    return row.lease is not None and row.lease.worker_id == worker_id


def _superseded(row: WorkerRow, instance: str) -> MeshError:
    return NotReady(
        f"a later process of {row.worker_id} has registered: {instance} must stop", reason="WORKER_SUPERSEDED"
    )
