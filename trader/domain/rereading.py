"""A journal read once more from its first entry: every decision in it is made again and compared. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from trader.domain.differing import Difference, differences
from trader.domain.entries import AnyEntry, Decided, ExitDecided, OrderIntended, ShadowPlaced, SignalSeen, Started
from trader.domain.remaking import Unmade, entry_again, exit_again, settings_of
from trader.domain.settings import Settings
from trader.domain.state import Books

ENTRY, EXIT = "entry", "exit"


@dataclass(frozen=True, slots=True)
class Differing:
    """A decision that comes out differently now."""

    sequence: int
    """Of its entry."""
    what: str
    """`entry` or `exit`."""
    decision_id: str
    ticker: str
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class Remade:
    """What became of the decisions of a journal."""

    same: Counter[str] = field(default_factory=Counter)
    """Made again with the same outcome in every field, by `entry` and `exit`."""
    unmade: Counter[tuple[str, Unmade]] = field(default_factory=Counter)
    """Not made again, by what and why."""
    differing: list[Differing] = field(default_factory=list)
    """In their order."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A decision to enter or not, whose order and shadow stand right behind it."""

    sequence: int
    decided: Decided
    written: list[AnyEntry]
    made: list[AnyEntry]


class Rereading:
    """Takes entries in their order, each with the books as they stand before it.

    Attributes:
        found: So far; complete once `end` was called.
    """

    def __init__(self, version: str, day: date | None = None) -> None:
        """Begin. Only what this version of the software decided is made again; with a day of UTC, only that day's."""
        self.found = Remade()
        self._version, self._day = version, day
        self._settings: Settings | Unmade = Unmade.NO_START
        self._before: AnyEntry | None = None
        self._open: _Open | None = None

    def take(self, books: Books, sequence: int, time: datetime, entry: AnyEntry) -> None:
        """Take the next entry.

        Args:
            books: Before it; not changed.
            sequence: Its own.
            time: Its own.
            entry: What happened.

        Raises:
            KeyError: It sells a position that is not there.
        """
        if self._open is not None:
            if _follows(self._open, entry):
                self._open.written.append(entry)
                return
            self.end()
        match entry:
            case Started():
                self._settings = settings_of(entry, self._version)
            case Decided() | ExitDecided() if self._day not in {None, time.astimezone(UTC).date()}:
                pass
            case Decided():
                self._entry(books, sequence, time, entry)
            case ExitDecided():
                self._exit(books, sequence, time, entry)
            case _:
                pass
        self._before = entry

    def end(self) -> None:
        """Compare what is still open: nothing more belongs to it."""
        done, self._open = self._open, None
        if done is not None:
            self._compare(ENTRY, done.sequence, done.decided, done.written, done.made)

    def _entry(self, books: Books, sequence: int, time: datetime, decided: Decided) -> None:
        seen = self._before if isinstance(self._before, SignalSeen) else None
        made = entry_again(books, self._settings, seen, decided, time)
        if isinstance(made, Unmade):
            self.found.unmade[ENTRY, made] += 1
        else:
            self._open = _Open(sequence, decided, [decided], made)

    def _exit(self, books: Books, sequence: int, time: datetime, decided: ExitDecided) -> None:
        made = exit_again(books, self._settings, decided, time)
        if isinstance(made, Unmade):
            self.found.unmade[EXIT, made] += 1
        else:
            self._compare(EXIT, sequence, decided, [decided], [] if made is None else [made])

    def _compare(
        self, what: str, sequence: int, decided: Decided | ExitDecided, written: list[AnyEntry], made: list[AnyEntry]
    ) -> None:
        found = differences(written, made)
        if not found:
            self.found.same[what] += 1
            return
        ticker = decided.market.ticker if isinstance(decided, Decided) else decided.ticker
        self.found.differing.append(Differing(sequence, what, decided.decision_id, ticker, found))


def _follows(done: _Open, entry: AnyEntry) -> bool:
    """Tell whether an entry belongs to the decision: its order, then its shadow, each once."""
    match entry:
        case OrderIntended(order=order):
            return order.decision_id == done.decided.decision_id and len(done.written) == 1
        case ShadowPlaced(decision_id=name):
            return name == done.decided.decision_id and not isinstance(done.written[-1], ShadowPlaced)
        case _:
            return False
