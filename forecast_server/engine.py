"""The use case: histories in, outcomes out, each input answered exactly once.

One thread runs the model, batch after batch in order of arrival, so the event loop stays free for health and other
callers. What waits is bounded: a call that would go over the bound is refused at once with the time to wait, and a
call in progress is read no faster than it is computed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import get_args
from uuid import uuid4

from forecast_server.models.base import Model, ModelFacts
from forecast_server.policy import Policy
from forecast_server.prepare import prepare
from forecast_server.signal import judge, terms_of
from forecast_server.types import (
    Expired,
    ExpiredReason,
    Failed,
    History,
    Outcome,
    Question,
    Ready,
    Rejected,
    Terms,
    Verdict,
)
from mesh import log
from mesh.clock import Clock
from mesh.errors import NotReady, Overloaded, Unavailable

_log = log.get(__name__)
_RETRY_SECONDS = 1.0


class ModelState(Enum):
    """What the model is doing."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for the model, in histories."""

    waiting: int
    running: int
    capacity: int
    scans: int


class Scan:
    """One call's histories on their way through the engine."""

    def __init__(self, engine: "Engine", question: Question, terms: Terms) -> None:
        self._engine = engine
        self.question = question
        self.terms = terms
        self.superseded = False
        self.counts: dict[type, int] = dict.fromkeys(get_args(Verdict), 0)
        self.received = 0

    async def answer(self, histories: Sequence[History]) -> list[Outcome]:
        """Answer a batch, in its order. Never raises for what is wrong with an input."""
        self.received += len(histories)
        verdicts = await self._engine._answer(self, histories)  # a scan is the engine's handle
        for verdict in verdicts:
            self.counts[type(verdict)] += 1
        indices = [history.index for history in histories]
        tickers = [history.market_ticker for history in histories]
        return list(zip(indices, tickers, verdicts, strict=True))

    def reject(self, count: int) -> None:
        """Account for inputs that broke the contract's own rules and never reached the engine."""
        self.received += count
        self.counts[Rejected] += count

    def expiry(self, now: datetime, *, draining: bool) -> ExpiredReason | None:
        """Say why nobody would use an answer computed now, or None."""
        if self.superseded:
            return ExpiredReason.SUPERSEDED
        if self.question.useful_until is not None and now >= self.question.useful_until:
            return ExpiredReason.USEFUL_UNTIL
        return ExpiredReason.DRAINING if draining else None


