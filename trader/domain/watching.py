"""What is seen now, kept beside the books: prices, links, clocks of the moment. Pure."""

from collections.abc import Iterable
from datetime import timedelta

from mesh.types import Side
from trader.domain.entries import (
    AnyEntry,
    CancelIntended,
    Notified,
    OrderEnded,
    PositionClosed,
    PositionOpened,
    ScanFinished,
)
from trader.domain.events import (
    Begun,
    BookCame,
    BookListed,
    BooksConfirmed,
    BooksLost,
    Compared,
    Ended,
    Event,
    ExchangeSeen,
    KillSwitch,
    LinkSeen,
    MarketSeen,
    Moment,
    ScanBegan,
    ScanEnded,
    Sending,
    SignalCame,
    Stopping,
    Tick,
)
from trader.domain.facts import Top
from trader.domain.state import NO_CONTRACTS, Guard, Link, Seen, State, Watch
from trader.domain.words import Delivery, LinkKind

_BELIEVED = 30.0
"""Seconds for which a refusal alone is reason enough to send nothing: a market that never stopped is not seen anew."""
_REMEMBERED = 86_400.0
"""Seconds for which it is known what was told."""
_CLOSED = timedelta(hours=2)
"""After its close a market is remembered for so long: the close may have been put off."""


def see(watch: Watch, event: Event, moment: Moment) -> None:  # noqa: C901, PLR0912  # a case a kind
    """Take in what an event shows."""
    match event:
        case BookCame():
            watch.books[event.book.ticker] = Seen(event.book, moment.seconds)
        case BookListed():
            known = watch.books.get(event.book.ticker)
            if known is None or not known.exact:
                watch.books[event.book.ticker] = Seen(event.book, moment.seconds, exact=False)
        case BooksConfirmed():
            for ticker in event.tickers:
                seen = watch.books.get(ticker)
                if seen is not None and seen.exact:
                    seen.confirmed = moment.seconds
        case BooksLost():
            for ticker in tuple(watch.books) if event.tickers is None else event.tickers:
                if ticker in watch.books:
                    watch.books[ticker].exact = False
        case MarketSeen():
            watch.terms[event.market.ticker] = event.market
            (watch.halted.discard if event.trading else watch.halted.add)(event.market.ticker)
            watch.refused.pop(event.market.ticker, None)
        case ExchangeSeen():
            watch.exchange, watch.resume_time, watch.pauses = event.state, event.resume_time, event.pauses
        case LinkSeen():
            link = watch.links.setdefault(event.kind, Link())
            link.up, link.problem = event.up, event.problem
            if event.up:
                link.succeeded = moment.seconds
        case ScanBegan():
            watch.scan_began = moment.seconds
        case ScanEnded():
            began = moment.seconds if watch.unread_since is None else watch.unread_since
            watch.unread_since = began if event.unread else None
        case SignalCame():
            watch.signals[event.market.ticker] = (event.signal, moment.seconds)
        case Compared():
            watch.snapshot, watch.compared = event.snapshot, moment.seconds
            watch.links[LinkKind.RECONCILIATION] = Link(up=True, succeeded=moment.seconds)
        case Sending():
            watch.sent[event.client_order_id] = moment.seconds
        case Begun():
            watch.begun = moment.seconds
        case Stopping() | Ended():
            watch.stopping = True
        case KillSwitch():
            watch.kill_switch = event.present
        case Tick():
            for ticker in [name for name, at in watch.refused.items() if moment.seconds - at >= _BELIEVED]:
                del watch.refused[ticker]
                watch.halted.discard(ticker)
        case _:
            pass


def forget(state: State, entries: Iterable[AnyEntry], moment: Moment) -> None:
    """Bring the watch in step with entries that were written."""
    watch = state.watch
    for entry in entries:
        match entry:
            case PositionOpened():
                watch.guards[entry.position_id] = Guard(opened=moment.seconds)
            case PositionClosed():
                watch.guards.pop(entry.trade.position_id, None)
            case OrderEnded():
                watch.sent.pop(entry.client_order_id, None)
                watch.cancelled.pop(entry.client_order_id, None)
                watch.absences.pop(entry.client_order_id, None)
            case CancelIntended():
                watch.cancelled[entry.client_order_id] = moment.seconds
            case ScanFinished():
                _drop_closed(state, moment)
            case Notified(delivery=Delivery.QUEUED):
                watch.told = {key: told for key, told in watch.told.items() if moment.seconds - told < _REMEMBERED}
                watch.told[entry.key] = moment.seconds
            case _:
                pass


def _drop_closed(state: State, moment: Moment) -> None:
    """Forget markets that are over and in which nothing of ours is: there are thousands of new ones every day."""
    books, watch = state.books, state.watch
    ours = books.by_ticker.keys() | {books.orders[name].terms.ticker for name in books.working}
    ours |= {shadow.ticker for shadow in books.shadows.values()}
    kept = ours | {ticker for ticker, market in watch.terms.items() if market.close_time > moment.now - _CLOSED}
    watch.terms = {ticker: market for ticker, market in watch.terms.items() if ticker in kept}
    watch.books = {ticker: seen for ticker, seen in watch.books.items() if ticker in kept}
    watch.signals = {ticker: signal for ticker, signal in watch.signals.items() if ticker in kept}
    watch.halted &= kept


def refused(watch: Watch, ticker: str, moment: Moment) -> None:
    """Take in that a market refused an order as closed; whether it is, is still to be seen."""
    if ticker not in watch.halted:
        watch.halted.add(ticker)
        watch.refused[ticker] = moment.seconds


def top(watch: Watch, ticker: str, side: Side, moment: Moment) -> Top | None:
    """Return the best of a market's book as last told, seen from a side, with its age; None where none was told.

    A book that may have changed since has no age: nothing is bought on it and no stop relies on it.
    """
    seen = watch.books.get(ticker)
    if seen is None:
        return None
    bid, ask = seen.book.best_bid(side), seen.book.best_ask(side)
    return Top(
        bid=None if bid is None else bid.price,
        bid_size=NO_CONTRACTS if bid is None else bid.size,
        ask=None if ask is None else ask.price,
        ask_size=NO_CONTRACTS if ask is None else ask.size,
        age_seconds=moment.seconds - seen.confirmed if seen.exact else None,
    )
