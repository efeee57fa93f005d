"""Where a time axis has its marks, and what they say: New York's hours before now, time from now on after it. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("America/New_York")
_MINUTES = (1, 5, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 40_320)
_HOUR, _DAY = 60, 1440
_NOON = 12
_FROM, _UNTIL = 86_400.0, 4_102_444_800.0
"""Instants that can be written; others get no mark."""


def past(start: float, now: float, most: int) -> list[tuple[float, str]]:
    """Return marks before now, at most so many; full hours, parts of an hour, or days.

    Args:
        start: First instant, Unix seconds.
        now: Last.
        most: Marks for which there is room.
    """
    if most < 1 or not _FROM <= start < now <= _UNTIL:
        return []
    minutes = next((each for each in _MINUTES if (now - start) / 60 / each <= most), None)
    if minutes is None:
        return []
    first = datetime.fromtimestamp(start, UTC).astimezone(_ZONE)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    found = []
    # By the wall clock, from midnight on: noon stays noon on the days when clocks are changed.
    for place in range(int((now - start) / 60 / minutes) + 2 + _DAY // min(minutes, _DAY) + 2):
        wall = (midnight + timedelta(minutes=minutes * place)).replace(tzinfo=_ZONE)
        time = wall.timestamp()
        if time > now:
            break
        if time >= start:
            found.append((time, _word(wall, minutes)))
    return found[:most]


def ahead(now: float, end: float, most: int) -> list[tuple[float, str]]:
    """Return marks after now, at most so many, by their distance."""
    if most < 1 or not now < end:
        return []
    minutes = next((each for each in _MINUTES if (end - now) / 60 / each < most + 1), None)
    if minutes is None:
        return []
    count = min(most, int((end - now) / 60 / minutes))
    return [(now + 60.0 * minutes * place, f"+{length(minutes * place)}") for place in range(1, count + 1)]


def length(minutes: float) -> str:
    """Say a length of time shortly: `6h`, `90m`, `2d`."""
    whole = round(minutes)
    if whole and whole % _DAY == 0:
        return f"{whole // _DAY}d"
    return f"{whole // _HOUR}h" if whole and whole % _HOUR == 0 else f"{whole}m"


def _word(wall: datetime, minutes: int) -> str:
    if minutes >= _DAY:
        return f"{wall:%b} {wall.day}"
    if wall.minute == 0 and wall.hour == _NOON:
        return "noon"
    if wall.minute == 0 and wall.hour == 0:
        return f"{wall:%b} {wall.day}"
    hour = wall.hour % _NOON or _NOON
    half = "am" if wall.hour < _NOON else "pm"
    return f"{hour}{half}" if wall.minute == 0 else f"{hour}:{wall.minute:02}{half}"
