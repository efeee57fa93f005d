"""WatchEvents: the journal as it grows, for anybody who listens, from any place on.

Every stream reads the journal by itself, in a thread and a part at a time, and no further than its caller takes what it
gets: a slow reader costs nothing and holds nobody up.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from foremesh.trader.v1 import events_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.convert import span
from mesh.errors import MeshError, NotReady, Overloaded, Unavailable
from trader.domain.events import Moment
from trader.domain.switching import trading_state
from trader.engine.engine import Engine
from trader.service import convert_words as w
from trader.service.convert_events import KIND, event, market_of
from trader.service.status import Facts, links
from trader.service.stories import Stories
from trader.service.story import Story, Told

_PART = 500
"""Entries that are read together."""
_BATCH_EVENTS, _BATCH_BYTES = 1000, 1_000_000
_GATHER_SECONDS = 0.02
"""What is written within this time goes together."""
_LOOK_SECONDS = 0.25
"""Between two looks whether the process stops."""
_MOST_STREAMS = 16
_RETRY_SECONDS = 1.0
STALLED_SECONDS = 60.0
"""A caller that takes nothing for so long has stopped reading."""


class Watching:
    """Streams the journal of one engine."""

    def __init__(
        self, engine: Engine, facts: Facts, draining: asyncio.Event, *, stalled_seconds: float = STALLED_SECONDS
    ) -> None:
        """Take an engine whose books are up to its journal.

        Args:
            engine: What is watched.
            facts: Of the process.
            draining: Set when the process begins to stop: streams go on until the last entry, and end.
            stalled_seconds: How long a caller may take nothing.
        """
        self._engine, self._facts, self._draining = engine, facts, draining
        self._stalled_seconds = stalled_seconds
        self._stories = Stories(engine)
        self._open: Counter[str] = Counter()

    def beyond(self, request: pb.WatchEventsRequest) -> bool:
        """Tell whether a caller wants to go on from a place that the journal has not reached."""
        return request.after_sequence > self._engine.journal.last_sequence

    def admit(self, caller: str) -> Callable[[], None]:
        """Count a stream of a caller in; returns what to call when its last byte is gone.

        Raises:
            Overloaded: The caller has too many (`TOO_MANY_STREAMS`).
        """
        if self._open[caller] >= _MOST_STREAMS:
            text = f"{caller} has {_MOST_STREAMS} streams of events already"
            raise Overloaded(text, reason="TOO_MANY_STREAMS", retry_after=_RETRY_SECONDS)
        self._open[caller] += 1

        def release() -> None:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]

        return release

    async def events(self, request: pb.WatchEventsRequest) -> AsyncGenerator[pb.WatchEventsResponse, None]:
        """Give events and heartbeats until the caller, or the process, ends.

        Raises:
            NotReady: The journal is another one (`OTHER_JOURNAL`).
            Overloaded: The caller takes nothing (`STREAM_STALLED`).
            Unavailable: The process stops (`DRAINING`); everything it wrote has been sent.
        """
        journal = self._engine.journal
        journal_id = journal.journal_id
        if request.HasField("journal_id") and request.journal_id != journal_id:
            raise NotReady(
                f"this is journal {journal_id}: sequences of {request.journal_id} mean something else here",
                reason="OTHER_JOURNAL",
                metadata={"journal_id": journal_id},
            )
        after = request.after_sequence if request.HasField("after_sequence") else journal.last_sequence
        given = request.HasField("heartbeat_interval")
        beat = span(request.heartbeat_interval, "heartbeat_interval").total_seconds() if given else 1.0
        wanted = _Wanted(request, after)
        story = self._stories.reaching(after)
        yield self._heartbeat(after)
        time = asyncio.get_running_loop().time
        spoke = time()
        while True:
            if journal.last_sequence > story.sequence:
                found = await asyncio.to_thread(self._read, story, wanted)
                if found:
                    with self._not_stalled():
                        yield self._response(story.sequence, batch=events_pb2.EventBatch(events=found))
                    spoke = time()
            elif self._draining.is_set() and self._ended():
                raise Unavailable("the trader is stopping", reason="DRAINING", retry_after=_RETRY_SECONDS)
            if time() - spoke >= beat:
                with self._not_stalled():
                    yield self._heartbeat(max(after, story.sequence))
                spoke = time()
            if journal.last_sequence <= story.sequence:
                await self._grown(min(_LOOK_SECONDS, max(0.0, beat - (time() - spoke))))

    def _read(self, story: Story, wanted: "_Wanted") -> list[events_pb2.Event]:
        """Read a part of the journal on from a story, which goes with it. Runs in a thread of its own."""
        found: list[events_pb2.Event] = []
        size, now = 0, self._engine.clock.now()
        for recorded in islice(self._engine.journal.read(story.sequence), _PART):
            told = story.told(recorded)
            if wanted.has(told):
                message = event(told, now)
                found.append(message)
                size += message.ByteSize()
                if size >= _BATCH_BYTES or len(found) == _BATCH_EVENTS:
                    break
        return found

    async def _grown(self, seconds: float) -> None:
        """Wait until the journal has grown, but no longer than so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._engine.bell.heard()
        except TimeoutError:
            return
        await asyncio.sleep(_GATHER_SECONDS)

    def _ended(self) -> bool:
        """Tell whether the engine has come to its end, so that nothing is written any more."""
        try:
            self._engine.handle()
        except MeshError:
            return True
        return False

    def _heartbeat(self, through: int) -> pb.WatchEventsResponse:
        clock, state = self._engine.clock, self._engine.state
        moment = Moment(clock.now(), clock.monotonic())
        beat = events_pb2.Heartbeat(state=w.STATE[trading_state(state)], links=links(state, self._facts, moment))
        return self._response(through, heartbeat=beat)

    def _response(
        self,
        through: int,
        *,
        batch: events_pb2.EventBatch | None = None,
        heartbeat: events_pb2.Heartbeat | None = None,
    ) -> pb.WatchEventsResponse:
        return pb.WatchEventsResponse(
            instance_id=self._facts.instance_id,
            journal_id=self._engine.journal.journal_id,
            through_sequence=through,
            batch=batch,
            heartbeat=heartbeat,
        )

    @contextmanager
    def _not_stalled(self) -> Iterator[None]:
        """End the call if its message is not taken in time: whoever writes it waits as long as the caller wants."""
        task, stalled = asyncio.current_task(), False

        def end() -> None:
            nonlocal stalled
            if task is not None:
                stalled = True
                task.cancel()

        timer = asyncio.get_running_loop().call_later(self._stalled_seconds, end)
        try:
            yield
        except GeneratorExit:
            if not stalled or task is None:
                raise
            task.uncancel()
            text = f"nothing was read for {self._stalled_seconds:g} s; go on after the last event that came"
            raise Overloaded(text, reason="STREAM_STALLED", retry_after=_RETRY_SECONDS) from None
        finally:
            timer.cancel()


class _Wanted:
    """What one caller wants to hear of."""

    def __init__(self, request: pb.WatchEventsRequest, after: int) -> None:
        self._after = after
        self._kinds = frozenset(request.kinds) or frozenset(KIND.values())
        self._markets = frozenset(request.market_tickers)

    def has(self, told: Told) -> bool:
        """Tell whether an entry is such an event."""
        if told.sequence <= self._after or KIND.get(type(told.entry)) not in self._kinds:
            return False
        return not self._markets or market_of(told) in {None, *self._markets}
