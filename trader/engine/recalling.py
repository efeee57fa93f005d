"""What a journal says of the time before this process."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from trader.domain.settings import Settings
from trader.domain.state import State
from trader.journal.replaying import folded
from trader.ports import Journal, Recorded


def recalled(journal: Journal, settings: Settings) -> tuple[State, datetime | None]:
    """Fold a journal, and tell when its last entry was written; None where it has none.

    Raises:
        JournalError: It cannot be read, or cannot be folded.
    """
    last: datetime | None = None

    def noted(entries: Iterable[Recorded]) -> Iterator[Recorded]:
        nonlocal last
        for recorded in entries:
            last = recorded.time
            yield recorded

    books = folded(journal.journal_id, noted(journal.read()))
    return State(books, settings), last
