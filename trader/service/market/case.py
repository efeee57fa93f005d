"""What belongs together with an id, by the books: orders, position, decisions, and where the journal has them. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trader.domain.state import Books, Order

_BEFORE = timedelta(minutes=2)
"""From a decision, or its signal, until its order is to be sent: the same moment, but for clocks that were set."""


@dataclass(slots=True)
class Case:
    """One decision about an entry or, where there is one, a position with all that was decided about it."""

    ticker: str
    position_id: str | None = None
    orders: list[Order] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    """Of decisions, orders and the position."""
    places: list[tuple[datetime, int | None]] = field(default_factory=list)
    """Spans of the journal that speak of them: from an instant to an entry; None is the end of the journal."""
    entries: list[int] = field(default_factory=list)
    """Single entries that do."""


def case_of(books: Books, name: str) -> Case | None:
    """Return what an id belongs to; None for an id that no order and no position has."""
    position_id, ticker = _position(books, name)
    if position_id is None:
        return None
    case = Case(ticker, position_id, ids={position_id, name})
    for order in books.orders.values():
        terms = order.terms
        if terms.position_id == position_id:
            case.orders.append(order)
            case.ids |= {terms.client_order_id, terms.decision_id}
            end = None if order.working else order.sequence
            case.places.append((order.intended_time - _BEFORE, end))
    held = books.positions.get(position_id)
    if held is not None:
        if held.decision_id is not None:
            case.ids.add(held.decision_id)
        if held.exit is not None:
            case.ids.add(held.exit.decision_id)
            case.places.append((held.exit.time - _BEFORE, None))
        case.entries.append(held.sequence)
    for trade, sequence in zip(books.trades, books.trade_sequences, strict=True):
        if trade.position_id == position_id:
            case.entries.append(sequence)
    return case


def _position(books: Books, name: str) -> tuple[str | None, str]:
    for order in books.orders.values():
        if name in (order.terms.client_order_id, order.terms.decision_id, order.terms.position_id):
            return order.terms.position_id, order.terms.ticker
    for held in books.positions.values():
        if name in (held.position_id, held.decision_id, None if held.exit is None else held.exit.decision_id):
            return held.position_id, held.market.ticker
    for trade in reversed(books.trades):
        if name in (trade.position_id, trade.decision_id):
            return trade.position_id, trade.ticker
    return None, ""
