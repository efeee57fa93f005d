"""A coordinator on a store in memory, a clock that tests move, and workers that say what tests tell them to."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from collector.coordinator.calls import (
    AdoptionKind,
    Beat,
    BeatAnswer,
    CommitAnswer,
    CommitCall,
    Intent,
    Registered,
    Registration,
    ReleaseReason,
)
from collector.coordinator.engine import Coordinator
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow, ShardRow
from collector.types import (
    ApiBudget,
    ApiUsage,
    BudgetKind,
    FileReport,
    Grant,
    LeaseKey,
    LeaseProgress,
    MarketTask,
    Phase,
    Stage,
)
from mesh.shards import Content, Hole, ShardFile, ShardKey
from tests.unit.collector.memory_store import MemoryStore

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEPS = {"KXHIGHNY": (3600,), "KXBTC": (60,)}
ACCOUNT = ApiBudget(BudgetKind.PER_ACCOUNT, "main", 200.0, 600.0)


class HandClock:
    """Wall and monotonic time, moved apart from each other."""

    def __init__(self, start: datetime = NOON, monotonic: float = 1000.0) -> None:
        self.wall = start
        self.elapsed = monotonic

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds


def event(
    number: int = 0,
    *,
    series: str = "KXHIGHNY",
    opens: datetime = NOON - 24 * HOUR,
    closes: datetime = NOON - 4 * HOUR,
    phase: Phase = Phase.SETTLED,
    markets: int = 3,
) -> EventRow:
    """An event; by default one that was settled an hour after its close."""
    name = f"{series}-E{number}"
    tasks = tuple(MarketTask(f"{name}-T{at:04}", phase, opens, closes) for at in range(markets))
    settled = closes + HOUR if phase is Phase.SETTLED else None
    return EventRow(series, name, tasks, settled, NOON)


def open_event(number: int = 0, *, closes: datetime = NOON + 8 * HOUR, markets: int = 3) -> EventRow:
    """An event that trades, by default for hours yet."""
    return event(number, opens=NOON - 4 * HOUR, closes=closes, phase=Phase.OPEN, markets=markets)


def shard_of(listed: EventRow) -> ShardKey:
    """The shard of an event at the first of its series' candle steps."""
    return ShardKey(listed.series, listed.event, STEPS[listed.series][0])


def file_of(name: str, rows: int = 10, content: Content = Content.PRICES_AND_QUOTES) -> ShardFile:
    """A finished file; the name stands for its bytes."""
    sha256 = name.encode().hex().rjust(64, "0")[-64:]
    last = NOON - 5 * HOUR if rows else None
    return ShardFile(sha256, 1000 + rows, rows, min(rows, 3), last, last, "foremesh.candles", 1, content)


