"""The day, and the time of day, that an event's ticker names: `KXHIGHNY-26JAN05`, `KXBTCD-26JUL3121`. Pure."""

import re
from datetime import date, datetime, time
from typing import NamedTuple

_NAMED = re.compile(r"(\d{2})([A-Z]{3})(\d{2})(?:H?(\d{2})(\d{2})?)?")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


class Named(NamedTuple):
    """What a ticker names, in the series' own zone."""

    day: date
    clock: time | None
    """None: the whole day."""

    @property
    def local(self) -> datetime:
        """Without a zone; a whole day is its midnight."""
        return datetime.combine(self.day, self.clock or time())


def named(event_ticker: str) -> Named | None:
    """Read an event's ticker; None where it names no day."""
    match = _NAMED.fullmatch(event_ticker.partition("-")[2])
    if match is None or match[2] not in _MONTHS:
        return None
    try:
        day = date(2000 + int(match[1]), _MONTHS.index(match[2]) + 1, int(match[3]))
        clock = None if match[4] is None else time(int(match[4]), int(match[5] or 0))
    except ValueError:
        return None
    return Named(day, clock)
