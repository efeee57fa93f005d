"""The trader's books against the exchange's: explained, taken over, or reported. Pure."""

from datetime import timedelta

from mesh.kalshi.terms import OrderStatus
from mesh.types import Hundredths, Micros, count_text, dollars
from trader.domain.account import PROOF, WAITS, Look, key
from trader.domain.entries import AnyEntry, OrderEnded, PositionOpened
from trader.domain.events import Moment
from trader.domain.facts import Ending
from trader.domain.filling import fill, of_side
from trader.domain.holding import compare_cash, compare_market, settle
from trader.domain.ordering import mark_changed, mine, record
from trader.domain.state import NO_CONTRACTS, Order, State
from trader.domain.views import HeldView, OrderView, Snapshot
from trader.domain.words import EndReason, OrderState, Resolution, Subject

_EXPIRY_MARGIN = timedelta(seconds=5)
_OUTCOME_SECONDS = 20.0
"""So long after it left, an order without expiry has taken effect or never will."""


def compare(state: State, snapshot: Snapshot, moment: Moment) -> list[AnyEntry]:
    """Take over what the exchange's records explain and report what they do not.

    Args:
        state: Its books are not changed, of its watch only `absences`.
        snapshot: The account.
        moment: When it had been read to its end.
    """
    look = Look(state, snapshot, moment)
    _take_over(look)
    _outcomes(look)
    _our_orders(look)
    _others_orders(look)
    settle(look)
    working = {order.terms.ticker for order in look.orders()}
    for ticker in sorted({*look.books.by_ticker, *look.held, *working}):
        compare_market(look, ticker)
    compare_cash(look)
    look.forget()
    for ticker in sorted(look.moved):
        mark_changed(state, ticker, moment)
    return look.entries


def pending(state: State) -> bool:
    """Tell whether something differed in the last account read that the next one must show again to be believed."""
    return any(count < PROOF for name, count in state.watch.absences.items() if name.startswith("reads:"))


def foreign(state: State) -> tuple[tuple[OrderView, ...], tuple[HeldView, ...]]:
    """Return resting orders and positions of the last account read that are not the trader's.

    Of a market where the trader holds contracts as well, `net` and `exposure` are what is beyond them; `realised` and
    `fees` are always the account's. What was adopted since is not among them.
    """
    snapshot, notes, books = state.watch.snapshot, state.watch.absences, state.books
    if snapshot is None:
        return (), ()
    adopted = {held.market.ticker for held in books.positions.values() if held.decision_id is None}
    orders = tuple(view for view in snapshot.orders if view.status is OrderStatus.RESTING and mine(state, view) is None)
    held = tuple(
        HeldView(
            ticker=view.ticker,
            net=Hundredths(notes[f"foreign:{view.ticker}"]),
            exposure=Micros(notes[f"exposure:{view.ticker}"]),
            realised=view.realised,
            fees=view.fees,
        )
        for view in snapshot.positions
        if f"foreign:{view.ticker}" in notes and view.ticker not in adopted
    )
    return orders, held


def unexplained(state: State) -> tuple[tuple[Subject, str | None], ...]:
    """Return what differs and is not explained yet, as subject and market (None: cash), sorted.

    Each was reported once, as an OPEN difference; it stays here until later reads explain it.
    """
    found = [name.split(":")[1:3] for name in sorted(state.watch.absences) if name.startswith("open:")]
    return tuple((Subject(subject), ticker or None) for subject, ticker in found)


def _take_over(look: Look) -> None:
    """Take over records of orders, and fills of orders that are known by the exchange's id."""
    for view in look.views:
        look.take(view.ticker, record(look.state, view, look.moment))
    opened: set[str] = set()
    for facts in look.fills:
        name = look.books.by_order_id.get(facts.order_id)
        position = "" if name is None else look.books.orders[name].terms.position_id
        entries = fill(look.state, facts, opened=position in opened)
        opened |= {entry.position_id for entry in entries if isinstance(entry, PositionOpened)}
        look.take(facts.ticker, entries)


