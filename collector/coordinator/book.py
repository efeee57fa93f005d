"""Everything that the coordinator knows, with every order in which it looks at it. Changed only by what is saved."""

from collections.abc import Iterable, Mapping

from collector.coordinator.calls import CancellationReason, Cancelled, Listing, RevocationReason
from collector.coordinator.index import Index
from collector.coordinator.ledger import owner_of
from collector.coordinator.moment import Moment, Present
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.progress import Rate, Tallies
from collector.coordinator.roster import LeaseAlarms, LiveLease, LiveWorker, Revocation
from collector.coordinator.rows import EventRow, LeaseRow, ShardRow, WorkerRow
from collector.coordinator.store import Entry, Store
from collector.coordinator.waiting import Waiting
from collector.types import LeaseKey
from mesh.shards import Commit, ShardKey

_RESERVED_HEARTBEATS = 3


class Draft:
    """Rows that are to change together."""

    def __init__(self, rows: Mapping[ShardKey, ShardRow]) -> None:
        self._rows = rows
        self.changed: dict[ShardKey, ShardRow] = {}

    def get(self, key: ShardKey) -> ShardRow | None:
        """Return a row as it is to be."""
        return self.changed.get(key) or self._rows.get(key)

    def put(self, row: ShardRow) -> None:
        """Change a row."""
        if row != self._rows.get(row.key):
            self.changed[row.key] = row
        else:
            self.changed.pop(row.key, None)


