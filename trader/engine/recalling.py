"""What a journal says of the time before this process."""

from datetime import datetime

from trader.domain.settings import Settings
from trader.domain.state import Books, State
from trader.journal.carried import Carried
from trader.journal.replaying import follow
from trader.ports import Journal


def recalled(journal: Journal, settings: Settings, carried: Carried | None = None) -> tuple[State, datetime | None]:
    """Fold a journal, and tell when its last entry was written; None where it has none.

    Args:
        journal: To fold.
        settings: In force from now on.
        carried: What its first entries came to, if that is known; its books become those of the state.

    Raises:
        JournalError: It cannot be read, or cannot be folded.
    """
    books, last = (Books(journal.journal_id), None) if carried is None else (carried.books, carried.time)
    for recorded in journal.read(books.sequence, refusals=False):
        follow(books, recorded)
        last = recorded.time
    books.sequence = journal.last_sequence
    return State(books, settings), last
