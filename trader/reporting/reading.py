"""The report on a journal file, also while a trader writes it."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from trader.journal.reading import reading
from trader.journal.replaying import folded
from trader.ports import Recorded
from trader.reporting.report import Gathering, Question, Report


def report_on(path: Path, question: Question, until: int | None = None) -> Report:
    """Report on a journal, checking every entry on the way: chain, order, content, and that trades are their fills.

    It reads and computes for as long as the journal is long: a server calls it in a thread.

    Args:
        path: The journal.
        question: What is asked.
        until: Last entry that counts; None for all that are there.

    Raises:
        JournalError: It is broken, or there is none.
    """
    gathering = Gathering(question)
    with reading(path) as reader:
        rows: Iterator[Recorded] = reader.read()
        if until is not None:
            rows = takewhile(lambda recorded: recorded.sequence <= until, rows)
        books = folded(reader.journal_id, rows, audited=True, before=gathering.see)
    return gathering.report(books)
