"""What makes the exchange live: source events and due changes, each at its time."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from mesh import log
from mesh.clock import Clock
from mesh.daemon import Fatal
from mesh.kalshi.terms import Result
from mesh.types import Micros
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Refused
from sim_exchange.hub import Hub
from sim_exchange.sources.base import Book, Determined, Item, NewListing, Print, Source, SourceEvent

_TURN_SECONDS = 0.01  # of real time, before others get theirs
_LATE_SECONDS = 5.0

_log = log.get(__name__)


class Driver:
    """Applies what the source says and what is due, as time passes.

    Args:
        exchange: The exchange.
        hub: Hears of everything.
        source: Where markets come from.
        clock: The exchange's time.
        one_shard: Put everything on shard 0, whatever the source says.
        longest_sleep: Seconds of the exchange's time; a command may bring an earlier deadline meanwhile.

    Attributes:
        reached: When the source's next event is: everything before it has happened. None where none is known.
    """

    def __init__(
        self, exchange: Exchange, hub: Hub, source: Source, clock: Clock, *, one_shard: bool, longest_sleep: float
    ) -> None:
        self._exchange = exchange
        self._hub = hub
        self._source = source
        self._clock = clock
        self._one_shard = one_shard
        self._longest_sleep = longest_sleep
        self._late = False
        self._failed = asyncio.Event()
        self.reached: datetime | None = None

    def list_catalogue(self, now: datetime) -> None:
        """Take up everything that is listed at `now` and not known yet."""
        for item in self._source.catalogue(now):
            self._list(item, now)
        self.publish()

    def publish(self) -> None:
        """Tell everybody what the last command did; if one of them fails, the exchange must end."""
        try:
            self._hub.publish(self._exchange.take_events())
        except Exception:
            self._failed.set()
            raise

    async def failure(self) -> None:
        """Wait for a listener to fail: some have heard then what others have not.

        Raises:
            Fatal: One has.
        """
        await self._failed.wait()
        raise Fatal("what happened could not be told to everybody; the state is as of the last answer")

    async def run(self, since: datetime) -> None:
        """Go on until cancelled; a source that ends leaves the exchange open."""
        events = self._source.events(since)
        upcoming = next(events, None)
        while True:
            upcoming = self._apply_due(upcoming, events)
            now = self._clock.now()
            # Not past what the source has to say first, where it is behind.
            self._exchange.advance(now if upcoming is None else min(now, upcoming.at))
            self.publish()
            await self._clock.sleep(self._seconds_to_next(upcoming, now))

    def _apply_due(self, upcoming: SourceEvent | None, events: Iterator[SourceEvent]) -> SourceEvent | None:
        """Apply events whose time has come, for a turn at most; give the next one."""
        now = self._clock.now()
        loop = asyncio.get_running_loop()
        self.reached = None if upcoming is None else upcoming.at
        until = loop.time() + _TURN_SECONDS
        while upcoming is not None and upcoming.at <= now and loop.time() < until:
            self.apply(upcoming)
            upcoming = next(events, None)
        self.reached = None if upcoming is None else upcoming.at
        self._watch_lateness(upcoming, now)
        return upcoming

    def apply(self, event: SourceEvent) -> None:
        """Let one thing happen."""
        exchange = self._exchange
        match event:
            case NewListing(at, item):
                self._list(item, at)
            case Book(at, ticker, bids, asks, through):
                exchange.set_book(ticker, bids, asks, at, through=through)
            case Print(at, ticker, side, price, count, through, exact=True):
                exchange.house_print(ticker, side, price, count, at, through=through)
            case Print(at, ticker, side, price, count):
                exchange.house_trade(ticker, side, price, count, at)
            case Determined(at, ticker, result, value, expiration_value):
                # Somebody may have determined it by the admin address, or it was so before a restart.
                if exchange.markets[ticker].result is Result.NONE:
                    self._determine(at, ticker, result, value, expiration_value)
        self.publish()

    def _list(self, item: Item, at: datetime) -> None:
        self._exchange.list(replace(item, exchange_index=0) if self._one_shard else item, at)

    def _determine(self, at: datetime, ticker: str, result: Result, value: Micros, expiration_value: str) -> None:
        try:
            self._exchange.determine(ticker, result, value, expiration_value, at)
        except Refused as refusal:
            _log.warning("a result was refused", ticker=ticker, reason=str(refusal))

    def _seconds_to_next(self, upcoming: SourceEvent | None, now: datetime) -> float:
        times = [time for time in (upcoming.at if upcoming else None, self._exchange.next_deadline()) if time]
        if not times:
            return self._longest_sleep
        return max(0.0, min((min(times) - now).total_seconds(), self._longest_sleep))

    def _watch_lateness(self, upcoming: SourceEvent | None, now: datetime) -> None:
        behind = 0.0 if upcoming is None else (now - upcoming.at).total_seconds()
        late = behind > _LATE_SECONDS * self._longest_sleep
        if late and not self._late:
            _log.warning("markets move faster than this machine can follow", behind_seconds=round(behind, 1))
        self._late = late
