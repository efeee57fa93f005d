"""All that screens show, as it is now: made once for all streams, in turns, and only what has changed is made anew."""

import asyncio
from collections.abc import Callable
from functools import partial

from foremesh.trader.v1 import orders_pb2, positions_pb2, report_pb2, status_pb2

from trader.domain.events import Moment
from trader.domain.state import Guard, Order, Position, State
from trader.domain.views import HeldView, OrderView
from trader.engine.breathing import breath
from trader.engine.engine import Engine
from trader.reporting.convert import funnel_message
from trader.reporting.funnel import Funnel
from trader.service import convert_orders as o
from trader.service import lists, views
from trader.service.named import foreign_id
from trader.service.screen.following import Following
from trader.service.screen.items import Item
from trader.service.screen.rows import Row
from trader.service.status import Facts, status

_TURN_SECONDS = 0.02
"""Streams that ask within this time share a turn."""
_STATUS_SECONDS = 1.0
"""The status is made anew so often while nothing is written: what positions would bring moves with every price."""
_AGAIN_SECONDS = 0.5
"""What may change by the clock alone is looked at so often."""
_PIECE_ROWS, _PIECE_WRITTEN = 250, 20
"""Things that are looked at, or written anew, in one go, half a millisecond's worth: exits wait no longer."""
MOST = 10_000
"""Of one kind in one message."""

_STATUS_AGES = (("links", "age"), ("uptime",), ("balance", "confirmed_age"), ("last_scan", "age"))
_POSITION_AGES = (("mark", "confirmed_age"), ("guard", "checked_age"))


