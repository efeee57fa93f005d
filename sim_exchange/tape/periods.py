"""Ends of candlestick periods. Pure.

A period is (end − length, end] and its end is aligned: to the minute, to the hour, and for days to midnight in New
York, so that a day has 23 or 25 hours when the clocks change there.
"""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = 1
HOUR = 60
DAY = 1440
PERIODS = (MINUTE, HOUR, DAY)
"""Lengths in minutes."""

NEW_YORK = ZoneInfo("America/New_York")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECONDS = 1_000_000


def microseconds(instant: datetime) -> int:
    """Give the exact microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """Undo `microseconds`."""
    return _EPOCH + timedelta(microseconds=microseconds)


def minute_end(microseconds: int) -> int:
    """Give the end, in Unix seconds, of the minute that holds an instant given in microseconds."""
    return -(-microseconds // (60 * _SECONDS)) * 60


def period_end(ts: int, period: int) -> int:
    """Give the end of the period of `period` minutes that holds the second `ts`; all in Unix seconds."""
    if period == DAY:
        return _day_end((ts - 1) // 3600)
    length = period * 60
    return -(-ts // length) * length


@lru_cache(maxsize=4096)
def _day_end(hour: int) -> int:
    # New York is whole hours from UTC, so that every second of an hour has the same date there.
    today = datetime.fromtimestamp(hour * 3600, NEW_YORK).date()
    return int(datetime.combine(today + timedelta(days=1), time(), NEW_YORK).timestamp())
