"""How long batches take, by their cost: measured, expected, and the cost at which a device is used well. Pure.

A batch takes about a fixed time and a time per unit of cost. Nothing is assumed of either: batches are kept by powers
of two of their cost, the median of the latest ones stands for each, and what lies between is interpolated.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median_low

from forecast_server.models.base import OutOfMemory

_LATEST = 9
"""Batches of a bucket that count. A new pace of the machine is the median after five; one pause never is."""
_TRUSTED = 3
"""Batches from which a median stands for itself; fewer are believed only as far as the other buckets allow."""
_STEEPEST = 1.5
"""Time grows with cost to this power at most: attention and full caches cost more than in proportion, but not much."""
_SHORTEST_SECONDS = 1e-9
_SLOPE_SPAN = 2
"""A slope is read off costs at least this many times apart; nearer ones show noise."""
_GOOD_SHARE = 0.9
"""Share of the best rate that is good enough: what is left is not worth longer batches, for which others wait."""
_WORTH_CLIMBING = 1.05
_FLAT_RUNGS = 2
"""Rungs without a better rate after which the climb ends; a single one may be a noisy measurement."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What is known of the batches of one bucket."""

    up_to_cost: int
    """Their largest cost; the smallest is above half of it."""
    batches: int
    """Batches measured."""
    expected_seconds: float
    """Of a batch that costs `up_to_cost`."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a climb through the costs found."""

    batch_cost: int
    """The cost to make batches of."""
    observations: tuple[tuple[int, float], ...]
    """Each cost tried and the seconds its batch took, ascending."""


