"""From entries to books: the only place where positions, money, orders and blocks change. Pure.

A position changes by a fill, a settlement, or by what the exchange shows that others did; never by a wish.
"""

from collections import deque
from datetime import datetime

from mesh.kalshi.sides import Action
from mesh.types import Hundredths, Micros, Price, cost
from trader.domain.entries import (
    Adopted,
    AnyEntry,
    CancelIntended,
    CashSeen,
    Decided,
    ExitDecided,
    ExitWithdrawn,
    Filled,
    LeftByOthers,
    Notified,
    OrderEnded,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    PeakMoved,
    PositionClosed,
    PositionOpened,
    RequestAnswered,
    ScanFinished,
    ScanStarted,
    Settled,
    ShadowFilled,
    ShadowPlaced,
    Started,
    SwitchesChanged,
)
from trader.domain.facts import Leg
from trader.domain.orders import moved
from trader.domain.state import Books, Day, Exit, Order, Position, ShadowOrder
from trader.domain.words import Delivery, ExitKind, OrderState, Purpose

_STOPS_KEPT = 1000
DRAWDOWN = "max_drawdown"
"""Name of the rule whose block, once a person lifts it, lets the drawdown be counted anew."""


def apply(books: Books, sequence: int, time: datetime, entry: AnyEntry) -> None:
    """Fold one entry in.

    Args:
        books: Changed in place.
        sequence: Of the entry; one above `books.sequence`.
        time: Of the entry, aware UTC.
        entry: What happened.

    Raises:
        IllegalTransition: An order cannot go there; the books are as they were.
        KeyError: It speaks of an order or position that was never there.
    """
    match entry:
        case OrderIntended() | OrderSent() | OrderResting() | OrderUnknown() | CancelIntended() | OrderEnded():
            _order(books, sequence, time, entry)
        case Filled():
            _filled(books, sequence, time, entry)
        case PositionOpened() | Adopted() | PeakMoved() | ExitDecided() | ExitWithdrawn():
            _position(books, sequence, time, entry)
        case Settled() | LeftByOthers() | PositionClosed():
            _gone(books, sequence, time, entry)
        case _:
            _rest(books, time, entry)
    books.sequence = sequence


def _order(
    books: Books,
    sequence: int,
    time: datetime,
    entry: OrderIntended | OrderSent | OrderResting | OrderUnknown | CancelIntended | OrderEnded,
) -> None:
    if isinstance(entry, OrderIntended):
        terms = entry.order
        order = books.orders[terms.client_order_id] = Order(terms, time)
        position = books.positions.get(terms.position_id)
        if position is not None and position.exit is not None and position.exit.decision_id == terms.decision_id:
            position.exit.legs += 1
    else:
        order = books.orders[entry.client_order_id]
        name = entry.client_order_id
        match entry:
            case OrderSent():
                order.state = moved(name, order.state, OrderState.SENT)
            case OrderUnknown():
                order.state, order.why = moved(name, order.state, OrderState.UNKNOWN), entry.why
            case OrderResting():
                if order.state is not OrderState.CANCELLING:
                    order.state = moved(name, order.state, OrderState.RESTING)
                _known(books, order, entry.order_id, entry.filled)
            case CancelIntended():
                if order.state is not OrderState.UNKNOWN:
                    order.state = moved(name, order.state, OrderState.CANCELLING)
                order.cancels, order.why = order.cancels + 1, entry.why
            case OrderEnded():
                order.state = moved(name, order.state, entry.state)
                order.ending, order.end_time = entry.ending, time
                _known(books, order, entry.order_id, entry.filled)
    order.sequence = sequence
    _working(books, order)


def _known(books: Books, order: Order, order_id: str | None, filled: Hundredths) -> None:
    order.filled = max(order.filled, filled)
    if order_id is not None:
        order.order_id = order_id
        books.by_order_id[order_id] = order.terms.client_order_id


def _working(books: Books, order: Order) -> None:
    name = order.terms.client_order_id
    if order.working:
        books.working.add(name)
    else:
        books.working.discard(name)


