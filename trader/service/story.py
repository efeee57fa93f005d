"""A journal read on, with what its entries only name: the order that changed, the blocks that ended. Pure.

An entry of the journal says what changed, an event of the contract what there is after it. Between the two stands so
much of the books as such an event needs: orders that are not over, and blocks.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from mesh.types import Hundredths, Micros, cost
from trader.domain.entries import (
    AnyEntry,
    CancelIntended,
    Filled,
    OrderEnded,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    Started,
    Stopped,
    SwitchesChanged,
)
from trader.domain.facts import Block
from trader.domain.fold import apply
from trader.domain.state import Books, Order
from trader.domain.switching import TradingState, blocked_state
from trader.domain.words import OrderState
from trader.ports import Recorded

OrderEntry = OrderIntended | OrderSent | OrderResting | OrderUnknown | CancelIntended | OrderEnded


@dataclass(frozen=True, slots=True)
class Told:
    """An entry with what it was about, as it was right after it."""

    sequence: int
    time: datetime
    entry: AnyEntry
    order: Order | None = None
    """The order that changed; None for entries that change none."""
    before: OrderState | None = None
    """Its state before; None for a new one."""
    ended: tuple[Block, ...] = ()
    """Blocks that ended."""
    state: TradingState | None = None
    """Of the trader, after its switches changed."""


class Story:
    """What the books said of orders and blocks after an entry, and after each that follows."""

    def __init__(self, books: Books) -> None:
        self._books = books

    @classmethod
    def empty(cls) -> Self:
        """Begin with an empty journal."""
        return cls(Books(""))

    @classmethod
    def of(cls, books: Books) -> Self:
        """Begin where books are now; they are left as they are."""
        orders = {name: replace(books.orders[name]) for name in books.working}
        return cls(
            Books("", sequence=books.sequence, orders=orders, working=set(books.working), blocks=dict(books.blocks))
        )

    def copied(self) -> "Story":
        """Give another one that goes on from here by itself."""
        return Story.of(self._books)

    @property
    def sequence(self) -> int:
        """Of the last entry that it has seen."""
        return self._books.sequence

    def told(self, recorded: Recorded) -> Told:
        """Go on by one entry.

        Raises:
            KeyError: It changes an order that was never there.
            IllegalTransition: It moves one where it cannot go.
        """
        books, entry = self._books, recorded.entry
        told = Told(recorded.sequence, recorded.time, entry)
        match entry:
            case OrderIntended() | OrderSent() | OrderResting() | OrderUnknown() | CancelIntended() | OrderEnded():
                told = self._order(recorded, entry)
            case Filled():
                self._filled(entry)
            case SwitchesChanged():
                ended = tuple(books.blocks[name] for name in entry.ended if name in books.blocks)
                apply(books, recorded.sequence, recorded.time, entry)
                state = blocked_state(books.blocks.values())
                told = replace(told, ended=ended, state=state)
            case Started():
                told = replace(told, state=TradingState.STARTING)
            case Stopped():
                told = replace(told, state=TradingState.STOPPING)
            case _:
                pass
        books.sequence = recorded.sequence
        return told

    def _order(self, recorded: Recorded, entry: OrderEntry) -> Told:
        books = self._books
        new = isinstance(entry, OrderIntended)
        name = entry.order.client_order_id if isinstance(entry, OrderIntended) else entry.client_order_id
        before = None if new else books.orders[name].state
        apply(books, recorded.sequence, recorded.time, entry)
        order = books.orders[name]
        after = replace(order)
        self._forget(order)
        return Told(recorded.sequence, recorded.time, entry, order=after, before=before)

    def _filled(self, entry: Filled) -> None:
        """Count a fill; the rest of what `fold` makes of it is about positions."""
        order, fill = self._books.orders.get(entry.client_order_id), entry.fill
        if order is None:  # it was over and complete when this story began
            return
        order.seen = Hundredths(order.seen + fill.count)
        order.filled = max(order.filled, order.seen)
        order.cost = Micros(order.cost + cost(fill.price, fill.count))
        order.fees = Micros(order.fees + fill.fee)
        self._forget(order)

    def _forget(self, order: Order) -> None:
        """Let go of an order that cannot change any more."""
        if not order.working:
            name = order.terms.client_order_id
            self._books.orders.pop(name)
            self._books.working.discard(name)
            if order.order_id is not None:
                self._books.by_order_id.pop(order.order_id, None)
