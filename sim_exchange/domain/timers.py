"""What is due when. Pure."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime


class Timers:
    """Actions by time; those of one instant by what they are, so that a restart does not change their order.

    Nothing is ever taken back: an action looks whether it still applies.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, time: datetime, what: str, action: Callable[[], None]) -> None:
        """Note an action; `what` says what it does, and to which market or order."""
        heapq.heappush(self._heap, (time, what, next(self._numbers), action))

    @property
    def next(self) -> datetime | None:
        """When the first is due; None without any."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> tuple[datetime, Callable[[], None]] | None:
        """Take out the first action that is due by now, with its time; None if there is none."""
        if not self._heap or self._heap[0][0] > now:
            return None
        time, _, _, action = heapq.heappop(self._heap)
        return time, action
