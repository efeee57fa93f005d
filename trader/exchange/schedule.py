"""When the exchange is to pause: the gaps in its weekly hours, and its maintenance windows. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mesh.kalshi.errors import UnexpectedReply
from mesh.kalshi.rest.exchange_wire import Hours, Schedule, Week
from mesh.types import utc

AHEAD = timedelta(days=8)
"""How far pauses are looked up: every weekly one is in it at least once."""
_DAY = timedelta(days=1)
_NEW_YORK = ZoneInfo("America/New_York")

Span = tuple[datetime, datetime]


def pauses(schedule: Schedule, now: datetime, ahead: timedelta = AHEAD) -> tuple[Span, ...]:
    """Return the scheduled pauses from now on, the one under way too, ascending and apart from each other.

    Days that no week of the schedule speaks of are not taken for pauses.

    Raises:
        UnexpectedReply: The schedule's hours cannot be read.
    """
    found = [(utc(window.start), utc(window.end)) for window in schedule.maintenance_windows]
    for week in schedule.standard_hours:
        first, last = max(utc(week.start_time), now - _DAY), min(utc(week.end_time), now + ahead)
        if first < last:
            found += _gaps(_open(week, first, last), first, last)
    return tuple((start, min(end, now + ahead)) for start, end in _joined(found) if end > now and start < now + ahead)


def _open(week: Week, first: datetime, last: datetime) -> Iterator[Span]:
    """Yield the open spans of every day that touches the span, in New York's time of day."""
    day = first.astimezone(_NEW_YORK).date() - _DAY
    while day <= last.astimezone(_NEW_YORK).date():
        for each in _hours(week, day):
            begins, ends = _instant(day, each.open_time), _instant(day, each.close_time)
            yield begins, ends if ends > begins else _instant(day + _DAY, each.close_time)
        day += _DAY


def _hours(week: Week, day: date) -> tuple[Hours, ...]:
    days = week.monday, week.tuesday, week.wednesday, week.thursday, week.friday, week.saturday, week.sunday
    return days[day.weekday()]


def _instant(day: date, text: str) -> datetime:
    """Read a time of day; 24:00 is the next midnight."""
    try:
        hour, minute = map(int, text.split(":")[:2])
        days, hour = divmod(hour, 24)
        return datetime.combine(day + timedelta(days=days), time(hour, minute), _NEW_YORK).astimezone(UTC)
    except ValueError:
        raise UnexpectedReply(f"not a time of day in the exchange's schedule: {text[:20]!r}") from None


def _gaps(spans: Iterable[Span], first: datetime, last: datetime) -> Iterator[Span]:
    reached = first
    for start, end in _joined(spans):
        if start > reached and reached < last:
            yield reached, min(start, last)
        reached = max(reached, end)
    if reached < last:
        yield reached, last


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif start < end:
            joined.append((start, end))
    return joined
