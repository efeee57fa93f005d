"""Books carried forward: what a journal folds to up to one of its entries, in a file beside it.

With it a start folds only what was written since, so a trader of a year guards its positions as soon as one of a day.
It is no evidence: the journal makes it again at any time, and a file that is not of this very journal and of this very
software is left aside.
"""

import hashlib
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec

import trader.domain
from mesh import log
from mesh.files import locked, replace_files
from trader.domain.state import Books
from trader.journal.codec import made, plain
from trader.journal.errors import JournalError, sqlite_errors
from trader.journal.reading import reading

_PRIVATE = 0o600

_log = log.get(__name__)


class Carried(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the entries up to `books.sequence` come to."""

    software: str
    """That folded them, see `software`."""
    time: datetime
    """Of the last of them."""
    digest: bytes
    """Of the last of them: it stands for all of them."""
    books: Books


_encoder = msgspec.json.Encoder(enc_hook=plain)
_decoder = msgspec.json.Decoder(Carried, dec_hook=made)


def encode(carried: Carried) -> bytes:
    """Write books as bytes: their digest in a line of its own, then JSON."""
    body = _encoder.encode(carried)
    return _digest(body) + b"\n" + body


def decode(content: bytes) -> Carried:
    """Read what `encode` wrote. ValueError for anything else."""
    digest, _, body = content.partition(b"\n")
    if digest != _digest(body):
        raise ValueError("it is not as it was written")
    return _decoder.decode(body)


@cache
def software() -> str:
    """Name the code that folds: other code may fold the same entries to other books."""
    digest = hashlib.sha256()
    for path in sorted(Path(trader.domain.__path__[0]).glob("*.py")):
        digest.update(path.read_bytes())
    return f"foremesh {version('foremesh')} {digest.hexdigest()[:16]}"


def beside(journal: Path) -> Path:
    """Say where the books of a journal are."""
    path = journal.resolve()
    return path.with_name(f"{path.name}.books")


def write(journal: Path, carried: Carried) -> None:
    """Put books beside their journal, replacing those that are there. Raises JournalError."""
    path = beside(journal)
    with sqlite_errors(path), locked(path.parent):
        replace_files([(path, encode(carried), _PRIVATE)])


def find(journal: Path) -> Carried | None:
    """Read the books beside a journal; None where there are none that may be used.

    Raises:
        JournalError: The journal itself cannot be read.
    """
    path = beside(journal)
    try:
        carried = decode(path.read_bytes())
        if carried.software != software():
            raise ValueError(f"made by {carried.software}")
        with reading(journal) as reader:
            books = carried.books
            if books.journal_id != reader.journal_id or reader.digest(books.sequence) != carried.digest:
                raise ValueError("it is of another journal")
    except FileNotFoundError:
        return None
    except JournalError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        _log.info("the journal is folded from its first entry: books beside it are not used", problem=str(error))
        return None
    return carried


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
