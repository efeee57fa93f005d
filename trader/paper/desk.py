"""The paper account at work: what it is told, its file, and who listens. Nothing here waits."""

import sqlite3
from datetime import datetime

from mesh.clock import Clock
from mesh.kalshi.errors import ExchangeUnavailable
from trader.domain.events import (
    BookCame,
    BooksConfirmed,
    BooksLost,
    ExchangeSeen,
    FillSeen,
    MarketSeen,
    OrderSeen,
    Refused,
    Traded,
)
from trader.domain.facts import MarketTerms
from trader.domain.words import EndReason, ExchangeState
from trader.paper import views
from trader.paper.account import Account
from trader.paper.admission import refused
from trader.paper.config import PaperConfig
from trader.paper.matching import Matching
from trader.paper.own import Listeners, Told
from trader.paper.quotes import Quotes
from trader.paper.records import Fill, Order, Settlement, Venue
from trader.paper.store import Store

Seen = BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen | ExchangeSeen
"""What the paper account has to be told of the markets."""


class Desk:
    """The account between its file and the world. Whatever changes it calls `written` before it tells anybody.

    Attributes:
        quotes: The newest books.
        listeners: Who is told what becomes of orders.
        halted: Markets that do not trade.
        state: What the exchange allows.
    """

    def __init__(self, config: PaperConfig, store: Store, clock: Clock) -> None:
        self.quotes = Quotes()
        self.listeners = Listeners()
        self.halted: set[str] = set()
        self.state = ExchangeState.OPEN
        self._config = config
        self._store = store
        self._clock = clock
        self._account: Account | None = None
        """None: to be read from the file."""

    def see(self, event: Seen) -> None:
        """Take in what is public. Raises ExchangeUnavailable: orders are as they were."""
        now, seconds = self._clock.now(), self._clock.monotonic()
        match event:
            case BookCame():
                self.quotes.came(event.book, seconds)
                if self.trades(event.book.ticker):
                    self.matching(now).book_came(event.book, now)
            case BooksConfirmed():
                self.quotes.confirmed(event.tickers, seconds)
            case BooksLost():
                self.quotes.lost(event.tickers)
            case Traded():
                if self.trades(event.ticker):
                    self.matching(now).traded(event, now)
            case MarketSeen():
                self._market(event, now)
            case ExchangeSeen():
                self.state = event.state
                if event.state is not ExchangeState.OPEN:
                    self.matching(now).halt(None, now)
        self.written()

    def trades(self, ticker: str) -> bool:
        """Tell whether a market trades, for all that was told."""
        return self.state is ExchangeState.OPEN and ticker not in self.halted

    def closed(self, market: MarketTerms, now: datetime) -> Refused | None:
        """Refuse every order while nothing is traded."""
        if self.state is ExchangeState.EXCHANGE_PAUSED:
            return refused(EndReason.PAUSE, "exchange_is_paused")
        if market.close_time <= now or self.account.held(market.ticker).settled:
            return refused(EndReason.MARKET_CLOSED, "market_closed")
        if not self.trades(market.ticker):
            return refused(EndReason.PAUSE, "trading_is_paused")
        return None

    @property
    def account(self) -> Account:
        """The account, read anew where what was done could not be written. Raises ExchangeUnavailable."""
        if self._account is None:
            try:
                self._account = self._store.load()
            except (sqlite3.Error, ValueError) as error:
                raise ExchangeUnavailable(f"the paper account's file cannot be read: {error}") from error
        return self._account

    def matching(self, now: datetime) -> Matching:
        """Return what decides on orders, after what is over by now has ended. Raises ExchangeUnavailable."""
        shares = self._config
        matching = Matching(self.account, taker_share=shares.taker_share, queue_share=shares.queue_share)
        matching.advance(now)
        return matching

    def advanced(self) -> datetime:
        """End what is over by now, and return the time. Raises ExchangeUnavailable."""
        now = self._clock.now()
        self.matching(now)
        self.written()
        return now

    def written(self) -> None:
        """Write what happened, then tell it. Raises ExchangeUnavailable: nothing of it has happened, then."""
        account = self.account
        news, records = account.take()
        if not news:
            return
        self._account = None
        try:
            self._store.save(records)
        except sqlite3.Error as error:
            self.listeners.tell([None])
            raise ExchangeUnavailable(f"the paper account's file cannot be written: {error}") from error
        self._account = account
        self.listeners.tell(_told(item) for item in news)

    def _market(self, event: MarketSeen, now: datetime) -> None:
        ticker = event.market.ticker
        if ticker in self.account.venues:
            self.account.know(Venue.of(event.market))
        if not event.trading:
            self.halted.add(ticker)
            self.matching(now).halt(ticker, now)
        elif ticker in self.halted:
            self.halted.remove(ticker)
            self.matching(now).clear(ticker, now)  # as the exchange does when a market trades again


def _told(item: Order | Fill | Settlement) -> Told:
    match item:
        case Order():
            return OrderSeen(views.order_view(item))
        case Fill():
            return FillSeen(views.fill_facts(item))
        case Settlement():
            return None  # the stream has no word for it: compare
