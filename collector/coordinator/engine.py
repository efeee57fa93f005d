"""The coordinator: applies the pure rules to what it is asked, and keeps every decision before it answers.

Synchronous, called on one event loop, no I/O but the store's. Rules make new rows; the store saves them in one
transaction; only then are they installed and answered. Where `save` raises, no decision has been made and the caller
gets the error, so an answer never promises what a crash would forget. That a worker was heard counts all the same:
a database that is away makes no lease run out.
"""

import heapq
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from collector.coordinator import due, ledger
from collector.coordinator.beats import Beats
from collector.coordinator.book import Book
from collector.coordinator.budget import Budgets
from collector.coordinator.calls import (
    AdoptionKind,
    Beat,
    BeatAnswer,
    CommitAnswer,
    CommitCall,
    LeaseView,
    Listing,
    ProgressView,
    Registered,
    Registration,
    ReleaseReason,
    ShardQuery,
    ShardView,
    WorkerView,
)
from collector.coordinator.granting import unasked_holes
from collector.coordinator.handout import Handout
from collector.coordinator.listings import Listings
from collector.coordinator.moment import Moment, Present
from collector.coordinator.plausible import check_size
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow, ShardRow, ShardState
from collector.coordinator.store import Entry, Store
from collector.coordinator.watch import Watch
from collector.types import LeaseKey, Purpose
from mesh.clock import Clock
from mesh.errors import NotFound
from mesh.log import get
from mesh.shards import Hole, ShardKey

_MAX_HOLES = 2000

_log = get(__name__)


