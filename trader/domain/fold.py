"""From entries to books: the only place where positions, money, orders and blocks change. Pure.

A position changes by a fill, a settlement, or by what the exchange shows that others did; never by a wish. What cannot
be is refused before anything has changed.
"""

from datetime import datetime

from msgspec import structs

from mesh.kalshi.sides import Action
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, Price, cost
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
from trader.domain.facts import Block, Finding, Leg, Trade
from trader.domain.orders import IllegalTransition, moved
from trader.domain.state import Books, Day, Exit, Order, Outcome, Position, ShadowOrder
from trader.domain.words import Delivery, ExitKind, OrderState, Purpose

_STOPS_KEPT, _OUTCOMES_KEPT = 1000, 10_000
_STOPS = frozenset({ExitKind.STOP_LOSS, ExitKind.TRAILING_STOP})
DAILY_LOSS = "daily_loss"
DRAWDOWN = "max_drawdown"
CALIBRATION = "calibration"
"""Names of the rules that count anew once a person has lifted their block."""


def apply(books: Books, sequence: int, time: datetime, entry: AnyEntry) -> None:
    """Fold one entry in.

    Args:
        books: Changed in place.
        sequence: Of the entry; one above `books.sequence`.
        time: Of the entry, aware UTC.
        entry: What happened.

    Raises:
        IllegalTransition: An order or position cannot go there, or a fill was counted before; the books are as they
            were.
        KeyError: It speaks of an order, position or virtual order that was never there; the books are as they were.
    """
    match entry:
        case OrderIntended():
            _intended(books, sequence, time, entry)
        case OrderSent() | OrderResting() | OrderUnknown() | CancelIntended() | OrderEnded():
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


def _intended(books: Books, sequence: int, time: datetime, entry: OrderIntended) -> None:
    terms = entry.order
    if terms.client_order_id in books.orders:
        raise IllegalTransition(f"order {terms.client_order_id} was intended before")
    books.orders[terms.client_order_id] = Order(terms, time, sequence=sequence)
    books.working.add(terms.client_order_id)
    position = books.positions.get(terms.position_id)
    if position is not None and position.exit is not None and position.exit.decision_id == terms.decision_id:
        position.exit.legs += 1


def _order(
    books: Books,
    sequence: int,
    time: datetime,
    entry: OrderSent | OrderResting | OrderUnknown | CancelIntended | OrderEnded,
) -> None:
    name = entry.client_order_id
    order = books.orders[name]
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
            if not entry.state.final:
                raise IllegalTransition(f"order {name} cannot end as {entry.state}")
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
    terms = order.terms
    if order.working:
        books.working.add(terms.client_order_id)
        return
    books.working.discard(terms.client_order_id)
    position = books.positions.get(terms.position_id)
    if terms.purpose is Purpose.ENTRY and (position is None or position.decision_id != terms.decision_id):
        # It opened nothing and cannot any more.
        books.decisions.pop(terms.decision_id, None)
    if not order.seen:
        books.waited.pop(terms.decision_id, None)


def _filled(books: Books, sequence: int, time: datetime, entry: Filled) -> None:
    fill, order, position = entry.fill, books.orders[entry.client_order_id], books.positions[entry.position_id]
    amount = cost(fill.price, fill.count)
    if fill.fill_id in books.fills:
        raise IllegalTransition(f"fill {fill.fill_id} was counted before")
    books.fills.add(fill.fill_id)
    order.seen = Hundredths(order.seen + fill.count)
    order.filled = max(order.filled, order.seen)
    order.cost, order.fees, order.sequence = Micros(order.cost + amount), Micros(order.fees + fill.fee), sequence
    position.sequence = sequence
    if fill.action is Action.BUY:
        _bought(position, fill.count, amount, fill.fee)
        _asked(books, position, order, fill.count)
        position.open_time = min(position.open_time or fill.time, fill.time)
        books.cash_flow = Micros(books.cash_flow - amount - fill.fee)
    else:
        leg = Leg(
            kind=order.terms.exit_kind or ExitKind.MANUAL,
            client_order_id=entry.client_order_id,
            count=fill.count,
            proceeds=amount,
            fees=fill.fee,
            trigger=_trigger(position, order),
            time=fill.time,
        )
        _left(books, position, leg, time)
    _working(books, order)


