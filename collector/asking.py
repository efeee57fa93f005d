"""One lease's calls: made side by side, divided until whatever is wrong stands alone, turned to the other tier."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from collector.candle_calls import CandleCalls, Failure, Found, words
from collector.candle_checks import checked
from collector.candle_table import candle_table
from collector.merging import Missing
from collector.planning import Ask, Wanted
from collector.types import LeaseKey, LeaseProgress, Stage
from mesh import log
from mesh.clock import Clock
from mesh.kalshi.rest.price_wire import Candle
from mesh.shards import HoleReason

_AT_ONCE = 8  # calls of one lease
_PAUSE_SECONDS = 1.0  # after a failure; the client has tried more than once by then
_BATCH_ATTEMPTS = 2
"""Of the first call for a batch: one market in it may be the cause, and division finds that market sooner than
patience. A batch that fails while nothing else is answered either is asked once more with all patience before it is
divided: an exchange that is away for seconds is no market's fault, and many small calls later are dear."""
_SILENT = frozenset({HoleReason.TIMED_OUT, HoleReason.UNAVAILABLE, HoleReason.RATE_LIMITED})
_DRAINED = Failure(HoleReason.NOT_ATTEMPTED, "the lease was drained before it was asked for")
_MOST_TRIES = {HoleReason.REFUSED: 1, HoleReason.INVALID_DATA: 2, HoleReason.TIMED_OUT: 3, HoleReason.UNAVAILABLE: 3}
"""Tries of one market while others are answered. Being asked to slow down is no market's fault."""

_log = log.get(__name__)


