"""Asks a forecast server the questions of a batch until each is answered, and keeps answers as they come."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import NamedTuple

from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from mesh import log
from mesh.errors import MeshError, NotReady, Overloaded, TooLate, Unavailable
from mesh.forecasts import ForecastClient
from research.answering import Answering, answering
from research.answers_store import AnswersStore
from research.questions import QuestionPlan
from research.reading import lasting, provenance, read
from research.types import Forecasted, Key, Unsaid

_SCAN_SECONDS = 600.0
"""What is not answered by then expires, and is asked again."""
_KEPT_TOGETHER, _KEEP_SECONDS = 1024, 1.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 10.0
_EVERYTHING = signal_pb2.SignalOptions(min_magnitude_cents=0)

Said = dict[Key, Forecasted | Unsaid]

_log = log.get(__name__)


@dataclass(slots=True)
class Tally:
    """What became of questions: in the end `questions = cached + asked + without_price`."""

    questions: int = 0
    cached: int = 0
    """Answered from the disk."""
    asked: int = 0
    """Answered by the server."""
    without_price: int = 0
    """Never asked: nothing was quoted and nothing had traded."""
    again: Counter[str] = field(default_factory=Counter)
    """Asked once more, by why, such as `unavailable` or `expired_useful_until`."""
    unsaid: Counter[str] = field(default_factory=Counter)
    """Answers that are no signal, by reason."""

    @property
    def done(self) -> int:
        """Questions that are answered."""
        return self.cached + self.asked + self.without_price


class Pending(NamedTuple):
    """A question that the server is asked, and where its answer goes."""

    key: Key
    history: bytes
    digest: bytes
    into: Said


class Scanner:
    """Asks one server.

    Args:
        client: The server.
        store: Keeps what it says.
        plan: What is asked.
        who: Answers; an answer of somebody else is an error.
        tally: Told what became of questions.
        on_progress: Called now and then.
        patience_seconds: How long a server that gives no answer at all is waited for.
    """

    def __init__(
        self,
        client: ForecastClient,
        store: AnswersStore,
        plan: QuestionPlan,
        who: Answering,
        tally: Tally,
        *,
        on_progress: Callable[[], object],
        patience_seconds: float,
    ) -> None:
        self._client, self._store, self._plan, self._who, self._tally = client, store, plan, who, tally
        self._on_progress, self._patience = on_progress, patience_seconds
        self._options = plan.options()

    def read(self, result: signal_pb2.SignalResult, key: Key) -> Forecasted | Unsaid:
        """Read an answer, and count it if it is no signal."""
        said = read(result, at=key[1], step=self._plan.step, weights_digest=self._who.weights_digest)
        if isinstance(said, Unsaid):
            self._tally.unsaid[said.reason] += 1
        return said

    async def answer(self, pending: Sequence[Pending]) -> None:
        """Ask until all is answered.

        Raises:
            MeshError: The server refuses, gives no answer for longer than the patience, or is another one.
            StoreError: The disk refuses.
        """
        left = dict(enumerate(pending))
        waits, since = 0, time.monotonic()
        while left:
            before = len(left)
            problem: MeshError = TooLate("the forecast server lets every question expire", reason="EXPIRED")
            try:
                if waits:
                    await self._recognise()
                await self._scan(left)
            except (Unavailable, Overloaded, TooLate) as error:
                problem = error
                self._count_again(error, len(left))
            if len(left) < before:
                waits, since = 0, time.monotonic()
            if left:
                wait = max(problem.retry_after or 0.0, min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**waits))
                if time.monotonic() + wait - since > self._patience:
                    raise problem
                waits += 1
                _log.info("questions are asked again", unanswered=len(left), wait_seconds=wait, problem=str(problem))
                await asyncio.sleep(wait)

    async def _scan(self, left: dict[int, Pending]) -> None:
        """Ask once; what is answered is left no more. Answers that came stay, whatever ends it."""
        places = list(left)
        histories = [forecast_pb2.MarketHistory.FromString(left[place].history) for place in places]
        kept: list[tuple[bytes, bytes]] = []
        last = time.monotonic()
        results = self._client.scan(
            histories, self._options, _EVERYTHING, within=_SCAN_SECONDS, on_resume=self._count_again
        )
        try:
            async with aclosing(results):
                async for result in results:
                    if result.HasField("expired"):
                        reason = forecast_pb2.ExpiredReason.Name(result.expired.reason)
                        self._tally.again[reason.replace("_REASON", "").lower()] += 1
                        continue
                    source = provenance(result)
                    if source is not None and (source.model, source.policy_digest) != self._who.provenance:
                        raise _changed(f"it answers as {source.model} with policy {source.policy_digest}")
                    one = left.pop(places[result.input_index])
                    one.into[one.key] = self.read(result, one.key)
                    self._tally.asked += 1
                    if lasting(result, source):
                        result.input_index = 0  # of this scan, nobody else's
                        kept.append((one.digest, result.SerializeToString()))
                    if len(kept) >= _KEPT_TOGETHER or time.monotonic() - last > _KEEP_SECONDS:
                        self._keep(kept)
                        last = time.monotonic()
        finally:
            self._keep(kept)

    def _count_again(self, problem: MeshError, unanswered: int) -> None:
        self._tally.again[problem.reason.lower()] += unanswered

    def _keep(self, kept: list[tuple[bytes, bytes]]) -> None:
        if kept:
            self._store.put(kept)
            kept.clear()
        self._on_progress()

    async def _recognise(self) -> None:
        """See whether the server that is back is the one that was asked. Raises MeshError."""
        if await answering(self._client) != self._who:
            raise _changed("it came back with another model, policy or version")


def _changed(how: str) -> NotReady:
    text = f"the forecast server has changed meanwhile: {how}; run again to ask the one that is there now"
    return NotReady(text, reason="SERVER_CHANGED")
