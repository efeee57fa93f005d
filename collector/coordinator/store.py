"""What keeps the coordinator's rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from collector.coordinator.calls import Listing
from collector.coordinator.rows import EventRow, ShardRow, WorkerRow
from mesh.shards import Commit, Hole, ShardKey


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything that was kept, at the start."""

    shards: list[ShardRow]
    workers: list[WorkerRow]
    listings: Mapping[str, Listing]
    """The last complete one of each series."""
    commit_counts: Mapping[str, int]
    """Commits in the manifest's history by worker."""
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit for the manifest's history."""

    shard: ShardKey
    commit: Commit
    holes: tuple[Hole, ...]


class Store(Protocol):
    """Keeps rows over any crash. Every method raises Unavailable (`DATABASE_UNAVAILABLE`) where it cannot."""

    def load(self) -> Loaded:
        """Read everything."""
        ...

    def save(
        self,
        *,
        shards: Iterable[ShardRow] = (),
        workers: Iterable[WorkerRow] = (),
        events: Iterable[EventRow] = (),
        commit: Entry | None = None,
        listing: Listing | None = None,
    ) -> None:
        """Write all of it in one transaction, synced before this returns, or nothing."""
        ...

    def commit_of(self, shard: ShardKey, epoch: int) -> Commit | None:
        """Look up the commit made under an epoch, in force or not."""
        ...

    def holes(self, shard: ShardKey) -> tuple[Hole, ...]:
        """Return the holes of the commit in force."""
        ...

    def event(self, event: str) -> EventRow | None:
        """Return an event with its markets."""
        ...
