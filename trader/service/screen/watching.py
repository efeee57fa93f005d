"""WatchState: everything first, then what changes, at the caller's rate.

Each message is made of what is so when the one before it has been taken: a slow reader gets less often what is newest.
"""

import asyncio
from collections.abc import AsyncGenerator

from foremesh.trader.v1 import screen_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from trader.engine.engine import Engine
from trader.service import convert_words as w
from trader.service.screen.picture import Picture
from trader.service.screen.stream import Screen
from trader.service.status import Facts
from trader.service.streaming import Streaming, stopping

_HZ = 4.0
_BEAT_SECONDS = 1.0
_EARLY = 0.05
"""A heartbeat is sent so much before it is due: something shall come every second."""
_LOOK_SECONDS = 0.25
"""Between two looks whether the process stops."""


class StateWatching:
    """Streams what one engine knows."""

    def __init__(self, engine: Engine, facts: Facts, streaming: Streaming) -> None:
        """Take an engine whose books are up to its journal.

        Args:
            engine: What is watched.
            facts: Of the process.
            streaming: What it shares with the service's other streams.
        """
        self._engine, self._facts, self._streaming = engine, facts, streaming
        self._picture = Picture(engine, facts, engine.clock.monotonic())

    async def states(self, request: pb.WatchStateRequest) -> AsyncGenerator[pb.WatchStateResponse, None]:
        """Give a snapshot, deltas and heartbeats until the caller, or the process, ends.

        Raises:
            NotReady: The journal is another one (`OTHER_JOURNAL`).
            Overloaded: The caller takes nothing (`STREAM_STALLED`).
            Unavailable: The process stops (`DRAINING`); everything that changed before has been sent.
        """
        self._streaming.same_journal(request.journal_id if request.HasField("journal_id") else None)
        period = 1.0 / (request.max_hz if request.HasField("max_hz") else _HZ)
        picture, time = self._picture, asyncio.get_running_loop().time
        await picture.refresh(within=0.0)
        screen = Screen(picture, self._facts, request)
        snapshot = await screen.snapshot()
        began = spoke = looked = time()
        with self._streaming.not_stalled():
            yield self._response(screen, 0.0, snapshot=snapshot)
        while True:
            due = min(spoke + _BEAT_SECONDS - _EARLY, looked + period)
            await asyncio.sleep(min(_LOOK_SECONDS, max(0.0, due - time())))
            ended = self._streaming.ended()
            if not ended and time() < due:
                continue
            await (self._to_the_end() if ended else picture.refresh())
            delta = None
            if ended or time() >= looked + period:
                looked = time()
                delta = await screen.delta()
            if delta is not None:
                spoke = time()
                with self._streaming.not_stalled():
                    yield self._response(screen, spoke - began, delta=delta)
            if ended:
                raise stopping()
            if time() >= spoke + _BEAT_SECONDS - _EARLY:
                spoke = time()
                with self._streaming.not_stalled():
                    yield self._response(screen, spoke - began, heartbeat=screen.heartbeat())

    async def _to_the_end(self) -> None:
        """Bring the picture up to an engine that has come to its end."""
        await self._picture.refresh(within=0.0)
        while self._picture.as_of < self._engine.journal.last_sequence:
            await self._picture.refresh(within=0.0)

    def _response(
        self,
        screen: Screen,
        age: float,
        *,
        snapshot: screen_pb2.StateSnapshot | None = None,
        delta: screen_pb2.StateDelta | None = None,
        heartbeat: screen_pb2.StateHeartbeat | None = None,
    ) -> pb.WatchStateResponse:
        return pb.WatchStateResponse(
            instance_id=self._facts.instance_id,
            journal_id=self._engine.journal.journal_id,
            as_of_sequence=screen.as_of,
            snapshot=snapshot,
            delta=delta,
            heartbeat=heartbeat,
            stream_age=w.age(age),
        )