class Picture:
    """What is known, thing by thing.

    Attributes:
        version: The last turn that was finished: all that changed in it bears this number, or an earlier one.
        as_of: Journal entry up to which that turn is complete.
        status: The status.
        positions: By id.
        orders: Working ones, by their own id or, where they are not the trader's, by the exchange's.
        rows: Markets, by ticker, in their order.
        funnel: Of the last scan; never looked at before there is one.
        shape: Turn in which markets came, went or moved last.
    """

    def __init__(self, engine: Engine, facts: Facts, started: float) -> None:
        """Take an engine.

        Args:
            engine: Its state is read, and its journal.
            facts: Of the process.
            started: When the process started, monotonic.
        """
        self._engine, self._facts, self._started = engine, facts, started
        self._following = Following(engine)
        self._turn = asyncio.Lock()
        self._made = float("-inf")
        self._number = 0
        self._version = 0
        self._funnel: Funnel | None = None
        self.log = self._following.log
        self.version = self.as_of = self.shape = 0
        self.status: Item[status_pb2.Status] = Item(*_STATUS_AGES)
        self.positions: dict[str, Item[positions_pb2.Position]] = {}
        self.orders: dict[tuple[bool, str], Item[orders_pb2.Order]] = {}
        self.rows: dict[str, Row] = {}
        self.funnel: Item[report_pb2.Funnel] = Item()

    @property
    def moment(self) -> Moment:
        """Now, by the engine's clock."""
        return Moment(self._engine.clock.now(), self._engine.clock.monotonic())

    @property
    def state(self) -> State:
        """What the engine knows."""
        return self._engine.state

    async def refresh(self, within: float = _TURN_SECONDS) -> None:
        """Bring it up to now, unless another stream has done so within so many seconds."""
        asked = asyncio.get_running_loop().time()
        async with self._turn:
            if self._made >= asked - within:
                return
            self._made = asyncio.get_running_loop().time()
            try:
                await self._make()
            except BaseException:
                self._made = float("-inf")
                raise

    async def _make(self) -> None:
        await self._following.catch_up()
        self._version += 1
        as_of, self.log = self._following.sequence, self._following.log
        self._look_at_status()
        await self._look_at_positions()
        self._look_at_orders()
        await self._look_at_rows()
        funnel = self._following.scanned.funnel
        if funnel is not None and funnel is not self._funnel:
            self._funnel = funnel
            self.funnel.look(lambda _moment, found=funnel: funnel_message(found), self.moment, self._version)  # type: ignore[misc]
        self.version, self.as_of = self._version, as_of

    def _look_at_status(self) -> None:
        moment, state = self.moment, self.state
        if moment.seconds - self.status.looked < _STATUS_SECONDS and self.status.hint == state.books.sequence:
            return
        self.status.hint = state.books.sequence
        self.status.look(lambda now: status(state, self._facts, now, self._started), moment, self._version)

    async def _look_at_positions(self) -> None:
        state = self.state
        found: dict[str, tuple[object, Callable[[Moment], positions_pb2.Position]]] = {}
        for each in lists.held(state):
            found[each.position_id] = (_hint(state, each), partial(_position, state, each))
        snapshot = state.watch.snapshot
        if snapshot is not None:
            for other in lists.held_by_others(state):
                seen = state.watch.books.get(other.ticker)
                book = None if seen is None else (id(seen.book), seen.exact)
                found[foreign_id(other.ticker)] = ((other, book), partial(_foreign, state, other))
        self.positions = {name: self.positions.get(name) or Item(*_POSITION_AGES) for name in found}
        written = 0
        for name, item in list(self.positions.items()):
            hint, write = found[name]
            moment = self.moment
            if hint != item.hint or moment.seconds - item.looked >= _AGAIN_SECONDS:
                item.hint = hint
                item.look(write, moment, self._version)
                written += 1
                if written % _PIECE_WRITTEN == 0:
                    await breath()

    def _look_at_orders(self) -> None:
        state, moment = self.state, self.moment
        working = sorted(
            (state.books.orders[name] for name in state.books.working),
            key=lambda each: (each.intended_time, each.terms.client_order_id),
        )
        found: dict[tuple[bool, str], tuple[object, Callable[[Moment], orders_pb2.Order], bool]] = {}
        for order in working:
            known = (order.sequence, order.seen, order.state)
            found[True, order.terms.client_order_id] = (known, partial(_order, order), True)
        snapshot = state.watch.snapshot
        if snapshot is not None:
            for view in lists.resting_of_others(state):
                found[False, view.order_id] = (view, partial(_order_of_others, state, view), False)
        kept = self.orders
        self.orders = {}
        for name, (hint, write, ours) in found.items():
            item = kept.get(name) or (Item() if ours else Item(("sequence",)))
            if item.hint != hint:
                item.hint = hint
                item.look(write, moment, self._version)
            self.orders[name] = item

    async def _look_at_rows(self) -> None:
        state, lines = self.state, self._following.scanned.lines
        shown = set(lines)
        shown.update(each.market.ticker for each in lists.held(state))
        shown.update(state.books.orders[name].terms.ticker for name in state.books.working)
        if state.watch.snapshot is not None:
            shown.update(each.ticker for each in lists.held_by_others(state))
            shown.update(each.ticker for each in lists.resting_of_others(state))
        moved = shown != self.rows.keys()
        rows = self.rows if not moved else {name: self.rows.get(name) or self._row(name) for name in shown}
        for number, row in enumerate(rows.values(), 1):
            moved |= row.look(state, lines.get(row.ticker), self._version)
            if number % _PIECE_ROWS == 0:
                await breath()
        if moved:
            self.rows = {row.ticker: row for row in sorted(rows.values(), key=lambda row: row.place)}
            self.shape = self._version

    def _row(self, ticker: str) -> Row:
        self._number += 1
        return Row(ticker, self._number - 1)


def _hint(state: State, found: Position) -> object:
    seen = state.watch.books.get(found.market.ticker)
    guard = state.watch.guards.get(found.position_id, Guard())
    book = None if seen is None else (id(seen.book), seen.exact)
    return found.sequence, found.count, found.peak, guard.below, book


def _position(state: State, found: Position, moment: Moment) -> positions_pb2.Position:
    return views.position(state, found, moment)


def _foreign(state: State, found: HeldView, moment: Moment) -> positions_pb2.Position:
    snapshot = state.watch.snapshot
    return views.foreign(state, found, moment.now if snapshot is None else snapshot.as_of, moment)


def _order(found: Order, _moment: Moment) -> orders_pb2.Order:
    return o.order(found)


def _order_of_others(state: State, view: OrderView, moment: Moment) -> orders_pb2.Order:
    snapshot = state.watch.snapshot
    return o.foreign_order(view, moment.now if snapshot is None else snapshot.as_of, state.books.sequence)
