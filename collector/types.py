"""A lease's work and its progress, as coordinator and collector both mean them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from mesh.shards import Commit, ShardKey


class Phase(Enum):
    """Life of a market, reduced to what collection acts upon."""

    UPCOMING = "upcoming"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    SETTLED = "settled"
    UNKNOWN = "unknown"


class Purpose(Enum):
    """What a lease is for."""

    COLLECT = "collect"
    """The first collection."""
    REFRESH = "refresh"
    """The event still trades: add what is new."""
    FINISH = "finish"
    """The event is over: complete the shard for good."""
    RETRY_HOLES = "retry_holes"
    """Ask again for the markets that are holes."""
    REPAIR = "repair"
    """The committed file is lost or damaged everywhere: collect it anew."""
    ADD_QUOTES = "add_quotes"
    """The commit in force holds prices alone: collect it anew, with quotes."""


class Stage(Enum):
    """What a worker is doing with a lease."""

    QUEUED = "queued"
    FETCHING = "fetching"
    WRITING = "writing"
    COMMITTING = "committing"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, order=True)
class LeaseKey:
    """Names a lease: one grant of one shard."""

    shard: ShardKey
    epoch: int
    """Fencing token: grows with every grant of this shard, never reused."""


@dataclass(frozen=True, slots=True)
class MarketTask:
    """One market to collect. Times are UTC."""

    ticker: str
    phase: Phase
    opens: datetime
    closes: datetime
    """As announced."""
    fetch_from: datetime | None = None
    """First candle end to ask for; None is the grant's."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease and the work under it. Times are UTC."""

    lease: LeaseKey
    purpose: Purpose
    opens: datetime
    """When trading in the event starts."""
    closes: datetime
    """When it ends, as announced."""
    settled: datetime | None
    """When the event's markets were settled; None before. Against the archive's cutoff it says which tier has them."""
    fetch_from: datetime | None
    """First candle end to ask for; None is each market's open."""
    markets: tuple[MarketTask, ...]
    """To collect, at least one; the event's other markets stay as they are in `base`."""
    base: Commit | None
    """The commit that this lease extends; None if it begins from nothing."""
    base_addresses: tuple[str, ...] = ()
    """`host:port` of nodes that hold the base's file."""
    replaces: Commit | None = None
    """A good commit that the file takes the place of without extending it: one that lacks more is not committed."""


@dataclass(frozen=True, slots=True)
class LeaseProgress:
    """How far a worker is with one lease. Counters only grow within a lease."""

    lease: LeaseKey
    stage: Stage
    done_markets: int = 0
    """Holes included."""
    total_markets: int = 0
    holes: int = 0
    rows: int = 0
    received_bytes: int = 0
    tokens: int = 0
    last: datetime | None = None
    """End of the latest candle received."""
    age_seconds: float = 0.0
    """Since anything of the above last changed: alive is not the same as moving."""


class BudgetKind(Enum):
    """Whom the exchange counts calls against."""

    PER_IP = "per_ip"
    """Calls without a key: the limit is the address's, undocumented, and learned carefully."""
    PER_ACCOUNT = "per_account"
    """Calls with a key: the limit is the account's, known, and divided among the workers that use it."""


@dataclass(frozen=True, slots=True)
class ApiBudget:
    """The budget that a worker's calls are counted against; workers that name the same kind and id share one."""

    kind: BudgetKind
    budget_id: str
    """Label of the account or of the internet address, from configuration. Never a key id."""
    refill_per_second: float | None = None
    """Tokens a second as the exchange states them; None where it states none. An ordinary call costs 10."""
    capacity: float | None = None
    """Tokens of the bucket as the exchange states them."""


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """API budget used: totals since the worker process started, so a repeated or lost report changes nothing."""

    calls: int = 0
    tokens: int = 0
    throttled: int = 0
    """Calls answered 429."""
    failed: int = 0
    """Calls that failed otherwise."""
    tokens_per_second: float = 0.0
    """Actually spent over the last heartbeat interval."""
    wanted_per_second: float | None = None
    """What it could use with the work it holds; None is content with its share."""


@dataclass(frozen=True, slots=True)
class ApiShare:
    """The part of an API budget that is a worker's own."""

    tokens_per_second: float
    """Zero: make no calls."""
    burst_tokens: float
    hold_seconds: float
    """How long it holds, counted from the sending of the call that brought it."""
    fallback_per_second: float
    """From then on, until a newer share arrives."""


class Condition(Enum):
    """What a worker found when it looked at a committed file on its disk."""

    VERIFIED = "verified"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class FileReport:
    """News of one committed file on a worker's disk."""

    shard: ShardKey
    sha256: str
    """Of the committed file that was looked for."""
    condition: Condition
