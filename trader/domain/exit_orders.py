"""The next step of one position: which order ends first, which sells, when it is closed. Pure.

One rule keeps from selling more than is held: an order that sells is made only when no other order that sells is under
way, which includes orders of unknown outcome and ended ones whose fills have not come.
"""

from collections.abc import Sequence
from itertools import count

from msgspec import structs

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import DOLLAR, Micros, Price, Side
from trader.domain import exits, ids, plans, shadowing
from trader.domain.entries import AnyEntry, CancelIntended, ExitWithdrawn, OrderIntended, PositionClosed
from trader.domain.events import Moment
from trader.domain.facts import MarketTerms, OrderTerms, Trade
from trader.domain.state import Books, Exit, Guard, Order, Position, State
from trader.domain.words import ExitKind, OrderState, Purpose

_LONGEST_WAIT = 30.0
_MOST_DOUBLINGS = 10


def step(state: State, position: Position, orders: Sequence[Order], moment: Moment) -> list[AnyEntry]:
    """Return what has to be written next about a position.

    Args:
        state: Read; the position's guard is told when the next try may be.
        position: An open one.
        orders: Its working orders.
        moment: Now.
    """
    if not position.count and not orders:
        return [PositionClosed(trade=_trade(state.books, position))] if position.legs else []
    if exits.closed(state, position, moment) or exits.paused(state, position):
        return []
    if position.exit is None:
        return _rest(state, position, orders, moment)
    return _sell(state, position, position.exit, orders, moment)


def guard_of(state: State, position: Position) -> Guard:
    """Return what is remembered of a position; nothing of one from an earlier process."""
    return state.watch.guards.setdefault(position.position_id, Guard())


def lowest(market: MarketTerms, side: Side, floor: Price | None) -> Price | None:
    """Return the lowest price, from a floor on, at which contracts of a side can be sold; None above the grid."""
    least = 1 if floor is None else floor
    if side is Side.YES:
        return plans.grid(market).round_up(least)
    yes = plans.grid(market).round_down(DOLLAR - least)
    return None if yes is None else yes.complement


def nobody_bids(state: State, position: Position, moment: Moment) -> bool:
    """Tell whether an exit is decided and, as a book that can be relied on shows, nobody bids at or above its floor."""
    if position.exit is None:
        return False
    limit = lowest(exits.market_of(state, position), position.side, position.exit.floor)
    top = exits.relied_on(state, position, moment)
    return limit is None or (top is not None and (top.bid is None or top.bid < limit))


def _split(orders: Sequence[Order]) -> tuple[list[Order], list[Order]]:
    buying = [order for order in orders if order.terms.purpose is Purpose.ENTRY]
    return buying, [order for order in orders if order.terms.purpose is Purpose.EXIT]


def _sell(state: State, position: Position, wanted: Exit, orders: Sequence[Order], moment: Moment) -> list[AnyEntry]:
    """Carry out the exit that was decided."""
    buying, selling = _split(orders)
    cancels = _cancels(orders, f"the position is sold: {wanted.kind}")
    # An entry of unknown outcome is not waited for: that may take minutes, and a later leg sells what it bought.
    entering = any(not order.state.final and order.state is not OrderState.UNKNOWN for order in buying)
    if cancels or entering or selling or not position.count:
        return cancels
    limit = lowest(exits.market_of(state, position), position.side, wanted.floor)
    if limit is None or nobody_bids(state, position, moment):
        if wanted.kind is not ExitKind.TAKE_PROFIT:
            return []
        why = "nobody pays the target any more"
        return [ExitWithdrawn(position_id=position.position_id, decision_id=wanted.decision_id, why=why)]
    if _in_vain(state, position, wanted, moment):
        return []
    return _order(state, position, moment, kind=wanted.kind, decision=wanted.decision_id, leg=wanted.legs, limit=limit)


