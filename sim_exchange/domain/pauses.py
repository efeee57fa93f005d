"""What stands still, by command or every Thursday, and what that does to orders. Pure."""

from collections.abc import Sequence
from copy import copy
from datetime import datetime

from mesh.kalshi.terms import MarketStatus, UpdateReason
from sim_exchange.domain.events import MarketChange, MarketChanged, TradingChanged
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.hours import maintenance
from sim_exchange.domain.results import PauseScope, ShardStatus
from sim_exchange.domain.types import Refused
from sim_exchange.domain.venue import Venue


class Pauses:
    """Pauses of markets and shards."""

    def __init__(self, floor: Floor, *, weekly_maintenance: bool) -> None:
        self._floor = floor
        self._weekly = weekly_maintenance
        self._maintained_until: datetime | None = None
        self._commanded: dict[PauseScope, set[int]] = {PauseScope.TRADING: set(), PauseScope.EXCHANGE: set()}

    def begin(self) -> None:
        """Look at the week, now and whenever it changes."""
        if self._weekly:
            state = maintenance(self._floor.now)
            self._maintained_until = state.until if state.running else None
            self._floor.timers.at(state.until, "maintenance", self.begin)
            self._settle()

    def pause(self, scope: PauseScope, key: str | int) -> None:
        """Begin a pause; one that is on already stays."""
        if scope is PauseScope.MARKET:
            venue = self._floor.venue(str(key))
            if venue.market.status is MarketStatus.ACTIVE:
                self._switch(venue, MarketStatus.INACTIVE, MarketChange.PAUSED)
                self._halt(venue)
            return
        self._commanded[scope].add(self._shard(key))
        self._settle()

    def resume(self, scope: PauseScope, key: str | int) -> None:
        """End a pause, if it is on."""
        if scope is PauseScope.MARKET:
            venue = self._floor.venue(str(key))
            if venue.market.status is MarketStatus.INACTIVE:
                self._floor.clear(venue, UpdateReason.HALT_CANCEL)
                self._switch(venue, MarketStatus.ACTIVE, MarketChange.OPENED)
            return
        self._commanded[scope].discard(self._shard(key))
        self._settle()

    def by_command(self) -> Sequence[tuple[PauseScope, int]]:
        """Give the pauses of shards that were commanded."""
        return [(scope, shard) for scope, shards in self._commanded.items() for shard in sorted(shards)]

    def take_in(self, pauses: Sequence[tuple[PauseScope, int]]) -> None:
        """Know pauses of an earlier run."""
        for scope, shard in pauses:
            self._commanded[scope].add(shard)
        self._floor.exchange_halted |= self._commanded[PauseScope.EXCHANGE]
        self._floor.trading_halted |= self._commanded[PauseScope.TRADING] | self._commanded[PauseScope.EXCHANGE]

    def status(self, shard: int) -> ShardStatus:
        """Tell how a shard stands."""
        working = shard not in self._floor.exchange_halted
        return ShardStatus(
            exchange_index=shard,
            description=self._floor.shards[shard],
            exchange_active=working,
            trading_active=shard not in self._floor.trading_halted,
            transfers_active=working,
            resumes_at=self._maintained_until,
        )

    def _shard(self, key: str | int) -> int:
        if not isinstance(key, int) or key not in self._floor.shards:
            raise Refused(404, "not_found", f"no exchange shard {key}")
        return key

    def _settle(self) -> None:
        """Bring the floor in line with all pauses together."""
        floor = self._floor
        exchange = set(self._commanded[PauseScope.EXCHANGE])
        trading = exchange | self._commanded[PauseScope.TRADING]
        if self._maintained_until is not None:
            trading.update(floor.shards)
        changed = (exchange ^ floor.exchange_halted) | (trading ^ floor.trading_halted)
        halted = trading - floor.trading_halted
        floor.exchange_halted, floor.trading_halted = exchange, trading
        for shard in sorted(changed):
            floor.emit(TradingChanged(shard, shard not in exchange, shard not in trading, floor.now))
        if halted:
            for venue in floor.venues.values():
                if venue.shard in halted:
                    self._halt(venue)

    def _halt(self, venue: Venue) -> None:
        for order in venue.book.orders():
            if order.cancel_order_on_pause:
                self._floor.end(order, UpdateReason.HALT_CANCEL)

    def _switch(self, venue: Venue, status: MarketStatus, change: MarketChange) -> None:
        venue.market.status = status
        venue.market.updated_time = self._floor.now
        self._floor.emit(MarketChanged(change, copy(venue.market), self._floor.now))