class Coordinator:
    """What the servicer, discovery and the ticker call.

    Attributes:
        instance_id: Names this start of the coordinator.
        archive_cutoff: Markets settled before this are in the exchange's archive; None until discovery says.

    Args:
        store: Where rows are kept; loaded at once. Unavailable if that fails.
        clock: Wall clock for what people read, and for what is due until the exchange has told its time; monotonic
            for everything that is timed.
        policy: Numbers that leases go by.
        steps: Candle steps in seconds by series; shards of others are withdrawn.
        total_nodes: Nodes of the stable split.
        instance_id: As above.
        dice: Spreads the retries of what failed together; None is a fresh one.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        policy: LeasePolicy,
        *,
        steps: Mapping[str, tuple[int, ...]],
        total_nodes: int,
        instance_id: str,
        dice: random.Random | None = None,
    ) -> None:
        self.instance_id = instance_id
        self.archive_cutoff: datetime | None = None
        self._store = store
        self._policy = policy
        self._dice = dice or random.Random()  # noqa: S311  it spreads retries, it guards nothing
        self._present = Present(clock)
        self._book = Book(store, policy, total_nodes, self._present)
        now = self._present.read()
        self._budgets = Budgets(policy.heartbeat * 1.5, policy.lease)
        for worker in self._book.workers.values():
            if not worker.row.left:
                self._budgets.expect(worker.row.worker_id, worker.row.budget, now.monotonic)
        self._handout = Handout(self._book, store, policy, total_nodes)
        self._beats = Beats(self._book, self._handout, self._budgets, policy)
        self._listings = Listings(self._book, store, policy, steps)
        self._watch = Watch(self._book, policy, self._backoff, now)
        self._listings.withdraw(now)

    @property
    def version(self) -> int:
        """Grows with every change that a watcher could see."""
        return self._book.version

    def register(self, registration: Registration) -> Registered:
        """Take a worker process on. NotReady (`WORKER_SUPERSEDED`) for one that a later process has replaced."""
        return self._beats.register(registration, self._present.read())

    def heartbeat(self, beat: Beat) -> BeatAnswer:
        """Hear a worker. NotFound (`WORKER_NOT_FOUND`): register first; NotReady (`WORKER_SUPERSEDED`)."""
        return self._beats.hear(beat, self._present.read(), self.archive_cutoff)

    def commit(self, call: CommitCall) -> CommitAnswer:
        """Enter a file into the manifest.

        Raises:
            AlreadyExists: `COMMIT_CONFLICT`.
            InvalidInput: `FILE_IMPLAUSIBLE`.
            NotReady: `STALE_EPOCH`, `UNKNOWN_EPOCH`.
            Denied: `LEASE_NOT_YOURS`.
            NotFound: `SHARD_NOT_FOUND`, `WORKER_NOT_FOUND`.
            Conflict: `SHARD_LEASED`, for an adoption.
        """
        now = self._present.read()
        row = self._book.rows.get(call.shard)
        if isinstance(call.basis, int):
            if row is None:
                raise ledger.shard_not_found(call.shard)
            earlier = self._book.commit_under(row, call.basis)
            if earlier is not None:
                if earlier.file.sha256 != call.file.sha256:
                    raise ledger.commit_conflict(call.shard, earlier)
                return CommitAnswer(earlier, row.state, already_committed=True)
            ledger.check_claim(row, call.basis, call.worker_id)
            self._check_registered(call.worker_id)
            self._check_size(call)
            call = self._with_unasked(row, call)
        else:
            self._check_registered(call.worker_id)
            row = row or self._listings.adopted(call, now)
            if row.commit is not None and row.commit.file.sha256 == call.file.sha256:
                return CommitAnswer(row.commit, row.state, already_committed=True)
            ledger.check_adoptable(row)
            self._check_size(call)
        return self._enter(row, call, now)

    def _completed(self, row: ShardRow, call: CommitCall, now: Moment) -> ShardRow:
        """Plan to collect an imported file again that lacks markets: nobody asked the exchange for them."""
        event = self._store.event(row.key.event) if call.basis is AdoptionKind.IMPORT else None
        is_over = row.state is not ShardState.OPEN and row.due_for is not Purpose.ADD_QUOTES
        return due.plan_anew(row, now.due) if event and is_over and ledger.is_short(row, event) else row

    def release(self, worker_id: str, lease: LeaseKey, reason: ReleaseReason, detail: str) -> None:
        """Take a lease back without a file; refuses as `commit` does. Who committed under it may give it back again."""
        now = self._present.read()
        row = self._book.rows.get(lease.shard)
        if row is None:
            raise ledger.shard_not_found(lease.shard)
        committed = self._book.commit_under(row, lease.epoch)
        if committed is not None and committed.worker_id == worker_id:
            return
        ledger.check_claim(row, lease.epoch, worker_id)
        live = self._book.leases.get(lease.shard)
        if live is None:
            self._book.given_back[lease.shard] = lease.epoch
            return
        failed = reason is ReleaseReason.FAILED
        wait = self._backoff(row.failures + 1) if failed else 0.0
        draft = self._book.draft()
        draft.put(ledger.lapse(row, now.due, self._policy, wait=wait, failed=failed))
        self._book.save(draft, now)
        self._book.close(live, now)
        if reason is ReleaseReason.DISK:
            self._book.workers[worker_id].rests_until = now.monotonic + self._policy.backoff
        _log.info("lease given back", shard=str(lease.shard), worker=worker_id, reason=reason.value, detail=detail)

    def learn_time(self, exchange: datetime) -> None:
        """Take the exchange's word on what time it is, UTC: what is due goes by it."""
        self._present.tell(exchange)

    def take_events(self, events: Sequence[EventRow]) -> None:
        """Learn of new events, and of what changed in known ones."""
        self._listings.take(events, self._present.read())

    def finish_listing(self, listing: Listing) -> None:
        """Learn that a series has been listed to the end: its totals are known."""
        self._book.save(self._book.draft(), self._present.read(), listing=listing)

    def tick(self) -> None:
        """Let time pass: run out leases, notice what is stuck and who is silent, even out the load. Once a second."""
        self._watch.look(self._present.read())

    def progress(self, series: Collection[str] = (), max_leases: int = 0) -> ProgressView:
        """Say how far collection is, of these series or of all, with up to so many leases."""
        now = self._present.read()
        book = self._book
        views = book.tallies.views(
            series, book.listings, lambda name, step: book.waiting.outlook(name, step, now.due), now.monotonic
        )
        longest = heapq.nsmallest(max_leases, book.leases.values(), key=lambda lease: lease.granted)
        return ProgressView(
            views,
            tuple(self.workers()),
            tuple(lease.view(book.rows[lease.key], now.monotonic) for lease in longest),
            book.tallies.remaining(views, now.monotonic),
            min((view.next_due for view in views if view.next_due is not None), default=None),
            book.last_sequence,
        )

    def shards(self, query: ShardQuery, after: ShardKey | int | None, limit: int) -> list[ShardView]:
        """List up to `limit` shards.

        Args:
            query: Which.
            after: Where the page before ended: its last key, or with `after_sequence` its last commit's sequence.
            limit: How many at most.
        """
        now = self._present.read()
        owners = self._preferring()
        rows = islice(self._book.index.find(query, self._book.rows, after), limit)
        return [self._shard_view(row, owners, now) for row in rows]

    def holes(self, shard: ShardKey) -> tuple[Hole, ...]:
        """Name the holes of the commit in force; none without a commit."""
        row = self._book.rows.get(shard)
        return self._store.holes(shard) if row is not None and row.commit is not None else ()

    def workers(self) -> list[WorkerView]:
        """List the workers by id."""
        now = self._present.read().monotonic
        return [
            worker.view(now, self._policy, self._budgets.last_share(name))
            for name, worker in sorted(self._book.workers.items())
        ]

    def addresses(self, row: ShardRow) -> tuple[str, ...]:
        """Say where the committed file can be fetched: from holders that are alive. At most four."""
        return self._handout.addresses(row, self._present.read())

    def _enter(self, row: ShardRow, call: CommitCall, now: Moment) -> CommitAnswer:
        live = self._book.leases.get(row.key)
        entered = ledger.commit(
            row, call, now.due, self._policy, sequence=self._book.last_sequence + 1, committed=now.wall
        )
        entered = self._completed(entered, call, now)
        commit = entered.commit
        if commit is None:
            raise AssertionError("a commit makes one")
        draft = self._book.draft()
        draft.put(entered)
        self._book.save(draft, now, commit=Entry(row.key, commit, call.holes))
        worker = self._book.workers[call.worker_id]
        worker.commits += 1
        told = live.progress.rows if live is not None and live.progress else 0
        gained = call.file.row_count - (row.commit.file.row_count if row.commit else 0) - told
        if isinstance(call.basis, int) and gained > 0:  # what was fetched since the last heartbeat
            worker.rows.add(gained, now.monotonic)
        _log.info(
            "committed",
            shard=str(row.key),
            worker=call.worker_id,
            epoch=commit.epoch,
            rows=commit.file.row_count,
            holes=commit.hole_count,
            state=entered.state.value,
        )
        return CommitAnswer(commit, entered.state, already_committed=False)

    def _with_unasked(self, row: ShardRow, call: CommitCall) -> CommitCall:
        """Add as holes what the grant had no room for."""
        event = self._store.event(row.key.event)
        if event is None:
            return call
        kept = self._store.holes(row.key) if row.commit is not None and row.commit.hole_count else ()
        holes = ledger.with_unasked(call.holes, unasked_holes(row, event, kept))
        if len(holes) > _MAX_HOLES:
            _log.error("an event has more markets than can be collected", shard=str(row.key), holes=len(holes))
        return replace(call, holes=holes[:_MAX_HOLES])

    def _check_size(self, call: CommitCall) -> None:
        check_size(call.file, call.shard.step_seconds, self._store.event(call.shard.event), self._policy)

    def _check_registered(self, worker_id: str) -> None:
        if worker_id not in self._book.workers:
            raise NotFound(f"{worker_id} has not registered", reason="WORKER_NOT_FOUND")

    def _backoff(self, failures: int) -> float:
        return due.backoff(failures, self._policy) * self._dice.uniform(0.75, 1.25)

    def _preferring(self) -> dict[int, str]:
        """Name the worker of each place of the split."""
        found: dict[int, str] = {}
        for name, worker in sorted(self._book.workers.items()):
            if worker.row.node_index is not None and not worker.row.left:
                found.setdefault(worker.row.node_index, name)
        return found

    def _shard_view(self, row: ShardRow, owners: Mapping[int, str], now: Moment) -> ShardView:
        live = self._book.leases.get(row.key)
        lease: LeaseView | None = live.view(row, now.monotonic) if live is not None else None
        wait = max(0.0, (row.due - now.due).total_seconds()) if row.due is not None and not row.withdrawn else None
        return ShardView(row, owners.get(self._book.waiting.place_of(row.key), ""), lease, wait)
