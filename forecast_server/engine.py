"""The use case: histories in, outcomes out, each input answered exactly once.

One thread runs the model, batch after batch, so the event loop stays free for health and other callers. What waits is
bounded and taken most urgent first; while a batch is computed, the one before is judged. A call that cannot be answered
in time is refused when it comes, and nothing is computed that nobody would use.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn
from weakref import WeakValueDictionary

from forecast_server.activity import Activity
from forecast_server.admission import Load, check_permitted
from forecast_server.cache import ForecastCache
from forecast_server.computing import Computing, Record
from forecast_server.intake import Intake
from forecast_server.loading import Loaded, load
from forecast_server.metrics import ForecastMetrics
from forecast_server.models.base import DeviceUse, Model, ModelFacts
from forecast_server.policy import Policy
from forecast_server.scan import Scan
from forecast_server.signal import terms_of
from forecast_server.types import History, Outcome, Question
from forecast_server.work import Caller, Lane, WorkQueue
from forecast_server.worker import Worker
from mesh import log
from mesh.clock import Clock
from mesh.errors import MeshError, NotReady, Overloaded, Unavailable

_log = log.get(__name__)
_RETRY_SECONDS = 1.0
_STUCK_SECONDS = 120.0
_TIDY_SECONDS = 0.25
_BROKEN_OFF = 20
"""Calls that ended badly, after which their remains are collected."""

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
    longest_batch_seconds: float = 1.0


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
        self._callers: WeakValueDictionary[str, Caller] = WeakValueDictionary()
        self._broken_off = 0
        self._doing, self._failure = "starting", ""
        self._intake = Intake(
            self._work,
            self.cache,
            clock,
            capacity_series=settings.capacity_series,
            activity=self.activity,
            metrics=metrics,
            draining=draining,
            drain_seconds=settings.drain_seconds,
        )
        metrics.waiting_series.set_function(lambda: self._work.waiting)
        metrics.waiting_cost.set_function(lambda: self._work.cost)
        metrics.running_series.set_function(lambda: self.queue.running)
        metrics.active_scans.set_function(lambda: len(self._scans))
        metrics.busy_ratio.set_function(self.activity.busy_share)

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
            loaded = await self._worker.thread.run(work)
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
        tidying = asyncio.ensure_future(self._tidy_regularly())
        try:
            await self.computing.run()
        except Exception as error:  # ModelDied, or a bug: whoever waits is told
            self._failure = str(error)
            self._intake.stop()  # another process will answer
            self._tidy()
            raise
        finally:
            tidying.cancel()

    def close(self) -> None:
        """Let the thread end after what it is computing."""
        self._worker.close()

    def _say(self, doing: str) -> None:
        self._doing = doing

    def _resume(self) -> None:
        """Go on for a caller that reads again."""
        self._intake.look_again()
        if self.computing is not None:
            self.computing.wake()

    async def _tidy_regularly(self) -> NoReturn:
        """Let nobody wait for the end of a long batch to be told that it is too late."""
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            self._tidy()
            if self._broken_off >= _BROKEN_OFF:
                self._broken_off = 0
                gc.collect()  # what aborted calls leave are cycles of errors and frames, full of histories

    def _tidy(self) -> None:
        self._intake.tidy(self._scans)

    # Calls

    @asynccontextmanager
    async def scan(
        self,
        question: Question,
        *,
        name: str = "",
        caller: str = "",
        client_id: str = "",
        expected: int = 0,
        lengths: Sequence[int] = (),
    ) -> AsyncIterator[Scan]:
        """Open a scan. With a client's name it supersedes that client's older one.

        Args:
            question: What is asked of every history.
            name: What the caller calls the scan.
            caller: Who asks.
            client_id: Which of the caller's scanners asks; empty is one that has no other scan.
            expected: How many histories will come; 0 is not known.
            lengths: Of the histories that will come, in points, where they are known.

        Raises:
            Unavailable: the model is loading, or the server is stopping.
            NotReady: the model failed, or may or can not do what is asked.
            Overloaded: too much waits already, or the answer would come too late.
        """
        client = (caller, client_id) if client_id else None
        older = self._latest.get(client) if client else None
        account = self._callers.setdefault(caller, Caller())
        sharing = len(account.waiting - {older.lane} if older else account.waiting) + 1
        try:
            facts = self._admit(question, expected, lengths, older, sharing)
        except MeshError as error:
            self.activity.refused += isinstance(error, Overloaded)
            self.metrics.refused.labels(error.reason).inc()
            raise
        terms = terms_of(question, facts, self.policy)
        lane = older.lane if older else Lane(account)
        scan = Scan(
            question,
            terms,
            self.policy,
            lane,
            name=name,
            read_within=self.settings.reader_seconds,
            resumed=self._resume,
        )
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
            self._intake.drop(scan)
            scan.closed = True
            self._broken_off += scan.answered < scan.received or not scan.completed
            self._account(scan, caller)

    def _admit(
        self, question: Question, expected: int, lengths: Sequence[int], older: Scan | None, sharing: int
    ) -> ModelFacts:
        if self._failure:
            raise NotReady("the model failed; GetModel says more", reason="MODEL_FAILED")
        if self.computing is None:
            raise Unavailable("the model is loading", reason="MODEL_LOADING", retry_after=_RETRY_SECONDS)
        facts = self.computing.facts
        check_permitted(question, facts)
        self._intake.make_room(self._scans)
        load = Load(
            queue=self._work,
            costs=self.computing.costs,
            batch_cost=self.computing.batch_size.cost,
            capacity_series=self.settings.capacity_series,
            running_seconds=self.computing.remaining_seconds(),
            blocked=self._intake.blocked,
            idle_seconds=self.computing.idle_seconds,
        )
        leaving = older.waiting if older else set()
        load.check_room(leaving=len(leaving))
        load.check_deadline(
            question,
            self._cost(question, facts, expected, lengths),
            self._clock.now(),
            sharing=sharing,
            leaving=sum(work.cost for work in leaving),
        )
        return facts

    def _cost(self, question: Question, facts: ModelFacts, expected: int, lengths: Sequence[int]) -> int:
        """What a call costs: its histories, or as many usual ones as it says, or else the first of them."""
        steps, most = question.horizon_steps, facts.max_context_points
        if lengths:
            return sum(facts.cost(max(1, min(points, most)), steps) for points in lengths)
        usual = max(1, min(round(self._intake.usual_points), most)) if expected else 1
        return max(1, expected) * facts.cost(usual, steps)

    async def submit(self, scan: Scan, histories: Sequence[History], rejected: list[Outcome]) -> None:
        """Take histories in, and what never became one. Waits for room, and while the caller does not read.

        Never raises for what is wrong with an input.
        """
        if self.computing is None:
            raise AssertionError("a scan is opened only once the model is loaded")
        await self._intake.take_in(scan, histories, rejected, self.computing.facts, self.computing.wake)

    def _account(self, scan: Scan, caller: str) -> None:
        """Count what became of a scan, and say it in one line."""
        _log.info(
            "scan",
            scan_id=scan.name,
            caller=caller,
            purpose=scan.question.purpose.value,
            horizon=scan.question.horizon_steps,
            **scan.account(),
            unanswered=scan.received - scan.answered,
            cached=scan.cached,
            seconds=round(scan.seconds, 4),
            first_answer_seconds=None if scan.first_answer is None else round(scan.first_answer, 4),
            model=scan.terms.model,
            policy=scan.terms.policy_version,
        )
        counts = {**scan.account(), "unanswered": scan.received - scan.answered}
        self.metrics.inputs.inc(counts.pop("inputs"))
        for kind, count in counts.items():
            self.metrics.results.labels(kind).inc(count)
        self.metrics.scan_seconds.observe(scan.seconds)
        if scan.first_answer is not None:
            self.metrics.first_answer.observe(scan.first_answer)
