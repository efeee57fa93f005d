"""Reading the account again and again: at the start, every minute, and whenever something may have been missed."""

import asyncio
from datetime import datetime, timedelta

from mesh.waiting import until
from trader.domain.comparing import pending
from trader.domain.events import Compared, LinkSeen
from trader.domain.words import LinkKind, OrderState
from trader.engine.core import Core
from trader.engine.looping import Looping
from trader.ports import Exchange

_OVERLAP = timedelta(minutes=5)
"""Read again beyond the last comparison: the exchange's reads lag, and clocks differ."""
_BEFORE_START = timedelta(hours=1)
"""The last entry of an earlier process says when it lived; its last comparison was before that."""
_UNKNOWN_SECONDS = 10.0
"""Between two comparisons while the outcome of an order is not known, or a difference waits for its proof."""
_RETRY_SECONDS = 2.0
_LEAST_SECONDS = 1.0


class Reconciler:
    """Feeds `Compared`.

    Attributes:
        done: Set once the first comparison has been made.
    """

    def __init__(
        self, core: Core, exchange: Exchange, looping: Looping, seconds: float, lived: datetime | None
    ) -> None:
        """`lived` is when an earlier process wrote the journal's last entry; None for a new journal."""
        self.done = asyncio.Event()
        self._core = core
        self._exchange = exchange
        self._looping = looping
        self._seconds = seconds
        self._wanted = asyncio.Event()
        self._failed = False
        books = core.books
        opened = [position.open_time for position in books.positions.values() if position.open_time is not None]
        begin = min([*opened, lived]) if lived is not None else core.clock.now()
        self._since = begin - _BEFORE_START
        """What happened before is in the books."""

    def ask(self) -> None:
        """Compare soon: something may have been missed."""
        self._wanted.set()

    async def run(self) -> None:
        """Compare for ever."""
        links = (LinkKind.RECONCILIATION, LinkKind.EXCHANGE)
        await self._looping.every("reconciliation", lambda: _LEAST_SECONDS, self._turn, *links)

    async def _turn(self) -> None:
        if self.done.is_set() and not self._wanted.is_set():
            await until(self._wanted, self._core.clock, self._pause())
        self._wanted.clear()
        self._failed = True
        await self._compare()
        self._failed = False

    def _pause(self) -> float:
        if self._failed:
            return _RETRY_SECONDS
        unknown = any(self._core.books.orders[name].state is OrderState.UNKNOWN for name in self._core.books.working)
        open_question = unknown or pending(self._core.state)
        return min(self._seconds, _UNKNOWN_SECONDS) if open_question else self._seconds

    async def _compare(self) -> None:
        books = self._core.books
        since = min([self._since, *(books.orders[name].intended_time for name in books.working)])
        snapshot = await self._exchange.snapshot(since - _OVERLAP)
        self._core.handle(LinkSeen(LinkKind.EXCHANGE, up=True), Compared(snapshot))
        self._since = snapshot.as_of
        self.done.set()