def _trigger(position: Position, order: Order) -> Price | None:
    """Find at which price the exit behind an order was decided; a resting take-profit is its own."""
    if position.exit is not None and position.exit.decision_id == order.terms.decision_id:
        return position.exit.trigger
    return order.terms.limit if order.terms.exit_kind is ExitKind.TAKE_PROFIT else None


def _bought(position: Position, count: Hundredths, amount: Micros, fee: Micros) -> None:
    position.count = Hundredths(position.count + count)
    position.bought = Hundredths(position.bought + count)
    position.cost = Micros(position.cost + amount)
    position.total_cost = Micros(position.total_cost + amount)
    position.entry_fees = Micros(position.entry_fees + fee)
    position.total_fees = Micros(position.total_fees + fee)


def _asked(books: Books, position: Position, order: Order, count: Hundredths) -> None:
    """Add what bought contracts would have cost at the ask that their own decision saw."""
    decision = books.decisions.get(order.terms.decision_id)
    ask = position.ask if decision is None or decision.plan is None else decision.plan.ask
    position.asked = None if ask is None or position.asked is None else Micros(position.asked + cost(ask, count))


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
    _step_out(position, leg)
    for span in (books.days.setdefault(time.date().isoformat(), Day()), books.total):
        span.gross, span.fees = Micros(span.gross + gross), Micros(span.fees + fees)
    books.peak_net = max(books.peak_net, books.total.net)
    books.cash_flow = Micros(books.cash_flow + leg.proceeds - leg.fees)


def _step_out(position: Position, leg: Leg) -> None:
    """Add a step to a position's way out; all fills of one order are one step."""
    for place, known in enumerate(position.legs):
        if leg.client_order_id is not None and known.client_order_id == leg.client_order_id:
            position.legs[place] = structs.replace(
                known,
                count=Hundredths(known.count + leg.count),
                proceeds=Micros(known.proceeds + leg.proceeds),
                fees=Micros(known.fees + leg.fees),
                time=max(known.time, leg.time),
            )
            return
    position.legs.append(leg)


def _position(
    books: Books,
    sequence: int,
    time: datetime,
    entry: PositionOpened | Adopted | PeakMoved | ExitDecided | ExitWithdrawn,
) -> None:
    if isinstance(entry, PositionOpened):
        if entry.position_id in books.positions:
            raise IllegalTransition(f"position {entry.position_id} was opened before")
        position = Position(entry.position_id, entry.market, entry.side, entry.decision_id, entry.ask, entry.plan)
        books.positions[entry.position_id] = position
        books.by_ticker.setdefault(entry.market.ticker, set()).add(entry.position_id)
    else:
        position = books.positions[entry.position_id]
        match entry:
            case Adopted():
                _bought(position, entry.count, entry.cost, entry.fees)
                position.asked, position.open_time = None, time
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
    if entry.count > position.count:
        raise IllegalTransition(f"position {entry.position_id} holds {position.count}, not {entry.count}, hundredths")
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
    position = books.positions.pop(trade.position_id)
    siblings = books.by_ticker[position.market.ticker]
    siblings.discard(trade.position_id)
    if not siblings:
        del books.by_ticker[position.market.ticker]
    books.settled.discard(trade.position_id)
    for name in [name for name, shadow in books.waited.items() if shadow.position_id == trade.position_id]:
        del books.waited[name]
    if trade.decision_id is not None:
        decision = books.decisions.pop(trade.decision_id, None)
        if trade.exit_kind is not ExitKind.FOREIGN:
            books.outcomes.append(Outcome(trade.proceeds > trade.cost, _chance(position, trade, decision)))
            del books.outcomes[:-_OUTCOMES_KEPT]
    books.trades.append(trade)
    books.trade_sequences.append(sequence)
    books.total.trades += 1
    books.days.setdefault(time.date().isoformat(), Day()).trades += 1
    if not _STOPS.isdisjoint((trade.exit_kind, *(leg.kind for leg in trade.legs))):
        stops = books.stops.setdefault(trade.series_ticker, [])
        stops.append(time)
        del stops[:-_STOPS_KEPT]
        books.stopped[trade.ticker] = time


