"""The exchange's week: open always, but for maintenance on Thursdays from 03:00 to 05:00 Eastern. Pure."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_EASTERN = ZoneInfo("America/New_York")
_THURSDAY = 3
_BEGINS, _ENDS = 3, 5


class Maintenance(NamedTuple):
    """One moment's place in the week."""

    running: bool
    until: datetime
    """When that changes."""


def maintenance(now: datetime) -> Maintenance:
    """Tell whether the weekly maintenance runs, and when that changes next."""
    local = now.astimezone(_EASTERN)
    day = local.date() + timedelta(days=(_THURSDAY - local.weekday()) % 7)
    while True:
        # Wall times are put together anew for each week: the hours are Eastern, whatever summer time does.
        begin, end = (
            datetime(day.year, day.month, day.day, hour, tzinfo=_EASTERN).astimezone(UTC) for hour in (_BEGINS, _ENDS)
        )
        if now < begin:
            return Maintenance(running=False, until=begin)
        if now < end:
            return Maintenance(running=True, until=end)
        day += timedelta(days=7)
