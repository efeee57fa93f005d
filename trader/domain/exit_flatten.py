"""What a person who wants everything sold sets off, and is told of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from mesh.errors import Broken
from mesh.types import Hundredths, Price
from trader.domain import comparing, exits, ids, watching
from trader.domain.entries import AnyEntry
from trader.domain.events import Flatten, Moment
from trader.domain.exit_orders import guard_of, nobody_bids
from trader.domain.facts import Top
from trader.domain.fold import orders_of
from trader.domain.settings import price
from trader.domain.state import Position, State
from trader.domain.words import ExitKind, OrderState, Purpose


class WhyNot(StrEnum):
    """Why a position is not sold, in the contract's words."""

    NO_POSITION = "no_position"
    FOREIGN = "foreign"
    MARKET_CLOSED = "market_closed"
    PAUSED = "paused"
    UNKNOWN_ORDER = "unknown_order"


@dataclass(frozen=True, slots=True)
class FlattenBegun:
    """The sale is begun."""

    decision_id: str
    client_order_id: str | None
    """First order of the sale; None while another order must end before."""
    count: Hundredths
    floor: Price | None
    top: Top | None


@dataclass(frozen=True, slots=True)
class FlattenUnbid:
    """Nobody bids at the floor: it is sold when somebody does."""

    decision_id: str
    floor: Price | None
    top: Top | None


@dataclass(frozen=True, slots=True)
class FlattenRefused:
    """It is not sold."""

    reason: WhyNot
    detail: str


FlattenResult = FlattenBegun | FlattenUnbid | FlattenRefused


def flattening(state: State, event: Flatten, moment: Moment) -> tuple[Position, ...]:
    """Return the positions that a request sets out to sell, also those that are being sold already."""
    return tuple(found for found in _meant(state, event) if _refusal(state, found, moment) is None)


def flatten(state: State, event: Flatten, moment: Moment) -> list[AnyEntry]:
    """Decide to sell what a person wants sold: all that can be, and is not being sold so already.

    A request that was answered before changes nothing.
    """
    if event.request_id in state.books.replies:
        return []
    decided: list[AnyEntry] = []
    for position in flattening(state, event, moment):
        floor = _floor(state, event)
        if _sold_so(position, floor):
            continue
        guard = guard_of(state, position)
        guard.next_try = min(guard.next_try, moment.seconds)
        top = watching.top(state.watch, position.market.ticker, position.side, moment)
        reached = exits.Reached(ExitKind.FLATTEN, None)
        journal_id = state.books.journal_id
        decided.append(exits.decision(journal_id, position, reached, actor=event.actor, floor=floor, top=top))
    return decided


def flatten_outcomes(state: State, event: Flatten, moment: Moment) -> list[tuple[str, str | None, FlattenResult]]:
    """Say what a request began, right after it was decided on.

    Args:
        state: As it is after the decision.
        event: The request.
        moment: Of the request.

    Returns:
        Ticker, position id and outcome: of each position that was meant, and of each market that was asked for and in
        which the trader holds nothing (position id None).

    Raises:
        Broken: The request was not decided on before.
    """
    found: list[tuple[str, str | None, FlattenResult]] = [
        (position.market.ticker, position.position_id, _outcome(state, position, moment))
        for position in _meant(state, event)
    ]
    foreign = {held.ticker for held in comparing.foreign(state)[1]}
    for ticker in event.tickers:
        if not any(ticker == name for name, _, _ in found):
            if ticker in foreign:
                refused = FlattenRefused(WhyNot.FOREIGN, "what the account holds there is not the trader's")
            else:
                refused = FlattenRefused(WhyNot.NO_POSITION, "the trader holds nothing there")
            found.append((ticker, None, refused))
    return found


def _meant(state: State, event: Flatten) -> list[Position]:
    held = (position for position in state.books.positions.values() if position.count)
    meant = (found for found in held if not event.tickers or found.market.ticker in event.tickers)
    return sorted(meant, key=lambda found: (found.market.ticker, found.position_id))


def _floor(state: State, event: Flatten) -> Price | None:
    return price(state.settings.exits.floor_cents) if event.floor is None else event.floor


def _sold_so(position: Position, floor: Price | None) -> bool:
    return position.exit is not None and position.exit.kind is ExitKind.FLATTEN and position.exit.floor == floor


def _refusal(state: State, position: Position, moment: Moment) -> FlattenRefused | None:
    unknown = [
        order.terms.client_order_id
        for order in orders_of(state.books, position)
        if order.terms.purpose is Purpose.EXIT and order.state is OrderState.UNKNOWN
    ]
    if unknown:
        return FlattenRefused(WhyNot.UNKNOWN_ORDER, f"what became of order {unknown[0]} is not known yet")
    if exits.closed(state, position, moment):
        return FlattenRefused(WhyNot.MARKET_CLOSED, "trading has ended, the market will settle")
    if exits.paused(state, position):
        return FlattenRefused(WhyNot.PAUSED, "no orders are taken there now; the position is guarded as before")
    return None


def _outcome(state: State, position: Position, moment: Moment) -> FlattenResult:
    refused, wanted = _refusal(state, position, moment), position.exit
    if refused is not None:
        return refused
    if wanted is None or wanted.kind is not ExitKind.FLATTEN:
        raise Broken(f"{position.position_id} was to be sold and nothing was decided")
    top = watching.top(state.watch, position.market.ticker, position.side, moment)
    if nobody_bids(state, position, moment):
        return FlattenUnbid(wanted.decision_id, wanted.floor, top)
    first = ids.client_order_id(state.books.journal_id, wanted.decision_id, 0)
    order = first if first in state.books.orders else None
    return FlattenBegun(wanted.decision_id, order, position.count, wanted.floor, top)
