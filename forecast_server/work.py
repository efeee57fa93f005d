"""What waits for the model, and what it takes next. Pure.

The most urgent work is taken first: by priority; among equals clients take turns, each given as much of the model's
time as the others; within a client what closes sooner, then what arrived first. A batch holds what fits together
(equal keys) and ends at a cost, not at a count: a long history is more work than a short one.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from typing import Any, Generic, Protocol, TypeVar

from forecast_server.types import Ready

Key = tuple[int, int]
"""What work must share to be computed together: the horizon in steps, and the cost where a model asks for that."""
_Rank = tuple[int, float, int]
"""Urgency within a client, the smaller the sooner: priority turned around, time of the close, order of arrival."""


class Owner(Protocol):
    """Whom work is done for."""

    lane: "Lane[Any]"

    @property
    def held_back(self) -> bool:
        """Whether nothing more is to be computed for it now, because it does not read what it has."""
        ...


Of = TypeVar("Of", bound=Owner)


@dataclass(slots=True, eq=False)
class Work(Generic[Of]):
    """One history that waits."""

    owner: Of
    ready: Ready
    digest: str
    cost: int
    key: Key
    waiting: bool = field(default=False, init=False)


class Lane(Generic[Of]):
    """One client's work."""

    def __init__(self) -> None:
        self.served = 0.0
        """Cost computed for this client, counted from where the others were when it came."""
        self.waiting = 0
        self.heaps: dict[Key, list[tuple[_Rank, Work[Of]]]] = {}

    def first(self, key: Key) -> tuple[_Rank, Work[Of]] | None:
        """Return the most urgent work of a key, or None."""
        heap = self.heaps.get(key)
        while heap:
            if heap[0][1].waiting:
                return None if heap[0][1].owner.held_back else heap[0]
            heappop(heap)  # dropped while it waited
        self.heaps.pop(key, None)
        return None


class WorkQueue(Generic[Of]):
    """Everything that waits for one model."""

    def __init__(self) -> None:
        self.waiting = 0
        """Histories."""
        self.cost = 0
        """Their costs together."""
        self._lanes: set[Lane[Of]] = set()
        self._arrivals = 0
        self._turn = 0.0  # how far clients that take turns have been served; one that comes anew begins here

    @property
    def lanes(self) -> int:
        """Clients with work that waits."""
        return len(self._lanes)

    def add(self, work: Work[Of]) -> None:
        """Let it wait."""
        lane, history = work.owner.lane, work.ready.history
        if lane.waiting == 0:
            self._lanes.add(lane)
            lane.served = max(lane.served, self._turn)
        closes = math.inf if history.close_time is None else history.close_time.timestamp()
        rank = (-history.priority, closes, self._arrivals)  # no two are equal, so works are never compared
        self._arrivals += 1
        heap = lane.heaps.setdefault(work.key, [])
        heappush(heap, (rank, work))
        work.waiting = True
        lane.waiting += 1
        self.waiting += 1
        self.cost += work.cost

    def drop(self, works: Iterable[Work[Of]]) -> None:
        """Forget work that waits; work that does not is left alone."""
        for work in works:
            if work.waiting:
                self._leave(work)

    def take(self, *, cost: int, series: int) -> list[Work[Of]]:
        """Take the next batch, most urgent first; empty when nothing waits that may be computed now.

        Args:
            cost: Most that it may cost together, unless a single work costs more.
            series: Most works in it.
        """
        key = self._next_key()
        if key is None:
            return []
        lanes = [(first[0][0], lane.served, first[0], first[1]) for lane in self._lanes if (first := lane.first(key))]
        heapify(lanes)
        batch: list[Work[Of]] = []
        while lanes and len(batch) < series:
            _, self._turn, _, work = lanes[0]
            if batch and work.cost > cost:
                break
            cost -= work.cost
            batch.append(work)
            lane = work.owner.lane
            self._leave(work)
            lane.served += work.cost
            following = lane.first(key)
            if following is None:
                heappop(lanes)
            else:
                heapreplace(lanes, (following[0][0], lane.served, following[0], following[1]))
        return batch

    def _next_key(self) -> Key | None:
        """Find the key of the most urgent work of all."""
        best: tuple[int, float, _Rank] | None = None
        found: Key | None = None
        for lane in self._lanes:
            for key in list(lane.heaps):
                first = lane.first(key)
                if first is not None:
                    rank = (first[0][0], lane.served, first[0])
                    if best is None or rank < best:
                        best, found = rank, key
        return found

    def _leave(self, work: Work[Of]) -> None:
        work.waiting = False
        lane = work.owner.lane
        lane.waiting -= 1
        self.waiting -= 1
        self.cost -= work.cost
        if lane.waiting == 0:
            lane.heaps.clear()
            self._lanes.discard(lane)
