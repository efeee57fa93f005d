"""What a journal's file may hold, version by version, and how a file is known for one.

Made to be read with the `sqlite3` command too. A version that was shipped never changes; a new one is a tuple of
statements more, which are carried out on older files when a trader opens them. Whatever an older foremesh could not
read makes a version, without statements where tables stay as they are: a field or a word more in an entry. An entry is
read for ever as it was written (`trader.domain.entries`), and no migration changes a row, since that breaks the chain.
"""

import sqlite3
from pathlib import Path
from uuid import uuid4

from trader.journal.errors import DAMAGED, FOREIGN, NEWER, JournalError

APPLICATION_ID = 0x464D544A
"""Marks the file as ours in its header: `FMTJ`."""

_FIRST = (
    """
    CREATE TABLE meta (  -- journal_id from the beginning, mode from the first start on
      name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """
    CREATE TABLE entries (
      sequence INTEGER PRIMARY KEY,  -- from 1, without gaps
      time TEXT NOT NULL,            -- UTC, microseconds
      kind TEXT NOT NULL,            -- as in the body
      body BLOB NOT NULL,            -- JSON
      digest BLOB NOT NULL           -- sha256 of the digest before, sequence, time and body
    ) STRICT""",
)

_PAGE_BYTES = 16_384
"""Of a page: decisions take three thousand bytes, so that smaller pages would be half empty."""

_SECOND = ()
"""Entries say more: settings, sights, checks, what a scan could not read, what was adopted."""

VERSIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND)
"""What makes each version out of the one before; the first out of nothing."""


def new_id() -> str:
    """Name a journal."""
    return f"j-{uuid4().hex}"


def blank(journal_id: str) -> bytes:
    """Return the file of an empty journal. It is written whole, so an empty file is never taken for a new journal."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    try:
        database.execute(f"PRAGMA page_size={_PAGE_BYTES}")
        migrate(database, 0)
        database.execute("INSERT INTO meta VALUES ('journal_id', ?)", (journal_id,))
        return database.serialize()
    finally:
        database.close()


def version_of(database: sqlite3.Connection, path: Path) -> int:
    """Return a file's version.

    Raises:
        JournalError: It is no journal, or of a newer version than this software.
        sqlite3.Error: It cannot be read.
    """
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID or version < 1:
        raise JournalError(f"{path}: no journal of a trader", reason=FOREIGN)
    if version > len(VERSIONS):
        words = f"written by a newer foremesh (version {version}; this one knows {len(VERSIONS)})"
        raise JournalError(f"{path}: {words}", reason=NEWER)
    return int(version)


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring a file from a version to the newest, in one transaction. Raises sqlite3.Error."""
    if version == len(VERSIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    for statement in (statement for later in VERSIONS[version:] for statement in later):
        database.execute(statement)
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA user_version={len(VERSIONS)}")
    database.execute("COMMIT")


def meta(database: sqlite3.Connection, path: Path) -> dict[str, str]:
    """Return what is known of the journal as a whole. Raises JournalError or sqlite3.Error."""
    rows = database.execute("SELECT CAST(name AS BLOB), CAST(value AS BLOB) FROM meta")
    found = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in rows}
    if not found.get("journal_id"):
        raise JournalError(f"{path}: its table of facts lacks the journal's name", reason=DAMAGED)
    return found
