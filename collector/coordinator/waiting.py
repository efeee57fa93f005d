"""Shards that nobody holds: those whose time will come, and those that may be leased now, the most urgent first.

What still trades comes first, for it is looked at now. Then what was lost or has just ended, then closed events that
were never collected, newest first: they are the ones read most, and the exchange serves a hundred of their markets a
call until they are archived, and one a call afterwards. Then holes; quotes for price-only files come last.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from collector.coordinator.rows import ShardRow, ShardState
from collector.ownership import preferred_node
from collector.types import Purpose
from mesh.shards import ShardKey

_RANKS = {
    Purpose.REFRESH: 0,
    Purpose.REPAIR: 1,
    Purpose.FINISH: 1,
    Purpose.COLLECT: 2,
    Purpose.RETRY_HOLES: 3,
    Purpose.ADD_QUOTES: 4,
}
_Entry = tuple[int, float, int, ShardKey]  # rank, newest close first, order of arrival


class Waiting:
    """Keeps them by place of the stable split. Every operation is logarithmic in their number.

    Heaps keep entries that no longer count until they come up: `_ready` and `_future` say which count.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._heaps: list[list[_Entry]] = [[] for _ in range(places)]
        self._counts = [0] * places
        self._since: list[float | None] = [None] * places
        self._ready: dict[ShardKey, tuple[int, _Entry]] = {}
        self._future_heap: list[tuple[float, int, ShardKey]] = []
        self._ready_of: Counter[tuple[str, int]] = Counter()
        self._future_of: defaultdict[tuple[str, int], list[tuple[float, int, ShardKey]]] = defaultdict(list)
        """As `_future_heap`, by series and candle step."""
        self._future: dict[ShardKey, int] = {}
        self._order = itertools.count()

    @property
    def ready(self) -> int:
        """How many may be leased now."""
        return len(self._ready)

    def is_ready(self, key: ShardKey) -> bool:
        """Tell whether a shard may be leased now."""
        return key in self._ready

    def place_of(self, key: ShardKey) -> int:
        """Return the place of the split that prefers a shard."""
        return preferred_node(key.event, self._places)

    def waiting_since(self, place: int) -> float | None:
        """Say since when a place has had shards without a break, in monotonic seconds; None if it has none."""
        return self._since[place]

    def put(self, row: ShardRow, now: datetime, monotonic: float) -> None:
        """Take a shard in as its row says, instead of what was known of it; out if it is leased or not due."""
        self._drop(row.key)
        if row.due is None or row.lease is not None or row.withdrawn:
            return
        if row.due > now:
            order = self._future[row.key] = next(self._order)
            coming = (row.due.timestamp(), order, row.key)
            heapq.heappush(self._future_heap, coming)
            heapq.heappush(self._future_of[_kind(row.key)], coming)
            return
        place = self.place_of(row.key)
        rank = 0 if row.state is ShardState.OPEN else _RANKS[row.due_for]
        entry = (rank, -row.closes.timestamp(), next(self._order), row.key)
        self._ready[row.key] = (place, entry)
        self._ready_of[_kind(row.key)] += 1
        heapq.heappush(self._heaps[place], entry)
        self._counts[place] += 1
        if self._since[place] is None:
            self._since[place] = monotonic

    def outlook(self, series: str, step_seconds: int, now: datetime) -> tuple[int, timedelta | None]:
        """Say how many shards of a series may be leased now, and when the next of the others may; None if none will."""
        kind = series, step_seconds
        heap = self._future_of[kind]
        while heap and self._future.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
        wait = timedelta(seconds=max(0.0, heap[0][0] - now.timestamp())) if heap else None
        return self._ready_of[kind], wait

    def ripe(self, now: datetime, limit: int) -> list[ShardKey]:
        """Name up to `limit` shards whose time has come; they stay as they are until they are put again."""
        return list(itertools.islice(self._ripe(now.timestamp()), limit))

    def take(self, places: Iterable[int], allowed: Callable[[ShardKey], bool]) -> Iterator[ShardKey]:
        """Offer the shards of some places, the most urgent of all first. They stay in until they are put anew."""
        chosen = list(places)
        heads = [(self._heaps[place][0], place) for place in chosen if self._counts[place] and self._tidy(place)]
        heapq.heapify(heads)
        offered: list[tuple[int, _Entry]] = []
        try:
            while heads:
                entry, place = heapq.heappop(heads)
                offered.append((place, heapq.heappop(self._heaps[place])))
                if self._tidy(place):
                    heapq.heappush(heads, (self._heaps[place][0], place))
                if allowed(entry[3]):
                    yield entry[3]
        finally:
            for place, entry in offered:
                heapq.heappush(self._heaps[place], entry)

    def _ripe(self, now: float) -> Iterator[ShardKey]:
        seen: list[tuple[float, int, ShardKey]] = []
        try:
            while self._future_heap and self._future_heap[0][0] <= now:
                entry = heapq.heappop(self._future_heap)
                if self._future.get(entry[2]) == entry[1]:
                    seen.append(entry)
                    yield entry[2]
        finally:
            for entry in seen:
                heapq.heappush(self._future_heap, entry)

    def _drop(self, key: ShardKey) -> None:
        self._future.pop(key, None)
        place, _ = self._ready.pop(key, (None, None))
        if place is not None:
            self._ready_of[_kind(key)] -= 1
            self._counts[place] -= 1
            if not self._counts[place]:
                self._since[place] = None
                self._heaps[place].clear()

    def _tidy(self, place: int) -> bool:
        """Remove entries at the head that no longer count; tell whether any is left."""
        heap = self._heaps[place]
        while heap:
            known = self._ready.get(heap[0][3])
            if known is not None and known[1] is heap[0]:
                return True
            heapq.heappop(heap)
        return False


def _kind(key: ShardKey) -> tuple[str, int]:
    return key.series, key.step_seconds
