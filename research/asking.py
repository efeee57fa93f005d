"""Asks a forecast server about recorded markets, candle by candle; what it said before is not asked again.

Questions go out in batches of thousands, a few at a time, so that the server never waits for us. What comes back is
kept on disk as it comes: a run that was interrupted goes on where it was.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from foremesh.forecast.v1 import signal_pb2

from mesh.forecasts import ForecastClient
from research.answering import Digests, answering
from research.answers_store import AnswersStore
from research.questions import Question, QuestionPlan, questions
from research.scanning import Pending, Said, Scanner, Tally
from research.types import Answers, RecordedEvent, Unsaid

BATCH = 4096
"""Questions of one scan."""
NO_PRICE: Final = "no_price"
"""Why a question was never asked: nothing was quoted and nothing had traded."""
_IN_FLIGHT = 2
_PAGE = 256
"""Questions that are made at once: then answers get their turn."""

Taker = Callable[[RecordedEvent, Answers], Awaitable[object] | None]


@dataclass(slots=True)
class _Batch:
    size: int = 0
    """Questions, known or not, and ends of events."""
    pending: list[Pending] = field(default_factory=list)
    complete: list[tuple[RecordedEvent, Said]] = field(default_factory=list)
    """Events whose last question is in this batch."""


class _Item(NamedTuple):
    event: RecordedEvent
    said: Said
    question: Question | None
    """None: that was the event's last."""


class Asker:
    """Asks one server about any number of events.

    Args:
        client: The server.
        store: What it said before.
        plan: What is asked.
        on_progress: Called now and then with the questions answered and those there are. Without a `total` these are
            the questions found so far.
        total: How many there will be, for the progress.
        patience_seconds: How long a server that gives no answer at all is waited for.
    """

    def __init__(
        self,
        client: ForecastClient,
        store: AnswersStore,
        plan: QuestionPlan,
        *,
        on_progress: Callable[[int, int], object] = lambda _done, _total: None,
        total: int | None = None,
        patience_seconds: float = 300.0,
    ) -> None:
        self.tally = Tally()
        self._client, self._store, self._plan = client, store, plan
        self._on_progress, self._total, self._patience = on_progress, total, patience_seconds

    async def ask(self, events: Iterable[RecordedEvent], take: Taker) -> None:
        """Ask about events, and give each with all its answers, in their order.

        Events are taken one by one as there is room, so they may be many. What was answered stays on disk, however
        this ends: asked again, it goes on from there.

        Args:
            events: What is asked about.
            take: Given an event and its answers; they are not kept. Where it gives something to wait for, that is
                waited for, and whatever is under way comes in meanwhile.

        Raises:
            MeshError: The server refuses, stays away longer than the patience, or is another one all of a sudden.
            StoreError: The disk refuses.
        """
        try:
            await self._ask(events, take)
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _ask(self, events: Iterable[RecordedEvent], take: Taker) -> None:
        who = await answering(self._client)
        digests = Digests(who, self._plan)
        scanner = Scanner(
            self._client,
            self._store,
            self._plan,
            who,
            self.tally,
            on_progress=self._show_progress,
            patience_seconds=self._patience,
        )
        found = self._questions(events)
        batch, flying = _Batch(), deque[asyncio.Task[_Batch]]()
        async with asyncio.TaskGroup() as tasks:
            while page := list(islice(found, _PAGE)):
                self._add(batch, page, digests, scanner)
                if batch.size >= BATCH:
                    done = await flying.popleft() if len(flying) == _IN_FLIGHT else _Batch()
                    flying.append(tasks.create_task(_answered(batch, scanner)))
                    batch = _Batch()
                    await _give(done, take)  # meanwhile the server has work
                await asyncio.sleep(0)
            flying.append(tasks.create_task(_answered(batch, scanner)))
            while flying:
                await _give(await flying.popleft(), take)

    def _questions(self, events: Iterable[RecordedEvent]) -> Iterator[_Item]:
        for event in events:
            said: Said = {}
            for market in event.markets:
                for question in questions(market, self._plan):
                    yield _Item(event, said, question)
            yield _Item(event, said, None)

    def _add(self, batch: _Batch, page: list[_Item], digests: Digests, scanner: Scanner) -> None:
        """Add what is known already to the answers, and the rest to the batch."""
        asked = []
        for event, said, question in page:
            if question is None:
                batch.complete.append((event, said))
                continue
            self.tally.questions += 1
            if question.history is None:
                said[question.key] = Unsaid(NO_PRICE)
                self.tally.without_price += 1
                self.tally.unsaid[NO_PRICE] += 1
            else:
                digest = digests.of(question.history)
                asked.append(Pending(question.key, question.history, digest, said))
        known = self._store.get([one.digest for one in asked])
        for one in asked:
            result = known.get(one.digest)
            if result is None:
                batch.pending.append(one)
            else:
                one.into[one.key] = scanner.read(signal_pb2.SignalResult.FromString(result), one.key)
                self.tally.cached += 1
        batch.size += len(page)
        self._show_progress()

    def _show_progress(self) -> None:
        self._on_progress(self.tally.done, self.tally.questions if self._total is None else self._total)


async def _answered(batch: _Batch, scanner: Scanner) -> _Batch:
    await scanner.answer(batch.pending)
    return batch


async def _give(batch: _Batch, take: Taker) -> None:
    for event, said in batch.complete:
        taken = take(event, said)
        if taken is not None:
            await taken


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