def _chance(position: Position, trade: Trade, decision: Decided | None) -> float:
    """Reckon how likely a fair price reaches a position's target, or a dollar, before its stop, or nothing."""
    low, high = position.plan.stop_loss or 0, position.plan.take_profit or DOLLAR
    bid = None if decision is None or decision.top is None else decision.top.bid
    start = trade.cost * CONTRACT / trade.count if bid is None else bid
    return min(max((start - low) / (high - low), 0.0), 1.0) if high > low else 1.0


def _rest(books: Books, time: datetime, entry: AnyEntry) -> None:  # noqa: C901, PLR0912  # a case a kind
    match entry:
        case Started():
            books.run_id, books.mode, books.scan, books.decided = entry.run_id, entry.mode, None, set()
        case ScanStarted():
            books.scan, books.scan_entries, books.decided = entry, {}, set()
        case ScanFinished():
            books.scan, books.last_scan, books.last_scan_time = None, entry, time
        case Decided():
            series = entry.market.series_ticker
            books.decided.add(entry.decision_id)
            if entry.entered:
                books.decisions[entry.decision_id] = entry
            if entry.entered and entry.scan_id is not None:
                books.scan_entries[series] = books.scan_entries.get(series, 0) + 1
        case SwitchesChanged():
            for block_id in entry.ended:
                block = books.blocks.pop(block_id, None)
                if block is not None and block.finding is not None:
                    _forgive(books, block, block.finding)
            books.blocks |= {block.block_id: block for block in entry.began}
        case RequestAnswered():
            books.replies[entry.request_id] = (entry.method, entry.reply)
        case CashSeen():
            books.cash_anchor, books.cash_flow = entry.cash, Micros(0)
        case Notified():
            if entry.delivery is Delivery.QUEUED:
                if entry.notification_id not in books.notices:
                    books.suppressed = 0
                books.notices[entry.notification_id] = entry
            else:
                books.suppressed += entry.delivery in {Delivery.SUPPRESSED, Delivery.FAILED}
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
            if shadow.filled >= shadow.count or time >= shadow.until:
                del books.shadows[entry.decision_id]
                if shadow.position_id in books.positions or shadow.decision_id in books.decisions:
                    books.waited[entry.decision_id] = shadow
        case _:
            pass


def _forgive(books: Books, block: Block, finding: Finding) -> None:
    """Let a protection whose block is gone count anew: a person has put up with what had tripped it."""
    if finding.rule == DRAWDOWN and isinstance(finding.figure, int):
        books.peak_net = Micros(books.peak_net - finding.figure)
    elif finding.rule == DAILY_LOSS and isinstance(finding.figure, int):
        books.days.setdefault(block.since.date().isoformat(), Day()).forgiven = Micros(finding.figure)
    elif finding.rule == CALIBRATION:
        books.outcomes.clear()


def orders_of(books: Books, position: Position) -> list[Order]:
    """Return the orders of a position that may still add to it or take from it, in the order they were intended."""
    found = [
        books.orders[name] for name in books.working if books.orders[name].terms.position_id == position.position_id
    ]
    return sorted(found, key=lambda order: (order.intended_time, order.terms.client_order_id))


def entering(books: Books, position: Position) -> bool:
    """Tell whether an entry of a position is still under way."""
    return any(order.terms.purpose is Purpose.ENTRY for order in orders_of(books, position))
