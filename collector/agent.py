"""Keeps the coordinator told and does what it says: registers, sends heartbeats, applies verdicts, takes grants.

The coordinator may be away at any time, for any time: what is leased is worked on regardless, and the commit decides.
Spans that the coordinator names are counted from the sending of the call that brought them, on our own clock.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from collector.coordination import CoordinatorClient
from collector.coordinator.calls import (
    Beat,
    BeatAnswer,
    Cancelled,
    Intent,
    Registered,
    Registration,
    Renewed,
    Revoked,
    Verdict,
)
from collector.desk import Desk, Lease
from collector.metrics import CollectorMetrics
from collector.pace import Pace
from collector.types import ApiBudget, Condition, FileReport, Grant, Stage
from mesh import log
from mesh.clock import Clock
from mesh.config import ConfigError
from mesh.errors import Denied, InvalidInput, MeshError, Unauthenticated, Unsupported
from mesh.shards import ShardKey
from mesh.waiting import until

MOST_LEASES = 512
_MOST_REPORTS = 200
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 5.0  # seconds between tries while the coordinator is away
_EARLY = 0.9  # of the longest interval: a heartbeat should not be late because the loop was busy
_SHORTEST_TIMEOUT = 2.0
_LEAVE_SECONDS = 2.0

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this worker is."""

    worker_id: str
    instance: str
    """Names this process: new at each start."""
    software_version: str
    node_index: int | None
    fetch_address: str | None
    budget: ApiBudget


@dataclass(frozen=True, slots=True)
class Facts:
    """What else a heartbeat says."""

    missing_copies: int | None
    """Committed files that this node wants a copy of and lacks; None if it copies none."""
    free_disk_bytes: int | None


