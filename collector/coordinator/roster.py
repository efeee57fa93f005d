"""Workers and leases as they are now: what the coordinator may forget, and hears again with the next heartbeats."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from collector.coordinator.calls import (
    Intent,
    LeaseView,
    Renewed,
    RevocationReason,
    Revoked,
    Verdict,
    WorkerState,
    WorkerView,
)
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.progress import Rate
from collector.coordinator.rows import ShardRow, WorkerRow
from collector.types import ApiShare, ApiUsage, Grant, LeaseKey, LeaseProgress, Stage
from mesh.shards import ShardKey

_OVERDUE_HEARTBEATS = 2.5


@dataclass(frozen=True, slots=True)
class Revocation:
    """A lease asked back. Times are monotonic."""

    reason: RevocationReason
    deadline: float
    next_worker: str = ""


@dataclass(slots=True)
class LiveLease:
    """A lease in force. Times are monotonic."""

    key: ShardKey
    epoch: int
    worker_id: str
    granted: float
    expires: float
    moved: float
    """When it last made progress."""
    paused: bool = False
    """From before the coordinator's start, and not heard of since."""
    named: bool = False
    """Its worker has it: it was named once."""
    progress: LeaseProgress | None = None
    revocation: Revocation | None = None
    grant: Grant | None = None
    """Until it is named."""

    @property
    def name(self) -> LeaseKey:
        """What its worker calls it."""
        return LeaseKey(self.key, self.epoch)

    @property
    def ends(self) -> float:
        """When it runs out, or is to be given back."""
        return min(self.expires, self.revocation.deadline) if self.revocation else self.expires

    @property
    def queued(self) -> bool:
        """Whether work on it has not begun, and nobody has asked for it back."""
        stage = self.progress.stage if self.progress else Stage.QUEUED
        return stage is Stage.QUEUED and self.named and self.revocation is None

    def hear(self, progress: LeaseProgress, now: float, policy: LeasePolicy) -> int:
        """Renew it by its worker's word; return the candles received since the last one."""
        before = self.progress
        if before is None:
            self.moved = now - progress.age_seconds
        elif _counters(progress) != _counters(before):
            self.moved = max(self.moved, now - progress.age_seconds)
        self.named, self.paused, self.grant = True, False, None
        self.expires = max(self.expires, now + policy.lease)
        self.progress = progress
        return max(0, progress.rows - before.rows) if before else progress.rows

    def delay(self, seconds: float) -> None:
        """Let everything about it end so much later."""
        self.expires += seconds
        self.moved += seconds
        if self.revocation is not None:
            self.revocation = replace(self.revocation, deadline=self.revocation.deadline + seconds)

    def is_stuck(self, now: float, policy: LeasePolicy) -> bool:
        """Tell whether it was begun and does not move."""
        begun = self.progress is not None and self.progress.stage is not Stage.QUEUED
        return begun and now - self.moved >= policy.stuck

    def verdict(self, now: float) -> Verdict:
        """Say what its worker is to do with it."""
        if self.revocation is None:
            return Renewed(self.name, max(0.001, self.expires - now))
        return Revoked(self.name, max(0.0, self.ends - now), self.revocation.reason, self.revocation.next_worker)

    def view(self, row: ShardRow, now: float) -> LeaseView:
        """Show it."""
        progress = self.progress or LeaseProgress(self.name, Stage.QUEUED)
        if self.progress is not None:
            progress = replace(progress, age_seconds=max(0.0, now - self.moved))
        expires = None if self.paused else max(0.0, self.ends - now)
        return LeaseView(row, progress, max(0.0, now - self.granted), expires, self.revocation is not None)


def _counters(progress: LeaseProgress) -> tuple[object, ...]:
    return (
        progress.rows,
        progress.done_markets,
        progress.received_bytes,
        progress.tokens,
        progress.holes,
        progress.last,
        progress.stage,
        progress.total_markets,
    )


@dataclass(slots=True)
class LiveWorker:
    """A worker. Times are monotonic."""

    row: WorkerRow
    since: float
    """When it registered, or the coordinator started."""
    rows: Rate
    commits: int = 0
    heard: float | None = None
    sequence: int = 0
    intent: Intent = Intent.COLLECT
    wanted: int = 0
    usage: ApiUsage | None = None
    missing_copies: int | None = None
    free_disk_bytes: int | None = None
    rests_until: float = 0.0
    """No grants before: its disk failed it."""
    stuck: bool = False
    """A lease was asked back because it did not move, and no progress of any has been heard since."""
    leases: dict[ShardKey, LiveLease] = field(default_factory=dict)
    shown: WorkerState | None = None
    """State that was last written to the log."""

    def restart(self, row: WorkerRow, now: float) -> None:
        """Take a new process for the one before."""
        self.row, self.since, self.heard, self.sequence = row, now, now, 0
        self.intent, self.wanted, self.usage = Intent.COLLECT, 0, None
        self.rests_until, self.stuck = 0.0, False

    def state(self, now: float, policy: LeasePolicy) -> WorkerState:
        """Judge it."""
        if self.row.left:
            return WorkerState.LEFT
        quiet = now - (self.heard if self.heard is not None else self.since)
        restarted = policy.grace if self.heard is None else 0.0
        if quiet > policy.heartbeat * _OVERDUE_HEARTBEATS + restarted:
            return WorkerState.SILENT if self.leases or quiet <= policy.lease + restarted else WorkerState.LOST
        if self.intent is not Intent.COLLECT:
            return WorkerState.DRAINING
        return WorkerState.SLOW if self.stuck else WorkerState.ACTIVE

    def answers(self, now: float, policy: LeasePolicy) -> bool:
        """Tell whether it is heard of."""
        return self.state(now, policy) not in (WorkerState.SILENT, WorkerState.LOST, WorkerState.LEFT)

    def takes_work(self, now: float, policy: LeasePolicy) -> bool:
        """Tell whether it is here and collects."""
        return self.state(now, policy) in (WorkerState.ACTIVE, WorkerState.SLOW) and now >= self.rests_until

    def view(self, now: float, policy: LeasePolicy, share: ApiShare | None) -> WorkerView:
        """Show it."""
        return WorkerView(
            self.row,
            self.state(now, policy),
            share,
            self.usage,
            heartbeat_age=None if self.heard is None else max(0.0, now - self.heard),
            leases=len(self.leases),
            commits=self.commits,
            rows_per_second=self.rows.per_second(now),
            missing_copies=self.missing_copies,
            free_disk_bytes=self.free_disk_bytes,
        )


class LeaseAlarms:
    """Wakes for leases whose time may have come. Renewing one needs no entry: it is looked at again when it rings."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, LiveLease]] = []
        self._count = 0

    def set(self, lease: LiveLease, at: float) -> None:
        """Ring for a lease at a monotonic instant."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, lease))

    def ringing(self, now: float) -> Iterator[LiveLease]:
        """Give the leases to look at now; whoever takes one sets it anew or has ended it."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]