def _filled(books: Books, sequence: int, time: datetime, entry: Filled) -> None:
    fill, order = entry.fill, books.orders[entry.client_order_id]
    amount = cost(fill.price, fill.count)
    books.fills.add(fill.fill_id)
    order.seen = Hundredths(order.seen + fill.count)
    order.filled = max(order.filled, order.seen)
    order.cost, order.fees, order.sequence = Micros(order.cost + amount), Micros(order.fees + fill.fee), sequence
    _working(books, order)
    position = books.positions[entry.position_id]
    position.sequence = sequence
    if fill.action is Action.BUY:
        _bought(position, fill.count, amount, fill.fee)
        position.open_time = position.open_time or fill.time
        books.cash_flow = Micros(books.cash_flow - amount - fill.fee)
    else:
        trigger = None if position.exit is None else position.exit.trigger
        leg = Leg(
            kind=order.terms.exit_kind or ExitKind.MANUAL,
            client_order_id=entry.client_order_id,
            count=fill.count,
            proceeds=amount,
            fees=fill.fee,
            trigger=trigger,
            time=fill.time,
        )
        _left(books, position, leg, time)


def _bought(position: Position, count: Hundredths, amount: Micros, fee: Micros) -> None:
    position.count = Hundredths(position.count + count)
    position.bought = Hundredths(position.bought + count)
    position.cost = Micros(position.cost + amount)
    position.total_cost = Micros(position.total_cost + amount)
    position.entry_fees = Micros(position.entry_fees + fee)
    position.total_fees = Micros(position.total_fees + fee)


