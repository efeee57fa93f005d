"""The use case: histories in, outcomes out, each input answered exactly once.

One thread runs the model, batch after batch, so the event loop stays free for health and other callers. What waits is
bounded and taken most urgent first; while a batch is computed, the one before is judged. A call that cannot be answered
in time is refused when it comes, and nothing is computed that nobody would use.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import NoReturn

from forecast_server.activity import Activity
from forecast_server.admission import Load, check_permitted
from forecast_server.cache import ForecastCache
from forecast_server.computing import Computing, Record
from forecast_server.loading import Loaded, cost_of, load
from forecast_server.metrics import ForecastMetrics
from forecast_server.models.base import DeviceUse, Model, ModelFacts
from forecast_server.policy import Policy
from forecast_server.prepare import prepare
from forecast_server.scan import Scan
from forecast_server.signal import digests_of, judge, terms_of
from forecast_server.types import Expired, ExpiredReason, Forecast, History, Question, Ready
from forecast_server.work import Lane, Work, WorkQueue
from forecast_server.worker import ModelDied, Worker
from mesh.clock import Clock
from mesh.errors import MeshError, NotReady, Unavailable

_RETRY_SECONDS = 1.0
_STUCK_SECONDS = 120.0
_LOOK_SECONDS = 0.5
"""How often a call that waits for room looks whether its answers are still wanted."""

Client = tuple[str, str]
"""The caller's name and which of its scanners it is."""


