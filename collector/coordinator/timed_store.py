"""A store whose saves are timed."""

from collections.abc import Iterable

from prometheus_client import Histogram

from collector.coordinator.calls import Listing
from collector.coordinator.rows import EventRow, ShardRow, WorkerRow
from collector.coordinator.store import Entry, Loaded, Store
from mesh.shards import Commit, Hole, ShardKey


class TimedStore:
    """Keeps rows in another store, and counts how long that takes, failures included."""

    def __init__(self, store: Store, seconds: Histogram) -> None:
        self._store, self._seconds = store, seconds

    def load(self) -> Loaded:
        """See Store."""
        return self._store.load()

    def save(
        self,
        *,
        shards: Iterable[ShardRow] = (),
        workers: Iterable[WorkerRow] = (),
        events: Iterable[EventRow] = (),
        commit: Entry | None = None,
        listing: Listing | None = None,
    ) -> None:
        """See Store."""
        with self._seconds.time():
            self._store.save(shards=shards, workers=workers, events=events, commit=commit, listing=listing)

    def commit_of(self, shard: ShardKey, epoch: int) -> Commit | None:
        """See Store."""
        return self._store.commit_of(shard, epoch)

    def holes(self, shard: ShardKey) -> tuple[Hole, ...]:
        """See Store."""
        return self._store.holes(shard)

    def event(self, event: str) -> EventRow | None:
        """See Store."""
        return self._store.event(event)