def _left(books: Books, position: Position, leg: Leg, time: datetime) -> None:
    """Take contracts out of a position, at their share of what it cost: the last one takes what is left of it."""
    held, count = position.count, min(leg.count, position.count)
    cost_part = Micros(position.cost * count // held) if held else Micros(0)
    fee_part = Micros(position.entry_fees * count // held) if held else Micros(0)
    position.count = Hundredths(held - count)
    position.cost = Micros(position.cost - cost_part)
    position.entry_fees = Micros(position.entry_fees - fee_part)
    position.proceeds = Micros(position.proceeds + leg.proceeds)
    position.total_fees = Micros(position.total_fees + leg.fees)
    gross = Micros(leg.proceeds - cost_part)
    fees = Micros(fee_part + leg.fees)
    position.realised = Micros(position.realised + gross - fees)
    last = position.legs[-1] if position.legs else None
    if last is not None and leg.client_order_id is not None and last.client_order_id == leg.client_order_id:
        position.legs[-1] = Leg(
            kind=last.kind,
            client_order_id=last.client_order_id,
            count=Hundredths(last.count + leg.count),
            proceeds=Micros(last.proceeds + leg.proceeds),
            fees=Micros(last.fees + leg.fees),
            trigger=last.trigger,
            time=leg.time,
        )
    else:
        position.legs.append(leg)
    for span in (books.days.setdefault(time.date().isoformat(), Day()), books.total):
        span.gross, span.fees = Micros(span.gross + gross), Micros(span.fees + fees)
    books.peak_net = max(books.peak_net, books.total.net)
    books.cash_flow = Micros(books.cash_flow + leg.proceeds - leg.fees)


def _position(
    books: Books,
    sequence: int,
    time: datetime,
    entry: PositionOpened | Adopted | PeakMoved | ExitDecided | ExitWithdrawn,
) -> None:
    if isinstance(entry, PositionOpened):
        position = Position(entry.position_id, entry.market, entry.side, entry.decision_id, entry.ask, entry.plan)
        books.positions[entry.position_id] = position
        books.by_ticker.setdefault(entry.market.ticker, set()).add(entry.position_id)
    else:
        position = books.positions[entry.position_id]
        match entry:
            case Adopted():
                _bought(position, entry.count, entry.cost, Micros(0))
                position.open_time = time
            case PeakMoved():
                position.peak = Price(entry.bid)
            case ExitDecided():
                position.exit = Exit(entry.decision_id, entry.exit_kind, entry.actor, entry.trigger, entry.floor, time)
                position.exits_decided += 1
            case ExitWithdrawn():
                position.exit = None
    position.sequence = sequence


def _gone(books: Books, sequence: int, time: datetime, entry: Settled | LeftByOthers | PositionClosed) -> None:
    if isinstance(entry, PositionClosed):
        _closed(books, sequence, time, entry)
        return
    position = books.positions[entry.position_id]
    settled = isinstance(entry, Settled)
    leg = Leg(
        kind=ExitKind.SETTLEMENT if settled else ExitKind.FOREIGN,
        client_order_id=None,
        count=entry.count,
        proceeds=entry.revenue if isinstance(entry, Settled) else entry.proceeds,
        fees=Micros(0) if isinstance(entry, Settled) else entry.fees,
        trigger=None,
        time=entry.time,
    )
    _left(books, position, leg, time)
    position.sequence = sequence
    if settled:
        books.settled.add(entry.position_id)


def _closed(books: Books, sequence: int, time: datetime, entry: PositionClosed) -> None:
    trade = entry.trade
    books.trades.append(trade)
    books.trade_sequences.append(sequence)
    books.outcomes.append(trade.proceeds > trade.cost)
    books.total.trades += 1
    books.days.setdefault(time.date().isoformat(), Day()).trades += 1
    if trade.exit_kind in {ExitKind.STOP_LOSS, ExitKind.TRAILING_STOP}:
        books.stops.setdefault(trade.series_ticker, deque(maxlen=_STOPS_KEPT)).append(time)
        books.stopped[trade.ticker] = time
    del books.positions[trade.position_id]
    siblings = books.by_ticker[trade.ticker]
    siblings.discard(trade.position_id)
    if not siblings:
        del books.by_ticker[trade.ticker]
    if trade.decision_id is not None:
        books.decisions.pop(trade.decision_id, None)


def _rest(books: Books, time: datetime, entry: AnyEntry) -> None:  # noqa: C901, PLR0912  # a case a kind
    match entry:
        case Started():
            books.run_id, books.mode = entry.run_id, entry.mode
        case ScanStarted():
            books.scan, books.scan_entries = entry, {}
        case ScanFinished():
            books.scan, books.last_scan, books.last_scan_time = None, entry, time
        case Decided(entered=True):
            series = entry.market.series_ticker
            books.decisions[entry.decision_id] = entry
            if entry.scan_id is not None:
                books.scan_entries[series] = books.scan_entries.get(series, 0) + 1
        case SwitchesChanged():
            for block_id in entry.ended:
                block = books.blocks.pop(block_id, None)
                if block is not None and block.finding is not None and block.finding.rule == DRAWDOWN:
                    books.peak_net = books.total.net
            books.blocks |= {block.block_id: block for block in entry.began}
        case RequestAnswered():
            books.replies[entry.request_id] = (entry.method, entry.reply)
        case CashSeen():
            books.cash_anchor, books.cash_flow = entry.cash, Micros(0)
        case Notified():
            if entry.delivery is Delivery.QUEUED:
                books.notices[entry.notification_id] = entry
            else:
                books.notices.pop(entry.notification_id, None)
        case ShadowPlaced():
            books.shadows[entry.decision_id] = ShadowOrder(
                entry.decision_id,
                entry.position_id,
                entry.ticker,
                entry.side,
                entry.price,
                entry.count,
                entry.ahead,
                entry.until,
            )
        case ShadowFilled():
            shadow = books.shadows[entry.decision_id]
            shadow.filled = entry.filled
            if shadow.filled >= shadow.count:
                del books.shadows[entry.decision_id]
        case _:
            pass


def orders_of(books: Books, position: Position) -> list[Order]:
    """Return the orders of a position that may still add to it or take from it, in the order they were intended."""
    found = [
        books.orders[name] for name in books.working if books.orders[name].terms.position_id == position.position_id
    ]
    return sorted(found, key=lambda order: (order.intended_time, order.terms.client_order_id))


def entering(books: Books, position: Position) -> bool:
    """Tell whether an entry of a position is still under way."""
    return any(order.terms.purpose is Purpose.ENTRY for order in orders_of(books, position))
