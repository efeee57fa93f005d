"""What a node knows of its committed files: one row a shard, in SQLite.

The files say most of it themselves; the catalog adds the coordinator's word (sequence, worker, time), and makes it
quick to ask. Losing it costs that word until the coordinator repeats it, and no data.
"""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mesh.shards import Commit, Hole, ShardKey
from mesh.store.label import Origin, holes_of, holes_text

_VERSION = 1
_BUSY_SECONDS = 5.0
_TABLE = """
CREATE TABLE shards (
    shard TEXT NOT NULL,
    intended INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    origin TEXT NOT NULL,
    entry TEXT NOT NULL,
    holes TEXT NOT NULL,
    PRIMARY KEY (shard, intended)
) STRICT, WITHOUT ROWID;
CREATE INDEX by_sequence ON shards (sequence) WHERE intended = 0;
"""
_ONE = "SELECT shard, modified_ns, origin, entry, holes FROM shards WHERE shard = ? AND intended = 0"
_ALL = "SELECT shard, modified_ns, origin, entry, holes FROM shards WHERE intended = ? ORDER BY shard"
_UNENTERED = (
    "SELECT shard, modified_ns, origin, entry, holes FROM shards WHERE sequence = 0 AND intended = 0 ORDER BY shard"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A committed file."""

    key: ShardKey
    commit: Commit
    holes: tuple[Hole, ...]
    origin: Origin
    modified_ns: int = 0
    """Of the file when it was last known to be this one."""


class Catalog:
    """One database file, with one connection, for any thread. Methods raise sqlite3.Error where it cannot be used.

    An entry is first intended, then its file gets its name, then it is settled: after a crash between these, the file
    itself tells whether the entry counts.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._lock = threading.RLock()  # within a transaction nobody else may use the connection
        self._database = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._check() if read_only else self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        # NORMAL: a power cut may undo the last entries, which the files then give back; a killed process loses none.
        self._database.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._database.executescript(f"BEGIN; {_TABLE} PRAGMA user_version = {_VERSION}; COMMIT")
        self._check()

    def _check(self) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            raise sqlite3.DatabaseError(f"version {version}, this software reads version {_VERSION}")
        (verdict,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)

    def get(self, key: ShardKey) -> Entry | None:
        """Look up a settled entry."""
        row = self._rows(_ONE, str(key))
        return _entry(row[0]) if row else None

    def entries(self) -> Iterator[Entry]:
        """Give every settled entry, by key, as they are at the call."""
        return map(_entry, self._rows(_ALL, 0))

    def unentered(self) -> Iterator[Entry]:
        """Give the settled entries without a sequence, by key; cheap where they are few among many."""
        return map(_entry, self._rows(_UNENTERED))

    def intents(self) -> list[Entry]:
        """Return entries that were intended and neither settled nor dropped."""
        return [_entry(row) for row in self._rows(_ALL, 1)]

    def intend(self, entry: Entry) -> None:
        """Keep an entry whose file does not have its name yet."""
        self._put(entry, intended=True)

    def settle(self, entry: Entry) -> None:
        """Enter a file that has its name; an intent for the same shard is done with."""
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._put(entry, intended=False)
            self.drop_intent(entry.key)

    def drop_intent(self, key: ShardKey) -> None:
        """Forget what was intended for a shard."""
        self._rows("DELETE FROM shards WHERE shard = ? AND intended = 1", str(key))

    def forget(self, key: ShardKey) -> None:
        """Forget all about a shard."""
        self._rows("DELETE FROM shards WHERE shard = ?", str(key))

    def last_sequence(self) -> int:
        """Return the highest commit sequence of all entries; 0 without any."""
        ((highest,),) = self._rows("SELECT max(sequence) FROM shards WHERE intended = 0")
        return int(highest or 0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def _put(self, entry: Entry, *, intended: bool) -> None:
        self._rows(
            "INSERT OR REPLACE INTO shards (shard, intended, sequence, modified_ns, origin, entry, holes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            str(entry.key),
            int(intended),
            entry.commit.sequence,
            entry.modified_ns,
            entry.origin.value,
            msgspec.json.encode(entry.commit).decode(),
            holes_text(entry.holes),
        )

    def _rows(self, statement: str, *values: str | int) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()


def _entry(row: tuple[str, int, str, str, str]) -> Entry:
    shard, modified_ns, origin, commit, holes = row
    return Entry(
        key=ShardKey.parse(shard),
        commit=msgspec.json.decode(commit, type=Commit),
        holes=holes_of(holes),
        origin=Origin(origin),
        modified_ns=modified_ns,
    )
