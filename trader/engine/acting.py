"""Doing what entries ask for: orders and cancellations, exits before entries."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from mesh import log
from mesh.errors import MeshError
from trader.domain.entries import AnyEntry
from trader.domain.events import Answered, CancelAnswered, NoOutcome, Refused, Sending
from trader.domain.facts import Ending, MarketTerms, OrderTerms
from trader.domain.intents import Cancel, Intent, Place, intents
from trader.domain.words import EndReason, OrderState, Purpose
from trader.engine.core import Core
from trader.ports import CancelDone, Exchange, Markets

Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None] | None"]
"""Starts a task of the engine; None where the engine is ending and it was not started."""

_EXITS_AT_ONCE = 32
_ENTRIES_AT_ONCE = 8
_LATEST_SECONDS = 1.0
"""An entry that the exchange is to end this soon is not sent any more."""
_STOPPED = "the trader ended before the answer came"

_log = log.get(__name__)


class Acting:
    """Carries out intents in tasks. What comes of each is told to the core, whatever happens.

    Exits and cancellations have a lane of their own. No entry leaves while an exit waits to leave or for its answer,
    and none that has been overtaken by a block: of those it is on record that they never left.
    """

    def __init__(
        self,
        core: Core,
        exchange: Exchange,
        markets: Markets,
        *,
        spawn: Spawn,
        cancelled: Callable[[str], None],
        opened: asyncio.Event,
    ) -> None:
        """Take what to act with.

        Args:
            core: Told of everything.
            exchange: Where orders go.
            markets: Asked about a market that nothing else is known of.
            spawn: Starts tasks.
            cancelled: Told of orders whose cancellation was answered.
            opened: Set once orders may leave.
        """
        self._core = core
        self._exchange = exchange
        self._markets = markets
        self._spawn = spawn
        self._cancelled = cancelled
        self._opened = opened
        self._exits = asyncio.Semaphore(_EXITS_AT_ONCE)
        self._entries = asyncio.Semaphore(_ENTRIES_AT_ONCE)
        self._exits_under_way: set[str] = set()
        self._no_exits = asyncio.Event()
        self._no_exits.set()
        self._under_way = 0
        self.withheld: Callable[[], str] = lambda: ""
        """Why no entry may leave at all; empty where it may."""

    @property
    def busy(self) -> bool:
        """Whether a request is under way or waits to leave."""
        return bool(self._under_way)

    def act(self, written: tuple[AnyEntry, ...]) -> None:
        """Begin what entries ask for."""
        for intent in sorted(intents(written), key=_turn):
            match intent:
                case Place(order):
                    if order.purpose is Purpose.EXIT:  # from this moment on, not from when its task first runs
                        self._exits_under_way.add(order.client_order_id)
                        self._no_exits.clear()
                    self._begin(self._place(order), f"place {order.client_order_id}")
                case Cancel(name):
                    self._begin(self._cancel(name), f"cancel {name}")
                case _:
                    pass

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._under_way += 1
        if self._spawn(self._counted(work), name) is None:
            work.close()
            self._under_way -= 1

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._under_way -= 1

    async def _place(self, order: OrderTerms) -> None:
        if order.purpose is Purpose.EXIT:
            try:
                async with self._exits:
                    await self._send(order)
            finally:
                self._exits_under_way.discard(order.client_order_id)
                if not self._exits_under_way:
                    self._no_exits.set()
            return
        async with self._entries:
            while self._exits_under_way:
                await self._no_exits.wait()
            await self._send(order)

    async def _send(self, order: OrderTerms) -> None:
        name = order.client_order_id
        await self._opened.wait()
        if self._core.books.orders[name].state is not OrderState.INTENDED:
            return
        try:
            market = await self._market(order)
        except MeshError as error:
            self._never_left(order, f"nothing is known of its market: {error}")
            return
        if why := self._overtaken(order, market):
            self._never_left(order, why)
            return
        self._core.handle(Sending(name))
        try:
            answer = await self._exchange.place(order, market)
        except asyncio.CancelledError:
            self._core.handle(Answered(name, NoOutcome(_STOPPED)))
            raise
        except Exception as error:
            _log.exception("placing an order failed in an unexpected way", client_order_id=name, ticker=order.ticker)
            answer = NoOutcome(f"{type(error).__name__} while it was placed")
        self._core.handle(Answered(name, answer))

    async def _market(self, order: OrderTerms) -> MarketTerms:
        return self._core.terms(order) or (await self._markets.market(order.ticker)).market

    def _overtaken(self, order: OrderTerms, market: MarketTerms) -> str:
        """Say why an entry that was decided is not to leave any more; empty where it is."""
        if order.purpose is Purpose.EXIT:
            return ""
        if why := self.withheld():
            return why
        books, now = self._core.books, self._core.clock.now()
        for block in books.blocks.values():
            if block.covers(market):
                return f"entries are blocked since it was decided: {block.why}"
        if order.expire_time is not None and (order.expire_time - now).total_seconds() < _LATEST_SECONDS:
            return "its time was over before it could leave"
        return ""

    def _never_left(self, order: OrderTerms, why: str) -> None:
        _log.warning("an order was not sent", client_order_id=order.client_order_id, ticker=order.ticker, why=why)
        ending = Ending(reason=EndReason.NEVER_LEFT, detail=why)
        self._core.handle(Answered(order.client_order_id, Refused(ending, never_left=True)))

    async def _cancel(self, name: str) -> None:
        order = self._core.books.orders[name]
        if order.state.final:
            return
        if order.order_id is None:
            self._core.handle(CancelAnswered(name, None, "the exchange's id of the order is not known yet"))
            return
        try:
            done = await self._exchange.cancel(order.order_id, await self._market(order.terms))
        except asyncio.CancelledError:
            self._core.handle(CancelAnswered(name, None, _STOPPED))
            raise
        except MeshError as error:
            answer = CancelAnswered(name, None, str(error))
        except Exception as error:
            _log.exception("cancelling an order failed in an unexpected way", client_order_id=name)
            answer = CancelAnswered(name, None, f"{type(error).__name__} while it was cancelled")
        else:
            match done:
                case CancelDone(reduced_by):
                    answer = CancelAnswered(name, reduced_by)
                case NoOutcome(why):
                    answer = CancelAnswered(name, None, why)
        self._core.handle(answer)
        self._cancelled(name)


def _turn(intent: Intent) -> int:
    return int(isinstance(intent, Place) and intent.order.purpose is Purpose.ENTRY)
