"""The journal, followed for screens: what the last scan made of the markets, and the log.

It begins when the first screen is watched: with the entries since the last finished scan began, which are read back in
a thread. While nobody watches it stands still.
"""

import asyncio
from collections.abc import Mapping
from itertools import islice, takewhile

from trader.domain.entries import ScanStarted
from trader.domain.facts import Block
from trader.engine.breathing import breath
from trader.engine.engine import Engine
from trader.ports import Journal, Recorded
from trader.service.screen.log import Log, past
from trader.service.screen.scanned import Scanned
from trader.service.story import Story

_WINDOWS = (4_000, 16_000, 64_000)
"""Entries that are read back until the beginning of the last scan is among them."""
_FAR = 4_000
"""Entries behind from which on it is quicker to begin anew."""
_PART = 250
_PIECE = 50
"""Entries that are folded in one go: exits wait no longer."""
_MOST_PARTS = 8


class Following:
    """What a screen shows of the journal.

    Attributes:
        sequence: Entry up to which it is.
        scanned: Of the markets.
        log: Of the events.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._story: Story | None = None
        self.sequence = 0
        self.scanned = Scanned()
        self.log = Log(0)

    async def catch_up(self) -> None:
        """Go on to the end of the journal, or a good part of the way. One caller at a time."""
        journal = self._engine.journal
        if self._story is None or journal.last_sequence - self.sequence > _FAR:
            await self._begin()
        for _ in range(_MOST_PARTS):
            if journal.last_sequence <= self.sequence:
                return
            await self._go_on(await asyncio.to_thread(_part, journal, self.sequence))

    async def _begin(self) -> None:
        books = self._engine.state.books
        story, blocks, until = Story.of(books), dict(books.blocks), books.sequence
        last = None if books.last_scan is None else books.last_scan.scan_id
        scanned, log = await asyncio.to_thread(_read_back, self._engine.journal, until, last, blocks)
        self._story, self.scanned, self.log, self.sequence = story, scanned, log, until

    async def _go_on(self, rows: list[Recorded]) -> None:
        assert self._story is not None  # noqa: S101  # `_begin` came first
        for place, row in enumerate(rows, 1):
            self.scanned.see(row)
            self.log.add(self._story.told(row))
            self.sequence = row.sequence
            if place % _PIECE == 0:
                await breath()


def _part(journal: Journal, after: int) -> list[Recorded]:
    return list(islice(journal.read(after), _PART))


def _read_back(journal: Journal, until: int, scan_id: str | None, blocks: Mapping[str, Block]) -> tuple[Scanned, Log]:
    """Read the entries since a scan began, or as many as are read back at most. Runs in a thread of its own."""
    for window in _WINDOWS:
        after = max(0, until - window)
        rows = list(takewhile(lambda row: row.sequence <= until, journal.read(after)))
        begun = any(isinstance(row.entry, ScanStarted) and row.entry.scan_id == scan_id for row in rows)
        if begun or scan_id is None or after == 0:
            break
    scanned = Scanned()
    for row in rows:
        scanned.see(row)
    return scanned, past(rows, after, blocks)
