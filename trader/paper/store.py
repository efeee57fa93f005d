"""The paper account's file: SQLite, written before anybody is told, held by one process.

WAL with synchronous=FULL: what `save` returned from is on disk. Records are JSON of the account's structs, one row
each, in the order in which they first came about; the `sqlite3` command reads them.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import msgspec

from mesh.daemon import Fatal
from mesh.files import make_folder
from mesh.store.errors import StoreError
from mesh.store.lock import exclusive
from mesh.types import dollars
from trader.paper.account import Account
from trader.paper.config import PaperConfig
from trader.paper.records import Fill, Holding, Order, Purse, Record, Settlement, Taken, Venue

APPLICATION_ID = 0x464D5041  # "FMPA"
VERSION = 1
_WAIT_SECONDS = 0.5
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_TABLE = """
CREATE TABLE records (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, key)
)"""
_PUT = """
INSERT INTO records (kind, key, body) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"""
_DECODERS: dict[str, msgspec.json.Decoder[Record]] = {
    kind.__name__.lower(): msgspec.json.Decoder(kind)
    for kind in (Purse, Venue, Order, Holding, Fill, Settlement, Taken)
}


class Store:
    """The file. Make it with `opened`."""

    def __init__(self, path: Path, config: PaperConfig) -> None:
        """Open an empty file, which becomes a new account, or one of ours. Fatal or sqlite3.Error otherwise."""
        self._db = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            self._prepare(path, config)
        except BaseException:
            self._db.close()
            raise

    def load(self) -> Account:
        """Read the account. Raises sqlite3.Error, or ValueError where a record is not as it was written."""
        found = self._db.execute("SELECT kind, body FROM records ORDER BY number")
        try:
            account = Account(_DECODERS[kind].decode(body) for kind, body in found)
        except (KeyError, msgspec.MsgspecError) as error:
            raise ValueError(f"a record that cannot be read: {error}") from error
        if account.missing:
            raise ValueError(f"its records do not explain its cash: {dollars(account.missing)} are missing")
        return account

    def save(self, records: Iterable[Record]) -> None:
        """Write records over those of the same key, all or none. Raises sqlite3.Error: nothing is on disk."""
        if self._db.in_transaction:  # what could not even be rolled back, when it failed
            self._db.execute("ROLLBACK")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                self._db.execute(_PUT, (type(record).__name__.lower(), _key(record), _text(record)))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close; what was saved is saved already."""
        self._db.close()

    def _prepare(self, path: Path, config: PaperConfig) -> None:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and (application or version or tables):
            raise Fatal(f"{path}: a database of something else, not a paper account")
        if version > VERSION:
            raise Fatal(f"{path}: of a newer foremesh (version {version}; this one knows {VERSION})")
        if self._db.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise Fatal(f"{path}: this file system cannot hold it (no shared memory): use a local disk")
        self._db.execute("PRAGMA synchronous=FULL")
        # What a killed process wrote may be in the system's memory only, and is told of from now on.
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if version == VERSION:
            return
        cash = config.starting_cash
        purse = Purse(account_id=uuid4().hex, start=cash, step=config.step, cash=cash)
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(_TABLE)
        self._db.execute(_PUT, ("purse", _key(purse), _text(purse)))
        self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        self._db.execute(f"PRAGMA user_version={VERSION}")
        self._db.execute("COMMIT")


@contextlib.contextmanager
def opened(config: PaperConfig) -> Iterator[Store]:
    """Open the account's file, made if absent with its folder, for this process alone.

    Raises:
        Fatal: It cannot be used: damaged, of a newer version, of something else, or another process works on it.
    """
    path = config.file
    with contextlib.ExitStack() as held:
        try:
            make_folder(path.parent, _PRIVATE_FOLDER)
            held.enter_context(exclusive(path.with_name(f"{path.name}.lock")))
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, _PRIVATE_FILE))
            store = held.enter_context(contextlib.closing(Store(path, config)))
            store.load()
        except OSError as error:
            raise Fatal(f"{error.filename or path}: {error.strerror}") from error
        except StoreError as error:
            raise Fatal(f"{path}: {error.message}") from None
        except (sqlite3.Error, ValueError) as error:
            raise Fatal(f"{path}: the paper account cannot be used: {error}") from error
        yield store


def _text(record: Record) -> str:
    # Counts read off the exchange are integers of a type of their own, and msgspec takes none of those for numbers.
    return msgspec.json.encode(record, enc_hook=int).decode()


def _key(record: Record) -> str:
    match record:
        case Order():
            return record.order_id
        case Fill():
            return record.fill_id
        case Purse():
            return record.account_id
        case Settlement():
            return str(record.number)
        case Holding() | Venue() | Taken():
            return record.ticker