@dataclass
class Site:
    """A coordinator and what it stands on."""

    policy: LeasePolicy = field(default_factory=LeasePolicy)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: HandClock = field(default_factory=HandClock)
    nodes: int = 3
    starts: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Kill the coordinator; a new one begins on the same store, with a monotonic clock of its own."""
        self.starts += 1
        self.clock.elapsed = 1000.0 * self.starts
        self.coordinator = Coordinator(
            self.store,
            self.clock,
            self.policy,
            steps=STEPS,
            total_nodes=self.nodes,
            instance_id=f"start-{self.starts}",
            dice=random.Random(self.starts),  # noqa: S311  the same in every run
        )

    def pass_time(self, seconds: float) -> None:
        """Let time pass, looked at every second or so."""
        while seconds > 0:
            step = min(5.0, seconds)
            self.clock.pass_time(step)
            seconds -= step
            self.coordinator.tick()

    def list(self, *events: EventRow) -> None:
        """Let discovery find events."""
        self.coordinator.take_events(events)

    def row(self, listed: EventRow | ShardKey) -> ShardRow:
        """The shard as it is kept."""
        key = listed if isinstance(listed, ShardKey) else shard_of(listed)
        return self.store.shards[key]

    def commit(
        self,
        worker_id: str,
        lease: LeaseKey,
        *,
        name: str | None = None,
        covered_end: datetime | None = None,
        holes: tuple[Hole, ...] = (),
        content: Content = Content.PRICES_AND_QUOTES,
    ) -> CommitAnswer:
        """Commit a file under a lease: by default one that is complete up to now."""
        file = file_of(name or f"{lease.shard.event[-20:]}e{lease.epoch}", content=content)
        call = CommitCall(worker_id, lease.shard, lease.epoch, file, covered_end or self.clock.now(), holes)
        return self.coordinator.commit(call)

    def adopt(
        self,
        worker_id: str,
        shard: ShardKey,
        *,
        name: str = "old",
        content: Content = Content.PRICES,
        kind: AdoptionKind = AdoptionKind.IMPORT,
        covered_end: datetime = NOON - 3 * HOUR,
    ) -> CommitAnswer:
        """Offer a file that was made without a lease."""
        call = CommitCall(worker_id, shard, kind, file_of(name, content=content), covered_end, ())
        return self.coordinator.commit(call)


@dataclass
class Worker:
    """A worker process: what it holds is what it names."""

    site: Site
    name: str = "node-0"
    place: int | None = 0
    instance: str = "first"
    budget: ApiBudget = ACCOUNT
    sequence: int = 0
    held: dict[LeaseKey, LeaseProgress] = field(default_factory=dict)
    usage: ApiUsage = field(default_factory=ApiUsage)

    def register(self) -> Registered:
        return self.site.coordinator.register(self.registration())

    def registration(self) -> Registration:
        return Registration(
            self.name, self.instance, "0.1.0", self.place, f"{self.name}:7", self.budget, tuple(self.held.values())
        )

    def beat(
        self,
        wanted: int = 0,
        *,
        intent: Intent = Intent.COLLECT,
        reports: tuple[FileReport, ...] = (),
        take: bool = True,
    ) -> BeatAnswer:
        """Send a heartbeat and, unless its answer is lost, take what it grants."""
        self.sequence += 1
        answer = self.site.coordinator.heartbeat(self.as_beat(wanted, intent=intent, reports=reports))
        if take:
            for grant, _ in answer.grants:
                self.hold(grant.lease)
        return answer

    def as_beat(
        self, wanted: int = 0, *, intent: Intent = Intent.COLLECT, reports: tuple[FileReport, ...] = ()
    ) -> Beat:
        return Beat(
            self.name, self.instance, self.sequence, intent, tuple(self.held.values()), wanted, self.usage, reports
        )

    def hold(self, lease: LeaseKey, stage: Stage = Stage.QUEUED, *, rows: int = 0, done_markets: int = 0) -> None:
        """Say of a lease how far it is."""
        self.held[lease] = LeaseProgress(lease, stage, rows=rows, done_markets=done_markets)

    def drop(self, lease: LeaseKey) -> None:
        self.held.pop(lease, None)

    def take(self, wanted: int = 1) -> list[Grant]:
        """Ask for leases, and hold them."""
        return [grant for grant, _ in self.beat(wanted).grants]

    def commit(
        self, lease: LeaseKey, *, holes: tuple[Hole, ...] = (), covered_end: datetime | None = None
    ) -> CommitAnswer:
        self.drop(lease)
        return self.site.commit(self.name, lease, holes=holes, covered_end=covered_end)

    def release(self, lease: LeaseKey, reason: ReleaseReason = ReleaseReason.REVOKED) -> None:
        self.drop(lease)
        self.site.coordinator.release(self.name, lease, reason, "as the test says")

    def restart(self) -> None:
        """Begin a new process that holds nothing."""
        self.instance += "+"
        self.sequence = 0
        self.held.clear()


def worker(site: Site, place: int | None = 0, **settings: object) -> Worker:
    """Make a worker that has registered."""
    made = Worker(site, name=f"node-{place}" if place is not None else "spare", place=place)
    for name, value in settings.items():
        setattr(made, name, value)
    made.register()
    return made
