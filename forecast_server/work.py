"""What waits for the model, and what it takes next. Pure.

The most urgent work is taken first: by priority; among equals callers take turns, each given as much of the model's
time as the others, and so do the scans of a caller; within a scan what closes sooner, then what arrived first. A batch
holds what fits together (equal keys) and ends at a cost, not at a count: a long history is more work than a short one.
What is less urgent than the first of a batch fills only half of a usual one: the urgent answers leave with the batch.
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
"""Urgency within a lane, the smaller the sooner: priority turned around, time of the close, order of arrival."""
_Turn = tuple[int, float, float, _Rank]
"""Urgency among all: priority turned around, what the caller was given, what the lane was given, urgency within it."""


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


class Caller:
    """Somebody who has scans."""

    def __init__(self) -> None:
        self.served = 0.0
        """Cost computed for this caller, counted from where the others were when it came."""
        self.waiting: set[Lane[Any]] = set()
        """Those of its scans that have work that waits."""


class Lane(Generic[Of]):
    """One scan's work, or that of one scanner's scans one after the other."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.served = 0.0
        """As of the caller, among the caller's lanes."""
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
        self._callers: set[Caller] = set()
        self._arrivals = 0

    @property
    def callers(self) -> int:
        """Callers with work that waits."""
        return len(self._callers)

    def add(self, work: Work[Of]) -> None:
        """Let it wait."""
        lane, history = work.owner.lane, work.ready.history
        if lane.waiting == 0:
            self._join(lane)
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

    def take(self, *, cost: int, series: int, usual_cost: int | None = None) -> list[Work[Of]]:
        """Take the next batch, most urgent first; empty when nothing waits that may be computed now.

        Args:
            cost: Most that it may cost together, unless a single work costs more.
            series: Most works in it.
            usual_cost: Works of a lower priority than the first join until half of that; None takes `cost`.
        """
        key = self._next_key()
        if key is None:
            return []
        firsts = [
            (_turn(first[0], lane), first[1])
            for caller in self._callers
            for lane in caller.waiting
            if (first := lane.first(key))
        ]
        heapify(firsts)
        batch: list[Work[Of]] = []
        mixed_cost, spent = (usual_cost or cost) // 2, 0
        while firsts and len(batch) < series:
            turn, work = firsts[0]
            lane = work.owner.lane
            if turn != _turn(turn[3], lane):  # its caller was served since, by another lane
                heapreplace(firsts, (_turn(turn[3], lane), work))
                continue
            if batch:
                mixed = work.ready.history.priority < batch[0].ready.history.priority
                if spent + work.cost > (mixed_cost if mixed else cost):
                    break
            spent += work.cost
            batch.append(work)
            self._leave(work)
            lane.served += work.cost
            lane.caller.served += work.cost
            following = lane.first(key)
            if following is None:
                heappop(firsts)
            else:
                heapreplace(firsts, (_turn(following[0], lane), following[1]))
        return batch

    def _next_key(self) -> Key | None:
        """Find the key of the most urgent work of all."""
        found: tuple[_Turn, Key] | None = None
        for lane in (lane for caller in self._callers for lane in caller.waiting):
            for key in list(lane.heaps):
                first = lane.first(key)
                if first is not None and (found is None or _turn(first[0], lane) < found[0]):
                    found = _turn(first[0], lane), key
        return found and found[1]

    def _join(self, lane: Lane[Of]) -> None:
        """Let a lane take turns: it begins where the least served of those that wait is.

        So it has saved nothing up while it was away, and what it was given while nobody else waited costs it nothing.
        """
        caller = lane.caller
        if not caller.waiting:
            caller.served = min((other.served for other in self._callers), default=0.0)
            self._callers.add(caller)
        lane.served = min((other.served for other in caller.waiting), default=0.0)
        caller.waiting.add(lane)

    def _leave(self, work: Work[Of]) -> None:
        work.waiting = False
        lane = work.owner.lane
        lane.waiting -= 1
        self.waiting -= 1
        self.cost -= work.cost
        if lane.waiting == 0:
            lane.heaps.clear()
            lane.caller.waiting.discard(lane)
            if not lane.caller.waiting:
                self._callers.discard(lane.caller)


def _turn(rank: _Rank, lane: Lane[Any]) -> _Turn:
    """Order works of different lanes."""
    return rank[0], lane.caller.served, lane.served, rank
