"""What the coordinator knows, as immutable rows: decisions make new rows, the store keeps them, whole. Pure.

Everything that a coordinator killed at any moment must know again is here. What it may forget (progress of leases, when
they run out, heartbeats, rates) lives in memory beside the rows.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from collector.types import ApiBudget, MarketTask, Purpose
from mesh.shards import Commit, ShardKey


class ShardState(Enum):
    """Life of a shard. Whether it has a commit, holes or a lease is said beside it, not by it."""

    OPEN = "open"
    """The event still trades: the shard is refreshed and grows."""
    CLOSED = "closed"
    """The event is over and the last collection, or a retry of holes, is outstanding."""
    SEALED = "sealed"
    """Finished. Leased again only for a repair."""


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A grant in force. When it runs out is kept in memory, on the monotonic clock."""

    epoch: int
    worker_id: str
    worker_instance: str
    """The process that it was granted to, or that took it up again."""
    purpose: Purpose
    granted: datetime
    """For people; no decision compares it."""


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One shard. Times are UTC."""

    key: ShardKey
    state: ShardState
    opens: datetime
    """Open time of the event's first market."""
    closes: datetime
    """Close time of the event's last market, as announced."""
    settled: datetime | None = None
    """When the last of the event's markets was settled."""
    epoch: int = 0
    """Highest ever granted; 0 if never leased."""
    granted_to: str = ""
    """Worker of that epoch: it may still commit after its lease ran out, as long as nobody got a higher one."""
    lease: LeaseRow | None = None
    commit: Commit | None = None
    """The one in force."""
    due: datetime | None = None
    """When it may be leased next; None if nothing is due."""
    due_for: Purpose = Purpose.COLLECT
    """What for."""
    failures: int = 0
    """Leases in a row that ended without a commit for a reason that waiting may mend; backs `due` off."""
    hole_retries: int = 0
    """Retries of holes since the event closed; policy gives up after some and seals."""
    holders: tuple[str, ...] = ()
    """Workers known to have a verified copy of the committed file."""
    withdrawn: bool = False
    """No longer to be collected: its series left the configuration."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the exchange listed it. Times are UTC."""

    series: str
    event: str
    markets: tuple[MarketTask, ...]
    """By ticker."""
    settled: datetime | None
    """When the last of its markets was settled; None before."""
    listed: datetime

    @property
    def opens(self) -> datetime:
        """Open time of the first market."""
        return min(market.opens for market in self.markets)

    @property
    def closes(self) -> datetime:
        """Close time of the last market."""
        return max(market.closes for market in self.markets)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as it last registered."""

    worker_id: str
    instance: str
    superseded: tuple[str, ...]
    """Its earlier processes, latest last: one of them that comes back must stop. The latest 16 are kept."""
    software_version: str
    node_index: int | None
    """Place in the stable split."""
    fetch_address: str | None
    budget: ApiBudget
    registered: datetime
    left: bool = False
    """It said goodbye."""
