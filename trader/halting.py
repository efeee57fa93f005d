"""The exchange's own kill switch, moved by the same hands as ours: while people stop entries it is triggered."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from mesh import log
from mesh.errors import MeshError
from mesh.types import Hundredths
from trader.domain.entries import AnyEntry, SwitchesChanged
from trader.domain.words import BlockKind
from trader.engine.engine import Engine

_AGAIN_SECONDS, _END_SECONDS = 5.0, 5.0
_BY_HAND = frozenset({BlockKind.PAUSE, BlockKind.FLATTEN, BlockKind.KILL_SWITCH_FILE})

_log = log.get(__name__)


class Groups(Protocol):
    """What is moved: `trader.exchange.groups.OrderGroups`. Each raises MeshError where it could not be done."""

    async def prepare(self, limit: Hundredths) -> None:
        """Find them, or create them."""
        ...

    async def trigger(self) -> None:
        """End all entries and refuse new ones."""
        ...

    async def reset(self) -> None:
        """Take entries again."""
        ...


class GroupSwitch:
    """Keeps the order groups as the blocks are: triggered while a person, or the file, blocks everything."""

    def __init__(self, engine: Engine, groups: Groups, limit: Hundredths) -> None:
        self._engine = engine
        self._groups = groups
        self._limit = limit
        self._changed = asyncio.Event()
        engine.listen(self._look)

    def _look(self, written: tuple[AnyEntry, ...]) -> None:
        if any(isinstance(entry, SwitchesChanged) for entry in written):
            self._changed.set()

    def _halted(self) -> bool:
        blocks = self._engine.state.books.blocks.values()
        return any(
            block.kind in _BY_HAND and block.market_ticker is block.event_ticker is block.series_ticker is None
            for block in blocks
        )

    async def run(self) -> None:
        """Prepare the groups, then move them for ever; what fails is tried again."""
        while not await self._done(self._groups.prepare(self._limit)):
            await self._engine.clock.sleep(_AGAIN_SECONDS)
        triggered: bool | None = None  # what an earlier process left is not known
        while True:
            self._changed.clear()
            wanted = self._halted()
            if wanted is not triggered:
                if not await self._done(self._groups.trigger() if wanted else self._groups.reset()):
                    await self._engine.clock.sleep(_AGAIN_SECONDS)
                    continue
                triggered = wanted
                _log.info("the exchange's own kill switch", triggered=triggered)
            await self._changed.wait()

    async def end(self) -> None:
        """End all entries at the exchange: this process cannot go on, and they might rest for long. Tried once, 5 s."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._done(self._groups.trigger())
        except TimeoutError:
            _log.warning("the exchange's own kill switch gave no answer in time")

    async def _done(self, work: Awaitable[None]) -> bool:
        try:
            await work
        except MeshError as error:
            _log.warning("the exchange's own kill switch could not be moved", why=str(error))
            return False
        return True
