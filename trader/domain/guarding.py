"""Positions from their first fill to their end: when they are sold, and that it is done. Pure."""

from trader.domain import exit_flatten, exit_orders, exits
from trader.domain.entries import AnyEntry, ExitDecided, PeakMoved
from trader.domain.events import Flatten, Moment
from trader.domain.facts import TRADER, Checks, Top
from trader.domain.fold import orders_of
from trader.domain.settings import Settings
from trader.domain.state import Exit, Guard, Order, Position, State
from trader.domain.words import ExitKind, OrderState, Purpose


def look(state: State, ticker: str, moment: Moment) -> list[AnyEntry]:
    """Look at the positions of one market, whose book just came."""
    found: list[AnyEntry] = []
    for name in sorted(state.books.by_ticker.get(ticker, ())):
        found += _look(state, state.books.positions[name], moment)
    return found


def look_at_all(state: State, moment: Moment) -> list[AnyEntry]:
    """Look at every position: the pass of the exit loop."""
    found: list[AnyEntry] = []
    for name in sorted(state.books.positions):
        found += _look(state, state.books.positions[name], moment)
    state.watch.exit_pass = moment.seconds
    return found


def carry_out(state: State, moment: Moment) -> list[AnyEntry]:
    """Take the next step of every exit that is decided, close what has nothing left."""
    orders: dict[str, list[Order]] = {}
    for name in sorted(state.books.working):
        order = state.books.orders[name]
        orders.setdefault(order.terms.position_id, []).append(order)
    rests, found = state.settings.exits.rest_take_profit, list[AnyEntry]()
    for name in sorted(state.books.positions):
        position = state.books.positions[name]
        # Every quote of every market comes by here: a position that is only guarded is passed over quickly.
        if rests or position.exit is not None or name in orders or not position.count:
            found += exit_orders.step(state, position, orders.get(name, ()), moment)
    return found


def flatten(state: State, event: Flatten, moment: Moment) -> list[AnyEntry]:
    """Decide to sell what a person wants sold."""
    return exit_flatten.flatten(state, event, moment)


def position_state(state: State, position: Position, moment: Moment) -> str:
    """Say where an open position is in its life, in the contract's words."""
    orders = orders_of(state.books, position)
    if any(order.state is OrderState.UNKNOWN for order in orders):
        return "UNCERTAIN"
    if exits.closed(state, position, moment):
        return "AWAITING_SETTLEMENT"
    if exits.paused(state, position):
        return "PAUSED"
    if position.exit is None:
        return "GUARDED"
    selling = any(order.terms.purpose is Purpose.EXIT for order in orders)
    return "NO_BID" if not selling and exit_orders.nobody_bids(state, position, moment) else "EXITING"


def _look(state: State, position: Position, moment: Moment) -> list[AnyEntry]:
    top, guard = exits.relied_on(state, position, moment), exit_orders.guard_of(state, position)
    if top is not None and position.count:
        guard.checked = moment.seconds
    if exits.paused(state, position) or exits.closed(state, position, moment):
        guard.below = 0  # also where nothing is known of the price: what was counted before a pause does not count
        return []
    if top is None or not position.count:
        return []
    found: list[AnyEntry] = []
    peak = exits.new_peak(position, top)
    if peak is not None:
        found.append(PeakMoved(position_id=position.position_id, bid=peak))
    decided = due(position, guard, top, moment, settings=state.settings, journal_id=state.books.journal_id)
    return found if decided is None else [*found, decided]


def due(
    position: Position, guard: Guard, top: Top, moment: Moment, *, settings: Settings, journal_id: str
) -> ExitDecided | None:
    """Decide whether the prices of a position, which trades and whose prices can be relied on, sell it.

    Its guard is told of the look. What the decision depends on is an argument here, and in the journal where it sells.
    """
    checks = Checks(
        held_seconds=None if guard.opened is None else moment.seconds - guard.opened,
        below=guard.below,
        counted_seconds=None if guard.counted is None else moment.seconds - guard.counted,
    )
    reached = exits.evaluate(position, guard, top, moment, settings)
    if reached is None or not _gives_way(position, position.exit, reached, top):
        return None
    floor = position.plan.floor
    if reached.kind is ExitKind.TAKE_PROFIT:
        if moment.seconds < guard.next_try:
            return None
        floor = reached.trigger
    else:
        guard.next_try = min(guard.next_try, moment.seconds)  # what a target waited for does not hold up a stop
    return exits.decision(journal_id, position, reached, actor=TRADER, floor=floor, top=top, checks=checks)


def _gives_way(position: Position, current: Exit | None, reached: exits.Reached, top: Top) -> bool:
    """Tell whether an exit that is asked for replaces the one that is carried out.

    A stop takes over from a target, or from a person's floor, that nobody pays, where it would sell for less itself.
    """
    if current is None:
        return True
    if reached.kind is ExitKind.TAKE_PROFIT or current.floor is None:
        return False
    return current.floor > (position.plan.floor or 0) and (top.bid is None or top.bid < current.floor)
