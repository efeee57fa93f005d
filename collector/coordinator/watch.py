"""What time alone brings about: leases run out, shards fall due, work stands still, workers fall silent."""

from collections.abc import Callable
from dataclasses import dataclass

from collector.coordinator import due, ledger
from collector.coordinator.book import Book, Draft
from collector.coordinator.calls import RevocationReason, WorkerState
from collector.coordinator.moment import Moment
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rebalance import Load, plan_moves
from collector.coordinator.roster import LiveLease, LiveWorker
from mesh.log import get

_RIPE_AT_ONCE = 500
_USUAL_GAP = 3.0
"""Seconds between two looks, one second apart, that mean nothing on a busy machine."""

_log = get(__name__)


@dataclass(frozen=True, slots=True)
class _Ended:
    lease: LiveLease
    asked_back: bool


class Watch:
    """Looks at the clock once a second."""

    def __init__(self, book: Book, policy: LeasePolicy, backoff: Callable[[int], float], now: Moment) -> None:
        self._book = book
        self._policy = policy
        self._backoff = backoff
        self._looked = now.monotonic
        self._balanced = now.monotonic

    def look(self, now: Moment) -> None:
        """Let time pass. Unavailable if what it brings cannot be saved; it is then tried again the next time."""
        self._forgive(now)
        draft = self._book.draft()
        ripe = self._book.waiting.ripe(now.due, _RIPE_AT_ONCE)
        for key in ripe:
            draft.put(due.ripen(self._book.rows[key], now.due, self._policy))
        rung = list(self._book.alarms.ringing(now.monotonic))
        try:
            ended = self._end(rung, draft, now)
            self._book.save(draft, now)
        except BaseException:
            for lease in rung:
                self._book.alarms.set(lease, now.monotonic)
            raise
        for key in ripe:
            self._book.waiting.put(self._book.rows[key], now.due, now.monotonic)
        for each in ended:
            self._tell(each, now)
        for lease in rung:
            self._look_at(lease, now)
        if now.monotonic - self._balanced >= self._policy.heartbeat / 2:
            self._balanced = now.monotonic
            self._book.forget(now)
            self._balance(now)
        self._note_states(now)

    def _forgive(self, now: Moment) -> None:
        """Give back the time in which the coordinator itself stood still: nobody could reach it."""
        gap = now.monotonic - self._looked
        self._looked = now.monotonic
        if gap <= max(self._policy.heartbeat, _USUAL_GAP):
            return
        _log.warning("the coordinator stood still: leases go on for as long", seconds=round(gap, 1))
        for lease in self._book.leases.values():
            lease.delay(gap)
        for worker in self._book.workers.values():
            if worker.heard is not None:
                worker.heard += min(gap, now.monotonic - worker.heard)

    def _end(self, rung: list[LiveLease], draft: Draft, now: Moment) -> list[_Ended]:
        ended: list[_Ended] = []
        for lease in rung:
            if self._book.leases.get(lease.key) is not lease or lease.ends > now.monotonic:
                continue
            row = self._book.rows[lease.key]
            asked_back = lease.revocation is not None
            wait = self._backoff(row.failures) if row.failures and not asked_back else 0.0
            draft.put(ledger.lapse(row, now.due, self._policy, wait=wait, failed=not asked_back))
            ended.append(_Ended(lease, asked_back))
        return ended

    def _tell(self, ended: _Ended, now: Moment) -> None:
        lease = ended.lease
        if ended.asked_back:  # its worker may not take it up again, though it may still commit
            self._book.close(lease, now)
        _log.warning(
            "lease was asked back and not returned" if ended.asked_back else "lease ran out",
            shard=str(lease.key),
            worker=lease.worker_id,
            epoch=lease.epoch,
        )

    def _look_at(self, lease: LiveLease, now: Moment) -> None:
        """Ask a lease back that stands still, and look at it again when something may have changed."""
        worker = self._book.workers.get(lease.worker_id)
        if self._book.leases.get(lease.key) is not lease or worker is None:
            return
        heard = worker.answers(now.monotonic, self._policy)
        if lease.revocation is None and heard and lease.is_stuck(now.monotonic, self._policy):
            worker.stuck = True
            self._book.revoke(lease, RevocationReason.SLOW, now)
            _log.warning("lease does not move", shard=str(lease.key), worker=lease.worker_id)
            return
        stuck_at = lease.moved + self._policy.stuck
        again = min(lease.ends, stuck_at) if stuck_at > now.monotonic else lease.ends
        self._book.alarms.set(lease, again)

    def _balance(self, now: Moment) -> None:
        workers = [each for each in self._book.workers.values() if each.takes_work(now.monotonic, self._policy)]
        if len(workers) < 2 or not any(each.wanted for each in workers):  # noqa: PLR2004  it takes two
            return
        coming = [owner for owner, until in self._book.reserved.values() if until > now.monotonic]
        coming += [lease.revocation.next_worker for lease in self._book.leases.values() if lease.revocation]
        loads = [self._load(each, coming.count(each.row.worker_id)) for each in workers]
        for move in plan_moves(loads, self._book.waiting.ready > 0, self._book.waiting.place_of):
            self._book.revoke(move.lease, RevocationReason.REBALANCE, now, move.next_worker)
            _log.info(
                "lease moves on",
                shard=str(move.lease.key),
                worker=move.lease.worker_id,
                next_worker=move.next_worker,
            )

    def _load(self, worker: LiveWorker, coming: int) -> Load:
        queued = tuple(lease for lease in worker.leases.values() if lease.queued)
        return Load(worker.row.worker_id, queued, coming, worker.wanted, worker.stuck, worker.row.node_index)

    def _note_states(self, now: Moment) -> None:
        for worker in self._book.workers.values():
            state = worker.state(now.monotonic, self._policy)
            if state is worker.shown:
                continue
            if worker.shown is not None:
                quiet = state in (WorkerState.SILENT, WorkerState.LOST)
                say = _log.warning if quiet else _log.info
                say("worker is " + state.value, worker=worker.row.worker_id, leases=len(worker.leases))
            worker.shown = state
            self._book.version += 1