class Agent:
    """This worker, as its coordinator knows it.

    Args:
        identity: Who it is.
        coordinator: Whom it works for.
        desk: Its leases.
        pace: What holds its calls to its share of the API budget.
        clock: For every span.
        most_leases: That it holds at once.
        start: Sets the work on a new lease going.
        facts: Asked before each heartbeat; must not wait.
        metrics: Counts the leases that a heartbeat's answer ends.

    Attributes:
        registered: Set while the coordinator knows this process.
        cutoff: What settled before this is in the exchange's archive; None while unknown.
        superseded: A later process has taken this worker's name.
    """

    def __init__(
        self,
        identity: Identity,
        coordinator: CoordinatorClient,
        desk: Desk,
        pace: Pace,
        clock: Clock,
        *,
        most_leases: int,
        start: Callable[[Lease], None],
        facts: Callable[[], Facts],
        metrics: CollectorMetrics,
    ) -> None:
        self.identity = identity
        self.registered = asyncio.Event()
        self.cutoff: datetime | None = None
        self.superseded = False
        self._coordinator = coordinator
        self._desk = desk
        self._pace = pace
        self._clock = clock
        self._most_leases = most_leases
        self._start = start
        self._facts = facts
        self._metrics = metrics
        self._terms: Registered | None = None
        self._known_to = ""
        self._intent = Intent.COLLECT
        self._sequence = 0
        self._round = clock.monotonic()
        self._sent = clock.monotonic()
        self._granted = clock.monotonic()
        self._stalled_until = 0.0
        self._wake = asyncio.Event()
        self._calling = asyncio.Lock()
        self._reports: OrderedDict[ShardKey, FileReport] = OrderedDict()
        self._away_since: float | None = None

    async def run(self) -> None:
        """Go on until cancelled. Raises ConfigError when a later process has taken this worker's name."""
        wait = _FIRST_WAIT
        while self._intent is not Intent.LEAVE:
            self._round = self._clock.monotonic()
            try:
                async with self._calling:
                    if self._terms is None or self._coordinator.instance != self._known_to:
                        await self._register()
                    await self._beat()
            except MeshError as error:
                self._sequence += 1  # the next number does not follow: whatever was answered is not in force
                self._take_refusal(error)
                await self._clock.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                wait = _FIRST_WAIT
                await self._pause()

    def wake(self) -> None:
        """Ask for a heartbeat soon: there is room, or something to say."""
        self._wake.set()

    def forget(self) -> None:
        """Note that the coordinator does not know this process: it registers again."""
        self._terms = None
        self.registered.clear()
        self._wake.set()

    def take_budget(self, budget: ApiBudget) -> None:
        """Tell the coordinator of a budget that is known better now: only a registration can."""
        self.identity = replace(self.identity, budget=budget)
        self.forget()

    def stall(self, seconds: float) -> None:
        """Take no more leases for a while: they would fail as the last one did."""
        self._stalled_until = max(self._stalled_until, self._clock.monotonic() + seconds)

    def report(self, reports: Iterable[FileReport]) -> None:
        """Tell the coordinator of files, with the next heartbeats."""
        for report in reports:
            self._reports[report.shard] = report
            self._reports.move_to_end(report.shard)
            if report.condition is not Condition.VERIFIED:
                self._wake.set()

    @property
    def late_seconds(self) -> float:
        """How much longer than two heartbeats' time the present round takes: beyond the deadline of a call it hangs."""
        heartbeat = 0.0 if self._terms is None else self._terms.heartbeat_seconds
        return self._clock.monotonic() - self._round - 2 * heartbeat

    @property
    def idle_seconds(self) -> float:
        """How long the coordinator has had nothing for this worker; 0 while it is not registered."""
        if len(self._desk) or not self.registered.is_set():
            return 0.0
        return self._clock.monotonic() - max(self._desk.emptied, self._granted)

    @property
    def closing(self) -> bool:
        """Whether no new work is begun any more."""
        return self._intent is not Intent.COLLECT

    def close(self) -> None:
        """Take no more leases: the process will end."""
        self._intent = Intent.DRAIN
        self._wake.set()

    async def leave(self) -> None:
        """Say goodbye, if the coordinator can hear it."""
        if self.superseded or self._terms is None:
            return
        with suppress(MeshError, TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS), self._calling:
                self._intent = Intent.LEAVE
                await self._beat()

    async def _register(self) -> None:
        self.registered.clear()
        registration = Registration(
            worker_id=self.identity.worker_id,
            instance=self.identity.instance,
            software_version=self.identity.software_version,
            node_index=self.identity.node_index,
            fetch_address=self.identity.fetch_address,
            budget=self.identity.budget,
            leases=self._desk.progress()[:MOST_LEASES],
        )
        sent = self._clock.monotonic()
        terms = await self._coordinator.register(registration)
        self._terms, self._known_to = terms, self._coordinator.instance
        self._back()
        _log.info(
            "registered",
            worker=self.identity.worker_id,
            coordinator=self._known_to,
            leases=len(registration.leases),
            heartbeat_seconds=terms.heartbeat_seconds,
        )
        self._pace.apply(terms.share, sent)
        self._judge(terms.verdicts, sent)
        self._granted = self._clock.monotonic()
        self.registered.set()

    async def _beat(self) -> None:
        terms = self._terms
        if terms is None:
            return
        self._sequence += 1
        self._wake.clear()
        facts, reports = self._facts(), list(self._reports.values())[:_MOST_REPORTS]
        beat = Beat(
            worker_id=self.identity.worker_id,
            instance=self.identity.instance,
            sequence=self._sequence,
            intent=self._intent,
            leases=self._desk.progress()[:MOST_LEASES],
            wanted_leases=self._room(),
            usage=self._pace.usage(),
            reports=tuple(reports),
            missing_copies=facts.missing_copies,
            free_disk_bytes=facts.free_disk_bytes,
        )
        self._sent = self._clock.monotonic()
        answer = await self._coordinator.beat(beat, timeout=max(terms.heartbeat_seconds, _SHORTEST_TIMEOUT))
        self._back()
        self._apply(answer, reports)

    def _apply(self, answer: BeatAnswer, reported: list[FileReport]) -> None:
        for report in reported:
            if self._reports.get(report.shard) is report:  # newer news of the same file waits for the next one
                del self._reports[report.shard]
        self.cutoff = answer.archive_cutoff or self.cutoff
        self._pace.apply(answer.share, self._sent)
        self._judge(answer.verdicts, self._sent)
        taken = [self._take(grant, self._sent + seconds) for grant, seconds in answer.grants]
        if any(taken):
            self._granted = self._clock.monotonic()
        if any(taken) or self._reports:  # with more work comes more need of the API budget, and there may be more work
            self._wake.set()

    def _take(self, grant: Grant, expires: float) -> bool:
        lease = self._desk.take(grant, expires)
        if lease is None:
            return False
        _log.info("leased", shard=str(grant.lease.shard), epoch=grant.lease.epoch, purpose=grant.purpose.value)
        self._start(lease)
        return True

    def _judge(self, verdicts: Iterable[Verdict], sent: float) -> None:
        for verdict in verdicts:
            lease = self._desk.get(verdict.lease)
            if lease is None:  # done in the meantime
                continue
            match verdict:
                case Renewed():
                    lease.expires = sent + verdict.expire_seconds
                case Revoked():
                    lease.expires = sent + verdict.drain_seconds
                    if not lease.draining.is_set():
                        _log.info("asked back", shard=str(lease.key.shard), why=verdict.reason.value)
                    lease.drain(verdict.reason.value)
                case Cancelled():
                    self._cancel(lease, verdict)
            lease.heard.set()

    def _cancel(self, lease: Lease, verdict: Cancelled) -> None:
        """Stop the work. A file that is complete, or nearly, is taken to CommitShard, whose answer settles it."""
        if lease.stage in {Stage.WRITING, Stage.COMMITTING}:
            return
        _log.warning(
            "lease lost",
            shard=str(lease.key.shard),
            epoch=lease.key.epoch,
            why=verdict.reason.value,
            owner=verdict.current_owner,
            current_epoch=verdict.current_epoch,
        )
        self._metrics.leases.labels("lost").inc()
        self._desk.leave(lease)
        if lease.task is not None:
            lease.task.cancel()

    def _room(self) -> int:
        if self.closing or self._clock.monotonic() < self._stalled_until:
            return 0
        return max(0, self._most_leases - len(self._desk))

    async def _pause(self) -> None:
        """Wait for the next heartbeat's time."""
        terms = self._terms
        if terms is None:
            return
        await self._clock.sleep(self._sent + terms.min_heartbeat_seconds - self._clock.monotonic())
        await until(self._wake, self._clock, self._sent + _EARLY * terms.heartbeat_seconds - self._clock.monotonic())

    def _take_refusal(self, error: MeshError) -> None:
        match error.reason:
            case "WORKER_NOT_FOUND":
                self.forget()
            case "WORKER_SUPERSEDED":
                self.superseded = True
                # Not a failure to start again after: two nodes with one name would end each other for ever.
                raise ConfigError(
                    f"another process has registered as {self.identity.worker_id}: two collectors share a worker_id, "
                    "or this one was held up and replaced"
                ) from error
            case _ if isinstance(error, InvalidInput | Denied | Unauthenticated | Unsupported):
                _log.error("the coordinator refuses this worker", problem=str(error))
            case _ if self._away_since is None:
                self._away_since = self._clock.monotonic()
                _log.warning("no coordinator: going on with what is leased", problem=str(error))

    def _back(self) -> None:
        if self._away_since is not None:
            away = self._clock.monotonic() - self._away_since
            _log.info("the coordinator is back", away_seconds=round(away, 1))
            self._away_since = None
