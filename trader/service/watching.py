"""WatchEvents: the journal as it grows, for anybody who listens, from any place on.

Every stream reads the journal by itself, in a thread and a part at a time, and no further than its caller takes what it
gets: a slow reader costs nothing and holds nobody up.
"""

import asyncio
from collections.abc import AsyncGenerator
from itertools import islice

from foremesh.trader.v1 import events_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.convert import span
from trader.domain.events import Moment
from trader.domain.switching import trading_state
from trader.engine.engine import Engine
from trader.service import convert_words as w
from trader.service.convert_events import KIND, event, market_of
from trader.service.status import Facts, links
from trader.service.stories import Stories
from trader.service.story import Story, Told
from trader.service.streaming import Streaming, stopping

_PART = 500
"""Entries that are read together."""
_BATCH_EVENTS, _BATCH_BYTES = 1000, 1_000_000
_GATHER_SECONDS = 0.02
"""What is written within this time goes together."""
_LOOK_SECONDS = 0.25
"""Between two looks whether the process stops."""


class Watching:
    """Streams the journal of one engine."""

    def __init__(self, engine: Engine, facts: Facts, streaming: Streaming) -> None:
        """Take an engine whose books are up to its journal.

        Args:
            engine: What is watched.
            facts: Of the process.
            streaming: What it shares with the service's other streams.
        """
        self._engine, self._facts, self._streaming = engine, facts, streaming
        self._stories = Stories(engine)

    async def events(self, request: pb.WatchEventsRequest) -> AsyncGenerator[pb.WatchEventsResponse, None]:
        """Give events and heartbeats until the caller, or the process, ends.

        Raises:
            NotReady: The journal is another one (`OTHER_JOURNAL`).
            Overloaded: The caller takes nothing (`STREAM_STALLED`).
            Unavailable: The process stops (`DRAINING`); everything it wrote has been sent.
        """
        journal = self._engine.journal
        self._streaming.same_journal(request.journal_id if request.HasField("journal_id") else None)
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
                    with self._streaming.not_stalled():
                        yield self._response(story.sequence, batch=events_pb2.EventBatch(events=found))
                    spoke = time()
            elif self._streaming.ended():
                raise stopping()
            if time() - spoke >= beat:
                with self._streaming.not_stalled():
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
