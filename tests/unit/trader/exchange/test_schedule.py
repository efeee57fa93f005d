"""Scheduled pauses, read off the exchange's weekly hours."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.errors import UnexpectedReply
from mesh.kalshi.rest.exchange_wire import Hours, MaintenanceWindow, Schedule, Week
from sim_exchange.domain.hours import maintenance
from trader.exchange.schedule import AHEAD, pauses

ALWAYS = (Hours("00:00", "00:00"),)
THURSDAY = (Hours("00:00", "03:00"), Hours("05:00", "00:00"))
HOUR = timedelta(hours=1)
NOW = datetime(2026, 7, 10, 15, tzinfo=UTC)
"""A Friday."""


def week(
    thursday: tuple[Hours, ...] = THURSDAY,
    *,
    start: datetime = datetime(2024, 1, 1, 5, tzinfo=UTC),
    end: datetime = datetime(2099, 1, 1, 5, tzinfo=UTC),
    monday: tuple[Hours, ...] = ALWAYS,
) -> Week:
    return Week(start, end, monday, ALWAYS, ALWAYS, thursday, ALWAYS, ALWAYS, ALWAYS)


def test_an_exchange_that_is_open_always_never_pauses() -> None:
    assert pauses(Schedule((week(ALWAYS),), ()), NOW) == ()


def test_the_thursday_pause_is_at_three_in_new_york() -> None:
    begins = datetime(2026, 7, 16, 7, tzinfo=UTC)
    assert pauses(Schedule((week(),), ()), NOW) == ((begins, begins + 2 * HOUR),)


def test_in_winter_it_is_an_hour_later_in_utc() -> None:
    begins = datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert pauses(Schedule((week(),), ()), datetime(2026, 11, 23, 12, tzinfo=UTC)) == ((begins, begins + 2 * HOUR),)


@given(st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001  made aware below
def test_the_pauses_are_those_that_the_exchange_makes(naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)
    found = pauses(Schedule((week(),), ()), now)
    state = maintenance(now)
    first = found[0]
    if state.running:
        assert (first[0] <= now, first[1]) == (True, state.until)
    else:
        assert first == (state.until, state.until + 2 * HOUR)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)))  # noqa: DTZ001  made aware below
def test_pauses_are_apart_in_order_and_to_come(naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)
    busy = (Hours("08:00", "11:30"), Hours("11:00", "12:00"), Hours("13:00", "24:00"))
    windows = (MaintenanceWindow(now - HOUR, now + HOUR), MaintenanceWindow(now + HOUR, now + 2 * HOUR))
    found = pauses(Schedule((week(busy, monday=busy),), windows), now)
    assert all(start < end and end > now and start < now + AHEAD for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert found[0][0] <= now - HOUR
    assert found[0][1] >= now + 2 * HOUR


def test_a_maintenance_window_is_a_pause_and_one_that_is_over_is_not() -> None:
    window = MaintenanceWindow(NOW + HOUR, NOW + 2 * HOUR)
    over = MaintenanceWindow(NOW - 2 * HOUR, NOW - HOUR)
    assert pauses(Schedule((week(ALWAYS),), (over, window)), NOW) == ((NOW + HOUR, NOW + 2 * HOUR),)


def test_days_of_which_no_week_speaks_are_no_pause() -> None:
    ends = NOW + timedelta(days=1)
    assert pauses(Schedule((week(end=ends),), ()), NOW) == ()
    assert pauses(Schedule((), ()), NOW) == ()


def test_weeks_that_follow_each_other_are_read_each_in_its_time() -> None:
    change = NOW + timedelta(days=2)
    found = pauses(Schedule((week(ALWAYS, end=change), week(start=change)), ()), NOW)
    assert [start.isoformat() for start, _ in found] == ["2026-07-16T07:00:00+00:00"]


@pytest.mark.parametrize("text", ["", "7", "25", "aa:00", "12:61", "99:99"])
def test_hours_that_cannot_be_read_are_not_guessed(text: str) -> None:
    with pytest.raises(UnexpectedReply):
        pauses(Schedule((week((Hours(text, "12:00"),)),), ()), NOW)