def _in_vain(state: State, position: Position, wanted: Exit, moment: Moment) -> bool:
    """Tell whether the next try can wait: the last ones got nothing from the very bid that is still shown.

    Each of them makes the wait twice as long, up to half a minute; another bid, or another size, ends it.
    """
    guard, top = guard_of(state, position), exits.relied_on(state, position, moment)
    shown = None if top is None else (top.bid, top.bid_size)
    last = ids.client_order_id(state.books.journal_id, wanted.decision_id, wanted.legs - 1)
    order = state.books.orders.get(last)
    retry, sent = state.settings.exits.retry_seconds, guard.tried
    vain = shown is not None and shown == sent and order is not None and bool(order.order_id) and not order.filled
    if vain and moment.seconds < guard.next_try + min(retry * (2**guard.in_vain - 1), _LONGEST_WAIT):
        return True
    if moment.seconds >= guard.next_try:
        guard.tried, guard.in_vain = shown, min(guard.in_vain + 1, _MOST_DOUBLINGS) if vain else 0
    return False


def _rest(state: State, position: Position, orders: Sequence[Order], moment: Moment) -> list[AnyEntry]:
    """Keep the target resting on the book, where that is wanted, for as many contracts as are held."""
    buying, selling = _split(orders)
    target = position.plan.take_profit
    limit = None
    if state.settings.exits.rest_take_profit and target is not None and position.count:
        limit = lowest(exits.market_of(state, position), position.side, target)
    # It may cover fewer while entries go on, never more.
    unfit = [
        order
        for order in selling
        if order.terms.limit != limit
        or order.open_count > position.count
        or (order.open_count < position.count and not buying)
    ]
    cancels = _cancels(unfit, "it does not fit the position any more")
    if cancels or selling or buying or limit is None:
        return cancels
    top = exits.relied_on(state, position, moment)
    if top is not None and top.bid is not None and top.bid >= limit:
        return []  # it would cross; the target is reached
    number = next(n for n in count(1) if _name(state, position, -n) not in state.books.orders)
    decision = ids.exit_id(state.books.journal_id, position.position_id, -number)
    kind = ExitKind.TAKE_PROFIT
    return _order(state, position, moment, kind=kind, decision=decision, leg=0, limit=limit, rests=True)


def _name(state: State, position: Position, number: int) -> str:
    decision = ids.exit_id(state.books.journal_id, position.position_id, number)
    return ids.client_order_id(state.books.journal_id, decision, 0)


def _cancels(orders: Sequence[Order], why: str) -> list[AnyEntry]:
    """Ask for the end of orders that wait at the exchange; `ordering` asks again where nobody confirms it."""
    return [
        CancelIntended(client_order_id=order.terms.client_order_id, why=why)
        for order in orders
        if order.state is OrderState.RESTING
    ]


def _order(
    state: State,
    position: Position,
    moment: Moment,
    *,
    kind: ExitKind,
    decision: str,
    leg: int,
    limit: Price,
    rests: bool = False,
) -> list[AnyEntry]:
    """Intend to sell what is held, unless the last try was just now."""
    guard, market = guard_of(state, position), exits.market_of(state, position)
    if moment.seconds < guard.next_try:
        return []
    guard.next_try = moment.seconds + state.settings.exits.retry_seconds
    terms = OrderTerms(
        client_order_id=ids.client_order_id(state.books.journal_id, decision, leg),
        decision_id=decision,
        leg=leg,
        position_id=position.position_id,
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        series_ticker=market.series_ticker,
        side=position.side,
        action=Action.SELL,
        purpose=Purpose.EXIT,
        exit_kind=kind,
        limit=limit,
        count=position.count,
        time_in_force=TimeInForce.GOOD_TILL_CANCELED if rests else TimeInForce.IMMEDIATE_OR_CANCEL,
        post_only=rests,
        reduce_only=not rests,  # the exchange takes it with immediate orders only
        exchange_index=market.exchange_index,
    )
    return [OrderIntended(order=terms)]


def _trade(books: Books, position: Position) -> Trade:
    ends = [leg.time for leg in position.legs]
    trade = Trade(
        position_id=position.position_id,
        ticker=position.market.ticker,
        event_ticker=position.market.event_ticker,
        series_ticker=position.market.series_ticker,
        side=position.side,
        count=position.bought,
        cost=position.total_cost,
        proceeds=position.proceeds,
        fees=position.total_fees,
        exit_kind=position.legs[-1].kind,
        legs=tuple(position.legs),
        entry_slippage=None if position.asked is None else Micros(position.total_cost - position.asked),
        decision_id=position.decision_id,
        open_time=position.open_time or min(ends),
        close_time=max(ends),
    )
    return structs.replace(trade, patience=shadowing.patience(books, trade))
