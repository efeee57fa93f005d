"""Asking the exchange about orders until nothing about them is open: unknown outcomes, missing fills, cancellations."""

import asyncio
from datetime import timedelta
from enum import Enum
from types import MappingProxyType

from mesh import log
from mesh.errors import MeshError
from trader.domain.events import Event, FillSeen, OrderSeen
from trader.domain.words import OrderState
from trader.engine.acting import Spawn
from trader.engine.core import Core
from trader.ports import Exchange

_AT_ONCE = 8
_RECORD_READS = 10
"""How often a cancelled order's record is read before it is left to the next cancellation or comparison."""
_SKEW = timedelta(minutes=1)
"""How far the exchange's clock may be behind ours where an order is looked for by its time."""

_log = log.get(__name__)


class _Question(Enum):
    """What is asked about an order."""

    WHERE = "where is it"
    FILLS = "which fills"
    RECORD = "what became of it"


_WAITS = MappingProxyType({_Question.WHERE: (0.5, 10.0), _Question.FILLS: (0.05, 2.0), _Question.RECORD: (0.05, 2.0)})
"""Seconds before the first time and, at most, between two; each wait is twice the one before."""


class Follower:
    """Follows every order that has a question open, one task an order, until the answers have come, by whatever way."""

    def __init__(self, core: Core, exchange: Exchange, spawn: Spawn) -> None:
        self._core = core
        self._exchange = exchange
        self._spawn = spawn
        self._followed: set[str] = set()
        self._records: dict[str, int] = {}
        """Reads that are left for orders whose cancellation was answered."""
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    def look(self) -> None:
        """Begin to follow what needs it."""
        for name in sorted(self._core.books.working - self._followed):
            if self._question(name) is not None and self._spawn(self._follow(name), f"follow {name}") is not None:
                self._followed.add(name)

    def cancelled(self, name: str) -> None:
        """A cancellation was answered: what became of the order stands in its record."""
        self._records[name] = _RECORD_READS
        self.look()

    def _question(self, name: str) -> _Question | None:
        order = self._core.books.orders[name]
        if order.state is OrderState.UNKNOWN:
            return _Question.WHERE
        if order.awaited and order.order_id is not None:
            return _Question.FILLS
        if self._records.get(name) and order.order_id is not None and not order.state.final:
            return _Question.RECORD
        return None

    async def _follow(self, name: str) -> None:
        asked: _Question | None = None
        wait = 0.0
        try:
            while (question := self._question(name)) is not None:
                first, longest = _WAITS[question]
                wait = first if question is not asked else min(2 * wait, longest)
                asked = question
                await self._core.clock.sleep(wait)
                if self._question(name) is not question:
                    continue
                if question is _Question.RECORD:
                    self._records[name] -= 1
                async with self._at_once:
                    events = await self._ask(question, name)
                if events:
                    self._core.handle(*events)
        finally:
            self._followed.discard(name)
            self._records.pop(name, None)

    async def _ask(self, question: _Question, name: str) -> tuple[Event, ...]:
        """Ask once; nothing where nothing came of it."""
        order = self._core.books.orders[name]
        try:
            if question is _Question.FILLS and order.order_id is not None:
                return tuple(FillSeen(fill) for fill in await self._exchange.fills_of(order.order_id))
            if order.order_id is not None:
                found = await self._exchange.order(order.order_id)
            else:
                found = await self._exchange.find(name, order.terms.ticker, order.intended_time - _SKEW)
        except MeshError as error:
            _log.warning("asking about an order failed", client_order_id=name, question=question.value, why=str(error))
        except Exception:
            _log.exception("asking about an order failed in an unexpected way", client_order_id=name)
        else:
            return () if found is None else (OrderSeen(found),)
        return ()
