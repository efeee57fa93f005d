"""Reads a journal, checking every entry on the way; also while a trader writes it.

Rows come in batches, each in a read of its own: no long transaction keeps the writer's log from being cut.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from trader.domain.words import Mode
from trader.journal import chain
from trader.journal.codec import decode, kind_of
from trader.journal.errors import DAMAGED, JournalError, damaged, sqlite_errors
from trader.journal.schema import VERSIONS, meta, version_of
from trader.ports import Recorded

_BATCH = 500
_WAIT_SECONDS = 5.0
_ROWS = "SELECT sequence, time, kind, body, digest FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?"
_LAST = "SELECT sequence, digest FROM entries ORDER BY sequence DESC LIMIT 1"
_DIGEST = "SELECT digest FROM entries WHERE sequence = ?"
_TIME = "SELECT time FROM entries WHERE sequence = ?"
_FOUND = (
    "SELECT sequence, time, kind, body, digest FROM entries WHERE sequence BETWEEN ? AND ? AND ({}) ORDER BY sequence"
)
_DECISION, _REFUSED = b"decision", b'"entered":false,'
"""The second cannot stand within a text: its quotation marks would be escaped there."""
_Row: TypeAlias = tuple[int, bytes, bytes, bytes, bytes]
_CHANGED = "its digest does not follow from what is written: it, or the one before, was changed"


@dataclass(frozen=True, slots=True)
class End:
    """How far a journal reaches at one moment."""

    sequence: int
    """Of the last entry; 0 for none."""
    digest: bytes
    """Of the last entry, or the chain's beginning."""
    mode: Mode | None
    """Whose money it is about; None before the first start."""


