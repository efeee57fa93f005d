"""What the three lists have in them, by their filters, in their order. Pure.

Each item comes as a key, rising from item to item and the same from call to call, and a function that writes it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

from foremesh.trader.v1 import orders_pb2, positions_pb2, trades_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.convert import instant
from trader.domain import comparing
from trader.domain.events import Moment
from trader.domain.facts import Trade
from trader.domain.state import Order, Position, State
from trader.domain.views import HeldView, OrderView
from trader.service import convert_orders as o
from trader.service import convert_words as w
from trader.service import views
from trader.service.named import foreign_id, series_of

_LAST = 10**13 - 1
_OURS, _OTHERS = "1", "2"


def positions(
    state: State, request: pb.ListPositionsRequest, moment: Moment
) -> Iterator[tuple[str, Callable[[], positions_pb2.Position]]]:
    """Give open positions, oldest first; those that are not the trader's come last."""
    markets, series = frozenset(request.market_tickers), frozenset(request.series_tickers)
    for found in held(state):
        if _wanted(markets, found.market.ticker) and _wanted(series, found.market.series_ticker):
            key = f"{_OURS}/{_opened(found.open_time)}/{found.position_id}"
            yield key, partial(views.position, state, found, moment)
    snapshot = state.watch.snapshot
    if snapshot is None:
        return
    for other in held_by_others(state):
        if _wanted(markets, other.ticker) and _wanted(series, _series(state, other.ticker)):
            key = f"{_OTHERS}/{foreign_id(other.ticker)}"
            yield key, partial(views.foreign, state, other, snapshot.as_of, moment)


def held(state: State) -> list[Position]:
    """Return the trader's open positions, oldest first."""
    found = [each for each in state.books.positions.values() if each.count > 0]
    return sorted(found, key=lambda each: (_opened(each.open_time), each.position_id))


def held_by_others(state: State) -> list[HeldView]:
    """Return what the account holds that is not the trader's, in an order that stays."""
    return sorted((each for each in comparing.foreign(state)[1] if each.net), key=lambda each: foreign_id(each.ticker))


def resting_of_others(state: State) -> list[OrderView]:
    """Return resting orders that are not the trader's and that the contract has words for, in an order that stays."""
    return sorted((each for each in comparing.foreign(state)[0] if _shown(each)), key=lambda each: each.order_id)


def orders(state: State, request: pb.ListOrdersRequest) -> Iterator[tuple[str, Callable[[], orders_pb2.Order]]]:
    """Give orders, newest first; resting ones that are not the trader's come last."""
    wanted = _order_filter(request)
    own: Iterable[tuple[int, Order]] = enumerate(state.books.orders.values())
    if request.HasField("client_order_id"):
        named = state.books.orders.get(request.client_order_id)
        own = () if named is None else ((0, named),)
    for number, found in reversed(tuple(own)):
        terms = found.terms
        if wanted(terms.ticker, w.ORDER_STATE[found.state], terms.decision_id, found.intended_time):
            yield f"{_OURS}/{_LAST - number}", partial(o.order, found)
    snapshot = state.watch.snapshot
    if snapshot is None or request.HasField("decision_id"):
        return
    for view in resting_of_others(state):
        made, resting = view.created_time or snapshot.as_of, orders_pb2.ORDER_STATE_RESTING
        named_so = not request.HasField("client_order_id") or request.client_order_id == view.client_order_id
        if named_so and wanted(view.ticker, resting, "", made):
            write = partial(o.foreign_order, view, snapshot.as_of, state.books.sequence)
            yield f"{_OTHERS}/{view.order_id}", write


def trades(state: State, request: pb.ListTradesRequest) -> Iterator[tuple[str, Callable[[], trades_pb2.Trade]]]:
    """Give closed round trips, last closed first."""
    books = state.books
    markets, series = frozenset(request.market_tickers), frozenset(request.series_tickers)
    kinds = frozenset(request.exit_kinds)
    start, end = _span(request)

    def passes(found: Trade) -> bool:
        return (
            _wanted(markets, found.ticker)
            and _wanted(series, found.series_ticker)
            and _wanted(kinds, w.EXIT_KIND[found.exit_kind])
            and (start is None or found.close_time >= start)
            and (end is None or found.close_time < end)
        )

    for found, sequence in zip(reversed(books.trades), reversed(books.trade_sequences), strict=True):
        if passes(found):
            yield f"{_LAST - sequence}", partial(o.trade, found, sequence)


def _order_filter(request: pb.ListOrdersRequest) -> Callable[[str, int, str, datetime], bool]:
    markets, states = frozenset(request.market_tickers), frozenset(request.states)
    start, end = _span(request)
    decision = request.decision_id if request.HasField("decision_id") else None

    def wanted(ticker: str, state: int, decided: str, made: datetime) -> bool:
        return (
            _wanted(markets, ticker)
            and _wanted(states, state)
            and decision in (None, decided)
            and (start is None or made >= start)
            and (end is None or made < end)
        )

    return wanted


def _span(request: pb.ListOrdersRequest | pb.ListTradesRequest) -> tuple[datetime | None, datetime | None]:
    def read(field: str, time: Timestamp, *, given: bool) -> datetime | None:
        return instant(time, field) if given else None

    return (
        read("start_time", request.start_time, given=request.HasField("start_time")),
        read("end_time", request.end_time, given=request.HasField("end_time")),
    )


def _wanted(among: frozenset[str] | frozenset[int], what: str | int) -> bool:
    return not among or what in among


def _shown(view: OrderView) -> bool:
    """Leave out what the contract has no words for."""
    return w.price(view.yes_price) is not None and view.count > 0


def _series(state: State, ticker: str) -> str:
    known = state.watch.terms.get(ticker)
    return series_of(ticker) if known is None else known.series_ticker


def _opened(time: datetime | None) -> str:
    return "" if time is None else time.isoformat(timespec="microseconds")
