"""The life of the trader's own orders: what answers, records, fills and time make of them. Pure.

Whatever comes twice, late or in another order leaves the same books: a record that is older than what is known changes
nothing, a final order stays final, a fill counts once.
"""

from datetime import timedelta
from math import ceil
from types import MappingProxyType

from msgspec import structs

from mesh.kalshi.terms import OrderStatus, TimeInForce, UpdateReason
from mesh.types import Hundredths, count_text
from trader.domain import watching
from trader.domain.entries import (
    AnyEntry,
    CancelIntended,
    Filled,
    OrderEnded,
    OrderResting,
    OrderSent,
    OrderUnknown,
)
from trader.domain.events import (
    Accepted,
    Answered,
    CancelAnswered,
    FillSeen,
    Moment,
    NoOutcome,
    OrderSeen,
    Refused,
    Sending,
)
from trader.domain.facts import Ending
from trader.domain.filling import fill, market_of
from trader.domain.state import NO_CONTRACTS, Order, State
from trader.domain.views import (
    OrderView,
)
from trader.domain.words import (
    ActorKind,
    BlockKind,
    EndReason,
    ExchangeState,
    OrderState,
    Purpose,
)

_TIME_OVER = "its time is over"
_SAID = MappingProxyType(
    {
        UpdateReason.SELF_TRADE_CANCEL: EndReason.SELF_TRADE,
        UpdateReason.EXPIRY_CANCEL: EndReason.EXPIRY,
        UpdateReason.CLOSE_CANCEL: EndReason.MARKET_CLOSED,
        UpdateReason.HALT_CANCEL: EndReason.PAUSE,
        UpdateReason.POST_ONLY_CROSS_CANCEL: EndReason.POST_ONLY_CROSS,
        UpdateReason.REDUCE_ONLY_CANCEL: EndReason.REDUCE_ONLY,
        UpdateReason.MARGIN_CANCEL: EndReason.INSUFFICIENT_BALANCE,
    }
)
"""What the exchange's word for an end means."""
_DUPLICATE = "order_already_exists"
_STOPS = "the trader stops"
_SECOND_GUARD = timedelta(seconds=2)
_AGAIN_SECONDS = 5.0
_LEFT = frozenset({OrderState.SENT, OrderState.UNKNOWN, OrderState.RESTING, OrderState.CANCELLING})
"""States in which the exchange's word about an order counts."""
_AT_ONCE = frozenset({TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL})


def recover(state: State, moment: Moment) -> list[AnyEntry]:
    """After a start: what was intended never left, what was sent is unknown, what was told to nobody is told."""
    entries: list[AnyEntry] = []
    for order in _working(state):
        name = order.terms.client_order_id
        if order.state is OrderState.INTENDED:
            ending = Ending(reason=EndReason.NEVER_LEFT, detail="the trader stopped before the request left")
            entries.append(_ended(order, OrderState.NOT_SENT, NO_CONTRACTS, ending))
        elif order.state is OrderState.SENT:
            entries.append(OrderUnknown(client_order_id=name, why="the trader stopped before the answer came"))
    return [*entries, *state.books.notices.values()]


def happened(
    state: State, event: Sending | Answered | CancelAnswered | OrderSeen | FillSeen, moment: Moment
) -> list[AnyEntry]:
    """Write what became of an order."""
    match event:
        case Sending():
            order = state.books.orders[event.client_order_id]
            first = order.state is OrderState.INTENDED
            entries: list[AnyEntry] = [OrderSent(client_order_id=event.client_order_id)] if first else []
        case Answered():
            order = state.books.orders[event.client_order_id]
            entries = _answered(order, event.answer)
            if isinstance(event.answer, Refused) and event.answer.ending.reason is EndReason.MARKET_CLOSED:
                watching.refused(state.watch, order.terms.ticker, moment)
        case CancelAnswered():
            entries = []  # How it ended is in the exchange's record of the order, which comes by itself.
        case OrderSeen():
            entries = record(state, event.order, moment)
        case FillSeen():
            entries = _complete(state, fill(state, event.fill))
    if entries and not isinstance(event, CancelAnswered):
        mark_changed(state, _ticker(state, event), moment)
    return entries


