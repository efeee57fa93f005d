"""What a journal says of the time before this process."""

from datetime import datetime

from trader.domain.settings import Settings
from trader.domain.state import Books, State
from trader.journal.replaying import folded
from trader.ports import Journal, Recorded


def recalled(journal: Journal, settings: Settings) -> tuple[State, datetime | None]:
    """Fold a journal, and tell when its last entry was written; None where it has none.

    Raises:
        JournalError: It cannot be read, or cannot be folded.
    """
    last: datetime | None = None

    def note(_books: Books, recorded: Recorded) -> None:
        nonlocal last
        last = recorded.time

    books = folded(journal.journal_id, journal.read(), before=note)
    return State(books, settings), last
