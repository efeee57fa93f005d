"""Fills of the trader's own orders, counted once, in the terms of their orders. Pure."""

from msgspec import structs

from mesh.kalshi.fees import DIRECT_PRECISION, UnknownFee, charge
from mesh.kalshi.sides import Action, Intent
from mesh.types import Micros, Side, count_text, dollars
from trader.domain import plans
from trader.domain.entries import AnyEntry, Differed, Filled, PositionOpened
from trader.domain.facts import EntryPlan, FillFacts, MarketTerms
from trader.domain.state import Order, State
from trader.domain.words import Resolution, Subject


def fill(state: State, facts: FillFacts, *, opened: bool = False) -> list[AnyEntry]:
    """Count a fill of an order of ours, once.

    Args:
        state: Its books are not changed; its watch remembers a fill that was reported as odd.
        facts: Any order's fill, as the exchange speaks of it: YES bought or sold, or as its order does.
        opened: An entry that is not folded in yet has opened the position.

    Returns:
        Nothing where it was counted before or no order of ours is known by its id: it is read again once one is.
    """
    books = state.books
    name = books.by_order_id.get(facts.order_id)
    if name is None or facts.fill_id in books.fills:
        return []
    order = books.orders[name]
    terms = order.terms
    ours = of_side(facts, terms.side)
    position = books.positions.get(terms.position_id)
    if (ours.ticker, ours.action) != (terms.ticker, terms.action):
        return _odd(state, name, ours, "it is not of the market and direction of its order")
    entries: list[AnyEntry] = []
    if ours.action is Action.BUY and position is None and not opened:
        decision = books.decisions.get(terms.decision_id)
        if decision is None or decision.plan is None:
            return _odd(state, name, ours, "the position of its order is closed")
        entries.append(_opened(state, order, ours, decision.plan, decision.market))
    elif ours.action is Action.SELL and (position is None or position.count < ours.count):
        if position is None:
            return _odd(state, name, ours, "it sold what we do not hold")
        entries += _odd(state, name, ours, f"it sold more than the {count_text(position.count)} that we hold")
    market = market_of(state, order)
    expected = None if market is None else _expected_fee(market, ours)
    entries.append(Filled(fill=ours, client_order_id=name, position_id=terms.position_id, expected_fee=expected))
    if expected is not None and abs(ours.fee - expected) > DIRECT_PRECISION:
        entries.append(
            Differed(
                subject=Subject.FEE,
                ticker=terms.ticker,
                client_order_id=name,
                ours=dollars(expected),
                theirs=dollars(ours.fee),
                resolution=Resolution.TAKEN_OVER,
                detail=f"fee of fill {ours.fill_id}",
            )
        )
    return entries


def of_side(facts: FillFacts, side: Side) -> FillFacts:
    """Say a fill in the terms of a side: buying NO at q is selling YES at 1 − q."""
    if facts.side is side:
        return facts
    seen = Intent(facts.action, facts.side, facts.price).mirrored
    return structs.replace(facts, side=seen.side, action=seen.action, price=seen.price)


def market_of(state: State, order: Order) -> MarketTerms | None:
    """Find the terms of an order's market, the latest that are known."""
    terms = order.terms
    position, decision = state.books.positions.get(terms.position_id), state.books.decisions.get(terms.decision_id)
    known = position.market if position is not None else decision.market if decision is not None else None
    return state.watch.terms.get(terms.ticker, known)


def _opened(state: State, order: Order, ours: FillFacts, plan: EntryPlan, decided: MarketTerms) -> PositionOpened:
    market = market_of(state, order) or decided
    began = order.intended_time
    # The exchange's clock is another: no order is filled before it was made, nor after its time.
    filled = min(max(ours.time, began), order.terms.expire_time or began)
    return PositionOpened(
        position_id=order.terms.position_id,
        market=market,
        side=order.terms.side,
        decision_id=order.terms.decision_id,
        ask=plan.ask,
        plan=plans.rebased(plan, ours.price, market, filled - began),
    )


def _expected_fee(market: MarketTerms, ours: FillFacts) -> Micros | None:
    """Reckon a fill's fee as the first of its order; what the order paid for rounding before shifts it by a step."""
    book = of_side(ours, Side.YES)
    try:
        fee = charge(
            market.fees,
            price=book.price,
            count=book.count,
            buys_yes=book.action is Action.BUY,
            maker=not book.taker,
            carried=Micros(0),
            at=book.time,
        )
    except UnknownFee:
        return None
    return fee.net


def _odd(state: State, name: str, ours: FillFacts, what: str) -> list[AnyEntry]:
    """Report a fill that cannot be as it is told; once, because it is read again and again."""
    key = f"open:fill:{ours.ticker}:{ours.fill_id}"
    if state.watch.absences.get(key):
        return []
    state.watch.absences[key] = 1
    return [
        Differed(
            subject=Subject.FILL,
            ticker=ours.ticker,
            client_order_id=name,
            ours="",
            theirs=f"{ours.action.value} {count_text(ours.count)} {ours.side.value} at {dollars(Micros(ours.price))}",
            resolution=Resolution.OPEN,
            detail=f"fill {ours.fill_id}: {what}",
        )
    ]
