"""What can be wrong with a data folder."""

import contextlib
import errno
import sqlite3
from collections.abc import Iterator

from mesh.errors import NotReady

_FULL, _MISSING = "DISK_FULL", "FILE_MISSING"
_REASONS = {errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EFBIG: _FULL, errno.ENOENT: _MISSING}


class StoreError(NotReady):
    """The folder cannot be used so; the text names the file.

    Reasons: `DISK_FULL`, `DISK_FAILED`, `FILE_MISSING`, `FOLDER_TAKEN`.
    """

    default_reason = "DISK_FAILED"


class Damaged(StoreError):
    """A file is not what it should be; the text names it."""

    default_reason = "FILE_DAMAGED"


class WrongSchema(StoreError):
    """A file is sound but of another schema, or of a version newer than this software."""

    default_reason = "SCHEMA_UNKNOWN"


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the disk refuses into StoreError, with the file's name; also a decorator."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, "DISK_FAILED")
        where = f"{error.filename}: " if error.filename else ""
        raise StoreError(f"{where}{error.strerror or error}", reason=reason) from error
    except sqlite3.OperationalError as error:
        reason = _FULL if error.sqlite_errorcode == sqlite3.SQLITE_FULL else "DISK_FAILED"
        raise StoreError(f"catalog: {error}", reason=reason) from error
    except sqlite3.ProgrammingError:  # a bug, such as the use of a folder that was let go
        raise
    except sqlite3.DatabaseError as error:
        raise Damaged(f"catalog: {error}; restart to have it rebuilt from the files") from error