class Asking:
    """Gets the candles of one lease's markets.

    Args:
        calls: Makes the calls.
        turns: Calls of all leases at once.
        wants: What is wanted, by market.
        lease: Its name, for the progress.
        report: Told of the progress after each call.
        draining: Once set, nothing new is asked.
        clock: For the patience.
        patience: Seconds without any answer after which all that is left is given up.

    Attributes:
        tables: Checked candles, call by call.
        missing: What could not be had.
        attempts: Calls made, by market.
        repeated: Candles that came more than once.
        queued_tokens: Cost of the calls that are planned and not made yet.
    """

    def __init__(
        self,
        calls: CandleCalls,
        turns: asyncio.Semaphore,
        wants: Mapping[str, Wanted],
        *,
        lease: LeaseKey,
        report: Callable[[LeaseProgress], None],
        draining: asyncio.Event,
        clock: Clock,
        patience: float,
    ) -> None:
        self.tables: list[pa.Table] = []
        self.missing: list[Missing] = []
        self.attempts: Counter[str] = Counter()
        self.repeated = 0
        self.queued_tokens = 0
        self._calls = calls
        self._turns = turns
        self._own_turns = asyncio.Semaphore(_AT_ONCE)
        self._wants = wants
        self._lease = lease
        self._shard = lease.shard
        self._report = report
        self._draining = draining
        self._clock = clock
        self._patience = patience
        self._open = Counter[str]()
        self._rows = self._tokens = 0
        self._last: datetime | None = None
        self._silent_since: float | None = None
        self._given_up: Failure | None = None

    async def run(self, asks: Sequence[Ask]) -> None:
        """Ask until every market is settled.

        Raises:
            ExchangeError: What stands in the way of every call; the others are cancelled.
        """
        self._open.update(ticker for ask in asks for ticker in ask.call.tickers)
        self._tell()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._spawn(tasks, asks)
        except BaseExceptionGroup as group:
            raise first_of(group) from None

    def _spawn(self, tasks: asyncio.TaskGroup, asks: Iterable[Ask]) -> None:
        for ask in asks:
            self.queued_tokens += self._calls.cost(ask)
            tasks.create_task(self._settle(tasks, ask))

    async def _settle(self, tasks: asyncio.TaskGroup, ask: Ask) -> None:
        """Ask until there is an answer, a reason to give up, or smaller calls that take over."""
        failure: Failure | None = None
        answers, failures, tries = self._calls.answers, 0, 0
        try:
            while True:
                async with self._own_turns, self._turns:
                    failure = self._given_up or failure
                    if self._draining.is_set() or self._given_up:
                        break
                    began = self._clock.monotonic()
                    outcome = await self._calls.make(ask, self._shard.step_minutes, self._attempts(ask, failures))
                if not isinstance(outcome, Failure):
                    self._count(ask)
                    self._take(tasks, ask, outcome)
                    return
                if outcome.starved:
                    self._silent_since = None  # nothing was asked, so nothing is silent
                else:
                    self._count(ask)
                    failure, alone = outcome, self._calls.answers == answers and outcome.reason in _SILENT
                    failures, tries = failures + 1, tries + (not alone)
                    self._note_silence(outcome, began)
                    if ask.call.batch and outcome.reason is not HoleReason.RATE_LIMITED and (tries or failures > 1):
                        self._spawn(tasks, ask.halves())
                        return
                    if tries >= _MOST_TRIES.get(outcome.reason, tries + 1):
                        break
                self._tell()
                await self._clock.sleep(_PAUSE_SECONDS)
        finally:
            self.queued_tokens -= self._calls.cost(ask)
        self._give_up(ask, failure or _DRAINED)

    def _attempts(self, ask: Ask, failures: int) -> int | None:
        return _BATCH_ATTEMPTS if ask.call.batch and not failures else None

    def _note_silence(self, failure: Failure, began: float) -> None:
        """Give up all that is left once nothing at all has been answered for too long."""
        if failure.reason not in _SILENT:
            self._silent_since = None
            return
        self._silent_since = began if self._silent_since is None else self._silent_since
        silent = self._clock.monotonic() - self._silent_since
        if silent >= self._patience and self._given_up is None:
            self._given_up = failure
            _log.warning("the exchange does not answer; the rest is left", shard=str(self._shard), why=failure.detail)

    def _take(self, tasks: asyncio.TaskGroup, ask: Ask, found: Found) -> None:
        """Check an answer and keep it; ask the other tier for what this one lacks."""
        self._silent_since = None
        call = ask.call
        here: dict[str, Sequence[Candle]] = {}
        for ticker in call.tickers:
            want, candles = self._wants[ticker], found.get(ticker)
            if candles or ask.was_empty:
                here[ticker] = candles or ()
            elif candles is None and not ask.turned:
                self._spawn(tasks, [ask.elsewhere(ticker, was_empty=False)])
            elif candles is None:
                self._miss(ask, ticker, Failure(HoleReason.NOT_FOUND, "neither live nor in the archive"))
            elif want.both and not ask.turned:
                self._spawn(tasks, [ask.elsewhere(ticker, was_empty=True)])
            else:
                here[ticker] = ()
        bounds = {
            ticker: (max(call.start_ts, self._wants[ticker].opening), min(call.end_ts, self._wants[ticker].closing))
            for ticker in here
        }
        good = checked(candle_table(self._shard, here), bounds, self._shard.step_seconds)
        for ticker, rule in good.broken.items():
            self._miss(ask, ticker, Failure(HoleReason.INVALID_DATA, words(rule)))
        self.tables.append(good.table)
        self.repeated += good.repeated
        self._close(ticker for ticker in here if ticker not in good.broken)
        self._rows += len(good.table)
        if len(good.table):
            latest = pc.max(good.table["end_time"]).as_py().astimezone(UTC)
            self._last = latest if self._last is None else max(self._last, latest)
        self._tell()

    def _give_up(self, ask: Ask, failure: Failure) -> None:
        for ticker in ask.call.tickers:
            self._miss(ask, ticker, failure)
        self._tell()

    def _miss(self, ask: Ask, ticker: str, failure: Failure) -> None:
        span = self._wants[ticker].span
        first, last = max(ask.call.start_ts, span.first), min(ask.call.end_ts, span.last)
        attempts = self.attempts[ticker]
        self.missing.append(Missing(ticker, first, last, failure.reason, failure.detail, attempts))
        self._close([ticker])

    def _count(self, ask: Ask) -> None:
        self.attempts.update(ask.call.tickers)
        self._tokens += self._calls.cost(ask)

    def _close(self, tickers: Iterable[str]) -> None:
        """Note that one more part of each of these markets is settled."""
        self._open -= Counter(tickers)  # a market without open parts is not in it

    def _tell(self) -> None:
        self._report(
            LeaseProgress(
                lease=self._lease,
                stage=Stage.DRAINING if self._draining.is_set() else Stage.FETCHING,
                done_markets=len(self._wants) - len(self._open),
                total_markets=len(self._wants),
                holes=len({missing.ticker for missing in self.missing}),
                rows=self._rows,
                tokens=self._tokens,
                last=self._last,
            )
        )


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group of groups."""
    found = group.exceptions[0]
    return first_of(found) if isinstance(found, BaseExceptionGroup) else found
