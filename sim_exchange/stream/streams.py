"""Everybody who listens: what happens on the exchange goes to those who subscribed to it.

Each message is encoded once, whoever it goes to. Nothing here waits: a connection that does not read loses its
subscriptions, not the exchange's time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from mesh.clock import Clock
from mesh.kalshi.terms import BookSide, MarketStatus
from mesh.types import Hundredths
from sim_exchange.api.text import unix_ms
from sim_exchange.domain.events import (
    BookChanged,
    Filled,
    GroupChanged,
    Happening,
    Listed,
    MarketChanged,
    OrderChanged,
    PositionChanged,
    Traded,
)
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Event, Market
from sim_exchange.faults import Faults
from sim_exchange.stream import book_messages, lifecycle_messages, own_messages
from sim_exchange.stream.book_messages import Quote
from sim_exchange.stream.channels import (
    BOOK,
    FILL,
    GROUPS,
    LIFECYCLE,
    ORDERS,
    POSITIONS,
    TICKER,
    TRADE,
    Channel,
)
from sim_exchange.stream.session import Session, StreamLimits
from sim_exchange.stream.subscriptions import Watchers
from sim_exchange.tape.tape import Tape

_COMBO = "KXMVE"
_DEFAULT_LIMITS = StreamLimits()


class Streams:
    """All connections. Give it what happened after every command, in one piece, after the tape.

    Args:
        exchange: Whose happenings it is given.
        tape: Knows the size of the last trade from before this process.
        clock: The exchange's time.
        wall: Real time.
        faults: What goes wrong with messages.
        limits: What one connection may do.
    """

    def __init__(
        self,
        exchange: Exchange,
        tape: Tape,
        *,
        clock: Clock,
        wall: Clock,
        faults: Faults,
        limits: StreamLimits = _DEFAULT_LIMITS,
    ) -> None:
        self.limits = limits
        self._exchange = exchange
        self._tape = tape
        self._exchange_clock = clock
        self._wall = wall
        self._faults = faults
        self._book_watchers = Watchers()
        self._all_watchers: dict[tuple[str, str], Watchers] = {(BOOK.name, ""): self._book_watchers}
        self._market_ids = {market.market_id: market.ticker for market in exchange.markets.values()}
        self._clock = 0
        self._clocks: dict[str, int] = {}
        self._quotes: dict[str, Quote] = {}
        self._last_sizes: dict[str, Hundredths] = {}
        self._sending_ts_ms: int | None = None  # known once for all messages of one batch
        self._touched: dict[str, datetime] = {}
        self._handlers: Mapping[type, Callable[[Any], None]] = {
            BookChanged: self._book_changed,
            Traded: self._traded,
            Filled: self._filled,
            OrderChanged: self._order_changed,
            PositionChanged: self._position_changed,
            GroupChanged: self._group_changed,
            Listed: self._listed,
            MarketChanged: self._market_changed,
        }

    def open(self, account_id: str) -> Session:
        """Take in a connection of an account."""
        return Session(account_id, self.name(account_id), self, self._faults, self.limits)

    def name(self, account_id: str) -> str:
        """Give an account's name. KeyError if there is no such account."""
        return self._exchange.accounts[account_id].name

    def __call__(self, happenings: Sequence[Happening]) -> None:
        """Tell everybody what one command left behind."""
        self._sending_ts_ms = self.sending_ts_ms()
        self._clock += 1
        for happening in happenings:
            handler = self._handlers.get(type(happening))
            if handler is not None:
                handler(happening)
        self._tell_quotes()
        self._sending_ts_ms = None

    # What a connection asks

    def sending_ts_ms(self) -> int:
        """Give the exchange's time in Unix milliseconds."""
        return self._sending_ts_ms or unix_ms(self._exchange_clock.now())

    def monotonic(self) -> float:
        """Give real time in seconds."""
        return self._wall.monotonic()

    def watchers(self, channel: Channel, account_id: str) -> Watchers:
        """Give who listens to a channel, or to an account's own."""
        place = (channel.name, account_id if channel.private else "")
        return self._all_watchers.get(place) or self._all_watchers.setdefault(place, Watchers())

    def snapshot(self, ticker: str, *, use_yes_price: bool) -> bytes | None:
        """Give a market's book; None for an unknown one."""
        market = self._exchange.markets.get(ticker)
        if market is None:
            return None
        clock = self._clocks.get(ticker, 0)
        return book_messages.snapshot(market, self._exchange.books.get(ticker), clock, use_yes_price=use_yes_price)

    def ticker(self, ticker: str) -> bytes | None:
        """Give a market's quote; None for an unknown one."""
        market = self._exchange.markets.get(ticker)
        if market is None:
            return None
        return book_messages.ticker(market, self._quote(market), self._exchange_clock.now())

    def open_tickers(self) -> Iterable[str]:
        """Give the markets that trade."""
        return [name for name, market in self._exchange.markets.items() if market.status is MarketStatus.ACTIVE]

    def ticker_of(self, market_id: str) -> str | None:
        """Give the ticker of the market with this UUID."""
        return self._market_ids.get(market_id)

    # What happened

    def _book_changed(self, change: BookChanged) -> None:
        ticker = change.ticker
        self._clocks[ticker] = self._clock
        self._touched[ticker] = change.time
        if not self._book_watchers.any_of(ticker):
            return
        market_id = self._exchange.markets[ticker].market_id
        bodies: dict[tuple[bool, bool], bytes] = {}
        for subscription in self._book_watchers.of(ticker):
            own = change.account_id is not None and change.account_id == subscription.session.account_id
            scale = subscription.use_yes_price and change.side is BookSide.ASK
            body = bodies.get((scale, own))
            if body is None:
                body = book_messages.delta(change, market_id, self._clock, use_yes_price=scale, own=own)
                bodies[scale, own] = body
            subscription.session.deliver(subscription, "orderbook_delta", body, ticker)

    def _traded(self, traded: Traded) -> None:
        trade = traded.trade
        self._touched[trade.ticker] = trade.time
        self._last_sizes[trade.ticker] = trade.count
        self._tell(TRADE, "", "trade", trade.ticker, partial(book_messages.trade, trade))

    def _filled(self, filled: Filled) -> None:
        fill = filled.fill
        self._tell(FILL, fill.account_id, "fill", fill.ticker, partial(own_messages.fill, fill))

    def _order_changed(self, changed: OrderChanged) -> None:
        order = changed.order
        self._tell(ORDERS, order.account_id, "user_order", order.ticker, partial(own_messages.order, order))

    def _position_changed(self, changed: PositionChanged) -> None:
        now = changed.position
        self._tell(POSITIONS, now.account_id, "market_position", now.ticker, partial(own_messages.position, now))

    def _group_changed(self, changed: GroupChanged) -> None:
        self._tell(GROUPS, changed.group.account_id, "order_group_updates", "", partial(own_messages.group, changed))

    def _listed(self, listed: Listed) -> None:
        item = listed.item
        if isinstance(item, Market):
            self._market_ids[item.market_id] = item.ticker
            event = self._exchange.events.get(item.event_ticker)
            title = event.title if event else ""
            self._tell_life("market_lifecycle_v2", item.ticker, partial(lifecycle_messages.market_created, item, title))
            self._send_first_books(item)
        elif isinstance(item, Event):
            self._tell_life("event_lifecycle", item.event_ticker, partial(lifecycle_messages.event_created, item))
            if item.fee_type_override is not None or item.fee_multiplier_override is not None:
                self._tell_life("event_fee_update", item.event_ticker, partial(lifecycle_messages.event_fees, item))

    def _market_changed(self, changed: MarketChanged) -> None:
        ticker = changed.market.ticker
        self._touched[ticker] = changed.time
        if (body := lifecycle_messages.market_changed(changed)) is not None:
            self._tell_life("market_lifecycle_v2", ticker, lambda: body)

    def _send_first_books(self, market: Market) -> None:
        """Begin the book of a market that was subscribed to before it existed."""
        for subscription in self._book_watchers.of(market.ticker):
            book = self.snapshot(market.ticker, use_yes_price=subscription.use_yes_price)
            if book is not None:
                subscription.session.deliver(subscription, "orderbook_snapshot", book, market.ticker)

    def _tell_quotes(self) -> None:
        watchers = self.watchers(TICKER, "")
        for ticker, time in self._touched.items():
            if watchers.any_of(ticker):
                market = self._exchange.markets[ticker]
                now = self._quote(market)
                if self._quotes.get(ticker) != now:
                    self._quotes[ticker] = now
                    self._tell(TICKER, "", "ticker", ticker, partial(book_messages.ticker, market, now, time))
        self._touched.clear()

    def _tell(self, channel: Channel, account_id: str, kind: str, ticker: str, body: Callable[[], bytes]) -> None:
        watchers = self._all_watchers.get((channel.name, account_id))
        if watchers is not None and watchers.any_of(ticker):
            encoded = body()
            for subscription in watchers.of(ticker):
                subscription.session.deliver(subscription, kind, encoded, ticker)

    def _tell_life(self, kind: str, ticker: str, body: Callable[[], bytes]) -> None:
        if not ticker.startswith(_COMBO):
            self._tell(LIFECYCLE, "", kind, ticker, body)

    def _quote(self, market: Market) -> Quote:
        size = self._last_sizes.get(market.ticker)
        if size is None:
            size = self._tape.ticker_state(market.ticker, self._exchange_clock.now()).last_size
            self._last_sizes[market.ticker] = size
        return book_messages.quote(market, self._exchange.books.get(market.ticker), size)
