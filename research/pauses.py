"""When the exchange did not trade: the hours of each night, or of one night a week. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]
_NEW_YORK = ZoneInfo("America/New_York")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Hours without trading, in New York's time of day."""

    start: time
    end: time
    """Later than `start`, on the same day."""
    weekdays: frozenset[int] = frozenset(range(7))
    """Monday is 0."""
    first: date = date.min
    """Of the days on which it is so."""
    last: date = date.max

    def on(self, day: date) -> Span | None:
        """Return the pause of one day of New York, in UTC; None where there is none."""
        if not self.first <= day <= self.last or day.weekday() not in self.weekdays:
            return None
        start, end = (datetime.combine(day, at, _NEW_YORK).astimezone(UTC) for at in (self.start, self.end))
        return start, end


_CHANGE = date(2025, 5, 8)
KNOWN: Final = (
    Night(start=time(3), end=time(8), last=_CHANGE),
    Night(start=time(3), end=time(5), weekdays=frozenset({3}), first=_CHANGE + _DAY),
)
"""Every night until the day up to which recorded trades show it, then on Thursdays."""


def following(nights: tuple[Night, ...], now: datetime) -> Iterator[Span]:
    """Give the pauses that end after a moment, in their order; ends at the last day that there is."""
    if not nights:
        return
    day = now.astimezone(_NEW_YORK).date()
    last = max(night.last for night in nights)
    while day <= last and day < date.max:
        for span in sorted(span for night in nights if (span := night.on(day)) is not None):
            if span[1] > now:
                yield span
        day += _DAY
