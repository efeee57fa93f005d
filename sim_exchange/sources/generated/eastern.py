"""New York's clock, by which the exchange names events, pauses and lives. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from sim_exchange.sources.generated.arrays import HOUR, Bools, Ints, instant

EASTERN = ZoneInfo("America/New_York")

_NOON = 12
_PAUSE = (3 * 24 + 3, 3 * 24 + 5)  # Thursday 03:00 to 05:00, as hours of the week


def hours_of_week(at: Ints) -> Ints:
    """Give the Eastern hour of the week of each instant (microseconds): 0 is Monday after midnight, 167 the last."""
    if not len(at):
        return at.copy()
    hours = at // HOUR
    first = int(hours.min())
    # Zones of America differ from UTC by whole hours, so that an hour there is an hour here.
    local = [instant(hour * HOUR).astimezone(EASTERN) for hour in range(first, int(hours.max()) + 1)]
    week = np.array([when.weekday() * 24 + when.hour for when in local])
    found: Ints = week[hours - first]
    return found


def paused(hour_of_week: Ints) -> Bools:
    """Say which hours of the week lie in the weekly pause."""
    begins, ends = _PAUSE
    return (hour_of_week >= begins) & (hour_of_week < ends)


def offset_seconds(at: int) -> int:
    """Give the seconds that Eastern time is ahead of UTC (so negative) at an instant in microseconds."""
    local = instant(at).astimezone(EASTERN).replace(tzinfo=None)
    return int((local - instant(at).replace(tzinfo=None)).total_seconds())


def hour_text(at: datetime) -> str:
    """Give an hour as the exchange's texts do: `2am EDT`."""
    local = at.astimezone(EASTERN)
    return f"{local.hour % _NOON or _NOON}{'am' if local.hour < _NOON else 'pm'} {local.tzname()}"


def day_text(day: date) -> str:
    """Give a day as the exchange's texts do: `Jul 12, 2026`."""
    return f"{day:%b} {day.day}, {day.year}"