def _outcomes(look: Look) -> None:
    """Settle orders of unknown outcome that two reads in a row show never to have arrived."""
    for order in look.orders():
        name, ticker = order.terms.client_order_id, order.terms.ticker
        if order.state is not OrderState.UNKNOWN:
            continue
        if name in look.ours or _maybe_filled(look, order):
            look.notes.pop(name, None)
        elif _too_late(look, order):
            look.notes[name] = look.notes.get(name, 0) + 1
            if look.notes[name] >= PROOF:
                detail = "two reads of the account in a row, after it could take effect, do not have it"
                never = OrderEnded(
                    client_order_id=name,
                    state=OrderState.NOT_SENT,
                    order_id=None,
                    filled=NO_CONTRACTS,
                    ending=Ending(reason=EndReason.NEVER_LEFT, detail=detail),
                )
                look.take(ticker, [never])


def _too_late(look: Look, order: Order) -> bool:
    """Tell whether this read would show the order, had it ever arrived."""
    terms, watch, snapshot = order.terms, look.state.watch, look.snapshot
    if snapshot.orders_since > order.intended_time:
        return False
    if terms.expire_time is not None:
        return snapshot.as_of >= terms.expire_time + _EXPIRY_MARGIN
    left = watch.sent.get(terms.client_order_id, watch.begun)
    if left is None:
        return False
    return snapshot.began >= left + _OUTCOME_SECONDS and snapshot.as_of >= look.wall(left + _OUTCOME_SECONDS)


def _maybe_filled(look: Look, order: Order) -> bool:
    """Tell whether a fill that no listed order explains may be of this one."""
    listed = {view.order_id for view in look.views}
    for facts in look.others_fills:
        seen = of_side(facts, order.terms.side)
        fits = (seen.ticker, seen.action) == (order.terms.ticker, order.terms.action)
        if fits and facts.order_id not in listed and seen.time >= order.intended_time:
            return True
    return False


def _our_orders(look: Look) -> None:
    """Report orders of ours that the exchange has otherwise than we do, or not at all."""
    for name, view in sorted(look.ours.items()):
        order = look.books.orders[name]
        same = view.status is not OrderStatus.RESTING and (view.order_id, view.filled) == (order.order_id, order.filled)
        if order.state.final and not same:
            _order_differs(look, order, f"{view.status.value}, {count_text(view.filled)} filled")
    for order in look.orders():
        if order.state in WAITS and order.terms.client_order_id not in look.ours:
            _order_differs(look, order, "")


def _order_differs(look: Look, order: Order, theirs: str) -> None:
    terms = order.terms
    name = key(Subject.ORDER, terms.ticker, terms.client_order_id)
    if terms.ticker in look.moved or not look.proven(terms.ticker):
        look.keep(name)
    elif look.confirmed(name, 0):
        look.differ(
            Subject.ORDER,
            terms.ticker,
            ours=f"{order.state.value}, {count_text(order.filled)} filled",
            theirs=theirs,
            resolution=Resolution.OPEN,
            detail="the exchange has it otherwise" if theirs else "the exchange lists it no more and shows no end",
            name=name,
            client_order_id=terms.client_order_id,
        )


def _others_orders(look: Look) -> None:
    """Report resting orders that are not ours, once, and again when they change."""
    for view in look.views:
        if view.status is not OrderStatus.RESTING or mine(look.state, view) is not None:
            continue
        name = key(Subject.ORDER, view.ticker, view.order_id)
        look.keep(name)
        if look.news(name, view.remaining):
            what = "bid" if view.book_buys_yes else "ask"
            look.differ(
                Subject.ORDER,
                view.ticker,
                ours="",
                theirs=f"{what} for {count_text(view.remaining)} YES at {dollars(Micros(view.yes_price))}",
                resolution=Resolution.LEFT_ALONE,
                detail=f"order {view.order_id} is not the trader's",
            )
