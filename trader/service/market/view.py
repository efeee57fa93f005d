"""One market as it is shown. Pure."""

from datetime import UTC, datetime

from foremesh.trader.v1 import market_view_pb2, orders_pb2, positions_pb2

from mesh.kalshi.book import Level
from mesh.types import Side
from trader.domain import comparing
from trader.domain.events import Moment
from trader.domain.facts import MarketTerms
from trader.domain.state import State
from trader.domain.words import ScanOutcome
from trader.scanning.histories import History
from trader.service import convert_orders as o
from trader.service import convert_words as w
from trader.service import views
from trader.service.market.told import Forecasts
from trader.service.named import event_of, series_of

_LEVELS = 10
_MOST_ORDERS = 1000


def view(
    state: State, ticker: str, history: History | None, told: Forecasts, moment: Moment
) -> market_view_pb2.MarketView | None:
    """Show a market; None for one that the trader has never heard of."""
    terms = _terms(state, ticker)
    scanned = _scanned(state, ticker, told)
    position, orders = _position(state, ticker, moment), _orders(state, ticker)
    heard = (
        terms is not None or scanned is not None or position is not None or orders or history is not None
    ) or ticker in state.watch.books
    if not heard and not told.anything and not _traded(state, ticker):
        return None
    message = market_view_pb2.MarketView(
        market_ticker=ticker,
        event_ticker=event_of(ticker) if terms is None else terms.event_ticker,
        series_ticker=series_of(ticker) if terms is None else terms.series_ticker,
        title="" if terms is None else w.text(terms.title),
        close_time=None if terms is None else w.instant(terms.close_time),
        takes_orders=ticker not in state.watch.halted and (terms is None or terms.close_time > moment.now),
        view_time=w.instant(moment.now),
        book=_book(state, ticker, moment),
        position=position,
        orders=orders,
        history=None if history is None else _history(history, moment),
        signal=told.signal,
        earlier_signals=told.earlier,
        decision=told.decision,
    )
    if told.signal_time is not None:
        message.signal_age.CopyFrom(w.age((moment.now - told.signal_time).total_seconds()))
    if told.decision_time is not None:
        message.decision_age.CopyFrom(w.age((moment.now - told.decision_time).total_seconds()))
    if scanned is not None:
        message.scan_id, outcome, message.scan_reason = scanned
        message.scan_outcome = w.SCAN_OUTCOME[outcome]
    return message


def _terms(state: State, ticker: str) -> MarketTerms | None:
    known = state.watch.terms.get(ticker)
    if known is not None:
        return known
    return next((state.books.positions[name].market for name in state.books.by_ticker.get(ticker, ())), None)


def _scanned(state: State, ticker: str, told: Forecasts) -> tuple[str, ScanOutcome, str] | None:
    """Tell what the last scan that ended found; None where it did not look at the market."""
    scan = state.books.last_scan
    if scan is None:
        return None
    for name, outcome, reason in scan.others:
        if name == ticker:
            return scan.scan_id, outcome, w.name(reason)
    # A scan says only of the others what it found; its signals have entries of their own.
    shown = () if told.signal is None else (told.signal, *told.earlier)
    if any(signal.scan_id == scan.scan_id for signal in shown):
        return scan.scan_id, ScanOutcome.SIGNAL, ""
    return None


def _book(state: State, ticker: str, moment: Moment) -> market_view_pb2.MarketBook | None:
    seen = state.watch.books.get(ticker)
    if seen is None:
        return None
    return market_view_pb2.MarketBook(
        no_bids=_levels(seen.book.bids(Side.NO)),
        no_asks=_levels(seen.book.asks(Side.NO)),
        may_have_changed=not seen.exact,
        confirmed_age=w.age(moment.seconds - seen.confirmed),
    )


def _levels(levels: tuple[Level, ...]) -> list[market_view_pb2.BookLevel]:
    return [
        market_view_pb2.BookLevel(price_micros=level.price, size_hundredths=level.size)
        for level in levels[:_LEVELS]
        if w.price(level.price) is not None and level.size > 0
    ]


def _position(state: State, ticker: str, moment: Moment) -> positions_pb2.Position | None:
    for name in sorted(state.books.by_ticker.get(ticker, ())):
        if state.books.positions[name].count > 0:
            return views.position(state, state.books.positions[name], moment)
    snapshot = state.watch.snapshot
    if snapshot is not None:
        for held in comparing.foreign(state)[1]:
            if held.ticker == ticker and held.net:
                return views.foreign(state, held, snapshot.as_of, moment)
    return None


def _orders(state: State, ticker: str) -> list[orders_pb2.Order]:
    found = [each for name in state.books.working if (each := state.books.orders[name]).terms.ticker == ticker]
    found.sort(key=lambda each: (each.intended_time, each.terms.client_order_id))
    return [o.order(each) for each in found[:_MOST_ORDERS]]


def _traded(state: State, ticker: str) -> bool:
    orders, trades = state.books.orders.values(), state.books.trades
    return any(each.terms.ticker == ticker for each in orders) or any(each.ticker == ticker for each in trades)


def _history(history: History, moment: Moment) -> market_view_pb2.PriceHistory:
    return market_view_pb2.PriceHistory(
        step=w.seconds(history.step_seconds),
        points=[
            market_view_pb2.HistoryPoint(
                end_time=w.instant(datetime.fromtimestamp(point.end_ts, UTC)),
                yes_bid_micros=w.price(point.yes_bid),
                yes_ask_micros=w.price(point.yes_ask),
                input_micros=point.price,
            )
            for point in history.points()
        ],
        read_age=w.age(moment.seconds - history.read),
    )