@dataclass(slots=True)
class _Bucket:
    batches: int = 0
    latest: deque[tuple[int, int, float]] = field(default_factory=lambda: deque(maxlen=_LATEST))
    """Order of observation, cost and seconds."""

    def point(self) -> tuple[int, float]:
        """Return the usual cost and its seconds."""
        return median_low(cost for _, cost, _ in self.latest), median_low(seconds for _, _, seconds in self.latest)

    def trust(self) -> tuple[bool, int]:
        """Rank by how well and how lately it was measured; late is when the median's own half came in."""
        return len(self.latest) >= _TRUSTED, self.latest[len(self.latest) // 2][0]


class CostModel:
    """Seconds per batch by its cost, fitted as batches are computed."""

    def __init__(self) -> None:
        self._buckets: dict[int, _Bucket] = {}
        self._observed = 0
        self._points: list[tuple[int, float]] = []

    def observe(self, cost: int, seconds: float) -> None:
        """Learn from a batch.

        Raises:
            ValueError: such a batch cannot be.
        """
        if cost < 1 or not (0 <= seconds < math.inf):
            raise ValueError(f"no batch costs {cost} and takes {seconds} s")
        bucket = self._buckets.setdefault(_bucket_of(cost), _Bucket())
        bucket.batches += 1
        bucket.latest.append((self._observed, cost, max(seconds, _SHORTEST_SECONDS)))
        self._observed += 1
        self._points = _consistent(self._buckets.values())

    def expected_seconds(self, cost: int) -> float | None:
        """Expect the time of a batch; never less for a higher cost. None until anything was observed."""
        if not self._points:
            return None
        (first_cost, first), (last_cost, last) = self._points[0], self._points[-1]
        slope = None
        if last_cost >= _SLOPE_SPAN * first_cost:
            slope = (last - first) / (last_cost - first_cost)
        # Where no slope is known the dearer guess is taken: only a fixed time below, none above.
        if cost <= first_cost:
            return max(first - (slope or 0.0) * (first_cost - cost), first * (cost / first_cost))
        if cost >= last_cost:
            return last + (last / last_cost if slope is None else slope) * (cost - last_cost)
        right = bisect_left(self._points, cost, key=lambda point: point[0])
        (low_cost, low), (high_cost, high) = self._points[right - 1], self._points[right]
        return min(high, low + (high - low) * (cost - low_cost) / (high_cost - low_cost))

    def backlog_seconds(self, total_cost: int, batch_cost: int) -> float | None:
        """Expect the time of everything that waits, in batches of `batch_cost` and one of what is left."""
        full, rest = divmod(total_cost, batch_cost)
        whole, part = self.expected_seconds(batch_cost), self.expected_seconds(rest)
        if whole is None or part is None:
            return None
        return full * whole + (part if rest else 0.0)

    def timings(self) -> list[Timing]:
        """Return what is known, by ascending cost."""
        return [
            Timing(up_to_cost, bucket.batches, self.expected_seconds(up_to_cost) or 0.0)
            for up_to_cost, bucket in sorted(self._buckets.items())
        ]


def tune(
    measure: Callable[[int], float], *, largest_cost: int, longest_seconds: float, smallest_cost: int = 1
) -> Tuned:
    """Find the cost to make batches of, by climbing through powers of two.

    The climb ends at the largest cost, at a batch that takes too long or does not fit into memory, or where the rate
    has stopped getting better.

    Args:
        measure: Computes a batch of about this cost and returns its seconds. Called twice a rung; the faster counts,
            because the first may compile something or meet a pause.
        largest_cost: Most that a batch may cost.
        longest_seconds: Longest that a batch should take: urgent work waits for the one before it.
        smallest_cost: Of a single series, where every one costs the same.

    Raises:
        OutOfMemory: not even the smallest batch fits.
    """
    observations: list[tuple[int, float]] = []
    best, flat = 0.0, 0
    for cost in _rungs(smallest_cost, largest_cost):
        try:
            seconds = max(min(measure(cost), measure(cost)), _SHORTEST_SECONDS)
        except OutOfMemory:
            if not observations:
                raise
            break
        observations.append((cost, seconds))
        rate = cost / seconds
        flat = 0 if rate >= _WORTH_CLIMBING * best else flat + 1
        best = max(best, rate)
        if seconds > longest_seconds or flat == _FLAT_RUNGS:
            break
    return Tuned(sweet_spot(observations, longest_seconds=longest_seconds), tuple(observations))


def sweet_spot(measured: Iterable[tuple[int, float]], *, longest_seconds: float) -> int:
    """Choose the smallest cost at which a device works nearly as fast as it can.

    Args:
        measured: Costs and the seconds of their batches; at least one.
        longest_seconds: Longest that a batch should take. If all took longer the smallest cost is chosen.
    """
    ascending = sorted(measured)
    fitting = [(cost, seconds) for cost, seconds in ascending if seconds <= longest_seconds] or ascending[:1]
    best = max(cost / seconds for cost, seconds in fitting)
    return next(cost for cost, seconds in fitting if cost / seconds >= _GOOD_SHARE * best)


def _rungs(smallest: int, largest: int) -> Iterator[int]:
    cost = smallest
    while cost < largest:
        yield cost
        cost *= 2
    yield largest


def _bucket_of(cost: int) -> int:
    """Return the smallest power of two that is no less."""
    return 1 << (cost - 1).bit_length()


def _consistent(buckets: Iterable[_Bucket]) -> list[tuple[int, float]]:
    """Make one curve of the buckets' points, by ascending cost.

    More cost never takes less time, nor much more than in proportion. So buckets that were measured well and lately
    correct those that were not: when the machine slows down, the costs that are not in use just now follow.
    """
    points: list[tuple[int, float]] = []
    for bucket in sorted(buckets, key=_Bucket.trust, reverse=True):
        cost, seconds = bucket.point()
        least, most = 0.0, math.inf
        for known_cost, known in points:
            scaled = known * (cost / known_cost) ** _STEEPEST
            least, most = max(least, min(known, scaled)), min(most, max(known, scaled))
        points.append((cost, min(max(seconds, least), most)))
    return sorted(points)
