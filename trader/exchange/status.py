"""What the exchange allows now, and when it is to pause."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.rest.exchange_wire import ExchangeStatus, Schedule, ShardStatus
from mesh.kalshi.rest.reading import RECONCILE
from trader.domain.events import ExchangeSeen
from trader.domain.words import ExchangeState
from trader.exchange.exchange_time import ExchangeTime
from trader.exchange.known_markets import KnownMarkets
from trader.exchange.schedule import pauses

_SCHEDULE_SECONDS, _RETRY_SECONDS = 3600.0, 300.0
_ONCE = replace(RECONCILE, attempts=1)  # the status does not wait for a schedule that is known already

_log = log.get(__name__)


class Status:
    """Reads it.

    Args:
        client: Public data are enough.
        known: Learns of which markets' shards are paused alone.
        clock: The trader's.
    """

    def __init__(self, client: KalshiClient, known: KnownMarkets, clock: Clock) -> None:
        self._client = client
        self._known = known
        self._clock = clock
        self._time = ExchangeTime(client)
        self._schedule: Schedule | None = None
        self._schedule_until = 0.0  # monotonic

    async def read(self, tickers: Collection[str]) -> ExchangeSeen:
        """Read the status for whom these markets matter. Raises ExchangeError."""
        found = await self._client.exchange.status(urgency=RECONCILE)
        schedule = await self._read_schedule()
        state = _state(found, self._known.shards_of(tickers) or {0})
        paused = (shard.exchange_index for shard in found.shards or () if not _trades(shard))
        self._known.pause(tuple(paused) if state is ExchangeState.OPEN else ())
        return ExchangeSeen(
            state,
            found.exchange_estimated_resume_time,
            pauses(schedule, self._time.theirs(self._clock.now())),
        )

    async def _read_schedule(self) -> Schedule:
        now, known = self._clock.monotonic(), self._schedule
        if known is not None and now < self._schedule_until:
            return known
        try:
            self._schedule = await self._client.exchange.schedule(urgency=RECONCILE if known is None else _ONCE)
        except ExchangeError as error:
            if known is None:
                raise
            _log.warning("the schedule cannot be read anew; what was read before is used", problem=str(error))
            self._schedule_until = now + _RETRY_SECONDS
            return known
        self._schedule_until = now + _SCHEDULE_SECONDS
        return self._schedule


def _trades(shard: ShardStatus) -> bool:
    return shard.exchange_active and shard.trading_active


def _state(status: ExchangeStatus, shards: Iterable[int]) -> ExchangeState:
    by_shard = {shard.exchange_index: (shard.exchange_active, shard.trading_active) for shard in status.shards or ()}
    ours = [by_shard.get(shard, (status.exchange_active, status.trading_active)) for shard in shards]
    if not any(active for active, _ in ours):
        return ExchangeState.EXCHANGE_PAUSED
    return ExchangeState.OPEN if any(active and trading for active, trading in ours) else ExchangeState.TRADING_PAUSED
