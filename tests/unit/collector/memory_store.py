"""A store of the coordinator's rows in memory: keeps the protocol, and fails when told."""

from collections.abc import Iterable

from collector.coordinator.calls import Listing
from collector.coordinator.rows import EventRow, ShardRow, WorkerRow
from collector.coordinator.store import Entry, Loaded
from mesh.errors import Unavailable
from mesh.shards import Commit, Hole, ShardKey


class MemoryStore:
    """Survives coordinators, as a database does: make another one on the same store to restart."""

    def __init__(self) -> None:
        self.failing = False
        self.saves = 0
        self.shards: dict[ShardKey, ShardRow] = {}
        self.workers: dict[str, WorkerRow] = {}
        self.events: dict[str, EventRow] = {}
        self.listings: dict[str, Listing] = {}
        self.history: dict[tuple[ShardKey, int], Entry] = {}

    def load(self) -> Loaded:
        self._check()
        counts: dict[str, int] = {}
        for entry in self.history.values():
            counts[entry.commit.worker_id] = counts.get(entry.commit.worker_id, 0) + 1
        return Loaded(
            list(self.shards.values()), list(self.workers.values()), dict(self.listings), counts, self.last_sequence
        )

    def save(
        self,
        *,
        shards: Iterable[ShardRow] = (),
        workers: Iterable[WorkerRow] = (),
        events: Iterable[EventRow] = (),
        commit: Entry | None = None,
        listing: Listing | None = None,
    ) -> None:
        self._check()
        self.saves += 1
        if commit is not None:
            key = (commit.shard, commit.commit.epoch)
            assert key not in self.history, "a second commit under one epoch"
            assert commit.commit.sequence > self.last_sequence, "a sequence that does not grow"
            self.history[key] = commit
        for shard in shards:
            before = self.shards.get(shard.key)
            assert before is None or shard.epoch >= before.epoch, "an epoch that goes back"
            self.shards[shard.key] = shard
        self.workers.update({worker.worker_id: worker for worker in workers})
        self.events.update({event.event: event for event in events})
        if listing is not None:
            self.listings[listing.series] = listing

    def commit_of(self, shard: ShardKey, epoch: int) -> Commit | None:
        self._check()
        entry = self.history.get((shard, epoch))
        return entry.commit if entry is not None else None

    def holes(self, shard: ShardKey) -> tuple[Hole, ...]:
        self._check()
        row = self.shards.get(shard)
        return self.history[shard, row.commit.epoch].holes if row is not None and row.commit is not None else ()

    def event(self, event: str) -> EventRow | None:
        self._check()
        return self.events.get(event)

    @property
    def last_sequence(self) -> int:
        return max((entry.commit.sequence for entry in self.history.values()), default=0)

    def _check(self) -> None:
        if self.failing:
            raise Unavailable("the disk is full", reason="DATABASE_UNAVAILABLE")
