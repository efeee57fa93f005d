"""Scanning: every so often, and shortly after a candle closes; decisions are made as signals arrive."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mesh import log
from trader.domain.events import ScanEnded, SignalCame
from trader.domain.words import BlockKind, LinkKind
from trader.engine.arrivals import BATCH, Arrivals
from trader.engine.core import Core
from trader.engine.looping import Looping
from trader.ports import Begin, Markets, Scans

_CANDLE_DELAY = timedelta(seconds=5)
"""From a candle's close until the exchange has it."""
_LEAST_SECONDS = 1.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_log = log.get(__name__)


class ScanLoop:
    """Feeds what scans find."""

    def __init__(
        self,
        core: Core,
        scans: Scans,
        markets: Markets,
        looping: Looping,
        *,
        name: str,
        seconds: float,
        steps: Sequence[timedelta],
    ) -> None:
        """Take what to scan with.

        Args:
            core: Told of everything.
            scans: Asks the forecast server.
            markets: Asked for books to decide on.
            looping: Runs it.
            name: Beginning of every scan's id; no other process on this journal has the same.
            seconds: Longest time from the beginning of a scan to the next one's.
            steps: Candle steps; a scan begins soon after each of their ends.
        """
        self._core = core
        self._scans = scans
        self._markets = markets
        self._looping = looping
        self._name = name
        self._seconds = seconds
        self._steps = frozenset(steps)
        self._number = 0
        self._next = core.clock.now()
        self._idle = False

    async def run(self) -> None:
        """Scan for ever."""
        await self._looping.every("scan", self._wait, self._turn, LinkKind.FORECAST_SERVER)

    def _wait(self) -> float:
        left = (self._next - self._core.clock.now()).total_seconds()
        return max(_LEAST_SECONDS, min(left, self._seconds))  # the clock may have been set back since

    def _schedule(self) -> None:
        now = self._core.clock.now()
        closes = [now + step - (now - _CANDLE_DELAY - _EPOCH) % step for step in self._steps]
        self._next = min([now + timedelta(seconds=self._seconds), *closes])

    async def _turn(self) -> None:
        self._schedule()
        why = self._blocked()
        if why is None:
            self._idle = False
            self._number += 1
            await self._scan(f"{self._name}-{self._number}")
        elif not self._idle:
            self._idle = True
            _log.info("not scanning: no entry is possible", why=why)

    def _blocked(self) -> str | None:
        """Say why no entry is possible in any market; None where one is, or where a scan may end what is in the way."""
        for block in self._core.books.blocks.values():
            everywhere = block.market_ticker is block.event_ticker is block.series_ticker is None
            if everywhere and block.kind is not BlockKind.LINK:
                return block.why
        return None

    async def _scan(self, scan_id: str) -> None:
        """Scan once: one task reads, this one decides on whatever has come meanwhile."""
        came: list[Begin | SignalCame | ScanEnded] = []
        bell = asyncio.Event()
        reading = True

        async def read() -> None:
            nonlocal reading
            try:
                async for each in self._scans.scan(scan_id):
                    came.append(each)
                    bell.set()
            finally:
                reading = False
                bell.set()

        arrivals = Arrivals(self._core, self._markets, scan_id)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(read(), name=f"scan {scan_id}")
                while reading or came:
                    await bell.wait()
                    bell.clear()
                    while came:
                        batch = came[:BATCH]
                        del came[:BATCH]
                        await arrivals.take(batch)
        except ExceptionGroup as group:
            if len(group.exceptions) == 1:  # as it was: what a loop does about it depends on its kind
                raise group.exceptions[0] from group.exceptions[0].__cause__
            raise
        finally:
            arrivals.close()
