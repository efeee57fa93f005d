"""Looks entries up in a journal file, also while a trader writes it.

A journal has no index but the sequence, and gets none for this: a search goes through a range, inside SQLite and
without the interpreter's lock, and whoever searches bounds the range.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from trader.journal.reading import reading
from trader.ports import Recorded


class Finder:
    """Implements `trader.ports.Search` on a file; any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def found(self, first: int, last: int, texts: Sequence[str], kinds: Sequence[str] = ()) -> list[Recorded]:
        """Return those of a range that have a text in them. Raises JournalError."""
        with reading(self._path) as reader:
            return list(reader.found(first, last, texts, kinds))

    def at(self, sequences: Iterable[int]) -> list[Recorded]:
        """Return entries by their sequences. Raises JournalError."""
        with reading(self._path) as reader:
            return [recorded for each in sequences for recorded in reader.found(each, each, ())]

    def reached(self, time: datetime) -> int:
        """Return the sequence of the last entry before an instant. Raises JournalError."""
        with reading(self._path) as reader:
            return reader.reached(time)