class Reader:
    """A journal that is only read. Make it with `reading`; it belongs to one thread."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        """Take an open connection. Raises JournalError or sqlite3.Error if it is to no journal of this version."""
        if any(VERSIONS[version_of(database, path) :]):
            raise JournalError(f"{path}: of an older version; a trader that opens it brings it up to date")
        self._path = path
        self._db = database
        self.journal_id = meta(database, path)["journal_id"]
        """Name of the journal."""
        database.text_factory = bytes  # a text that is none shall be a broken entry, not a broken query

    def end(self) -> End:
        """Say how far it reaches now. Raises JournalError."""
        with sqlite_errors(self._path):
            return end_of(self._db, self._path)

    def read(self, after: int = 0, *, refusals: bool = True) -> Iterator[Recorded]:
        """Give entries in their order, those after a sequence, as long as there are more.

        Args:
            after: Sequence.
            refusals: Give decisions not to enter too. They are most of what a journal holds, and books that a new
                start goes on from need none of them.

        Raises:
            JournalError: `JOURNAL_DAMAGED` with the first broken entry: chain, order or content; or the disk fails.
        """
        for rows in self.linked(after):
            for sequence, time, kind, body, _ in rows:
                if refusals or kind != _DECISION or _REFUSED not in body:
                    yield _recorded(sequence, time, kind, body)

    def linked(self, after: int = 0) -> Iterator[list[_Row]]:
        """Give entries as they are written, some at a time, once their chain and order are known to be sound.

        Raises:
            JournalError: As `read`, but for what an entry says.
        """
        previous = self.digest(after)
        while True:
            try:
                with sqlite_errors(self._path):
                    rows = self._db.execute(_ROWS, (after, _BATCH)).fetchall()
            except JournalError as error:
                raise JournalError(
                    f"entry {after + 1}: {error.message}", reason=error.reason, sequence=after + 1
                ) from None
            for place, row in enumerate(rows):
                try:
                    _check(after + 1 + place, previous, row)
                except JournalError:
                    yield rows[:place]
                    raise
                previous = row[-1]
            yield rows
            after += len(rows)
            if len(rows) < _BATCH:
                return

    def digest(self, sequence: int) -> bytes:
        """Return the digest of an entry, as its row says; empty where there is none. Raises JournalError."""
        if sequence == 0:
            return chain.first(self.journal_id)
        with sqlite_errors(self._path):
            found = self._db.execute(_DIGEST, (sequence,)).fetchone()
        return b"" if found is None else bytes(found[0])

    def found(self, first: int, last: int, texts: Sequence[str], kinds: Sequence[str] = ()) -> Iterator[Recorded]:
        """Give those of a range of entries that have a text in them, without reading the others into Python.

        Args:
            first: Sequence.
            last: Sequence, included.
            texts: As they stand in a body; any of them.
            kinds: Only these; empty for all.

        Raises:
            JournalError: One that is given does not follow from the one before it; or the disk fails.
        """
        where = " OR ".join("instr(body, ?)" for _ in texts) or "1"
        if kinds:
            where = f"kind IN ({', '.join('?' for _ in kinds)}) AND ({where})"
        asked = (first, last, *kinds, *(text.encode() for text in texts))
        with sqlite_errors(self._path):
            rows = self._db.execute(_FOUND.format(where), asked).fetchall()
        for row in rows:
            sequence, time, kind, body, _ = row
            _check(sequence, self.digest(sequence - 1), row)
            yield _recorded(sequence, time, kind, body)

    def reached(self, time: datetime) -> int:
        """Return the sequence of the last entry before an instant, by halves; 0 where there is none."""
        wanted = chain.written(time).encode()
        low, high = 0, self.end().sequence
        with sqlite_errors(self._path):
            while low < high:
                middle = (low + high + 1) // 2
                (there,) = self._db.execute(_TIME, (middle,)).fetchone()
                low, high = (middle, high) if there < wanted else (low, middle - 1)
        return low

    def check_file(self) -> None:
        """Check the file's own order. Raises JournalError."""
        with sqlite_errors(self._path):
            (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if found != b"ok":
            words = " ".join(found.decode(errors="replace").split())
            raise JournalError(f"{self._path}: the file is damaged: {words}", reason=DAMAGED)


def _check(expected: int, previous: bytes, row: tuple[int, object, bytes, object, bytes]) -> None:
    """Hold a row against the one before it."""
    sequence, time, _, body, digest = row
    if sequence != expected:
        raise damaged(expected, f"is missing: entry {sequence} stands in its place")
    if not (isinstance(time, bytes) and isinstance(body, bytes)):
        raise damaged(expected, "a field is of another type than was written")
    if chain.link(previous, expected, time, body) != digest:
        raise damaged(expected, _CHANGED)


def _recorded(sequence: int, time: bytes, kind: bytes, body: bytes) -> Recorded:
    try:
        instant = chain.read(time)
    except ValueError as error:
        raise damaged(sequence, str(error)) from error
    entry = decode(body, sequence)
    if kind_of(entry).encode() != kind:
        raise damaged(sequence, f"is a {kind_of(entry)}, but its row says otherwise")
    return Recorded(sequence, instant, entry)


def end_of(database: sqlite3.Connection, path: Path) -> End:
    """Say how far a journal reaches. Raises JournalError or sqlite3.Error."""
    database.execute("BEGIN")
    try:
        facts = meta(database, path)
        (least,) = database.execute("SELECT min(sequence) FROM entries").fetchone()
        found = database.execute(_LAST).fetchone()
    finally:
        database.execute("ROLLBACK")
    if least not in {None, 1}:
        raise damaged(1, f"is missing: entry {least} is the first that is there")
    try:
        mode = Mode(facts["mode"]) if "mode" in facts else None
    except ValueError:
        raise JournalError(f"{path}: its table of facts has an unknown mode", reason=DAMAGED) from None
    return End(0, chain.first(facts["journal_id"]), mode) if found is None else End(found[0], bytes(found[1]), mode)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open a journal to be read only. Raises JournalError."""
    path = path.resolve()
    if not path.is_file():
        raise JournalError(f"{path}: there is no such file")
    with contextlib.ExitStack() as held:
        with sqlite_errors(path):
            database = sqlite3.connect(_uri(path), uri=True, timeout=_WAIT_SECONDS, isolation_level=None)
            held.enter_context(contextlib.closing(database))
            reader = Reader(path, database)
        yield reader


def _uri(path: Path) -> str:
    # Even who only reads needs files beside it, except where there is no log: a backup on a disk that takes nothing.
    kept = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.as_uri()}?mode=ro{'&immutable=1' if kept else ''}"