def timed(state: State, moment: Moment) -> list[AnyEntry]:
    """Cancel what waits too long, and again what nobody confirmed."""
    entries: list[AnyEntry] = []
    for order in _working(state):
        terms = order.terms
        over = terms.expire_time is not None and moment.now >= terms.expire_time + _SECOND_GUARD
        asked = state.watch.cancelled.get(terms.client_order_id)
        if order.state is OrderState.CANCELLING:
            due = asked is None or moment.seconds >= asked + _AGAIN_SECONDS
        else:
            due = over and order.state is OrderState.RESTING
        if due:
            why = order.why if order.state is OrderState.CANCELLING else _TIME_OVER
            entries.append(CancelIntended(client_order_id=terms.client_order_id, why=why))
    return entries


def stop(state: State) -> list[AnyEntry]:
    """Cancel entries that rest, because nobody would guard what they buy."""
    return [
        CancelIntended(client_order_id=order.terms.client_order_id, why=_STOPS)
        for order in _working(state)
        if order.state is OrderState.RESTING and order.terms.purpose is Purpose.ENTRY
    ]


def mark_changed(state: State, ticker: str, moment: Moment) -> None:
    """Remember when something of ours changed in a market: an account read that began before proves nothing there."""
    state.watch.absences[f"changed:{ticker}"] = ceil(moment.seconds * 1000)


def mine(state: State, view: OrderView) -> Order | None:
    """Find the order of ours that a record of the exchange is about; None where it is somebody else's."""
    books = state.books
    return books.orders.get(view.client_order_id or books.by_order_id.get(view.order_id, ""))


def record(state: State, view: OrderView, moment: Moment) -> list[AnyEntry]:
    """Take over the exchange's record of an order of ours; nothing where it is older than what is known.

    Args:
        state: Not changed.
        view: Any order's.
        moment: When it was seen.
    """
    order = mine(state, view)
    if order is None or order.state not in _LEFT:
        return []
    filled = max(order.filled, view.filled)
    match view.status:
        case OrderStatus.RESTING:
            return _resting(order, view.order_id, filled)
        case OrderStatus.EXECUTED | OrderStatus.CANCELED:
            after, ending = _end(state, order, view, filled, moment)
            return [_ended(order, after, filled, ending, view.order_id)]
        case OrderStatus.UNKNOWN:
            return []


def _working(state: State) -> list[Order]:
    found = [state.books.orders[name] for name in state.books.working]
    return sorted(found, key=lambda order: (order.intended_time, order.terms.client_order_id))


def _ticker(state: State, event: Sending | Answered | OrderSeen | FillSeen) -> str:
    match event:
        case Sending() | Answered():
            return state.books.orders[event.client_order_id].terms.ticker
        case OrderSeen():
            return event.order.ticker
        case FillSeen():
            return event.fill.ticker


def _answered(order: Order, answer: Accepted | Refused | NoOutcome) -> list[AnyEntry]:
    name, terms = order.terms.client_order_id, order.terms
    asked = order.state in {OrderState.SENT, OrderState.UNKNOWN}
    match answer:
        case Accepted():
            if order.state not in _LEFT:
                return []
            filled = max(order.filled, answer.filled)
            if answer.remaining and terms.time_in_force not in _AT_ONCE:
                return _resting(order, answer.order_id, filled)
            if filled >= terms.count:
                return [_ended(order, OrderState.FILLED, filled, Ending(reason=None), answer.order_id)]
            # What may rest and does not has met an order of this account; the answer does not say so in words.
            reason = EndReason.NO_LIQUIDITY if terms.time_in_force in _AT_ONCE else EndReason.SELF_TRADE
            return [_ended(order, OrderState.CANCELLED, filled, Ending(reason=reason), answer.order_id)]
        case Refused(never_left=True):
            never = structs.replace(answer.ending, reason=EndReason.NEVER_LEFT)
            intended = order.state is OrderState.INTENDED
            return [_ended(order, OrderState.NOT_SENT, NO_CONTRACTS, never)] if asked or intended else []
        case Refused() if answer.ending.code == _DUPLICATE:
            # The exchange takes a client order id once, ever: an earlier request of this one arrived.
            why = "the exchange has an order of this id already"
            return [OrderUnknown(client_order_id=name, why=why)] if order.state is OrderState.SENT else []
        case Refused():
            reason = answer.ending.reason or EndReason.REFUSED
            refused = structs.replace(answer.ending, reason=reason)
            return [_ended(order, OrderState.REJECTED, NO_CONTRACTS, refused)] if asked else []
        case NoOutcome():
            return [OrderUnknown(client_order_id=name, why=answer.why)] if order.state is OrderState.SENT else []


