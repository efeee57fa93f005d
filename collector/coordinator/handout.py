"""Which shards a worker gets: those handed to it, those of its place in the split, then what nobody else takes."""

from collections.abc import Collection, Generator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from collector.coordinator import due, ledger
from collector.coordinator.book import Book, Draft
from collector.coordinator.granting import build_grant
from collector.coordinator.moment import Moment
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.roster import LiveLease, LiveWorker
from collector.coordinator.rows import EventRow, ShardRow, WorkerRow
from collector.coordinator.store import Store
from collector.types import Grant, Purpose
from mesh.log import get
from mesh.shards import ShardKey

MAX_GRANTS = 64
MAX_MARKETS = 6000
"""Of all grants of one answer, which keeps it within the size of a message."""
_MAX_ADDRESSES = 4
_IDLE_PATIENCE = 2.0
"""Seconds for which a worker without a lease leaves shards to the worker that they prefer."""
_HOLDER_TRIES = 5
"""Waits of one lease time each for a node that has the file to extend; then everything is collected anew."""

_log = get(__name__)


class Handout:
    """Grants leases. Reads the store for markets and holes; changes nothing but the draft it is given."""

    def __init__(self, book: Book, store: Store, policy: LeasePolicy, places: int) -> None:
        self._book = book
        self._store = store
        self._policy = policy
        self._places = places

    def repeat(self, lease: LiveLease, now: Moment) -> Grant | None:
        """Build the grant of a lease again that its worker has not named yet; None if there is nothing left to do."""
        if lease.grant is None:
            row = self._book.rows[lease.key]
            event = self._store.event(lease.key.event)
            lease.grant = self._build(row, event, lease.worker_id, now) if event is not None else None
        return lease.grant

    def choose(self, worker: LiveWorker, wanted: int, markets: int, draft: Draft, now: Moment) -> list[Grant]:
        """Grant up to `wanted` shards of up to `markets` markets together; their rows are in the draft."""
        grants: list[Grant] = []
        if wanted <= 0:
            return grants
        seen = set(draft.changed)
        with closing(self._candidates(worker, now)) as candidates:
            for key in candidates:
                if key in seen:
                    continue
                seen.add(key)
                grant = self._grant(self._book.rows[key], worker.row, draft, now)
                if grant is None:
                    continue
                markets -= len(grant.markets)
                if markets < 0:
                    draft.put(self._book.rows[key])
                    break
                grants.append(grant)
                if len(grants) == wanted:
                    break
        return grants

    def addresses(self, row: ShardRow, now: Moment) -> tuple[str, ...]:
        """Name where the committed file of a shard can be fetched: holders that are heard of."""
        found: dict[str, None] = {}
        for holder in row.holders:
            worker = self._book.workers.get(holder)
            if worker is not None and worker.row.fetch_address and worker.answers(now.monotonic, self._policy):
                found[worker.row.fetch_address] = None
        return tuple(found)[:_MAX_ADDRESSES]

    def _grant(self, row: ShardRow, worker: WorkerRow, draft: Draft, now: Moment) -> Grant | None:
        ripe = due.ripen(row, now.due, self._policy)
        event = self._store.event(row.key.event)
        if event is None:
            _log.warning("a shard is due whose event was never listed", shard=str(row.key))
            draft.put(replace(row, due=None))
            return None
        if ripe.due is None or ripe.due > now.due:
            draft.put(ripe)
            return None
        if self._is_out_of_reach(ripe, worker.worker_id, now):
            if ripe.failures < _HOLDER_TRIES:  # who has the file may be back soon
                later = now.due + timedelta(seconds=self._policy.lease)
                draft.put(replace(ripe, due=later, failures=ripe.failures + 1))
                return None
            ripe = replace(ripe, due_for=Purpose.COLLECT)
        leased = ledger.grant(ripe, worker.worker_id, worker.instance, now.wall)
        grant = self._build(leased, event, worker.worker_id, now)
        draft.put(leased if grant is not None else due.plan_nothing(ripe, now.due, self._policy))
        return grant

    def _is_out_of_reach(self, row: ShardRow, worker_id: str, now: Moment) -> bool:
        """Tell whether the file that a lease would extend is with nobody who answers."""
        extends = row.commit is not None and row.due_for in (Purpose.REFRESH, Purpose.FINISH, Purpose.RETRY_HOLES)
        return extends and worker_id not in row.holders and not self.addresses(row, now)

    def _build(self, row: ShardRow, event: EventRow, worker_id: str, now: Moment) -> Grant | None:
        holes = self._store.holes(row.key) if row.commit is not None and row.commit.hole_count else ()
        holds = worker_id in row.holders
        return build_grant(row, event, holes, addresses=self.addresses(row, now), holds_base=holds)

    def _candidates(self, worker: LiveWorker, now: Moment) -> Generator[ShardKey, None, None]:
        me = worker.row.worker_id
        waiting = self._book.waiting
        takers = [other.row for other in self._book.workers.values() if other.takes_work(now.monotonic, self._policy)]
        alone = all(other.worker_id == me for other in takers)

        def allowed(key: ShardKey) -> bool:
            if alone:
                return True
            owner, until = self._book.reserved.get(key, (me, 0.0))
            avoided, avoided_until = self._book.avoid.get(key, ("", 0.0))
            return (owner == me or now.monotonic >= until) and (avoided != me or now.monotonic >= avoided_until)

        handed = [key for key, (owner, _) in self._book.reserved.items() if owner == me]
        handed += [key for key, (avoided, _) in self._book.avoid.items() if avoided != me]
        yield from (key for key in handed if waiting.is_ready(key) and allowed(key))
        mine = worker.row.node_index
        if mine is not None and mine < self._places:
            yield from waiting.take((mine,), allowed)
        others = (place for place in range(self._places) if place != mine)
        preferring = {other.node_index for other in takers}
        patience = self._policy.steal_after if worker.leases else min(self._policy.steal_after, _IDLE_PATIENCE)
        free = (place for place in others if self._is_free(place, preferring, now, patience))
        yield from waiting.take(free, allowed)

    def _is_free(self, place: int, preferring: Collection[int | None], now: Moment, patience: float) -> bool:
        """Tell whether anybody may take a place's shards: it has no worker here, or that one has long had no room."""
        since = self._book.waiting.waiting_since(place)
        return place not in preferring or (since is not None and now.monotonic - since >= patience)
