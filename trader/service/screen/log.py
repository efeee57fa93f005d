"""The events that a screen's log shows, the latest of them kept. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from foremesh.trader.v1 import events_pb2, screen_pb2

from trader.domain.entries import AnyEntry, Decided, ScanStarted, SignalSeen, SwitchesChanged
from trader.domain.facts import Block
from trader.domain.orders import IllegalTransition
from trader.domain.state import Books
from trader.ports import Recorded
from trader.service.convert_events import KIND, event, market_of
from trader.service.story import Story, Told

MOST_EVENTS = 200
"""In one message."""
LAST_EVENTS = 50
"""That a screen begins with."""
_KEPT = 2000


def shown(entry: AnyEntry) -> bool:
    """Tell whether an entry is for a log: not what a screen shows otherwise, a thousand times a scan."""
    if isinstance(entry, SignalSeen | ScanStarted) or (isinstance(entry, Decided) and not entry.entered):
        return False
    return type(entry) in KIND


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the log."""

    told: Sequence[Told]
    """Oldest first."""
    skipped: int
    """That came before these and are not here."""
    more: bool
    """Whether there may be others between or before them that nobody counted."""

    def message(self, now: datetime) -> screen_pb2.LogEvents:
        """Write it down as of an instant."""
        return screen_pb2.LogEvents(
            events=[_event(told, now) for told in self.told], skipped_count=self.skipped, more_skipped=self.more
        )


class Log:
    """The last events.

    Args:
        reach: Journal entry behind which it begins.
    """

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self._told: deque[Told] = deque()

    def add(self, told: Told) -> None:
        """Take in an entry, where it is for a log."""
        if not shown(told.entry):
            return
        self._told.append(told)
        if len(self._told) > _KEPT:
            self._reach = self._told.popleft().sequence

    def missed(self, sequence: int) -> None:
        """Take in that an event could not be told: what it changed began before the log."""
        self._reach = sequence

    def last(self, markets: frozenset[str], until: int) -> Part:
        """Give the last events up to an entry."""
        found = self._found(0, until, markets)
        found = found[-LAST_EVENTS:]
        return Part(found, 0, more=bool(found) and found[0].sequence < self._reach)

    def after(self, sequence: int, markets: frozenset[str], until: int) -> Part:
        """Give the events after an entry and up to another one, the last of them where there are too many."""
        found = self._found(sequence, until, markets)
        return Part(found[-MOST_EVENTS:], max(0, len(found) - MOST_EVENTS), more=sequence < self._reach)

    def _found(self, after: int, until: int, markets: frozenset[str]) -> list[Told]:
        found: list[Told] = []
        for told in reversed(self._told):
            if told.sequence <= after:
                break
            if told.sequence <= until and (not markets or market_of(told) in {None, *markets}):
                found.append(told)
        found.reverse()
        return found


def past(rows: Sequence[Recorded], reach: int, blocks: Mapping[str, Block]) -> Log:
    """Make the log of entries that were read back, with no books of their beginning.

    What such an entry is about is known where it began in them as well; before that nothing is shown.

    Args:
        rows: Entries.
        reach: Entry before the first of them.
        blocks: Those that hold after the last.
    """
    log = Log(reach)
    began = {block.block_id for row in rows if isinstance(row.entry, SwitchesChanged) for block in row.entry.began}
    held = {name: block for name, block in blocks.items() if name not in began}
    unsure = max(
        (
            row.sequence
            for row in rows
            if isinstance(row.entry, SwitchesChanged) and any(name not in began for name in row.entry.ended)
        ),
        default=0,
    )
    story = Story(Books("", sequence=reach, blocks=held))
    for row in rows:
        try:
            told = story.told(row)
        except (KeyError, IllegalTransition):  # an order from before
            log.missed(row.sequence)
            continue
        if row.sequence <= unsure and isinstance(row.entry, SwitchesChanged):
            log.missed(row.sequence)
        else:
            log.add(told)
    return log


def _event(told: Told, now: datetime) -> events_pb2.Event:
    message = event(told, now)
    if message.HasField("scan_finished"):
        message.scan_finished.ClearField("unsignalled")
    return message