def _resting(order: Order, order_id: str, filled: Hundredths) -> list[AnyEntry]:
    known = order.state in {OrderState.RESTING, OrderState.CANCELLING}
    if known and order.order_id == order_id and filled == order.filled:
        return []
    return [OrderResting(client_order_id=order.terms.client_order_id, order_id=order_id, filled=filled)]


def _ended(
    order: Order, after: OrderState, filled: Hundredths, ending: Ending, order_id: str | None = None
) -> OrderEnded:
    return OrderEnded(
        client_order_id=order.terms.client_order_id,
        state=after,
        order_id=order_id or order.order_id,
        filled=filled,
        ending=ending,
    )


def _end(state: State, order: Order, view: OrderView, filled: Hundredths, moment: Moment) -> tuple[OrderState, Ending]:
    """Tell how an order ended that rests no more; only the exchange's stream says why."""
    terms = order.terms
    if filled >= terms.count:
        return OrderState.FILLED, Ending(reason=None)
    if (said := _SAID.get(view.reason or UpdateReason.UNKNOWN)) is not None:
        return OrderState.EXPIRED if said is EndReason.EXPIRY else OrderState.CANCELLED, Ending(reason=said)
    if view.count < terms.count:
        return OrderState.CANCELLED, Ending(reason=EndReason.REDUCE_ONLY, detail=f"cut to {count_text(view.count)}")
    if terms.time_in_force in _AT_ONCE:
        return OrderState.CANCELLED, Ending(reason=EndReason.NO_LIQUIDITY)
    asked = state.watch.cancelled.get(terms.client_order_id)
    asked_time = None if asked is None else moment.now - timedelta(seconds=moment.seconds - asked)
    expiry = terms.expire_time
    if expiry is not None and moment.now >= expiry and (asked_time is None or asked_time >= expiry):
        return OrderState.EXPIRED, Ending(reason=EndReason.EXPIRY)
    return OrderState.CANCELLED, Ending(reason=_canceller(state, order, moment))


def _canceller(state: State, order: Order, moment: Moment) -> EndReason:
    if order.cancels:
        return EndReason.CALLER if order.why != _TIME_OVER and _wanted_by_people(state, order) else EndReason.TRADER
    market = market_of(state, order)
    if market is not None and moment.now >= market.close_time:
        return EndReason.MARKET_CLOSED
    if state.watch.exchange in {ExchangeState.TRADING_PAUSED, ExchangeState.EXCHANGE_PAUSED}:
        return EndReason.PAUSE
    return EndReason.EXCHANGE


def _wanted_by_people(state: State, order: Order) -> bool:
    """Tell whether a person sells the order's position, or stopped entries where it is one."""
    terms, position = order.terms, state.books.positions.get(order.terms.position_id)
    if position is not None and position.exit is not None and position.exit.actor.kind is ActorKind.CALLER:
        return True
    return terms.purpose is Purpose.ENTRY and any(
        (block.kind.by_people or block.kind is BlockKind.KILL_SWITCH_FILE)
        and block.market_ticker in (None, terms.ticker)
        and block.event_ticker in (None, terms.event_ticker)
        and block.series_ticker in (None, terms.series_ticker)
        for block in state.books.blocks.values()
    )


def _complete(state: State, entries: list[AnyEntry]) -> list[AnyEntry]:
    """End an order that a fill fills to the last contract: the fills prove it, whenever its record comes."""
    for entry in tuple(entries):
        if isinstance(entry, Filled):
            order = state.books.orders[entry.client_order_id]
            seen = Hundredths(order.seen + entry.fill.count)
            if order.state in _LEFT and seen >= order.terms.count:
                entries.append(_ended(order, OrderState.FILLED, seen, Ending(reason=None)))
    return entries
