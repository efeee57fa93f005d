"""What can be wrong with a journal."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from mesh.errors import NotReady

TAKEN, DAMAGED, NEWER, FOREIGN = "JOURNAL_TAKEN", "JOURNAL_DAMAGED", "JOURNAL_NEWER", "JOURNAL_FOREIGN"
FULL, UNUSABLE, REFUSED = "JOURNAL_FULL", "JOURNAL_UNUSABLE", "JOURNAL_ENTRY_REFUSED"
FOLD_DIFFERS = "JOURNAL_FOLD_DIFFERS"

_IN_WORDS: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: (UNUSABLE, "another program holds it locked"),
    sqlite3.SQLITE_FULL: (FULL, "there is no room left to write it"),
    sqlite3.SQLITE_READONLY: (UNUSABLE, "it may not be written"),
    sqlite3.SQLITE_IOERR: (UNUSABLE, "the disk fails"),
    sqlite3.SQLITE_CANTOPEN: (UNUSABLE, "it cannot be opened"),
    sqlite3.SQLITE_CORRUPT: (DAMAGED, "the file is damaged"),
    sqlite3.SQLITE_NOTADB: (DAMAGED, "the file is damaged, or no database at all"),
}


class JournalError(NotReady):
    """The journal cannot be used so, or what it holds cannot be relied on.

    Reasons: `JOURNAL_TAKEN` (another process writes it), `JOURNAL_DAMAGED`, `JOURNAL_NEWER` (written by a newer
    foremesh), `JOURNAL_FOREIGN` (of something else, or of another mode), `JOURNAL_FULL`, `JOURNAL_UNUSABLE` (disk,
    rights, locks), `JOURNAL_ENTRY_REFUSED` (an entry could not be read back as it is), `JOURNAL_FOLD_DIFFERS` (two
    folds of it came to different books).

    Attributes:
        sequence: The first entry that is not as it should be; None where it is not about one.
    """

    default_reason = UNUSABLE

    def __init__(self, message: str, *, reason: str | None = None, sequence: int | None = None) -> None:
        metadata = {} if sequence is None else {"sequence": str(sequence)}
        super().__init__(message, reason=reason, metadata=metadata)
        self.sequence = sequence


def damaged(sequence: int, what: str) -> JournalError:
    """Make the error that names the first broken entry."""
    return JournalError(f"entry {sequence}: {what}", reason=DAMAGED, sequence=sequence)


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system refuses into JournalError, with the file's name."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more than anybody wants to know
        reason, words = _IN_WORDS.get(code, (UNUSABLE, "SQLite refuses"))
        raise JournalError(f"{path}: {words} ({error})", reason=reason) from error
    except UnicodeDecodeError as error:  # out of sqlite3 itself, where a name in a damaged file is none
        raise JournalError(f"{path}: the file is damaged ({error.reason})", reason=DAMAGED) from error
    except OSError as error:
        raise JournalError(f"{error.filename or path}: {error.strerror or error}") from error
