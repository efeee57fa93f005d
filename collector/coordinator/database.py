"""The coordinator's memory: a SQLite file that outlives any crash, and that the `sqlite3` command can read.

WAL with synchronous=FULL: what `save` returned from is on disk, after a power cut too. Called on the event loop and
answered at once, so there is no interleaving to reason about; a transaction takes well under a millisecond plus the
disk's sync, and a lock held by somebody else is waited for half a second at most.

One process writes; a lock file beside the database holds others off. Anybody may read meanwhile. Who copies it must use
`Database.backup` or `sqlite3 FILE '.backup COPY'`, since the newest rows are in the file with `-wal`; who restores a
copy moves the files with `-wal` and `-shm` away first.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from collector.coordinator import database_rows as columns
from collector.coordinator.calls import Listing
from collector.coordinator.database_schema import APPLICATION_ID, VERSIONS
from collector.coordinator.rows import EventRow, ShardRow, WorkerRow
from collector.coordinator.store import Entry, Loaded
from mesh import log
from mesh.daemon import Fatal
from mesh.errors import Unavailable
from mesh.files import locked, make_folder
from mesh.shards import Commit, Hole, ShardKey
from mesh.store.errors import StoreError
from mesh.store.lock import exclusive

_WAIT_SECONDS = 0.5
_RETRY_SECONDS = 1.0
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_WAL_BYTES = 64 << 20
"""What the file with `-wal` shrinks to after a burst."""
_RESTORE = "move it and the files with -wal and -shm beside it away, and put a backup in its place"
_IN_WORDS: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "another program holds it locked",
    sqlite3.SQLITE_FULL: "there is no room left to write it",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_CORRUPT: f"it is damaged: {_RESTORE}",
    sqlite3.SQLITE_NOTADB: f"it is damaged, or no database at all: {_RESTORE}",
}

_SHARDS = """
  SELECT shards.*, commits.* FROM shards LEFT JOIN commits
    ON (commits.series, commits.event, commits.step, commits.epoch)
     = (shards.series, shards.event, shards.step, shards.committed_epoch)
  ORDER BY shards.series, shards.event, shards.step"""
_COMMIT = "SELECT * FROM commits WHERE (series, event, step, epoch) = (?, ?, ?, ?)"
_HOLES = """
  SELECT holes.* FROM shards JOIN commits USING (series, event, step) JOIN holes USING (sequence)
  WHERE (series, event, step) = (?, ?, ?) AND commits.epoch = committed_epoch ORDER BY position"""

_EPOCHS_BETWEEN = 1_000_000
_AFTER_RESTORE = """
  UPDATE shards SET epoch = epoch + ?, lease_epoch = NULL, lease_owner = NULL, lease_instance = NULL,
    lease_granted = NULL, lease_purpose = NULL,
    due = coalesce(due, lease_granted), due_for = coalesce(lease_purpose, due_for)
  WHERE epoch > 0"""
_FORGET_HOLES = """
  DELETE FROM holes WHERE sequence IN (SELECT sequence FROM commits WHERE (series, event, step) = (?, ?, ?))"""

_log = log.get(__name__)


class Database:
    """Implements `collector.coordinator.store.Store`. Make it with `opened`; it belongs to one thread."""

    def __init__(self, path: Path) -> None:
        """Open an empty file or one of ours. Raises Fatal or sqlite3.DatabaseError if it is neither, or damaged."""
        self._path = path
        self._failing = False
        self._db = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            self._prepare()
            self._puts = {table: self._put(table) for table in ("shards", "workers", "events", "listings")}
        except BaseException:
            self._db.close()
            raise

    def load(self) -> Loaded:
        """Read everything. Raises Unavailable."""
        with self._reading():
            listings = map(columns.listing_from, self._db.execute("SELECT * FROM listings"))
            (last,) = self._db.execute("SELECT coalesce(max(sequence), 0) FROM commits").fetchone()
            return Loaded(
                shards=[columns.shard_from(found) for found in self._db.execute(_SHARDS)],
                workers=[columns.worker_from(found) for found in self._db.execute("SELECT * FROM workers")],
                listings={listing.series: listing for listing in listings},
                commit_counts=dict(self._db.execute("SELECT worker_id, count(*) FROM commits GROUP BY worker_id")),
                last_sequence=last,
            )

    def save(
        self,
        *,
        shards: Iterable[ShardRow] = (),
        workers: Iterable[WorkerRow] = (),
        events: Iterable[EventRow] = (),
        commit: Entry | None = None,
        listing: Listing | None = None,
    ) -> None:
        """Write all of it in one transaction, synced before this returns, or nothing.

        Raises:
            Unavailable: `DATABASE_UNAVAILABLE`, with what is in the way; it works again once that is gone.
            sqlite3.IntegrityError: A bug: an epoch or a sequence is used twice, or a shard claims a commit that was
                never entered.
        """
        with self._answering(), self._transaction():
            if commit is not None:
                self._enter(commit)
            self._db.executemany(self._puts["shards"], map(columns.shard_columns, shards))
            self._db.executemany(self._puts["workers"], map(columns.worker_columns, workers))
            self._db.executemany(self._puts["events"], map(columns.event_columns, events))
            if listing is not None:
                self._db.execute(self._puts["listings"], columns.listing_columns(listing))

    def commit_of(self, shard: ShardKey, epoch: int) -> Commit | None:
        """Look up the commit made under an epoch, in force or not. Raises Unavailable."""
        with self._reading():
            found = self._db.execute(_COMMIT, (*columns.key_columns(shard), epoch)).fetchone()
            return None if found is None else columns.commit_from(found)

    def holes(self, shard: ShardKey) -> tuple[Hole, ...]:
        """Return the holes of the commit in force. Raises Unavailable."""
        with self._reading():
            return tuple(columns.hole_from(found) for found in self._db.execute(_HOLES, columns.key_columns(shard)))

    def event(self, event: str) -> EventRow | None:
        """Return an event with its markets. Raises Unavailable."""
        with self._reading():
            found = self._db.execute("SELECT * FROM events WHERE event = ?", (event,)).fetchone()
            return None if found is None else columns.event_from(found)

    def listing(self, series: str) -> Listing | None:
        """Return the last complete listing of a series. Raises Unavailable."""
        with self._reading():
            found = self._db.execute("SELECT * FROM listings WHERE series = ?", (series,)).fetchone()
            return None if found is None else columns.listing_from(found)

    def backup(self, path: Path) -> None:
        """Write a sound copy of this moment to `path`, whole or not at all. May run in a thread of its own.

        The copy is made to be restored: nothing is leased in it, and epochs go on far above those that may have been
        granted since, so that no epoch is ever granted twice and no older file is taken for a newer one.

        Raises:
            Unavailable: The database cannot be read, or the copy not be written.
        """
        copy = path.with_name(f".{path.name}.tmp")
        try:
            with locked(path.parent):
                copy.unlink(missing_ok=True)
                _make(copy)
                # A reader of its own: the coordinator goes on meanwhile.
                reader = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
                with contextlib.closing(reader), contextlib.closing(sqlite3.connect(copy)) as written:
                    reader.backup(written)
                    with written:
                        written.execute(_AFTER_RESTORE, (_EPOCHS_BETWEEN,))
                copy.replace(path)
        except (OSError, sqlite3.DatabaseError) as error:
            why = _in_words(error) if isinstance(error, sqlite3.Error) else error.strerror
            raise Unavailable(f"no backup at {path}: {why}", reason="DATABASE_UNAVAILABLE") from error
        finally:
            copy.unlink(missing_ok=True)

    def close(self) -> None:
        """Close; what was saved is saved already."""
        self._db.close()

    def _enter(self, entry: Entry) -> None:
        found = columns.commit_columns(entry)
        self._db.execute(_insert("commits", len(found)), found)
        self._db.execute(_FORGET_HOLES, (entry.shard.series, entry.shard.event, entry.shard.step))
        holes = [columns.hole_columns(entry.commit.sequence, *hole) for hole in enumerate(entry.holes)]
        if holes:
            self._db.executemany(_insert("holes", len(holes[0])), holes)

    def _prepare(self) -> None:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and (application or version or tables):
            raise Fatal(f"{self._path}: a database of something else, not of a coordinator")
        if version > len(VERSIONS):
            raise Fatal(f"{self._path}: of a newer foremesh (version {version}; this one knows {len(VERSIONS)})")
        if (found := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise Fatal(f"{self._path}: it is damaged ({' '.join(found.split())}): {_RESTORE}")
        (mode,) = self._db.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise Fatal(f"{self._path}: this file system cannot hold it (no shared memory): use a local disk")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
        with self._transaction():
            for statement in (statement for later in VERSIONS[version:] for statement in later):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version={len(VERSIONS)}")

    def _put(self, table: str) -> str:
        """Return the statement that writes a row of a table, over the one of the same key."""
        names = [name for _, name, *_ in self._db.execute(f"PRAGMA table_info({table})")]
        changes = ", ".join(f"{name} = excluded.{name}" for name in names)
        return f"{_insert(table, len(names))} ON CONFLICT DO UPDATE SET {changes}"

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._db.in_transaction:  # what could not even be rolled back, when it failed
            self._db.execute("ROLLBACK")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some failures end it by themselves
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn what SQLite refuses into Unavailable, and tell the log once."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError):
            raise  # bugs: waiting would not help
        except sqlite3.DatabaseError as error:
            raise self._unavailable(_in_words(error)) from error
        if self._failing:
            self._failing = False
            _log.info("the database works again", file=str(self._path))

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with self._answering():
            try:
                yield
            except ValueError as error:
                raise self._unavailable(f"it holds a row that cannot be read: {error}") from error

    def _unavailable(self, why: str) -> Unavailable:
        if not self._failing:
            self._failing = True
            _log.error("the database cannot be used", file=str(self._path), reason=why)
        text = f"the coordinator's database cannot be used: {why}"
        return Unavailable(text, reason="DATABASE_UNAVAILABLE", retry_after=_RETRY_SECONDS)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Database]:
    """Open the database, made if absent with its folder, for this process alone.

    Raises:
        Fatal: It cannot be used: damaged, of a newer version, of something else, or another process works on it.
    """
    with contextlib.ExitStack() as held:
        try:
            make_folder(path.parent, _PRIVATE_FOLDER)
            held.enter_context(exclusive(path.with_name(f"{path.name}.lock")))
            if not path.exists():
                _make(path)
            database = held.enter_context(contextlib.closing(Database(path)))
        except OSError as error:
            raise Fatal(f"{error.filename or path}: {error.strerror}") from error
        except StoreError as error:
            raise Fatal(f"{path}: {error.message}") from None
        except sqlite3.DatabaseError as error:
            raise Fatal(f"{path}: {_in_words(error)}") from error
        yield database


def _make(path: Path) -> None:
    """Make an empty file that only its owner can read; SQLite gives its other files the same mode."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE_FILE))


def _insert(table: str, width: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * width)})"  # noqa: S608  a table's name, and no value


def _in_words(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more than anybody wants to know
    return f"{_IN_WORDS.get(code, 'SQLite refuses')} ({error})"
