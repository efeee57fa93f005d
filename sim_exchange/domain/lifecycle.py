"""From listing to pay-out: initialized, active, closed, determined, finalized. Pure."""

from copy import copy
from datetime import datetime, timedelta

from mesh.kalshi.terms import MarketStatus, OrderStatus, Result, UpdateReason
from mesh.types import DOLLAR, Micros
from sim_exchange.domain.events import Listed, MarketChange, MarketChanged
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.pauses import Pauses
from sim_exchange.domain.settling import pay_out
from sim_exchange.domain.types import Event, Market, Order, PriceBand, Refused, Series
from sim_exchange.domain.venue import Venue

_BEFORE_CLOSE = frozenset({MarketStatus.INITIALIZED, MarketStatus.ACTIVE, MarketStatus.INACTIVE})
_WITH_RESULT = frozenset({MarketStatus.DETERMINED, MarketStatus.AMENDED, MarketStatus.DISPUTED})


class Lifecycle:
    """Moves markets through their lives, and time forward."""

    def __init__(self, floor: Floor, pauses: Pauses) -> None:
        self._floor = floor
        self._pauses = pauses
        self._began = False

    def advance(self, now: datetime) -> None:
        """Do what is due, each thing at its own time; a `now` before the latest one changes nothing."""
        floor = self._floor
        if not self._began:
            self.begin(now)
        while (due := floor.timers.due(now)) is not None:
            time, action = due
            floor.now = max(floor.now, time)
            action()
        floor.now = max(floor.now, now)

    def begin(self, now: datetime) -> None:
        """Let time begin, which the first command does where nobody did."""
        self._began = True
        self._floor.now = now
        self._pauses.begin()

    def next_deadline(self) -> datetime | None:
        """Tell when something may be due next."""
        return self._floor.timers.next

    def list(self, item: Series | Event | Market) -> None:
        """Take up something new."""
        if self.take_in(item):
            self._floor.emit(Listed(copy(item), self._floor.now))
            # What is listed late opens, or closes, at once.
            self.advance(self._floor.now)

    def take_in(self, item: Series | Event | Market) -> bool:
        """Know a series, an event or a market; False if that is so already."""
        floor = self._floor
        if isinstance(item, Series):
            if item.ticker in floor.series:
                return False
            floor.series[item.ticker] = copy(item)
            return True
        if isinstance(item, Event):
            if item.event_ticker in floor.events:
                return False
            if item.series_ticker not in floor.series:
                raise ValueError(f"event {item.event_ticker} of an unknown series {item.series_ticker}")
            floor.events[item.event_ticker] = copy(item)
            return True
        if item.ticker in floor.markets:
            return False
        if item.event_ticker not in floor.events:
            raise ValueError(f"market {item.ticker} of an unknown event {item.event_ticker}")
        if item.exchange_index not in floor.shards:
            raise ValueError(f"market {item.ticker} on an unknown shard {item.exchange_index}")
        event = floor.events[item.event_ticker]
        market = copy(item)
        venue = Venue(market, event, floor.series[event.series_ticker])
        floor.markets[item.ticker] = market
        floor.venues[item.ticker] = venue
        floor.books[item.ticker] = venue.book
        self._schedule(venue)
        return True

    def expire(self, order: Order) -> None:
        """See to an order's end at its expiration time, if it has one."""
        time = order.expiration_time
        if time is None:
            return

        def end() -> None:
            if order.status is OrderStatus.RESTING and order.expiration_time == time:
                self._floor.end(order, UpdateReason.EXPIRY_CANCEL)

        self._floor.timers.at(time, f"expire {order.order_id}", end)

    def determine(self, ticker: str, result: Result, value: Micros | None, expiration_value: str) -> None:
        """Give a market its result, or another one as long as it has not been paid out."""
        if result is Result.SCALAR:
            if value is None or not 0 <= value <= DOLLAR:
                raise ValueError(f"a scalar result needs a value within 0 and one dollar, not {value}")
        elif result in (Result.YES, Result.NO):
            value = DOLLAR if result is Result.YES else Micros(0)
        else:
            raise ValueError(f"not a result: {result!r}")
        venue = self._floor.venue(ticker)
        market = venue.market
        if market.status is MarketStatus.FINALIZED:
            raise Refused(409, "market_settled")
        if market.status in _BEFORE_CLOSE:
            self.move_close(ticker, self._floor.now)
        market.status = MarketStatus.AMENDED if market.status in _WITH_RESULT else MarketStatus.DETERMINED
        market.result = result
        market.settlement_value = value
        market.expiration_value = expiration_value
        market.determination_time = self._floor.now
        self._changed(venue, MarketChange.DETERMINED)
        self._schedule(venue)
        self.advance(self._floor.now)

    def move_close(self, ticker: str, close_time: datetime) -> None:
        """Close earlier or later."""
        venue = self._floor.venue(ticker)
        market = venue.market
        if market.status not in _BEFORE_CLOSE and market.status is not MarketStatus.CLOSED:
            raise Refused(409, "market_closed", "the market has a result")
        market.close_time = close_time
        if market.status is MarketStatus.CLOSED and close_time > self._floor.now:
            market.status = MarketStatus.ACTIVE
        self._changed(venue, MarketChange.CLOSE_MOVED)
        self._schedule(venue)
        self.advance(self._floor.now)

    def set_grid(self, ticker: str, label: str, bands: tuple[PriceBand, ...]) -> None:
        """Change which prices may be ordered at; what rests stays."""
        venue = self._floor.venue(ticker)
        venue.regrid(bands)
        venue.market.price_level_structure = label
        self._changed(venue, MarketChange.GRID_CHANGED)

    def _schedule(self, venue: Venue) -> None:
        market = venue.market
        timers = self._floor.timers
        if market.status is MarketStatus.INITIALIZED:
            timers.at(market.open_time, f"open {venue.ticker}", lambda: self._open(venue))
        if market.status in _BEFORE_CLOSE:
            timers.at(market.close_time, f"close {venue.ticker}", lambda: self._close(venue))
        elif market.status in _WITH_RESULT and market.determination_time is not None:
            timers.at(self._paid_at(market), f"settle {venue.ticker}", lambda: self._finalize(venue))

    def _open(self, venue: Venue) -> None:
        if venue.market.status is MarketStatus.INITIALIZED:
            venue.market.status = MarketStatus.ACTIVE
            self._changed(venue, MarketChange.OPENED, announced=False)

    def _close(self, venue: Venue) -> None:
        if venue.market.status in _BEFORE_CLOSE and venue.market.close_time <= self._floor.now:
            venue.market.status = MarketStatus.CLOSED
            self._changed(venue, MarketChange.CLOSED, announced=False)
            self._floor.clear(venue, UpdateReason.CLOSE_CANCEL)

    def _finalize(self, venue: Venue) -> None:
        # A result that was amended runs its timer anew; the first timer then finds that it is not its turn.
        if venue.market.status in _WITH_RESULT and self._paid_at(venue.market) <= self._floor.now:
            venue.market.status = MarketStatus.FINALIZED
            venue.market.settlement_time = self._floor.now
            pay_out(self._floor, venue)
            self._changed(venue, MarketChange.SETTLED)

    @staticmethod
    def _paid_at(market: Market) -> datetime:
        since = market.determination_time
        if since is None:
            raise ValueError(f"market {market.ticker} has a result and no determination time")
        return since + timedelta(seconds=market.settlement_timer_seconds)

    def _changed(self, venue: Venue, change: MarketChange, *, announced: bool = True) -> None:
        venue.market.updated_time = self._floor.now
        self._floor.emit(MarketChanged(change, copy(venue.market), self._floor.now, announced))
