"""One trader and one account on paper, in the time of a recording: the trader's decisions, paper mode's fills.

Nothing here decides, fills or charges: `trader.domain.decide` does the one, `trader.paper` the other, as in paper mode.
What this adds is time: orders meet the book `latency` later, stops get their second check, orders end when they expire.
"""

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from mesh.kalshi.book import Book
from mesh.types import Micros
from trader.domain.decide import decide
from trader.domain.entries import AnyEntry
from trader.domain.events import (
    Accepted,
    Answered,
    Begun,
    BookCame,
    BooksConfirmed,
    BooksLost,
    CancelAnswered,
    Compared,
    Delivered,
    Event,
    ExchangeSeen,
    FillSeen,
    LinkSeen,
    MarketSeen,
    Moment,
    OrderSeen,
    ScanBegan,
    ScanEnded,
    Sending,
    SignalCame,
    Tick,
    Traded,
)
from trader.domain.facts import MarketTerms, OrderTerms
from trader.domain.intents import Cancel, Place, Tell, intents
from trader.domain.settings import Settings
from trader.domain.state import Books, State
from trader.domain.words import Delivery, ExchangeState, LinkKind, Mode, ScanOutcome
from trader.paper import views
from trader.paper.account import Account
from trader.paper.matching import Matching
from trader.paper.records import Order, Purse, Settlement

Watcher = Callable[[datetime, AnyEntry], None]
"""Is shown every entry that is written, with its time."""

_LINKS = (LinkKind.EXCHANGE, LinkKind.MARKET_DATA, LinkKind.FORECAST_SERVER, LinkKind.EXIT_LOOP)
_LATE = timedelta(milliseconds=1)


class _Due(NamedTuple):
    time: datetime
    number: int
    act: Callable[[], None]


class PaperTrader:
    """Trades on what it is told, in the order of time.

    Args:
        name: Of its journal, from which the ids of orders follow.
        settings: The owner's.
        begin: When it starts.
        watcher: Shown what it writes.
        latency: Until an order meets the book.
        cash: That it starts with.
        precision: Steps of the balance.
        queue_share: Part of the size at its price that is ahead of an order when it comes to rest.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        begin: datetime,
        watcher: Watcher,
        *,
        latency: timedelta,
        cash: Micros,
        precision: Micros,
        queue_share: float = 1.0,
    ) -> None:
        self.state = State(Books(name), settings)
        self.account = Account([Purse(account_id=name, start=cash, step=precision, cash=cash)])
        self._matching = Matching(self.account, queue_share=queue_share)
        self._latency, self._watcher = latency, watcher
        self._now, self._began = begin, begin
        self._books: dict[str, Book] = {}
        self._due: list[_Due] = []
        self._number = 0
        self._tell(Begun(name, Mode.PAPER, "research", "0" * 64), ExchangeSeen(ExchangeState.OPEN))
        self._compare(begin)

    def books(self, books: Iterable[Book], now: datetime) -> None:
        """Take in what is quoted from now on, and look at every position."""
        self.pass_until(now)
        told = list(books)
        for book in told:
            self._books[book.ticker] = book
            self._matching.book_came(book, now)
            self._news()
            self._tell(BookCame(book))
        self._tick()
        settings = self.state.settings.exits
        for check in range(1, settings.stop_checks):
            self._at(now + check * timedelta(seconds=settings.check_seconds) + _LATE, self._tick)

    def lose(self, tickers: list[str], now: datetime) -> None:
        """Forget quotes that nobody knows to hold any more."""
        self.pass_until(now)
        for ticker in tickers:
            self._books.pop(ticker, None)
        self._tell(BooksLost(tuple(tickers)))

    def trade(self, trade: Traded, now: datetime) -> None:
        """Take in a public trade."""
        self.pass_until(now)
        self._matching.traded(trade, now)
        self._news()
        self._tell(trade)

    def scan(self, scan_id: str, signals: Iterable[SignalCame], series: tuple[str, ...], now: datetime) -> None:
        """Decide on signals, in their order."""
        self.pass_until(now)
        told = list(signals)
        self._tell(*(LinkSeen(link, up=True) for link in _LINKS), Tick())
        self._tell(ScanBegan(scan_id, series, len(told)))
        for signal in told:
            if signal.market.ticker not in self.state.watch.terms:
                self._tell(MarketSeen(signal.market, trading=True))
            self._tell(signal)
        self._tell(ScanEnded(scan_id, tuple[tuple[str, ScanOutcome, str], ...](), 0.0))

    def settle(self, ticker: str, yes_value: Micros, now: datetime) -> None:
        """Pay a market out."""
        self.pass_until(now)
        if not self.account.held(ticker).settled:
            self.account.settle(ticker, yes_value, now)
            self._news()
        self._books.pop(ticker, None)

    def pass_until(self, now: datetime) -> None:
        """Let time pass: do what is due by then."""
        while self._due and self._due[0].time <= now:
            due = heapq.heappop(self._due)
            self._now = max(self._now, due.time)
            self._matching.advance(self._now)
            self._news()
            due.act()
        self._now = max(self._now, now)
        self._matching.advance(self._now)
        self._news()

    def _at(self, time: datetime, act: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._due, _Due(time, self._number, act))

    def _tell(self, *events: Event) -> None:
        for event in events:
            written = decide(self.state, event, Moment(self._now, self._now.timestamp()))
            for entry in written:
                self._watcher(self._now, entry)
            for intent in intents(written):
                match intent:
                    case Place(order):
                        self._send(order)
                    case Cancel(name):
                        self._at(self._now + self._latency, partial(self._cancel, name))
                    case Tell(notice):
                        self._tell(Delivered(notice.notification_id, Delivery.ACCEPTED))

    def _send(self, order: OrderTerms) -> None:
        self._tell(Sending(order.client_order_id))
        self._at(self._now + self._latency, partial(self._meet, order))

    def _meet(self, order: OrderTerms) -> None:
        market = self._market(order)
        book = self._books.get(order.ticker)
        answer = self._matching.place(order, market, book, self._now)
        self._tell(Answered(order.client_order_id, answer))
        if isinstance(answer, Accepted) and answer.remaining and order.expire_time is not None:
            self._at(order.expire_time, lambda: None)
        self._news()
        if self.state.books.positions:
            self._at(self._now + timedelta(seconds=self.state.settings.exits.retry_seconds), self._tick)

    def _market(self, order: OrderTerms) -> MarketTerms:
        return self.state.watch.terms[order.ticker]

    def _cancel(self, name: str) -> None:
        order = self.account.by_client_id.get(name)
        reduced = None if order is None else self._matching.cancel(order.order_id, self._now)
        self._tell(CancelAnswered(name, reduced))
        self._news()

    def _tick(self) -> None:
        self._tell(BooksConfirmed(tuple(self._books)), Tick())

    def _news(self) -> None:
        news, _ = self.account.take()
        for item in news:
            match item:
                case Order():
                    self._tell(OrderSeen(views.order_view(item)))
                case Settlement():
                    self._compare(item.time)
                case fill:
                    self._tell(FillSeen(views.fill_facts(fill)))

    def _compare(self, since: datetime) -> None:
        self._tell(Compared(views.snapshot(self.account, since, self._now, self._now.timestamp())))
