"""Which exit the prices of a position ask for. Pure.

Nothing fires on a book that cannot be relied on, and no stop in the time of grace. A bid that is not there is no price:
it counts as below every stop, because nobody would buy, but nothing can be sold to it.
"""

from dataclasses import dataclass, replace

from msgspec import structs

from mesh.kalshi.book import Book
from mesh.types import Hundredths, Price, Side
from trader.domain import ids, watching
from trader.domain.entries import ExitDecided
from trader.domain.events import Moment
from trader.domain.facts import Actor, Checks, MarketTerms, Top
from trader.domain.settings import Settings
from trader.domain.state import NO_CONTRACTS, Guard, Position, State
from trader.domain.words import ExchangeState, ExitKind, Purpose


@dataclass(frozen=True, slots=True)
class Reached:
    """An exit that is asked for."""

    kind: ExitKind
    trigger: Price | None
    """Level that was reached; None where time decided it."""


def market_of(state: State, position: Position) -> MarketTerms:
    """Return a position's market as last seen, else as it was when the position began."""
    return state.watch.terms.get(position.market.ticker, position.market)


def closed(state: State, position: Position, moment: Moment) -> bool:
    """Tell whether trading in a position's market has ended, so that only the settlement is left."""
    return moment.now >= market_of(state, position).close_time


def paused(state: State, position: Position) -> bool:
    """Tell whether the exchange or the market takes no orders now. What was not seen yet is not held against it."""
    return state.watch.exchange not in (None, ExchangeState.OPEN) or position.market.ticker in state.watch.halted


def others(state: State, position: Position, book: Book) -> Book:
    """Return a position's book without what entries of ours bid in it, where books show that: nothing is sold to it."""
    own: dict[Price, int] = {}
    for order in (state.books.orders[name] for name in state.books.working) if state.own_shown else ():
        terms, waits = order.terms, not order.state.final and order.terms.count > order.filled
        if waits and terms.position_id == position.position_id and terms.purpose is Purpose.ENTRY:
            limit = terms.limit if position.side is Side.YES else terms.limit.complement
            own[limit] = own.get(limit, 0) + terms.count - order.filled
    if not own:
        return book
    shown = book.yes_bids if position.side is Side.YES else book.yes_asks
    left = {price: Hundredths(size - own.get(price, 0)) for price, size in shown.items() if size > own.get(price, 0)}
    return replace(book, yes_bids=left) if position.side is Side.YES else replace(book, yes_asks=left)


def offered(state: State, position: Position) -> Book | None:
    """Return the book at whose bids, which are others', a position could be sold; None where none is known to be so."""
    seen = state.watch.books.get(position.market.ticker)
    return others(state, position, seen.book) if seen is not None and seen.exact else None


def relied_on(state: State, position: Position, moment: Moment) -> Top | None:
    """Return the best prices of a position's side; None where the book may have changed, or is too old.

    The bid is the best of others.
    """
    ticker, side = position.market.ticker, position.side
    top = watching.top(state.watch, ticker, side, moment)
    if top is None or not fresh(top, state.settings):
        return None
    shown = state.watch.books[ticker].book
    found = others(state, position, shown)
    if found is shown:
        return top
    bid = found.best_bid(side)
    price, size = (None, NO_CONTRACTS) if bid is None else (bid.price, bid.size)
    return structs.replace(top, bid=price, bid_size=size)


def fresh(top: Top, settings: Settings) -> bool:
    """Tell whether prices are known to be so, and of late."""
    return top.age_seconds is not None and top.age_seconds <= settings.protections.max_book_age_seconds


def in_grace(guard: Guard, moment: Moment, settings: Settings) -> bool:
    """Tell whether the entry is so fresh that no stop fires."""
    return guard.opened is not None and moment.seconds - guard.opened < settings.exits.grace_seconds


def trailing_stop(position: Position) -> Price | None:
    """Return the level of the trailing stop; None while it does not work."""
    plan, peak = position.plan, position.peak
    if plan.trailing_from is None or plan.trailing_distance is None or peak is None or peak < plan.trailing_from:
        return None
    return Price(peak - plan.trailing_distance) if peak > plan.trailing_distance else None


def active_stop(position: Position, guard: Guard, moment: Moment, settings: Settings) -> Price | None:
    """Return the stop that works now, trailing included; None in the time of grace and without a stop."""
    if in_grace(guard, moment, settings):
        return None
    return max(
        (level for level in (position.plan.stop_loss, trailing_stop(position)) if level is not None), default=None
    )


def new_peak(position: Position, top: Top) -> Price | None:
    """Return the bid where a trailing stop is set and it is the highest so far."""
    plan = position.plan
    if plan.trailing_from is None or plan.trailing_distance is None or top.bid is None:
        return None
    return top.bid if position.peak is None or top.bid > position.peak else None


def evaluate(position: Position, guard: Guard, top: Top, moment: Moment, settings: Settings) -> Reached | None:
    """Hold prices against a position's plan.

    Args:
        position: With contracts.
        guard: Its count of checks goes on, or starts again.
        top: Best prices of its side, to be relied on.
        moment: Now.
        settings: Of checks and graces; the levels themselves are the plan's.

    Returns:
        The exit that is asked for now; None for none.
    """
    plan, bid = position.plan, top.bid
    if bid is not None and plan.take_profit is not None and bid >= plan.take_profit:
        guard.below = 0
        return Reached(ExitKind.TAKE_PROFIT, plan.take_profit)
    stop = active_stop(position, guard, moment, settings)
    if stop is None or (bid is not None and bid > stop):
        guard.below = 0
    else:
        _count(guard, top, moment, settings)
        if guard.below >= settings.exits.stop_checks:
            return Reached(ExitKind.STOP_LOSS if stop == plan.stop_loss else ExitKind.TRAILING_STOP, stop)
    if plan.time_stop is not None and moment.now >= plan.time_stop and not in_grace(guard, moment, settings):
        return Reached(ExitKind.TIME_STOP, None)
    return None


def decision(
    journal_id: str,
    position: Position,
    reached: Reached,
    *,
    actor: Actor,
    floor: Price | None,
    top: Top | None,
    checks: Checks | None = None,
) -> ExitDecided:
    """Make the decision to sell a position at a floor or better."""
    return ExitDecided(
        decision_id=ids.exit_id(journal_id, position.position_id, position.exits_decided),
        position_id=position.position_id,
        ticker=position.market.ticker,
        side=position.side,
        exit_kind=reached.kind,
        actor=actor,
        count=position.count,
        trigger=reached.trigger,
        floor=floor,
        top=top,
        checks=checks,
    )


def _count(guard: Guard, top: Top, moment: Moment, settings: Settings) -> None:
    """Count a check below the stop: the first at once, each further one only so long after the last.

    Each rests on a price of its own, seen after the last check. How long none could be had in between is of no account:
    were checks forgotten for that, a slow exchange would keep a stop from ever firing.
    """
    if guard.below and guard.counted is not None:
        since = moment.seconds - guard.counted
        if since < settings.exits.check_seconds or (top.age_seconds is not None and top.age_seconds >= since):
            return
    guard.below, guard.counted = guard.below + 1, moment.seconds
