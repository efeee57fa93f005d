"""The candles of one lease: what is asked of the exchange, and what becomes of every market."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from collector.asking import Asking
from collector.candle_calls import CandleCalls
from collector.exchange_time import ExchangeTime
from collector.merging import holes_after, merged
from collector.planning import Wanted, covered_end, over_at, plan, wanted
from collector.types import Grant, LeaseProgress, Purpose
from mesh import log
from mesh.clock import Clock
from mesh.errors import Overloaded, TooLate, Unavailable
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import NoBudget
from mesh.shards import Content, Hole

PATIENCE = 120.0
"""Seconds without any answer after which a lease leaves the rest, unless told otherwise."""
CALL_SECONDS = 12.0
"""What one call may take once it has its tokens, the client's own retries included, unless told otherwise."""
_AT_ONCE = 32  # calls of all leases
_PAUSE_SECONDS = 1.0
_FROM_NOTHING = frozenset({Purpose.REPAIR, Purpose.ADD_QUOTES})

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class BaseFile:
    """The committed file that a lease extends."""

    table: pa.Table
    """Schema `mesh.records.CANDLES`."""
    holes: tuple[Hole, ...]


@dataclass(frozen=True, slots=True)
class Collected:
    """What a file of the shard is to hold."""

    table: pa.Table
    """Schema `mesh.records.CANDLES`, sorted by market_ticker and end_time."""
    content: Content
    covered_end: datetime
    """Candles ending up to here were asked for, of every market of the event."""
    holes: tuple[Hole, ...]
    """All of them, those of the base that are still open included; touching ones are one; at most 2,000."""


class Fetcher:
    """Collects the candles of leases. One for all leases of a process.

    Args:
        client: The exchange; its read bucket sets the pace.
        clock: The one that the client was made with.
        patience: Seconds without any answer after which a lease leaves the rest. Time in which the budget lets nothing
            pass does not count. A market that alone does not answer is given up sooner.
        call_seconds: What one call may take once it has its tokens, the client's own retries included.
    """

    def __init__(
        self, client: KalshiClient, clock: Clock, *, patience: float = PATIENCE, call_seconds: float = CALL_SECONDS
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._calls = CandleCalls(client, clock, call_seconds)
        self._time = ExchangeTime(client, clock)
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._asking: set[Asking] = set()

    @property
    def queued_tokens(self) -> int:
        """What the calls cost that are planned under the leases at work and not answered yet."""
        return sum(asking.queued_tokens for asking in self._asking)

    async def collect(
        self,
        grant: Grant,
        base: BaseFile | None,
        *,
        cutoff: datetime | None,
        draining: asyncio.Event,
        report: Callable[[LeaseProgress], None],
    ) -> Collected:
        """Fetch what a grant asks for, and put it together with the base.

        Only candles whose period has ended at the exchange are asked for, so all are final. Whatever goes wrong with a
        market becomes a hole; it never stops the others. Cancelling the task stops at once.

        Args:
            grant: The lease and its markets.
            base: The file it extends; None begins from nothing. REPAIR and ADD_QUOTES begin from nothing anyway.
            cutoff: What settled before this is in the archive; None is unknown, and live is asked first.
            draining: Once set, calls under way are finished and what was not asked for is NOT_ATTEMPTED.
            report: Called after each call with the progress so far, stage FETCHING or DRAINING, `age_seconds` zero.

        Raises:
            Unauthenticated: The exchange does not accept the key.
            Denied: The key, or this address, may not read.
            Unsupported: The exchange has removed the endpoint.
            Unavailable: Drained before anything was asked for.
            ExchangeError: The exchange did not even say what time it is, for as long as the patience lasts.
            ValueError: A market comes twice in the grant.
        """
        if grant.purpose in _FROM_NOTHING:
            base = None
        shard = grant.lease.shard
        if len({market.ticker for market in grant.markets}) < len(grant.markets):
            raise ValueError(f"{shard}: a market comes twice in the grant")
        settled = await self._settled(over_at(grant), draining)
        wants = {market.ticker: wanted(grant, market, settled, cutoff) for market in grant.markets}
        asking = Asking(
            self._calls,
            self._turns,
            wants,
            lease=grant.lease,
            report=report,
            draining=draining,
            clock=self._clock,
            patience=self._patience,
        )
        self._asking.add(asking)
        try:
            await asking.run(plan(wants.values(), shard.step_minutes, self._calls.costs()))
        finally:
            self._asking.discard(asking)
        return await asyncio.to_thread(_put_together, grant, base, asking, wants, covered_end(grant, settled))

    async def _settled(self, wanted: datetime, draining: asyncio.Event) -> datetime:
        """Learn up to when candles are final."""
        until = self._clock.monotonic() + self._patience
        while not draining.is_set():
            try:
                return await self._time.settled(wanted, urgency=self._calls.urgency())
            except (NoBudget, Unavailable, Overloaded, TooLate) as error:
                if isinstance(error, NoBudget):
                    until = self._clock.monotonic() + self._patience
                elif self._clock.monotonic() >= until:
                    raise
            await self._clock.sleep(_PAUSE_SECONDS)
        raise Unavailable("drained before anything was asked for")


def _put_together(
    grant: Grant, base: BaseFile | None, asking: Asking, wants: Mapping[str, Wanted], covered: datetime
) -> Collected:
    """Make the new file's content of the base and what came."""
    revision = merged([base.table, *asking.tables] if base else asking.tables)
    holes = holes_after(
        base.holes if base else (),
        wants,
        asking.missing,
        filled=pc.unique(revision.table["market_ticker"]).to_pylist(),
        attempts=asking.attempts,
        step_seconds=grant.lease.shard.step_seconds,
    )
    if revision.revised or asking.repeated:
        _log.warning(
            "the exchange does not repeat itself",
            shard=str(grant.lease.shard),
            candles_revised=revision.revised,
            candles_repeated=asking.repeated,
        )
    prices_alone = base is not None and grant.base is not None and grant.base.file.content is Content.PRICES
    return Collected(
        table=revision.table,
        content=Content.PRICES if prices_alone else Content.PRICES_AND_QUOTES,
        covered_end=covered,
        holes=holes,
    )