class Book:
    """Rows, leases and workers.

    Attributes:
        rows: Every shard.
        leases: Those in force.
        workers: Every one that ever registered.
        waiting: Shards that nobody holds and that are or will be due.
        given_back: Epoch of a shard's last lease, if its worker does not hold it any more and is not to take it up.
        avoid: Worker that a shard is not to go to next, if there is another, and until when, monotonic.
        reserved: Worker that a shard is for, and until when.
        listings: Last complete one of each series.
        last_sequence: Of all commits.
        version: Grows with every change.
    """

    def __init__(self, store: Store, policy: LeasePolicy, places: int, present: Present) -> None:
        self._store = store
        self._policy = policy
        loaded = store.load()
        if loaded.listings:  # it is as late there as when it was last listed, or later
            present.tell(max(listing.listed for listing in loaded.listings.values()))
        now = present.read()
        self.rows: dict[ShardKey, ShardRow] = {}
        self.leases: dict[ShardKey, LiveLease] = {}
        self.alarms = LeaseAlarms()
        self.waiting = Waiting(places)
        self.index = Index()
        self.tallies = Tallies(now.monotonic)
        self.given_back: dict[ShardKey, int] = {}
        self.avoid: dict[ShardKey, tuple[str, float]] = {}
        self.reserved: dict[ShardKey, tuple[str, float]] = {}
        self.listings = dict(loaded.listings)
        self.last_sequence = loaded.last_sequence
        self.version = 0
        self.workers = {
            row.worker_id: LiveWorker(
                row, now.monotonic, Rate(now.monotonic), commits=loaded.commit_counts.get(row.worker_id, 0)
            )
            for row in loaded.workers
        }
        for row in loaded.shards:
            self.rows[row.key] = row
            self.tallies.change(None, row, now.monotonic)
            self.waiting.put(row, now.due, now.monotonic)
            if row.lease is not None:  # its worker may have called in vain while there was no coordinator
                self._begin(row, row.lease, now, policy.lease + policy.grace).paused = True
        self.index.load(self.rows.values())

    def draft(self) -> Draft:
        """Begin a change."""
        return Draft(self.rows)

    def save(
        self,
        draft: Draft,
        now: Moment,
        *,
        worker: WorkerRow | None = None,
        events: Iterable[EventRow] = (),
        commit: Entry | None = None,
        listing: Listing | None = None,
    ) -> None:
        """Save a change, then make it the present. Unavailable, with nothing changed, if it cannot be saved."""
        rows = list(draft.changed.values())
        kept = list(events)
        if rows or worker or kept or commit or listing:
            self._store.save(
                shards=rows, workers=(worker,) if worker else (), events=kept, commit=commit, listing=listing
            )
            self.version += 1
        if commit is not None:
            self.last_sequence = commit.commit.sequence
        if listing is not None:
            self.listings[listing.series] = listing
        for row in rows:
            self._install(row, now)

    def revoke(self, lease: LiveLease, reason: RevocationReason, now: Moment, next_worker: str = "") -> None:
        """Ask a lease back; its worker hears it with the next heartbeat."""
        lease.revocation = Revocation(reason, now.monotonic + self._policy.drain, next_worker)
        self.alarms.set(lease, lease.ends)
        self.version += 1

    def close(self, lease: LiveLease, now: Moment) -> None:
        """Remember, of a lease that ended and is not to be taken up again, who is to have its shard next."""
        self.given_back[lease.key] = lease.epoch
        revocation = lease.revocation
        if revocation is not None and revocation.reason is RevocationReason.SLOW:
            self.avoid[lease.key] = (lease.worker_id, now.monotonic + self._policy.stuck)
        if revocation is not None and revocation.next_worker:
            until = now.monotonic + _RESERVED_HEARTBEATS * self._policy.heartbeat
            self.reserved[lease.key] = (revocation.next_worker, until)

    def forget(self, now: Moment) -> None:
        """Forget who a shard was for, or was not for, once that is over: others may have no room for it for ever."""
        for memory in (self.avoid, self.reserved):
            for key in [key for key, (_, until) in memory.items() if until <= now.monotonic]:
                del memory[key]

    def commit_under(self, row: ShardRow, epoch: int) -> Commit | None:
        """Return the commit made under an epoch, in force or not."""
        if row.commit is not None and row.commit.epoch == epoch:
            return row.commit
        # A commit under the latest epoch is the one in force: only older epochs need a look into the history.
        return self._store.commit_of(row.key, epoch) if epoch < row.epoch else None

    def refusal(self, row: ShardRow | None, lease: LeaseKey, worker_id: str) -> Cancelled | None:
        """Say why a lease that a worker names is over; None if it holds it, or may take it up again."""
        if row is None or lease.epoch > row.epoch:
            return Cancelled(
                lease, CancellationReason.UNKNOWN_EPOCH, owner_of(row) if row else "", row.epoch if row else 0
            )
        stale = Cancelled(lease, CancellationReason.STALE_EPOCH, owner_of(row), row.epoch)
        commit = self.commit_under(row, lease.epoch)
        if commit is not None:
            mine = commit.worker_id == worker_id
            return Cancelled(lease, CancellationReason.COMMITTED, owner_of(row), row.epoch) if mine else stale
        if lease.epoch < row.epoch or row.granted_to != worker_id:
            return stale
        if row.lease is not None:
            return None
        if row.withdrawn:
            return Cancelled(lease, CancellationReason.WITHDRAWN, "", row.epoch)
        return stale if self.given_back.get(row.key) == lease.epoch else None

    def _install(self, row: ShardRow, now: Moment) -> None:
        old = self.rows.get(row.key)
        self.rows[row.key] = row
        self.index.change(old, row)
        self.tallies.change(old, row, now.monotonic)
        self.waiting.put(row, now.due, now.monotonic)
        live = self.leases.get(row.key)
        if live is not None and (row.lease is None or row.lease.epoch != live.epoch):
            del self.leases[row.key]
            self._leases_of(live.worker_id).pop(row.key, None)
            live = None
        if row.lease is not None and live is None:
            for memory in (self.given_back, self.avoid, self.reserved):
                memory.pop(row.key, None)
            self._begin(row, row.lease, now, self._policy.lease)

    def _leases_of(self, worker_id: str) -> dict[ShardKey, LiveLease]:
        worker = self.workers.get(worker_id)
        return worker.leases if worker is not None else {}

    def _begin(self, row: ShardRow, lease: LeaseRow, now: Moment, seconds: float) -> LiveLease:
        start = now.monotonic
        live = LiveLease(row.key, lease.epoch, lease.worker_id, granted=start, expires=start + seconds, moved=start)
        self.leases[row.key] = live
        self._leases_of(lease.worker_id)[row.key] = live
        self.alarms.set(live, live.expires)
        return live
