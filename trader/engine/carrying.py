"""What is done about a journal's past while the trader works: it is checked once, and its books are carried forward.

Both go on in small pieces with pauses between them, so that quotes and exits do not wait.
"""

import asyncio
from pathlib import Path

from mesh import log
from mesh.clock import Clock
from trader.domain.state import Books
from trader.journal.carried import Carried, find, software, write
from trader.journal.errors import JournalError
from trader.journal.reading import reading
from trader.journal.replaying import follow

CARRIED_EVERY = 20_000
"""Entries that a start has to fold at most, some half a second's worth."""
_LOOK_SECONDS = 60.0
_PIECE = 25
_PAUSE_SECONDS = 0.01

_log = log.get(__name__)


async def check(journal: Path, last: int, clock: Clock) -> None:
    """Check the chain of the entries that the start did not fold.

    Args:
        journal: Its file.
        last: Sequence of the last such entry.
        clock: Gives the pauses.

    Raises:
        JournalError: With the first entry that is not as it was written.
    """
    with reading(journal) as reader:
        for rows in reader.linked():
            if rows and rows[-1][0] >= last:
                return
            await clock.sleep(_PAUSE_SECONDS)


async def keep_carrying(journal: Path, clock: Clock, every: int = CARRIED_EVERY) -> None:
    """Carry the books forward, for ever, whenever so many entries have been written since.

    Raises:
        JournalError: The journal is damaged.
    """
    sequence = 0 if (found := find(journal)) is None else found.books.sequence
    while True:
        await clock.sleep(_LOOK_SECONDS)
        with reading(journal) as reader:
            last = reader.end().sequence
        if last - sequence >= every:
            carried = await carry(journal, last, clock)
            sequence = last
            try:
                await asyncio.to_thread(write, journal, carried)
            except JournalError as error:  # the next start takes longer, no more
                _log.warning("books could not be carried forward", problem=str(error))


async def carry(journal: Path, last: int, clock: Clock) -> Carried:
    """Fold a journal up to an entry that is there, going on from the books beside it. Raises JournalError."""
    found = find(journal)
    with reading(journal) as reader:
        books = Books(reader.journal_id) if found is None else found.books
        for recorded in reader.read(books.sequence):
            follow(books, recorded)
            if recorded.sequence == last:
                break
            if recorded.sequence % _PIECE == 0:
                await clock.sleep(_PAUSE_SECONDS)
        return Carried(software=software(), time=recorded.time, digest=reader.digest(last), books=books)
