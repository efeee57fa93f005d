"""Replays a journal: folds it from scratch, and makes every decision in it again.

It must come to the same books every time, and the code that trades to the same decisions.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

import msgspec

from mesh.errors import MeshError
from trader.domain.fold import apply
from trader.domain.rereading import Remade, Rereading
from trader.domain.state import Books
from trader.journal.audit import objection
from trader.journal.carried import Carried
from trader.journal.codec import plain
from trader.journal.errors import FOLD_DIFFERS, JournalError, damaged
from trader.journal.reading import Reader
from trader.ports import Recorded

_TOLD_EVERY = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a journal came to."""

    books: Books
    digest: str
    """Of the books; equal wherever the same journal is folded by the same version."""
    decisions: Remade
    """What comes of its decisions when they are made again."""


def folded(
    journal_id: str,
    entries: Iterable[Recorded],
    *,
    audited: bool = False,
    before: Callable[[Books, Recorded], None] = lambda _books, _recorded: None,
) -> Books:
    """Fold entries from the first on.

    Args:
        journal_id: Of the journal.
        entries: From the first one on.
        audited: Whether to refuse also what folding takes and the trader never writes (`trader.journal.audit`).
        before: Called with the books as they stand before each entry.

    Raises:
        JournalError: Naming the first entry that is no legal continuation.
    """
    books = Books(journal_id)
    for recorded in entries:
        follow(books, recorded, audited=audited, before=before)
    return books


def follow(
    books: Books,
    recorded: Recorded,
    *,
    audited: bool = False,
    before: Callable[[Books, Recorded], None] = lambda _books, _recorded: None,
) -> None:
    """Fold the next entry into books; arguments and errors as for `folded`."""
    try:
        if audited and (words := objection(books, recorded.entry)):
            raise damaged(recorded.sequence, f"cannot follow what stands before it: {words}")
        before(books, recorded)
        apply(books, recorded.sequence, recorded.time, recorded.entry)
    except JournalError:
        raise
    except KeyError as error:
        words = f"speaks of {error.args[0]!r}, which was never there or is over"
        raise damaged(recorded.sequence, words) from error
    except (MeshError, ValueError) as error:
        raise damaged(recorded.sequence, f"cannot follow what stands before it: {error}") from error


def replay(
    reader: Reader,
    version: str,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    day: date | None = None,
    carried: Carried | None = None,
) -> Replayed:
    """Fold a journal twice, and make every decision in it again on the way.

    Args:
        reader: The journal; what is written to it meanwhile is left out.
        version: Of this software: what another version decided is counted, not made again.
        progress: Told now and then how many entries of how many are done; each counts twice.
        day: Only decisions of this day of UTC are made again; None is all.
        carried: Books that a start would go on from; they are held against what the entries come to.

    Raises:
        JournalError: It is broken, holds an entry that cannot follow, or comes to other books the second time, or than
            those that were carried forward.
    """
    last = reader.end().sequence
    rereading = Rereading(version, day)

    def compare(books: Books) -> None:
        if carried is not None and books.sequence == carried.books.sequence and books != carried.books:
            words = f"the books carried forward to entry {books.sequence} are not what the journal folds to"
            raise JournalError(words, reason=FOLD_DIFFERS)

    def again(books: Books, recorded: Recorded) -> None:
        compare(books)
        rereading.take(books, recorded.sequence, recorded.time, recorded.entry)

    first = folded(reader.journal_id, _until(last, reader, progress, 0), audited=True, before=again)
    compare(first)
    rereading.end()
    second = folded(reader.journal_id, _until(last, reader, progress, last), audited=True)
    digest = fingerprint(first)
    if fingerprint(second) != digest:
        raise JournalError("folding it twice comes to different books: this is a bug", reason=FOLD_DIFFERS)
    return Replayed(first, digest, rereading.found)


def _until(last: int, reader: Reader, progress: Callable[[int, int], None], done: int) -> Iterator[Recorded]:
    for recorded in takewhile(lambda recorded: recorded.sequence <= last, reader.read()):
        if recorded.sequence % _TOLD_EVERY == 0 or recorded.sequence == last:
            progress(done + recorded.sequence, 2 * last)
        yield recorded


def fingerprint(books: Books) -> str:
    """Return a digest of books that depends on nothing but what is in them."""
    return hashlib.sha256(msgspec.json.encode(books, enc_hook=plain, order="sorted")).hexdigest()
