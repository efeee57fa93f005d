"""Writes a journal: one process, one connection, one transaction for what belongs together.

WAL with synchronous=FULL: what `append` returned from is on disk, after a power cut too. A lock file beside the journal
holds a second trader off; readers come and go.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from mesh.files import locked, make_folder, replace_files
from mesh.store.errors import StoreError
from mesh.store.lock import exclusive
from trader.domain.entries import AnyEntry, Started
from trader.domain.words import Mode
from trader.journal import chain
from trader.journal.codec import encode, kind_of
from trader.journal.errors import DAMAGED, FOREIGN, REFUSED, TAKEN, UNUSABLE, JournalError, damaged, sqlite_errors
from trader.journal.reading import End, end_of, reading
from trader.journal.schema import blank, meta, migrate, new_id, version_of
from trader.ports import Recorded

_WAIT_SECONDS = 0.5
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_WAL_BYTES = 64 << 20
"""What the file with `-wal` shrinks to after a burst."""
_CHECKED_AT_START = 100
"""Entries at the end whose chain is checked on opening; who reads all checks all."""
_SETTINGS = (
    ("synchronous", "FULL", 2),
    ("fullfsync", "ON", 1),  # macOS keeps an ordinary sync in the drive's cache
    ("checkpoint_fullfsync", "ON", 1),
    ("journal_size_limit", str(_WAL_BYTES), _WAL_BYTES),
    ("wal_autocheckpoint", "256", 256),  # pages: more of them at a time make one commit take far longer than the others
)
_INSERT = "INSERT INTO entries (sequence, time, kind, body, digest) VALUES (?, ?, ?, ?, ?)"

_Row: TypeAlias = tuple[int, str, str, bytes, bytes]


class Store:
    """Implements `trader.ports.Journal`. Make it with `opened`; any thread may call, one at a time writes."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        """Take a writing connection. Raises JournalError or sqlite3.Error if the file cannot be relied on."""
        self._path = path
        self._db = database
        self._writing = threading.Lock()
        self._failed = False
        version = version_of(database, path)
        _configure(database, path)
        migrate(database, version)
        self._journal_id = meta(database, path)["journal_id"]
        self._end = end_of(database, path)
        for _ in self.read(max(0, self._end.sequence - _CHECKED_AT_START)):
            pass

    @property
    def journal_id(self) -> str:
        """Name of the journal, the same for ever."""
        return self._journal_id

    @property
    def mode(self) -> Mode | None:
        """Whose money it is about; None before the first start."""
        return self._end.mode

    @property
    def last_sequence(self) -> int:
        """Of the last entry; 0 for an empty journal."""
        return self._end.sequence

    def append(self, time: datetime, entries: Sequence[AnyEntry]) -> None:
        """Write entries in one transaction, all or none, with the next sequences.

        Raises:
            JournalError: They are not on disk, or nobody knows; every later call is refused too, because what a failed
                sync left behind shows only at the next start.
        """
        with self._writing:
            if self._failed:
                raise JournalError(f"{self._path}: an earlier write failed; start again", reason=UNUSABLE)
            self._failed = True  # until it has worked: also what interrupts it leaves the end unknown
            rows, end = self._rows(time, entries)
            if rows:
                with sqlite_errors(self._path):
                    self._write(rows, end.mode)
                self._end = end
            self._failed = False

    def read(self, after: int = 0, *, refusals: bool = True) -> Iterator[Recorded]:
        """Give entries as `Reader.read` does, over a connection of its own. Raises JournalError."""
        with reading(self._path) as reader:
            yield from reader.read(after, refusals=refusals)

    def _rows(self, time: datetime, entries: Sequence[AnyEntry]) -> tuple[list[_Row], End]:
        try:
            instant = chain.written(time)
        except ValueError as error:
            raise JournalError(f"{self._path}: {error}", reason=REFUSED) from error
        rows, digest, mode = [], self._end.digest, self._end.mode
        for sequence, entry in enumerate(entries, self._end.sequence + 1):
            if isinstance(entry, Started):
                mode = mode or entry.mode
                if entry.mode is not mode:
                    words = f"a {mode} journal takes no start in mode {entry.mode}: give that one a file of its own"
                    raise JournalError(f"{self._path}: {words}", reason=FOREIGN)
            body = encode(entry)
            digest = chain.link(digest, sequence, instant.encode(), body)
            rows.append((sequence, instant, kind_of(entry), body, digest))
        return rows, End(self._end.sequence + len(rows), digest, mode)

    def _write(self, rows: list[_Row], mode: Mode | None) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            (last,) = self._db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()
            if last != self._end.sequence:
                raise damaged(min(last, self._end.sequence) + 1, "somebody else has written to the journal")
            self._db.executemany(_INSERT, rows)
            if mode is not self._end.mode:
                self._db.execute("INSERT INTO meta VALUES ('mode', ?)", (mode,))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some failures end it by themselves
                self._db.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def opened(path: Path, journal_id: str | None = None) -> Iterator[Store]:
    """Open a journal, made if absent with its folder, for this process alone.

    Args:
        path: Its file. A link is followed: two names of one file are one journal.
        journal_id: Name of a journal that is made; None makes one up. An existing one keeps its own.

    Raises:
        JournalError: It cannot be used: damaged, of a newer version, of something else, or another process writes it.
    """
    path = path.resolve()
    with contextlib.ExitStack() as held:
        with sqlite_errors(path):
            make_folder(path.parent, _PRIVATE_FOLDER)
            try:
                held.enter_context(exclusive(path.with_name(f"{path.name}.lock")))
            except StoreError as error:
                raise JournalError(f"{path}: {error.message}", reason=TAKEN) from None
            if not path.exists():
                _make(path, journal_id or new_id())
            database = sqlite3.connect(
                f"{path.as_uri()}?mode=rw",
                uri=True,
                timeout=_WAIT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            held.enter_context(contextlib.closing(database))
            store = Store(path, database)
        yield store


def _make(path: Path, journal_id: str) -> None:
    left = path.with_name(f"{path.name}-wal")
    if left.exists():  # SQLite would take it for the new file's
        raise JournalError(f"{path}: is gone, but {left.name} is there: put both back, or both away", reason=DAMAGED)
    with locked(path.parent):
        replace_files([(path, blank(journal_id), _PRIVATE_FILE)])


def _configure(database: sqlite3.Connection, path: Path) -> None:
    (mode,) = database.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise JournalError(f"{path}: this file system cannot hold it (no shared memory): use a local disk")
    for name, value, number in _SETTINGS:
        database.execute(f"PRAGMA {name}={value}")
        (found,) = database.execute(f"PRAGMA {name}").fetchone()
        if found != number:
            raise JournalError(f"{path}: SQLite does not take {name}={value}")
