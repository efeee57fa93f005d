"""What a trader has to be shown, and when it has to look again: all else changes nothing that it does. Pure.

Most quotes lie between the levels of a position, or belong to a market without one. To tell them takes time and leads
to nothing; a walk with them gives the same trades, which a test shows.
"""

from datetime import UTC, datetime, timedelta

from mesh.types import DOLLAR, Side
from research.board import Quote
from research.types import ABSENT
from trader.domain.settings import ExitSettings
from trader.domain.state import Guard, Position, State

LATE = timedelta(milliseconds=1)
"""A look at the very moment at which a wait is over might come too early: times are floats there."""
_UNSEEN = Guard()


def acts_on(state: State, ticker: str, quote: Quote, now: datetime) -> bool:
    """Tell whether a quote of a market may make the trader do, or remember, anything."""
    books = state.books
    if any(books.orders[name].terms.ticker == ticker for name in books.working):
        return True
    return any(not quiet(state, books.positions[name], quote, now) for name in books.by_ticker.get(ticker, ()))


def quiet(state: State, position: Position, quote: Quote, now: datetime) -> bool:
    """Tell whether a quote leaves a position as it is: nothing is under way or due, the bid is between its levels."""
    plan, guard = position.plan, state.watch.guards.get(position.position_id, _UNSEEN)
    if plan.time_stop is not None and plan.time_stop <= now:
        return False  # it came while nobody knew a quote, or in the time of grace
    if position.exit is not None or guard.below or plan.trailing_from is not None:
        return False
    if state.settings.exits.rest_take_profit:
        return False
    bid = _bid(quote, position.side)
    if bid is None:
        return plan.stop_loss is None
    above = plan.stop_loss is None or bid > plan.stop_loss
    return above and (plan.take_profit is None or bid < plan.take_profit)


def next_look(state: State, position: Position, quote: Quote | None, now: datetime) -> datetime | None:
    """Return when a position is to be looked at again on the quote that holds; None where the next quote will do.

    Args:
        state: Everything known to the trader.
        position: An open one.
        quote: Of its market; None where nobody knows it.
        now: Of this look.
    """
    exits, plan = state.settings.exits, position.plan
    guard = state.watch.guards.get(position.position_id, _UNSEEN)
    free = position.exit is None
    due: list[datetime] = []
    if plan.time_stop is not None and free:
        due.append(plan.time_stop)
    if quote is not None and not quiet(state, position, quote, now):
        due += [datetime.fromtimestamp(at, UTC) + LATE for at in _waits(guard, exits, free=free)]
    return min((at for at in due if at > now), default=None)


def _waits(guard: Guard, exits: ExitSettings, *, free: bool) -> list[float]:
    """Return when checks, the time of grace and the wait between two tries are over."""
    found = []
    if 0 < guard.below < exits.stop_checks and guard.counted is not None:
        found.append(guard.counted + exits.check_seconds)
    if guard.opened is not None:
        found.append(guard.opened + exits.grace_seconds)
    if free:
        found.append(guard.next_try)
    return found


def _bid(quote: Quote, side: Side) -> int | None:
    if side is Side.YES:
        return None if quote.bid == ABSENT else quote.bid
    return None if quote.ask == ABSENT else DOLLAR - quote.ask
