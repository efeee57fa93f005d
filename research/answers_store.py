"""Answers that were given before, on disk: a run that is repeated, or goes on after a crash, asks for none again.

One SQLite file: rows are what the server said, as the contract's own bytes, under a digest of all that decided it. It
holds nothing that could not be asked again, so a damaged file is moved aside and begun anew.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final
from zlib import crc32

from mesh import log
from mesh.store.errors import StoreError, disk_errors

PLACE: Final = Path(".research", "answers.sqlite")
"""In a data folder."""
CAPACITY_BYTES: Final = 4 << 30
"""Of the file: some five million answers."""
_APPLICATION_ID, _VERSION = 0x464D5241, 1  # "FMRA"
_BUSY_SECONDS = 60.0
"""Another run may be writing, or forgetting what is old."""
_WAL_BYTES, _WAL_PAGES = 64 << 20, 8192
"""Moving pages from the log into the file waits for the disk: seldom, then."""
_TOGETHER = 500
_FORGOTTEN_SHARE = 4
"""Of a full file the oldest fourth is forgotten."""
_TABLE = """
CREATE TABLE answers (
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, checksum INTEGER NOT NULL, result BLOB NOT NULL
) STRICT"""
_PUT = "INSERT OR REPLACE INTO answers (digest, checksum, result) VALUES (?, ?, ?)"
_GET = "SELECT digest, checksum, result FROM answers WHERE digest IN ({})"
_FORGET = """
DELETE FROM answers WHERE number <= (SELECT min(number) + (max(number) - min(number)) / ? FROM answers)"""

_log = log.get(__name__)


class AnswersStore:
    """The file. Make it with `opened`; it belongs to one thread, and several processes may share it.

    Methods raise StoreError where the disk refuses; damage is dealt with.
    """

    def __init__(self, path: Path, capacity_bytes: int) -> None:
        self._path, self._capacity = path, capacity_bytes
        self._db = self._opened()

    def get(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the results that are known, by their digests."""
        try:
            return self._get(digests)
        except sqlite3.DatabaseError as error:
            self._renew(error)
            return {}

    def put(self, results: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep results under their digests, all or none; once this returns, a kill loses none of them."""
        rows = [(digest, _checksum(digest, result), result) for digest, result in results]
        try:
            self._put(rows)
        except sqlite3.DatabaseError as error:
            self._renew(error)
            self._put(rows)

    def close(self) -> None:
        """Close; what was put is kept already."""
        self._db.close()

    def _get(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        found = {}
        for start in range(0, len(digests), _TOGETHER):
            some = digests[start : start + _TOGETHER]
            for digest, checksum, result in self._db.execute(_GET.format(",".join("?" * len(some))), some):
                if checksum != _checksum(digest, result):
                    raise sqlite3.DatabaseError("a result is not what was written")
                found[digest] = result
        return found

    def _put(self, rows: Sequence[tuple[bytes, int, bytes]]) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_PUT, rows)
            if self._used_bytes() > self._capacity:
                self._db.execute(_FORGET, (_FORGOTTEN_SHARE,))

    def _used_bytes(self) -> int:
        size, pages, free = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
        return int(size * (pages - free))

    def _opened(self) -> sqlite3.Connection:
        try:
            return _connect(self._path)
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            return _connect(self._path)

    def _renew(self, error: sqlite3.DatabaseError) -> None:
        """Begin anew if the file is damaged; raises what else is in the way."""
        self._db.close()
        self._set_aside(error)
        self._db = _connect(self._path)

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Move the file away if that is what is wrong. Raises StoreError where the disk refuses, and bugs."""
        if isinstance(error, sqlite3.OperationalError):
            raise StoreError(f"{self._path}: {error}") from error
        if type(error) is not sqlite3.DatabaseError:
            raise error
        names = (self._path.with_name(f"{self._path.name}.damaged-{number}") for number in count(1))
        aside = next(name for name in names if not name.exists())
        _log.warning("answers cannot be read; they are asked again", file=str(aside), problem=str(error))
        with disk_errors():
            self._path.rename(aside)
            for beside in ("-wal", "-shm"):
                self._path.with_name(self._path.name + beside).unlink(missing_ok=True)


@contextlib.contextmanager
def opened(path: Path, *, capacity_bytes: int = CAPACITY_BYTES) -> Iterator[AnswersStore]:
    """Open the file, made with its folder if absent.

    Args:
        path: The file.
        capacity_bytes: Its size; beyond it the oldest answers are forgotten.

    Raises:
        StoreError: The disk refuses.
    """
    with disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(AnswersStore(path, capacity_bytes)) as store:
        yield store


def _connect(path: Path) -> sqlite3.Connection:
    """Connect to an empty file or one of ours. Raises sqlite3.Error."""
    # Whoever writes takes the lock first, by BEGIN IMMEDIATE: two runs then wait for each other instead of failing.
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        # Without a sync at every commit: a kill loses nothing, a power cut some answers, which are asked again.
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
        database.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
        with database:
            database.execute("BEGIN IMMEDIATE")
            _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if (application, version, tables) == (0, 0, 0):
        database.execute(_TABLE)
        database.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={_VERSION}")
    elif (application, version) != (_APPLICATION_ID, _VERSION):
        raise sqlite3.DatabaseError(f"not answers of version {_VERSION}")


def _checksum(digest: bytes, result: bytes) -> int:
    return crc32(result, crc32(digest))
