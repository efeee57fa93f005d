"""One trader and one account on paper, in the time of a recording: the trader's decisions, paper mode's fills.

Nothing here decides, fills or charges: `trader.domain.decide` does the one, `trader.paper` the other, as in paper mode.
What this adds is time: orders meet the book `latency` later, stops get their second check, orders end when they expire,
the exchange pauses. What is due at a moment happens before what is quoted, or decided, at that moment.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np

from mesh.kalshi.sides import Action
from mesh.types import Micros
from research.attention import LATE, acts_on, next_look
from research.board import Quote
from research.pauses import Span, following
from research.plan import WalkPlan
from research.statement import statement
from research.types import Prints
from research.venue import Venue
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
)
from trader.domain.facts import OrderTerms
from trader.domain.intents import Cancel, Place, Tell, intents
from trader.domain.state import Books, State
from trader.domain.words import Delivery, ExchangeState, LinkKind, Mode, ScanOutcome
from trader.paper import views
from trader.paper.records import Order, Settlement

Watcher = Callable[[datetime, AnyEntry], None]
"""Is shown every entry that is written, with its time."""

_LINKS = (LinkKind.EXCHANGE, LinkKind.MARKET_DATA, LinkKind.FORECAST_SERVER, LinkKind.EXIT_LOOP)
_AGAIN = timedelta(seconds=1)


class _Due(NamedTuple):
    time: datetime
    number: int
    act: Callable[[], None]


class PaperTrader:
    """Trades on what it is told, in the order of time.

    Args:
        name: Of its journal, from which the ids of orders follow.
        plan: How it trades.
        begin: When it starts.
        watcher: Shown what it writes.
        prints: Public trades by market, which fill orders that rest; grows while it runs.
    """

    def __init__(
        self, name: str, plan: WalkPlan, begin: datetime, watcher: Watcher, prints: Mapping[str, Prints]
    ) -> None:
        self.state = State(Books(name), plan.walked)
        self._venue = Venue(name, plan)
        self._latency, self._everything = plan.latency, plan.everything
        self._watcher, self._prints = watcher, prints
        self._now = begin
        self._shown: dict[str, Quote] = {}
        self._due: list[_Due] = []
        self._number = 0
        self._look_due: datetime | None = None
        self._following: set[str] = set()
        self._resting: set[str] = set()
        self._pauses = following(plan.nights, begin)
        self._tell(Begun(name, Mode.PAPER, "research", "0" * 64), *(LinkSeen(link, up=True) for link in _LINKS))
        self._compare(())
        self._resume()

    def holds(self, ticker: str) -> bool:
        """Tell whether there is a position in a market, or an order that may open one."""
        books = self.state.books
        return ticker in books.by_ticker or any(books.orders[name].terms.ticker == ticker for name in books.working)

    @property
    def idle(self) -> bool:
        """Whether there is neither a position nor an order."""
        return not self.state.books.positions and not self.state.books.working

    def quotes(self, quoted: Iterable[tuple[str, Quote]], now: datetime) -> None:
        """Take in what is quoted from now on, and let the trader look at its positions there."""
        self.pass_until(now)
        told = []
        for ticker, quote in quoted:
            self._venue.quote(ticker, quote, now)
            self._news()
            if self._everything or acts_on(self.state, ticker, quote, now):
                told.append(ticker)
        if told:
            self._confirm()
            for ticker in told:
                self._show(ticker)
            if self._everything:
                self._tick()
            self._plan()

    def lose(self, tickers: Iterable[str], now: datetime) -> None:
        """Forget quotes that nobody knows to hold any more."""
        self.pass_until(now)
        for ticker in tickers:
            self._venue.quote(ticker, None, now)
            if self._shown.pop(ticker, None) is not None:
                self._tell(BooksLost((ticker,)))

    def scan(self, scan_id: str, signals: Iterable[SignalCame], series: tuple[str, ...], now: datetime) -> None:
        """Decide on signals, in their order, on the quotes that hold."""
        self.pass_until(now)
        told = list(signals)
        for signal in told:
            if signal.market.ticker not in self.state.watch.terms:
                self._tell(MarketSeen(signal.market, trading=True))
            self._sync(signal.market.ticker)
        self._confirm(*(signal.market.ticker for signal in told))
        self._tell(ScanBegan(scan_id, series, len(told)))
        self._tell(*told)
        self._tell(ScanEnded(scan_id, tuple[tuple[str, ScanOutcome, str], ...](), 0.0))

    def settle(self, ticker: str, yes_value: Micros | None, now: datetime) -> None:
        """End a market: its result pays, or where nobody knows it what was paid is given back."""
        self.pass_until(now)
        self._shown.pop(ticker, None)
        self._venue.settle(ticker, yes_value, now)
        self._news()

    def pass_until(self, now: datetime) -> None:
        """Let time pass: do what is due by then."""
        while self._due and self._due[0].time <= now:
            due = heapq.heappop(self._due)
            self._advance(due.time)
            due.act()
        self._advance(now)

    def _advance(self, now: datetime) -> None:
        self._now = max(self._now, now)
        self._venue.advance(self._now)
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

    # What the trader sees.

    def _show(self, ticker: str) -> None:
        book, quote = self._venue.shown(ticker), self._venue.board.quote(ticker)
        if book is not None and quote is not None:
            self._shown[ticker] = quote
            self._tell(BookCame(book))

    def _sync(self, ticker: str) -> None:
        """Show a market's quote where the trader was not told of it, because it could not act on it."""
        if self._venue.board.quote(ticker) != self._shown.get(ticker):
            self._show(ticker)

    def _confirm(self, *tickers: str) -> None:
        """A quote holds until the next."""
        wanted = {*self.state.books.by_ticker, *tickers} & self._shown.keys()
        if wanted:
            self._tell(BooksConfirmed(tuple(sorted(wanted))))

    def _tick(self) -> None:
        self._confirm()
        self._tell(Tick())

    def _look(self) -> None:
        """Let the exit loop pass over all positions."""
        self._look_due = None
        for ticker in sorted(self.state.books.by_ticker):
            self._sync(ticker)
        self._tick()
        self._plan()

    def _plan(self) -> None:
        """Have positions looked at again when waits of theirs are over."""
        for position in self.state.books.positions.values():
            at = next_look(self.state, position, self._venue.board.quote(position.market.ticker), self._now)
            if self._everything:
                at = self._now + timedelta(seconds=self.state.settings.exits.check_seconds) + LATE
            if at is not None and (self._look_due is None or at < self._look_due):
                self._look_due = at
                self._at(at, self._look)

    # What becomes of its orders.

    def _send(self, order: OrderTerms) -> None:
        self._tell(Sending(order.client_order_id))
        self._at(self._now + self._latency, partial(self._meet, order))

    def _meet(self, order: OrderTerms) -> None:
        market = self.state.watch.terms[order.ticker]
        self._confirm()
        answer = self._venue.place(order, market, self._now)
        self._tell(Answered(order.client_order_id, answer))
        self._news()
        if isinstance(answer, Accepted):
            if answer.remaining and order.expire_time is not None:
                self._at(order.expire_time, lambda: None)
            if answer.filled and order.action is Action.SELL:
                # The same quote gives no more than it showed; what was not sold is tried again once.
                self._at(self._now + timedelta(seconds=self.state.settings.exits.retry_seconds) + LATE, self._look)
            self._follow(order.ticker)
        self._plan()

    def _cancel(self, name: str) -> None:
        self._confirm()
        self._tell(CancelAnswered(name, self._venue.cancel(name, self._now)))
        self._news()
        self._plan()

    def _follow(self, ticker: str) -> None:
        """Let public trades reach orders that rest in a market, from now on and as long as there are any."""
        if ticker in self._following or ticker not in self._venue.account.resting or ticker not in self._prints:
            return
        micros = round(self._now.timestamp() * 1_000_000)
        place = int(np.searchsorted(self._prints[ticker].times, micros, side="right"))
        self._following.add(ticker)
        self._next_print(ticker, place)

    def _next_print(self, ticker: str, place: int) -> None:
        times = self._prints[ticker].times
        if ticker in self._venue.account.resting and place < len(times):
            at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(times[place]))
            self._at(at, partial(self._print, ticker, place))
        else:
            self._following.discard(ticker)

    def _print(self, ticker: str, place: int) -> None:
        self._venue.traded(ticker, self._prints[ticker], place, self._now)
        self._news()
        self._plan()
        self._next_print(ticker, place + 1)

    # What the exchange does.

    def _resume(self) -> None:
        """Trade from now on, until the next pause."""
        coming = next(self._pauses, None)
        self._tell(ExchangeSeen(ExchangeState.OPEN, pauses=() if coming is None else (coming,)))
        if coming is not None:
            self._at(max(coming[0], self._now), partial(self._pause, coming))
        self._venue.resume(self._now)
        self._news()
        self._look()

    def _pause(self, pause: Span) -> None:
        self._venue.pause(self._now)
        self._news()
        self._tell(ExchangeSeen(ExchangeState.TRADING_PAUSED, pause[1], (pause,)))
        self._at(pause[1], self._resume)

    def _news(self) -> None:
        news, _ = self._venue.account.take()
        if not news:  # of most quotes
            self._resting = set(self._venue.account.resting)
            return
        settlements: list[Settlement] = []
        changed: dict[str, None] = {}
        # What was bought comes before the word that its order is done: a sale that waited for that is of all.
        for item in sorted(news, key=lambda each: isinstance(each, Order)):
            match item:
                case Order():
                    if item.ticker in self._venue.account.resting or item.ticker in self._resting:
                        changed[item.ticker] = None
                    self._tell(OrderSeen(views.order_view(item)))
                case Settlement():
                    settlements.append(item)
                case fill:
                    self._tell(FillSeen(views.fill_facts(fill)))
        self._resting = set(self._venue.account.resting)
        for ticker in changed:
            self._show(ticker)  # what the account has on the book has changed
        if settlements:
            self._compare(settlements)

    def _compare(self, settlements: Iterable[Settlement]) -> None:
        """Let the trader see what was paid; again, where an order on its way kept it from believing that."""
        self._tell(Compared(statement(self._venue.account, settlements, self._now)))
        left = [paid for paid in settlements if paid.ticker in self.state.books.by_ticker]
        if left:
            self._at(self._now + _AGAIN, partial(self._compare, left))
