"""The loop around the model: take the most urgent batch, compute it, judge it while the next one is computed."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import NoReturn
from uuid import uuid4

from forecast_server.activity import Activity
from forecast_server.batch_size import BatchSize
from forecast_server.cache import ForecastCache
from forecast_server.loading import Loaded
from forecast_server.metrics import ForecastMetrics
from forecast_server.models.base import Paths
from forecast_server.scan import Scan
from forecast_server.signal import bounded, forecasts_of, judge
from forecast_server.types import Degradation, Failed, Forecast
from forecast_server.work import Work, WorkQueue
from forecast_server.worker import Computed, ModelDied, Worker
from mesh import log
from mesh.clock import Clock

_log = log.get(__name__)
_LOOK_SECONDS = 0.5
"""How often what waits is looked at while nothing may be computed."""
_JUDGED_AT_ONCE = 128
"""Forecasts judged before others get their turn on the event loop."""

Record = Callable[[Scan, Sequence[Forecast]], None]
"""Told of every forecast that was made. Must not raise: the forecasts would count as failed."""


class Computing:
    """Runs one loaded model on what waits in a queue."""

    def __init__(
        self,
        loaded: Loaded,
        worker: Worker,
        work: WorkQueue[Scan],
        clock: Clock,
        *,
        cache: ForecastCache,
        activity: Activity,
        metrics: ForecastMetrics,
        tidy: Callable[[], None],
        record: Record | None,
        on_canary: Callable[[bool], Awaitable[None]] | None,
    ) -> None:
        self.facts, self.canary, self.costs = loaded.facts, loaded.canary, loaded.costs
        self.batch_size = BatchSize(loaded.batch_cost, loaded.costs, loaded.longest_batch_seconds)
        self.running: list[Work[Scan]] = []
        self._horizon, self._canary_rides, self._canary_alone = 0, False, False
        self._canary_horizon = loaded.canary_horizon
        self._worker, self._work, self._clock = worker, work, clock
        self._cache, self._activity, self._metrics = cache, activity, metrics
        self._tidy, self._record, self._on_canary = tidy, record, on_canary
        self._since = self._ended = monotonic()
        self._came = asyncio.Event()

    def wake(self) -> None:
        """Something came in."""
        self._came.set()

    @property
    def running_seconds(self) -> float:
        """How long the batch being computed has taken."""
        return monotonic() - self._since if self.running else 0.0

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been computed."""
        return 0.0 if self.running else monotonic() - self._ended

    def remaining_seconds(self) -> float:
        """When the batch being computed should be done."""
        if not self.running:
            return 0.0
        expected = self.costs.expected_seconds(sum(work.cost for work in self.running)) or 0.0
        return max(0.0, expected - self.running_seconds)

    async def run(self) -> NoReturn:
        """Compute what waits, until cancelled.

        Raises:
            ModelDied: nothing can be forecast any more.
        """
        done: tuple[list[Work[Scan]], Computed] | None = None
        while True:
            self._came.clear()  # whatever comes from here on is either taken below or wakes the loop again
            self._tidy()
            works = self._work.take(
                cost=self.batch_size.following(self._work.cost),
                series=self.facts.max_batch_series,
                usual_cost=self.batch_size.cost,
            )
            computing = self._begin(works) if works else None
            if done is not None:
                await self._deliver(*done)
                done = None
            if computing is not None:
                try:
                    computed = await computing
                except Exception as error:
                    self._fail(works, dict.fromkeys(range(len(works)), error))
                    raise (
                        error if isinstance(error, ModelDied) else ModelDied(f"the model ended itself: {error}")
                    ) from error
                finally:
                    self.running, self._ended = [], monotonic()
                done = works, computed
                try:
                    await self._note(works, computed)
                except Exception:  # the canary killed the model: what was computed before is answered all the same
                    await self._deliver(works, computed)
                    raise
            else:
                await self._idle()

    async def _idle(self) -> None:
        """Wait until something comes in; while something waits that may not be computed, look again soon."""
        if not self._work.waiting:
            await self._came.wait()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._came.wait()

    def _begin(self, works: list[Work[Scan]]) -> "asyncio.Future[Computed]":
        for work in works:
            work.owner.waiting.discard(work)
        self.running, self._since = works, monotonic()
        self._horizon = works[0].key[0]
        series = [work.ready.series for work in works]
        self._canary_rides = self._rides(works)
        if self._canary_rides:
            series.append(self.canary.series)
        return self._worker.thread.run(self._worker.compute, series, self._horizon, self.facts, self.canary.series)

    async def _note(self, works: list[Work[Scan]], computed: Computed) -> None:
        """Learn from a batch how long batches take, what fits into memory, and whether the canary still sings."""
        cost, count = sum(work.cost for work in works), len(works)
        if self._canary_rides:
            await self._look_at_canary(computed)
            cost += self._canary_cost()
        elif self._canary_alone:
            self._canary_alone = False
            series = [self.canary.series]
            alone = self._worker.thread.run(
                self._worker.compute, series, self._canary_horizon, self.facts, self.canary.series
            )
            await self._look_at_canary(await alone)
        metrics = self._metrics
        if computed.shortages:
            metrics.shortages.inc(computed.shortages)
        if self.facts.long_factor > 1 and self._horizon > self.facts.cost_steps:
            pass  # another way to compute, of which the usual batches should learn nothing
        elif computed.shortages:
            self.batch_size.did_not_fit(cost)
            _log.warning("memory did not suffice", series=count, cost=cost, next_cost=self.batch_size.cost)
        else:
            self.batch_size.computed(cost, computed.seconds)
        self._activity.computed(count, computed.seconds, computed.paths.padding, computed.shortages)
        metrics.busy_seconds.inc(computed.seconds)
        metrics.padding.inc(computed.paths.padding * count)
        metrics.batch_series.observe(count)
        metrics.batch_cost.observe(cost)
        metrics.batch_seconds.labels(str(1 << (cost - 1).bit_length())).observe(computed.seconds)

    async def _look_at_canary(self, computed: Computed) -> None:
        was = self.canary.drifted
        mean, quantiles = computed.paths.mean[-1], computed.paths.quantiles[-1]
        difference = self.canary.check(mean, quantiles, self._clock.now())
        self._metrics.canary_difference.set(difference)
        if self.canary.drifted:
            self._metrics.canary_drifts.inc()
        if self.canary.drifted != was:
            self._cache.clear()  # nobody knows since when it was so
            report = _log.error if self.canary.drifted else _log.info
            report("canary", drifted=self.canary.drifted, difference=difference, tolerance=self.facts.batch_tolerance)
            if self._on_canary is not None:
                await self._on_canary(not self.canary.drifted)

    async def _deliver(self, works: list[Work[Scan]], computed: Computed) -> None:
        """Answer a batch, scan by scan."""
        self._fail(works, computed.failures)
        by_scan: dict[Scan, list[int]] = defaultdict(list)
        for row, work in enumerate(works):
            if row not in computed.failures and not work.owner.closed:
                by_scan[work.owner].append(row)
        for scan, all_rows in by_scan.items():
            for start in range(0, len(all_rows), _JUDGED_AT_ONCE):
                rows = all_rows[start : start + _JUDGED_AT_ONCE]
                try:
                    self._answer(scan, [works[row] for row in rows], rows, computed.paths)
                except Exception as error:  # a failure is these inputs' result, never the server's end
                    self._fail(works, dict.fromkeys(rows, error))
                await asyncio.sleep(0)

    def _answer(self, scan: Scan, works: list[Work[Scan]], rows: list[int], paths: Paths) -> None:
        own = Paths(paths.mean[rows], paths.quantiles[rows])
        ready = [work.ready for work in works]
        if self.canary.drifted:
            for item in ready:
                item.degraded += (Degradation.CANARY_DRIFT,)
        question = scan.question
        bound = bounded(own)
        digests = [work.digest for work in works]
        forecasts = forecasts_of(ready, digests, bound, self.facts, question.quantile_levels)
        verdicts = judge(forecasts, question, scan.policy, self.facts.quantile_levels)
        until = question.useful_until
        if until is not None and self._clock.now() > until:
            self._metrics.late.inc(len(forecasts))
        if not self.canary.drifted:
            for row, forecast in enumerate(forecasts):
                self._cache.put(forecast.digest, forecast.mean, bound.quantiles[row, : len(forecast.mean)])
        if self._record is not None:
            self._record(scan, forecasts)
        scan.answer([item.history for item in ready], verdicts)

    def _fail(self, works: list[Work[Scan]], failures: dict[int, Exception]) -> None:
        """Answer what failed, under one id that the log explains."""
        failed = Failed(uuid4().hex)
        rows = [row for row in failures if row < len(works)]  # the canary is nobody's
        if not rows:
            return
        _log.error(
            "forecasts failed", error_id=failed.error_id, series=len(rows), of=len(works), exc_info=failures[rows[0]]
        )
        self._activity.failed += len(rows)
        for row in rows:
            works[row].owner.answer([works[row].ready.history], [failed])

    def _canary_cost(self) -> int:
        return self.facts.cost(len(self.canary.series), self._horizon)

    def _rides(self, works: list[Work[Scan]]) -> bool:
        """Whether the canary comes along with a batch."""
        own = self._canary_cost()
        fits = (
            self._horizon <= self._canary_horizon
            and len(works) < self.facts.max_batch_series
            and (not self.facts.equal_cost_batches or works[0].cost == own)
        )
        if not fits:
            self._canary_alone = self.canary.due(monotonic(), 0, own)
            return False
        return self.canary.due(monotonic(), sum(work.cost for work in works), own)
