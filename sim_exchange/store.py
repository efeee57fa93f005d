"""The exchange's memory: an SQLite file that a restarted simulator goes on from.

Everything that members did is on disk before they get their answer (a killed process loses nothing; a power cut may
lose the last moment, as WAL with synchronous=NORMAL does). What only the simulation itself did, trades and candles of
its own makers, is written within a second.

Records are JSON of the domain's structs, so that a newer version reads an older file: new fields take their defaults.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from mesh.daemon import Fatal

VERSION = 1
_CHECKPOINT_PAGES = 4000  # 16 MB: only a checkpoint waits for the disk, so they shall be few
STATE_FILE = "exchange.sqlite"
"""The state file's name in the state folder."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (kind, key)
);
CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_kind ON entries (kind, number);
CREATE TABLE IF NOT EXISTS keys (
  key_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, public_key TEXT NOT NULL, scopes TEXT NOT NULL
) WITHOUT ROWID;
"""
_PUT = """
INSERT INTO records (kind, key, body) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body
"""

T = TypeVar("T")


@contextlib.contextmanager
def sole_use(folder: Path | None) -> Iterator[None]:
    """Hold the state folder, made if absent, against a second exchange. Fatal if one has it."""
    if folder is None:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Fatal(f"{folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Fatal(f"{folder}: another exchange works on this state") from None
    finally:
        os.close(descriptor)


class Store:
    """The file. Opened once by the daemon; the `accounts` command may have it open at the same time."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the file; None keeps everything in memory, and a restart forgets it.

        Raises:
            Fatal: It is not ours, or of a newer version.
        """
        self._open = False
        self._facts: dict[str, str] = {}  # as this process wrote them: most stay what they are
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise Fatal(f"{path}: cannot be used as the exchange's state: {error}") from error
        version = int(self.fact("version") or VERSION)
        if version > VERSION:
            raise Fatal(f"{path}: written by a newer foremesh (version {version}, this one knows {VERSION})")
        self.set_fact("version", str(VERSION))
        self.commit()
        self._encode = msgspec.json.Encoder().encode

    def fact(self, name: str) -> str | None:
        """Give a single remembered value."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Remember a single value."""
        if self._facts.get(name) != value:
            self._facts[name] = value
            self._begin()
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def put(self, kind: str, items: Iterable[tuple[str, msgspec.Struct]]) -> None:
        """Write records, replacing those with the same key."""
        self._begin()
        for key, item in items:  # mostly a single one, for which `executemany` is slower
            self._db.execute(_PUT, (kind, key, self._encode(item)))

    def replace(self, kind: str, items: Iterable[tuple[str, msgspec.Struct]]) -> None:
        """Write records as the only ones of their kind."""
        self._begin()
        self._db.execute("DELETE FROM records WHERE kind = ?", (kind,))
        self.put(kind, items)

    def append(self, kind: str, items: Iterable[msgspec.Struct]) -> None:
        """Add entries that never change, in order."""
        self._begin()
        for item in items:
            self._db.execute("INSERT INTO entries (kind, body) VALUES (?, ?)", (kind, self._encode(item)))

    def records(self, kind: str, record: type[T]) -> Iterator[T]:
        """Read all records of a kind, in the order in which each was first written."""
        decode = msgspec.json.Decoder(record).decode
        for (body,) in self._db.execute("SELECT body FROM records WHERE kind = ? ORDER BY number", (kind,)):
            yield decode(body)

    def entries(self, kind: str, record: type[T]) -> Iterator[T]:
        """Read all entries of a kind, in order of writing."""
        decode = msgspec.json.Decoder(record).decode
        for (body,) in self._db.execute("SELECT body FROM entries WHERE kind = ? ORDER BY number", (kind,)):
            yield decode(body)

    def add_key(self, key_id: str, account_id: str, public_key: str, scopes: Sequence[str]) -> None:
        """Remember an API key: its public half only."""
        self._begin()
        self._db.execute(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)", (key_id, account_id, public_key, " ".join(scopes))
        )
        self.commit()

    def remove_key(self, key_id: str) -> bool:
        """Forget an API key; tells whether there was one."""
        self._begin()
        found = self._db.execute("DELETE FROM keys WHERE key_id = ?", (key_id,)).rowcount > 0
        self.commit()
        return found

    def key(self, key_id: str) -> tuple[str, str, list[str]] | None:
        """Give account, public key as PEM, and scopes."""
        row = self._db.execute("SELECT account_id, public_key, scopes FROM keys WHERE key_id = ?", (key_id,)).fetchone()
        return None if row is None else (row[0], row[1], row[2].split())

    def keys(self) -> list[tuple[str, str]]:
        """Give all key ids with their accounts."""
        return list(self._db.execute("SELECT key_id, account_id FROM keys ORDER BY key_id"))

    def version(self) -> int:
        """Give a number that changes when somebody else wrote into the file; cheap enough for every request."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def commit(self) -> None:
        """Put what was written on disk."""
        if self._open:
            self._db.execute("COMMIT")
            self._open = False

    def abandon(self) -> None:
        """Forget what was written since the last commit."""
        self._facts.clear()
        if self._open:
            self._db.execute("ROLLBACK")
            self._open = False

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        if not self._open:
            self._db.execute("BEGIN IMMEDIATE")
            self._open = True