class Engine:
    """Runs one model for many calls."""

    def __init__(
        self, model: Model, policy: Policy, clock: Clock, *, capacity_series: int, draining: asyncio.Event
    ) -> None:
        self._model, self.policy, self._clock = model, policy, clock
        self._capacity, self._draining = capacity_series, draining
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._turn = asyncio.Lock()
        self._waiting = self._running = 0
        self._scans: set[Scan] = set()
        self._latest: dict[tuple[str, str], Scan] = {}
        self._facts: ModelFacts | None = None
        self._failure = ""

    @property
    def state(self) -> ModelState:
        """What the model is doing."""
        if self._failure:
            return ModelState.FAILED
        if self._facts is None:
            return ModelState.LOADING
        return ModelState.DRAINING if self._draining.is_set() else ModelState.READY

    @property
    def state_detail(self) -> str:
        """The same in words."""
        return self._failure or self.state.value

    @property
    def facts(self) -> ModelFacts | None:
        """What the model says of itself; None while it loads."""
        return self._facts

    @property
    def queue(self) -> Queue:
        """What waits."""
        return Queue(waiting=self._waiting, running=self._running, capacity=self._capacity, scans=len(self._scans))

    async def load(self) -> ModelFacts:
        """Load the model in its thread. An exception is remembered as the state, and raised."""
        try:
            self._facts = await asyncio.get_running_loop().run_in_executor(self._thread, self._model.load)
        except Exception as error:
            self._failure = f"cannot load: {error}"
            raise
        return self._facts

    def close(self) -> None:
        """Let the thread end after what it is computing."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def scan(self, question: Question, *, client: tuple[str, str] | None = None) -> AsyncIterator[Scan]:
        """Open a scan. With a client's name it supersedes that client's older one.

        Raises:
            Unavailable: the model is loading, or the server is stopping.
            NotReady: the model failed, or may or can not do what is asked.
            Overloaded: too much waits already.
        """
        facts = self._admit(question)
        scan = Scan(self, question, terms_of(question, facts, self.policy))
        if client is not None:
            older = self._latest.get(client)
            if older is not None:
                older.superseded = True
            self._latest[client] = scan
        self._scans.add(scan)
        try:
            yield scan
        finally:
            self._scans.discard(scan)
            if client is not None and self._latest.get(client) is scan:
                del self._latest[client]

    def _admit(self, question: Question) -> ModelFacts:
        if self._failure:
            raise NotReady("the model failed; GetModel says more", reason="MODEL_FAILED")
        if self._facts is None:
            raise Unavailable("the model is loading", reason="MODEL_LOADING", retry_after=_RETRY_SECONDS)
        if question.purpose not in self._facts.allowed_purposes:
            allowed = ", ".join(sorted(purpose.value for purpose in self._facts.allowed_purposes))
            raise NotReady(
                f"{self._facts.name} may not serve the purpose {question.purpose.value}: it is allowed for {allowed}",
                reason="PURPOSE_FORBIDDEN",
            )
        if question.horizon_steps > self._facts.max_horizon_steps:
            raise NotReady(
                f"{self._facts.name} forecasts at most {self._facts.max_horizon_steps} steps",
                reason="HORIZON_UNSUPPORTED",
            )
        known = self._facts.quantile_levels
        if not all(known[0] <= level <= known[-1] for level in question.quantile_levels):
            raise NotReady(
                f"{self._facts.name} knows quantiles from {known[0]:g} to {known[-1]:g}", reason="QUANTILE_UNSUPPORTED"
            )
        if self._waiting >= self._capacity:
            raise Overloaded("too many histories wait already", reason="QUEUE_FULL", retry_after=_RETRY_SECONDS)
        return self._facts

    async def _answer(self, scan: Scan, histories: Sequence[History]) -> list[Verdict]:
        facts = self._facts
        if facts is None:
            raise AssertionError("a scan is opened only once the model is loaded")
        self._waiting += len(histories)
        try:
            async with self._turn:
                self._waiting -= len(histories)
                self._running += len(histories)
                try:
                    return await self._computed(scan, histories, facts)
                finally:
                    self._running -= len(histories)
                    self._waiting += len(histories)
        finally:
            self._waiting -= len(histories)

    async def _computed(self, scan: Scan, histories: Sequence[History], facts: ModelFacts) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for start in range(0, len(histories), facts.max_batch_series):
            chunk = histories[start : start + facts.max_batch_series]
            reason = scan.expiry(self._clock.now(), draining=self._draining.is_set())
            if reason is not None:
                verdicts += [Expired(reason)] * len(chunk)
                continue
            try:
                verdicts += await self._batch(chunk, scan.question, facts)
            except Exception:  # a failure is these inputs' result, never the call's end
                failed = Failed(uuid4().hex)
                _log.exception("a batch failed", error_id=failed.error_id, series=len(chunk))
                verdicts += [failed] * len(chunk)
        return verdicts

    async def _batch(self, histories: Sequence[History], question: Question, facts: ModelFacts) -> list[Verdict]:
        """Prepare, forecast, judge. Only the model runs in the thread: two threads of Python wait for each other."""
        prepared = prepare(
            histories,
            horizon_steps=question.horizon_steps,
            step=question.step,
            max_points=facts.max_context_points,
            now=self._clock.now(),
        )
        ready = [item for item in prepared if isinstance(item, Ready)]
        judged: list[Verdict] = []
        if ready:
            loop = asyncio.get_running_loop()
            series = [item.series for item in ready]
            paths = await loop.run_in_executor(self._thread, self._model.forecast, series, question.horizon_steps)
            judged = judge(ready, paths, question, facts, self.policy)
        answers = iter(judged)
        return [next(answers) if isinstance(item, Ready) else item for item in prepared]
