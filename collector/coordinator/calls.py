"""What the coordinator is asked and what it answers, apart from the wire. Pure.

Refusals are raised as `mesh.errors` with the reasons and metadata that the contract names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from collector.coordinator.rows import ShardRow, ShardState, WorkerRow
from collector.types import ApiBudget, ApiShare, ApiUsage, FileReport, Grant, LeaseKey, LeaseProgress
from mesh.shards import Commit, Hole, ShardFile, ShardKey


class Intent(Enum):
    """What a worker wants to do from here on."""

    COLLECT = "collect"
    DRAIN = "drain"
    """Finish or release what it holds; no new leases."""
    LEAVE = "leave"
    """This process ends now: leases still held are free at once."""


class RevocationReason(Enum):
    """Why a lease is asked back."""

    REBALANCE = "rebalance"
    SLOW = "slow"
    WITHDRAWN = "withdrawn"


class CancellationReason(Enum):
    """Why a lease is over."""

    STALE_EPOCH = "stale_epoch"
    COMMITTED = "committed"
    """This epoch's commit is in the manifest. The file is good."""
    UNKNOWN_EPOCH = "unknown_epoch"
    """Never granted: the database is older than the lease. The worker keeps the file for an operator."""
    WITHDRAWN = "withdrawn"


class ReleaseReason(Enum):
    """Why a lease is given back."""

    REVOKED = "revoked"
    SHUTDOWN = "shutdown"
    DISK = "disk"
    FAILED = "failed"


class AdoptionKind(Enum):
    """How a file came about without a lease."""

    IMPORT = "import"
    STATIC = "static"


@dataclass(frozen=True, slots=True)
class Renewed:
    """The lease goes on."""

    lease: LeaseKey
    expire_seconds: float
    """It runs out this long after the worker sent the call."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """Wind down and give it back: commit if that can be done in time, else release."""

    lease: LeaseKey
    drain_seconds: float
    reason: RevocationReason
    next_worker: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Stop at once: it is not yours any more."""

    lease: LeaseKey
    reason: CancellationReason
    current_owner: str
    """Empty if nobody holds the shard."""
    current_epoch: int


Verdict = Renewed | Revoked | Cancelled


@dataclass(frozen=True, slots=True)
class Registration:
    """A worker process announces itself."""

    worker_id: str
    instance: str
    software_version: str
    node_index: int | None
    fetch_address: str | None
    budget: ApiBudget
    leases: tuple[LeaseProgress, ...]
    """That it still holds from before."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The coordinator's terms."""

    heartbeat_seconds: float
    """Longest between two heartbeats."""
    min_heartbeat_seconds: float
    verdicts: tuple[Verdict, ...]
    """One per lease named, in their order."""
    share: ApiShare


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat."""

    worker_id: str
    instance: str
    sequence: int
    """From one. One that is not above the last seen is answered from the present state and changes nothing."""
    intent: Intent
    leases: tuple[LeaseProgress, ...]
    """Every one it holds. A granted lease that was named once and is named no more is free."""
    wanted_leases: int
    usage: ApiUsage
    reports: tuple[FileReport, ...] = ()
    missing_copies: int | None = None
    free_disk_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class BeatAnswer:
    """Verdicts, grants, budget."""

    verdicts: tuple[Verdict, ...]
    grants: tuple[tuple[Grant, float], ...]
    """New leases, and earlier ones that the worker has not named yet, each with the seconds until it runs out. At most
    64, of at most 6,000 markets together."""
    share: ApiShare
    archive_cutoff: datetime | None
    """Markets settled before this are in the exchange's archive; None while unknown."""


@dataclass(frozen=True, slots=True)
class CommitCall:
    """A finished file."""

    worker_id: str
    shard: ShardKey
    basis: int | AdoptionKind
    """Epoch of the lease under which it was made, or how it came about without one."""
    file: ShardFile
    covered_end: datetime
    holes: tuple[Hole, ...]


@dataclass(frozen=True, slots=True)
class CommitAnswer:
    """The file is in the manifest."""

    commit: Commit
    state: ShardState
    already_committed: bool


class WorkerState(Enum):
    """What a worker is, as the coordinator sees it."""

    ACTIVE = "active"
    SLOW = "slow"
    """Heartbeats arrive, but its leases do not move as they should."""
    DRAINING = "draining"
    SILENT = "silent"
    """Heartbeats are overdue; its leases still run."""
    LOST = "lost"
    """Heartbeats are overdue and its leases have run out."""
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker, for those who look."""

    row: WorkerRow
    state: WorkerState
    share: ApiShare | None
    usage: ApiUsage | None
    heartbeat_age: float | None
    """Seconds."""
    leases: int
    commits: int
    rows_per_second: float | None
    """Candles over the last minutes."""
    missing_copies: int | None
    free_disk_bytes: int | None


@dataclass(frozen=True, slots=True)
class LeaseView:
    """A lease in force, for those who look."""

    row: ShardRow
    progress: LeaseProgress
    held_seconds: float
    expire_seconds: float | None
    """None while leases are paused after a restart."""
    revoked: bool


@dataclass(frozen=True, slots=True)
class SeriesView:
    """How far one series is at one candle step. Counts are shards unless the name says otherwise."""

    series: str
    step_seconds: int
    total: int | None
    """None until the exchange's events of this series have been listed to the end once."""
    committed: int
    sealed: int
    open: int
    leased: int
    holed: int
    price_only: int
    holes: int
    rows: int
    size_bytes: int
    due: int
    """Due now, leased ones included."""
    remaining: timedelta | None
    """Until all that is due now is collected, at the rate of the last minutes."""
    next_due: timedelta | None
    """Until the next shard falls due of those that wait; None if none waits."""
    listed: datetime | None
    """When the exchange was last listed to the end."""


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far collection is at one moment."""

    series: tuple[SeriesView, ...]
    workers: tuple[WorkerView, ...]
    leases: tuple[LeaseView, ...]
    """The longest held first."""
    remaining: timedelta | None
    next_due: timedelta | None
    last_sequence: int


@dataclass(frozen=True, slots=True)
class ShardQuery:
    """Which shards to list; all conditions must hold."""

    series: tuple[str, ...] = ()
    event: str = ""
    states: tuple[ShardState, ...] = ()
    owner: str = ""
    committed_only: bool = False
    holed_only: bool = False
    after_sequence: int | None = None
    """Only commits of a higher sequence, in its order; None lists by shard key."""


@dataclass(frozen=True, slots=True)
class ShardView:
    """A shard, for those who look."""

    row: ShardRow
    preferred_worker: str
    """Empty if the place has no worker."""
    lease: LeaseView | None
    due_seconds: float | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a look at the exchange found of one series, complete."""

    series: str
    steps: tuple[int, ...]
    """Candle steps to collect it at, in seconds."""
    listed: datetime
    events: Mapping[str, int]
    """Events found, with the count of their markets."""
