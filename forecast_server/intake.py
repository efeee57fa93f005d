"""From histories to work that waits: checked, looked up in the cache, queued when there is room, let go in time."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic

from forecast_server.activity import Activity
from forecast_server.cache import ForecastCache
from forecast_server.metrics import ForecastMetrics
from forecast_server.models.base import ModelFacts
from forecast_server.prepare import prepare
from forecast_server.scan import Scan
from forecast_server.signal import digests_of, judge, read_off
from forecast_server.types import Expired, ExpiredReason, Forecast, History, NoForecast, Outcome, Ready, Rejected
from forecast_server.work import Work, WorkQueue
from mesh.clock import Clock

_LOOK_SECONDS = 0.5
"""How often a call that waits for room looks whether its answers are still wanted."""
_USUAL_POINTS = 512.0
_FORGETTING = 0.2
_PATIENCE_SECONDS = 0.25
"""With callers that do not read, once others need the room."""
_PREPARED_AT_ONCE = 64


class Intake:
    """Fills the queue of an engine, and takes out of it what nobody wants any more."""

    def __init__(
        self,
        work: WorkQueue[Scan],
        cache: ForecastCache,
        clock: Clock,
        *,
        capacity_series: int,
        activity: Activity,
        metrics: ForecastMetrics,
        draining: asyncio.Event,
        drain_seconds: float,
    ) -> None:
        self._work, self._cache, self._clock = work, cache, clock
        self._capacity, self._share = capacity_series, capacity_series // 2  # of one client; the rest is for others
        self._activity, self._metrics = activity, metrics
        self._draining, self._drain_seconds = draining, drain_seconds
        self._until: float | None = None  # when what was taken in before a stop is computed no more
        self._room = asyncio.Event()
        self._blocked: dict[Scan, int] = {}
        self.usual_points = _USUAL_POINTS
        """Of a history, lately."""

    def stop(self) -> None:
        """Compute nothing any more: whatever waits, and whatever still comes, is told to come again."""
        self._until = monotonic()

    async def take_in(
        self,
        scan: Scan,
        histories: Sequence[History],
        rejected: list[Outcome],
        facts: ModelFacts,
        wake: Callable[[], None],
    ) -> None:
        """Answer what can be answered at once and queue the rest, as soon as there is room; then `wake` the model.

        Whoever does not read what is answered gets no more of it, so nothing piles up.
        """
        while scan.held_back:
            await self._wait()
        scan.reject(rejected)
        scan.received += len(histories)
        question = scan.question
        prepared: list[Ready | NoForecast | Rejected] = []
        for start in range(0, len(histories), _PREPARED_AT_ONCE):
            prepared += prepare(
                histories[start : start + _PREPARED_AT_ONCE],
                question,
                min_points=facts.min_points,
                max_points=facts.max_context_points,
                now=self._clock.now(),
            )
            await asyncio.sleep(0)  # gaps take their time to fill: others get their turn on the event loop
        settled = [(one, item) for one, item in zip(histories, prepared, strict=True) if not isinstance(item, Ready)]
        scan.answer([one for one, _ in settled], [verdict for _, verdict in settled])
        ready = [item for item in prepared if isinstance(item, Ready)]
        works = []
        for item, digest in zip(ready, digests_of(ready, question, facts), strict=True):
            cost = facts.cost(len(item.series), question.horizon_steps)
            works.append(Work(scan, item, digest, cost, (question.horizon_steps, cost * facts.equal_cost_batches)))
        if works:
            points = sum(len(item.series) for item in ready) / len(ready)
            self.usual_points += _FORGETTING * (points - self.usual_points)
        if self._late(scan, works):
            return
        works = self._from_cache(scan, works, facts)
        if works and await self._has_room(scan, works):
            for work in works:
                self._work.add(work)
            scan.waiting.update(works)
            wake()

    @property
    def blocked(self) -> int:
        """Histories that wait for room, of callers that read."""
        return sum(count for scan, count in self._blocked.items() if not scan.held_back)

    def make_room(self, scans: Iterable[Scan]) -> None:
        """While the queue is full: whoever does not read goes first."""
        if self._work.waiting + self.blocked < self._capacity:
            return
        for scan in scans:
            if scan.held_back and scan.unread_seconds > _PATIENCE_SECONDS and scan.waiting:
                self._expire(scan, self.drop(scan), ExpiredReason.UNREAD)

    def look_again(self) -> None:
        """There may be room now."""
        self._room.set()

    def drop(self, scan: Scan) -> list[Work[Scan]]:
        """Take out what waits for a scan."""
        works = list(scan.waiting)
        self._work.drop(works)
        scan.waiting.clear()
        self._room.set()
        return works

    def tidy(self, scans: Iterable[Scan]) -> None:
        """Answer whatever waits and nobody would use."""
        if self._draining.is_set() and self._until is None:
            self._until = monotonic() + self._drain_seconds
        now, late = self._clock.now(), self._until is not None and monotonic() >= self._until
        for scan in scans:
            scan.give_up()
            reason = scan.expiry(now, draining=late) if scan.waiting else None
            if reason is not None:
                self._expire(scan, self.drop(scan), reason)
        self._room.set()

    def _from_cache(self, scan: Scan, works: list[Work[Scan]], facts: ModelFacts) -> list[Work[Scan]]:
        """Answer what was forecast before; gives the rest."""
        if scan.question.bypass_cache or not self._cache.capacity_bytes:
            return works
        known: list[Forecast] = []
        rest: list[Work[Scan]] = []
        for work in works:
            found = self._cache.get(work.digest)
            if found is None:
                rest.append(work)
            else:
                mean, own = found
                wanted = read_off(own, facts, scan.question.quantile_levels)
                known.append(Forecast(work.ready, work.digest, mean, wanted, own[-1], cached=True))
        self._metrics.cache_hits.inc(len(known))
        self._metrics.cache_misses.inc(len(rest))
        scan.cached += len(known)
        verdicts = judge(known, scan.question, scan.policy, facts.quantile_levels)
        scan.answer([one.ready.history for one in known], verdicts)
        return rest

    async def _has_room(self, scan: Scan, works: list[Work[Scan]]) -> bool:
        """Wait for room; works that nobody would use any more are answered so, and need none."""
        self._blocked[scan] = len(works)
        try:
            return await self._found_room(scan, works)
        finally:
            del self._blocked[scan]

    async def _found_room(self, scan: Scan, works: list[Work[Scan]]) -> bool:
        while not self._late(scan, works):
            full = self._work.waiting and self._work.waiting + len(works) > self._capacity
            greedy = scan.lane.waiting and scan.lane.waiting + len(works) > self._share
            if not (full or greedy or scan.held_back):
                return True
            await self._wait()
        return False

    def _late(self, scan: Scan, works: list[Work[Scan]]) -> bool:
        """Answer works that nobody would use any more."""
        reason = scan.expiry(self._clock.now(), draining=self._draining.is_set() or self._until is not None)
        if reason is None:
            return False
        self._expire(scan, works, reason)
        return True

    async def _wait(self) -> None:
        """Wait until something may have changed."""
        self._room.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._room.wait()

    def _expire(self, scan: Scan, works: Sequence[Work[Scan]], reason: ExpiredReason) -> None:
        self._activity.expired += len(works)
        self._metrics.expired.labels(reason.value).inc(len(works))
        scan.answer([work.ready.history for work in works], [Expired(reason)] * len(works))