class ModelState(Enum):
    """What the model is doing."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an engine works."""

    capacity_series: int = 20_000
    """Most histories that wait."""
    reader_seconds: float = 60.0
    """How long answers may be left unread."""
    drain_seconds: float = 15.0
    """How long after a stop began accepted work is still computed."""
    cache_bytes: int = 0
    canary_seconds: float = 0.0
    """Longest time between looks at the canary; 0 looks never."""
    batch_cost: int = 0
    """Cost of a full batch; 0 measures it."""
    longest_batch_seconds: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for the model, in histories."""

    waiting: int
    running: int
    capacity: int
    scans: int


class Engine:
    """Runs one model for many calls. Nothing is answered unless `run` runs."""

    def __init__(
        self,
        make: Callable[[], Model],
        policy: Policy,
        clock: Clock,
        settings: Settings,
        *,
        draining: asyncio.Event,
        metrics: ForecastMetrics,
        record: Record | None = None,
        on_canary: Callable[[bool], Awaitable[None]] | None = None,
    ) -> None:
        self.policy = policy
        """In force for calls that begin now."""
        self.settings, self.metrics = settings, metrics
        self.activity = Activity()
        self.cache = ForecastCache(settings.cache_bytes)
        self.computing: Computing | None = None
        """What runs the model, once it can answer."""
        self._clock, self._draining, self._record, self._on_canary = clock, draining, record, on_canary
        self._worker = Worker(make)
        self._work: WorkQueue[Scan] = WorkQueue()
        self._scans: set[Scan] = set()
        self._latest: dict[Client, Scan] = {}
        self._doing, self._failure = "starting", ""
        self._drain_until: float | None = None
        self._went = asyncio.Event()
        metrics.watch("waiting_series", "Histories waiting.", lambda: self._work.waiting)
        metrics.watch("waiting_cost", "Cost of what waits.", lambda: self._work.cost)
        metrics.watch("running_series", "Histories being computed.", lambda: self.queue.running)
        metrics.watch("active_scans", "Calls with histories in progress.", lambda: len(self._scans))
        metrics.watch("busy_share", "Share of the last minute in which the model computed.", self.activity.busy_share)

    # What it is

    @property
    def state(self) -> ModelState:
        """What the model is doing."""
        if self._failure:
            return ModelState.FAILED
        if self.computing is None:
            return ModelState.LOADING
        return ModelState.DRAINING if self._draining.is_set() else ModelState.READY

    @property
    def state_detail(self) -> str:
        """The same in words."""
        return self._failure or (self._doing if self.computing is None else self.state.value)

    @property
    def facts(self) -> ModelFacts | None:
        """What the model says of itself; None while it loads."""
        return self.computing.facts if self.computing else None

    @property
    def queue(self) -> Queue:
        """What waits."""
        return Queue(
            waiting=self._work.waiting,
            running=len(self.computing.running) if self.computing else 0,
            capacity=self.settings.capacity_series,
            scans=len(self._scans),
        )

    def device(self) -> DeviceUse:
        """Look at the device."""
        return self._worker.device()

    @property
    def stuck(self) -> bool:
        """Whether a batch takes so long that only a new process helps."""
        return self.computing is not None and self.computing.running_seconds > _STUCK_SECONDS

    # Its beginning and its end

    async def load(self) -> ModelFacts:
        """Load the model, in its thread. An exception is remembered as the state, and raised."""

        def work() -> Loaded:
            return load(
                self._worker,
                canary_seconds=self.settings.canary_seconds,
                batch_cost=self.settings.batch_cost,
                longest_batch_seconds=self.settings.longest_batch_seconds,
                say=self._say,
            )

        try:
            loaded = await asyncio.get_running_loop().run_in_executor(self._worker.thread, work)
        except Exception as error:
            self._failure = f"cannot load: {error}"
            raise
        self.computing = Computing(
            loaded,
            self._worker,
            self._work,
            self._clock,
            cache=self.cache,
            activity=self.activity,
            metrics=self.metrics,
            tidy=self._tidy,
            record=self._record,
            on_canary=self._on_canary,
        )
        return loaded.facts

    async def run(self) -> NoReturn:
        """Compute what waits, until cancelled. Call it once the model is loaded.

        Raises:
            ModelDied: nothing can be forecast any more.
        """
        if self.computing is None:
            raise AssertionError("there is no model to run yet")
        try:
            await self.computing.run()
        except ModelDied as error:
            self._failure = str(error)
            self._drain_until = monotonic()  # whatever waits is told to come again: another process will answer
            self._tidy()
            raise

    def close(self) -> None:
        """Let the thread end after what it is computing."""
        self._worker.close()

    def _say(self, doing: str) -> None:
        self._doing = doing

    # Calls

    @asynccontextmanager
    async def scan(self, question: Question, *, client: Client | None = None, expected: int = 0) -> AsyncIterator[Scan]:
        """Open a scan. With a client's name it supersedes that client's older one.

        Args:
            question: What is asked of every history.
            client: Who asks; None is somebody who has no other scan.
            expected: How many histories will come; 0 is not known.

        Raises:
            Unavailable: the model is loading, or the server is stopping.
            NotReady: the model failed, or may or can not do what is asked.
            Overloaded: too much waits already, or the answer would come too late.
        """
        try:
            facts = self._admit(question, expected)
        except MeshError as error:
            self.activity.refused += 1
            self.metrics.refused.labels(error.reason).inc()
            raise
        terms = terms_of(question, facts, self.policy)
        older = self._latest.get(client) if client else None
        lane = older.lane if older else Lane()
        scan = Scan(question, terms, self.policy, lane, read_within=self.settings.reader_seconds)
        if older:
            older.superseded = True
            self._tidy()
        if client:
            self._latest[client] = scan
        self._scans.add(scan)
        try:
            yield scan
        finally:
            self._scans.discard(scan)
            if client and self._latest.get(client) is scan:
                del self._latest[client]
            self._drop(scan)
            scan.closed = True
            self._account(scan)

    def _admit(self, question: Question, expected: int) -> ModelFacts:
        if self._failure:
            raise NotReady("the model failed; GetModel says more", reason="MODEL_FAILED")
        if self.computing is None:
            raise Unavailable("the model is loading", reason="MODEL_LOADING", retry_after=_RETRY_SECONDS)
        facts = self.computing.facts
        check_permitted(question, facts)
        load = Load(
            queue=self._work,
            costs=self.computing.costs,
            batch_cost=int(self.computing.batch_cost),
            capacity_series=self.settings.capacity_series,
            running_seconds=self.computing.remaining_seconds(),
        )
        load.check_room()
        load.check_deadline(question, max(1, expected) * self._usual_cost(facts), self._clock.now())
        return facts

    def _usual_cost(self, facts: ModelFacts) -> int:
        """What a history costs: those that wait on average, or else the least."""
        return max(1, self._work.cost // self._work.waiting) if self._work.waiting else cost_of(1, facts)

    async def submit(self, scan: Scan, histories: Sequence[History]) -> None:
        """Take histories in. Waits while too much waits, or while the caller does not read its answers.

        Never raises for what is wrong with an input.
        """
        if self.computing is None:
            raise AssertionError("a scan is opened only once the model is loaded")
        scan.received += len(histories)
        facts, question = self.computing.facts, scan.question
        prepared = prepare(
            histories, question, min_points=facts.min_points, max_points=facts.max_context_points, now=self._clock.now()
        )
        settled = [(one, item) for one, item in zip(histories, prepared, strict=True) if not isinstance(item, Ready)]
        scan.answer([one for one, _ in settled], [verdict for _, verdict in settled])
        ready = [item for item in prepared if isinstance(item, Ready)]
        digests = digests_of(ready, question, facts)
        works = []
        for item, digest in zip(ready, digests, strict=True):
            cost = cost_of(len(item.series), facts)
            works.append(Work(scan, item, digest, cost, (question.horizon_steps, cost * facts.equal_cost_batches)))
        works = self._from_cache(scan, works)
        if works:
            await self._enqueue(scan, works, self.computing)

    def _from_cache(self, scan: Scan, works: list[Work[Scan]]) -> list[Work[Scan]]:
        """Answer what was forecast before; gives the rest."""
        if scan.question.bypass_cache or not self.settings.cache_bytes:
            return works
        known: list[Forecast] = []
        rest: list[Work[Scan]] = []
        for work in works:
            found = self.cache.get(work.digest)
            if found is None:
                rest.append(work)
            else:
                known.append(Forecast(work.ready, work.digest, *found, cached=True))
        self.metrics.cache_hits.inc(len(known))
        self.metrics.cache_misses.inc(len(rest))
        scan.cached += len(known)
        scan.answer([one.ready.history for one in known], judge(known, scan.question, scan.policy))
        return rest

    async def _enqueue(self, scan: Scan, works: list[Work[Scan]], computing: Computing) -> None:
        while True:
            ending = self._draining.is_set() or bool(self._failure)
            reason = scan.expiry(self._clock.now(), draining=ending)
            if reason is not None and not scan.held_back:
                self._answer_expired(scan, works, reason)
                return
            share = self.settings.capacity_series // 2  # of one client; the rest is for others
            full = self._work.waiting and self._work.waiting + len(works) > self.settings.capacity_series
            greedy = scan.lane.waiting and scan.lane.waiting + len(works) > share
            if not (full or greedy or scan.held_back):
                break
            self._went.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._went.wait()
        for work in works:
            self._work.add(work)
        scan.waiting.update(works)
        computing.wake()

    def _answer_expired(self, scan: Scan, works: Sequence[Work[Scan]], reason: ExpiredReason) -> None:
        self.activity.expired += len(works)
        self.metrics.expired.labels(reason.value).inc(len(works))
        scan.answer([work.ready.history for work in works], [Expired(reason)] * len(works))

    def _drop(self, scan: Scan) -> list[Work[Scan]]:
        """Take what waits for a scan out of the queue."""
        works = list(scan.waiting)
        self._work.drop(works)
        scan.waiting.clear()
        self._went.set()
        return works

    def _tidy(self) -> None:
        """Answer whatever waits and nobody would use."""
        if self._draining.is_set() and self._drain_until is None:
            self._drain_until = monotonic() + self.settings.drain_seconds
        now, late = self._clock.now(), self._drain_until is not None and monotonic() >= self._drain_until
        self._went.set()
        for scan in self._scans:
            if not scan.waiting:
                continue
            reason = scan.expiry(now, draining=late)
            if reason is not None:
                self._answer_expired(scan, self._drop(scan), reason)

    def _account(self, scan: Scan) -> None:
        for kind, count in scan.account().items():
            if kind != "inputs":
                self.metrics.results.labels(kind).inc(count)
        self.metrics.scan_seconds.observe(monotonic() - scan.began)
        if scan.first_answer is not None:
            self.metrics.first_answer.observe(scan.first_answer)
