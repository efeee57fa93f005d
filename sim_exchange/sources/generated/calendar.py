"""When events are listed, open, close and are decided, and what they are called. Pure.

Names carry Eastern time. Stations report the highs of standard-time days, so weather markets close at 23:59 local
standard time all year.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum

from sim_exchange.sources.generated.eastern import EASTERN

_ONE_HOUR = timedelta(hours=1)
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_LONGEST_WAIT = 6  # days from a listing to the event's own day, at most: a weekend, and two days ahead of its opening


class Rhythm(Enum):
    """How often a series has an event."""

    DAILY = "daily"
    """Every day, from 10:00 Eastern the day before; decided the next morning at 07:00 Eastern."""
    WEEKDAYS = "weekdays"
    """Every weekday, from 10:00 Eastern the weekday before to 16:00. Exchange holidays are not known."""
    HOURLY = "hourly"
    """Every hour, open for that hour."""


@dataclass(frozen=True, slots=True)
class Times:
    """How a series' events lie in time."""

    rhythm: Rhythm
    ahead: timedelta
    """From listing to opening."""
    verdict: timedelta
    """From close, or from 07:00 of the next morning, to the result."""
    standard_offset: timedelta = timedelta()
    """Of the weather station's zone to UTC, without daylight saving."""

    @property
    def longest(self) -> timedelta:
        """An upper bound of the time from close to result."""
        return self.verdict + timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One event's name and times; instants aware UTC."""

    event_ticker: str
    series_ticker: str
    day: date
    """Eastern date in its name."""
    created: datetime
    opens: datetime
    closes: datetime
    decided: datetime
    """When the result is out."""
    expected: datetime
    """When the rules say it will be out."""
    latest: datetime


def occasions(series_ticker: str, times: Times, first: datetime, last: datetime) -> Iterator[Occasion]:
    """Give the events that close after `first` and are listed up to `last`, in the order of their closes."""
    if times.rhythm is Rhythm.HOURLY:
        closes = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + _ONE_HOUR
        while closes - _ONE_HOUR - times.ahead <= last:
            if not closes.astimezone(EASTERN).fold:  # the hour that comes twice in autumn has but one name
                yield _hour(series_ticker, times, closes)
            closes += _ONE_HOUR
        return
    day = first.astimezone(EASTERN).date() - _ONE_DAY
    final = last.astimezone(EASTERN).date() + timedelta(days=_LONGEST_WAIT)
    while day <= final:
        if times.rhythm is Rhythm.DAILY or day.weekday() < _SATURDAY:
            occasion = _day(series_ticker, times, day)
            if occasion.closes > first and occasion.created <= last:
                yield occasion
        day += _ONE_DAY


def find(event_ticker: str, times: Times) -> Occasion | None:
    """Give the event of that name; None if there is none."""
    series, _, name = event_ticker.partition("-")
    try:
        day = datetime.strptime(name[:7].title(), "%y%b%d").date()  # noqa: DTZ007  a date, not an instant
    except ValueError:
        return None
    before = _eastern(day, 0) - _ONE_HOUR
    for occasion in occasions(series, times, before, before + 2 * _ONE_DAY):
        if occasion.event_ticker == event_ticker:
            return occasion
    return None


def _hour(series: str, times: Times, closes: datetime) -> Occasion:
    local = closes.astimezone(EASTERN)
    opens = closes - _ONE_HOUR
    return Occasion(
        event_ticker=f"{series}-{_date_part(local.date())}{local.hour:02d}",
        series_ticker=series,
        day=local.date(),
        created=opens - times.ahead,
        opens=opens,
        closes=closes,
        decided=closes + times.verdict,
        expected=closes + timedelta(minutes=5),
        latest=closes + timedelta(days=7),
    )


def _day(series: str, times: Times, day: date) -> Occasion:
    before = day - _ONE_DAY
    if times.rhythm is Rhythm.WEEKDAYS:
        while before.weekday() >= _SATURDAY:
            before -= _ONE_DAY
        name, closes = f"{_date_part(day)}H1600", _eastern(day, 16)
        decided, expected, latest = closes, closes + _ONE_HOUR, closes + timedelta(days=7)
    else:
        midnight = datetime.combine(day + _ONE_DAY, time(), UTC) - times.standard_offset
        name, closes = _date_part(day), midnight - timedelta(minutes=1)
        decided = _eastern(day + _ONE_DAY, 7)
        expected, latest = _eastern(day + _ONE_DAY, 10), _eastern(day + timedelta(days=7), 10)
    opens = _eastern(before, 10)
    return Occasion(
        event_ticker=f"{series}-{name}",
        series_ticker=series,
        day=day,
        created=opens - times.ahead,
        opens=opens,
        closes=closes,
        decided=decided + times.verdict,
        expected=expected,
        latest=latest,
    )


def _eastern(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), EASTERN).astimezone(UTC)


def _date_part(day: date) -> str:
    return f"{day:%y%b%d}".upper()
