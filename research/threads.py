"""Walks in this process: each has a thread of its own and takes events as it comes to them; who is ahead waits.

So what is in memory does not grow with the recording, and no walk can see what another does.
"""

import queue
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from research.arms import Arm
from research.baselines import POLICY, RANDOM
from research.chance import random_entries
from research.hosts import Packet
from research.lanes import Job, Lane, Piece, apart
from research.looking import Looking
from research.near import Asked, Near
from research.rows import TradeRow
from research.types import Answers, RecordedEvent
from research.walk import walk
from research.walked import Walked

_AHEAD: Final = 8
"""Events that wait for a walk."""
_LOOK_SECONDS = 0.5


class _Stopped(Exception):
    """Nobody wants to know any more what a walk comes to."""


class Threads:
    """A host of walks under way.

    Args:
        job: What is walked.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._stopped = job, False
        self._queues: dict[Lane, queue.Queue[Packet | None]] = {lane: queue.Queue(_AHEAD) for lane in job.lanes}
        self._pool = ThreadPoolExecutor(len(job.lanes), thread_name_prefix="walk")
        self._futures: dict[Lane, Future[list[Piece]]] = {
            lane: self._pool.submit(self._walk, lane) for lane in job.lanes
        }

    def take(self, packet: Packet) -> None:
        """Give an event to its walks; waits for the slowest. Raises what a walk raised."""
        for lane in self._queues:
            if lane.wants(packet.number):
                self._put(lane, packet)

    def end(self) -> None:
        """Say that there are no more events. Raises what a walk raised."""
        for lane in self._queues:
            self._put(lane, None)

    def pieces(self) -> list[Piece]:
        """Wait for all walks. Raises what a walk raised."""
        return [piece for future in self._futures.values() for piece in future.result()]

    def close(self) -> None:
        """Stop what still runs."""
        self._stopped = True
        self._pool.shutdown(cancel_futures=True)

    def _put(self, lane: Lane, item: Packet | None) -> None:
        while True:
            try:
                self._queues[lane].put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                if self._futures[lane].done():
                    self._futures[lane].result()
                    raise RuntimeError(f"the walk {lane.arm.name} ended before its events") from None
            else:
                return

    def _walk(self, lane: Lane) -> list[Piece]:
        if not apart(lane.arm, self._job.plan):
            return list(self._pieces(lane.arm, 0, self._packets(lane)))
        nothing = self._pieces(lane.arm, -1, ())
        each = (self._pieces(lane.arm, packet.number, (packet,)) for packet in self._packets(lane))
        return [*nothing, *(piece for pieces in each for piece in pieces)]

    def _pieces(self, arm: Arm, number: int, packets: Iterable[Packet]) -> Iterator[Piece]:
        """Walk events, one after the other."""
        plan = arm.plan(self._job.plan)
        found = Walked(Looking(plan.settings))
        drawn = Walked(Looking(plan.settings)) if arm.name == POLICY.name and self._job.draws else None
        made = defaultdict[str, list[TradeRow]](list)

        def on_over(event: RecordedEvent, answers: Answers) -> None:
            trades = made.pop(event.event_ticker, [])
            if drawn is not None:
                drawn.rows += random_entries([event], answers, plan, drawn.defects, made=trades, seed=self._job.seed)

        asked: Iterator[Asked] = ((packet.event, arm.answers(packet.answers)) for packet in packets)
        near = Near(asked, plan.stale_seconds, on_look=found.looking.look, on_over=on_over)
        for row in walk(near.events(), near, plan, found.defects, found.looking.watch):
            found.rows.append(row)
            made[row.event_ticker].append(row)
            if (quote := near.quote_at_exit(row)) is not None:
                found.exits[row] = quote
        near.finish()
        yield Piece(number, arm.name, found)
        if drawn is not None:
            yield Piece(number, RANDOM.name, drawn)

    def _packets(self, lane: Lane) -> Iterator[Packet]:
        waiting = self._queues[lane]
        while True:
            if self._stopped:
                raise _Stopped
            try:
                packet = waiting.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if packet is None:
                return
            yield packet
