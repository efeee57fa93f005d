"""Verifies a journal from its first entry to its last."""

from dataclasses import dataclass
from pathlib import Path

from trader.domain.entries import Started
from trader.domain.words import Mode
from trader.journal.errors import DAMAGED, JournalError, damaged
from trader.journal.reading import End, reading


@dataclass(frozen=True, slots=True)
class Verified:
    """A journal that is as it was written."""

    journal_id: str
    end: End
    """Noted elsewhere, its sequence and digest prove later that nothing up to here was changed or cut off."""


def verify(path: Path, expect_sequence: int = 0, expect_digest: bytes | None = None) -> Verified:
    """Check every entry: chain, order, content and kind, and the file itself.

    Args:
        path: The journal's file; a trader may be writing it: what comes meanwhile is left out.
        expect_sequence: An entry that was there once: the journal must reach as far.
        expect_digest: What that entry's digest was.

    Raises:
        JournalError: With the first sequence that is not as it should be; None where the file as a whole is not.
    """
    with reading(path) as reader:
        end = reader.end()
        mode: Mode | None = None
        for recorded in reader.read():
            if recorded.sequence > end.sequence:
                break
            if isinstance(recorded.entry, Started):
                mode = mode or recorded.entry.mode
                if recorded.entry.mode is not mode:
                    raise damaged(recorded.sequence, f"a start in mode {recorded.entry.mode} in a {mode} journal")
        reader.check_file()
        if mode is not end.mode:
            raise JournalError(f"{path}: of mode {mode}, but its table of facts says {end.mode}", reason=DAMAGED)
        if end.sequence < expect_sequence:
            raise damaged(end.sequence + 1, f"is missing: the journal reached entry {expect_sequence} once")
        if expect_digest is not None and reader.digest(expect_sequence) != expect_digest:
            raise damaged(expect_sequence, "is not the one that was expected: another journal, or written anew")
        return Verified(reader.journal_id, end)
