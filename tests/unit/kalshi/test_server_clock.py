"""The exchange's time, from Date headers of whole seconds, over slow networks, wrong clocks and confused proxies."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from mesh.kalshi.transport.server_clock import ServerClock

START = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


class World:
    """True time, a monotonic clock that may stop with the machine, and a wall clock that anybody may set."""

    def __init__(self, wrong_by: float = 0.0) -> None:
        self.true = START
        self.ticks = 1000.0
        self.wrong_by = wrong_by

    def now(self) -> datetime:
        return self.true + timedelta(seconds=self.wrong_by)

    def monotonic(self) -> float:
        return self.ticks

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps")

    def run(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)
        self.ticks += seconds

    def suspend(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)

    def reply(self, clock: ServerClock, there: float = 0.03, back: float = 0.03, server_error: float = 0.0) -> None:
        """One exchange of messages, the Date cut to whole seconds."""
        sent = self.ticks
        self.run(there)
        date = format_datetime((self.true + timedelta(seconds=server_error)).replace(microsecond=0), usegmt=True)
        self.run(back)
        clock.observe(date, sent=sent, received=self.ticks)

    def error_ms(self, clock: ServerClock) -> float:
        return clock.timestamp_ms() - self.true.timestamp() * 1000


def test_before_any_reply_the_local_clock_counts() -> None:
    world = World(wrong_by=-7)
    clock = ServerClock(world)
    assert clock.offset_seconds is None
    assert world.error_ms(clock) == pytest.approx(-7000, abs=1)


def test_a_right_clock_is_left_alone() -> None:
    world = World()
    clock = ServerClock(world)
    with capture_logs() as lines:
        for _ in range(50):
            world.reply(clock)
            world.run(0.37)
    assert clock.offset_seconds == 0.0
    assert lines == []


@given(
    wrong_by=st.floats(-100_000, 100_000),
    trips=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3), st.floats(0, 5)), min_size=1, max_size=30),
)
def test_the_timestamp_is_never_further_off_than_a_reply_allows(
    wrong_by: float, trips: list[tuple[float, float, float]]
) -> None:
    world = World(wrong_by)
    clock = ServerClock(world)
    for there, back, pause in trips:
        world.reply(clock, there, back)
        world.run(pause)
    best = min(there + back for there, back, _ in trips)
    assert abs(world.error_ms(clock)) <= (1 + best) * 1000 + 2


def test_many_replies_narrow_it_to_a_fraction_of_a_second() -> None:
    world = World(wrong_by=-42)
    clock = ServerClock(world)
    for _ in range(40):
        world.reply(clock, 0.01, 0.01)
        world.run(0.173)
    assert abs(world.error_ms(clock)) < 60


def test_a_wrong_clock_is_told_once_with_the_figure() -> None:
    world = World(wrong_by=-60)
    clock = ServerClock(world)
    with capture_logs() as lines:
        for _ in range(20):
            world.reply(clock)
            world.run(0.4)
    assert [line["log_level"] for line in lines] == ["warning"]
    assert lines[0]["offset_seconds"] == pytest.approx(60, abs=0.6)


def test_a_clock_set_right_is_told_too() -> None:
    world = World(wrong_by=30)
    clock = ServerClock(world)
    world.reply(clock)
    world.wrong_by = 0.0
    with capture_logs() as lines:
        world.reply(clock)
    assert [line["event"] for line in lines] == [
        "the local clock jumped; measuring the exchange's time anew",
        "the local clock agrees with the exchange again",
    ]
    assert clock.offset_seconds == 0.0


def test_after_a_step_of_the_wall_clock_it_counts_until_the_next_reply() -> None:
    world = World(wrong_by=30)
    clock = ServerClock(world)
    world.reply(clock)
    world.wrong_by = 0.0
    assert abs(world.error_ms(clock)) < 1
    world.wrong_by = -500
    world.reply(clock)
    assert abs(world.error_ms(clock)) < 1100


def test_a_suspended_machine_wakes_with_the_right_time() -> None:
    world = World()
    clock = ServerClock(world)
    world.reply(clock)
    world.suspend(7200)
    assert abs(world.error_ms(clock)) < 1


def test_one_confused_reply_changes_nothing() -> None:
    world = World(wrong_by=-20)
    clock = ServerClock(world)
    for _ in range(5):
        world.reply(clock)
        world.run(1.3)
    before = clock.offset_seconds
    for _ in range(20):
        world.reply(clock, server_error=-3600)
        assert clock.offset_seconds == pytest.approx(before, abs=0.6)
        world.reply(clock)


def test_replies_that_agree_against_the_past_are_believed() -> None:
    world = World()
    clock = ServerClock(world)
    world.reply(clock)
    for _ in range(2):
        world.reply(clock, server_error=90)
    assert clock.offset_seconds == 0.0
    world.reply(clock, server_error=90)
    assert clock.offset_seconds == pytest.approx(90, abs=1.1)


def test_confused_replies_that_disagree_with_each_other_never_win() -> None:
    world = World()
    clock = ServerClock(world)
    world.reply(clock)
    for number in range(50):
        world.reply(clock, server_error=100.0 * (number + 1))
    assert clock.offset_seconds == 0.0


def test_a_refused_timestamp_makes_its_reply_count_at_once() -> None:
    world = World()
    clock = ServerClock(world)
    world.reply(clock, server_error=-3600)
    date = format_datetime(world.true, usegmt=True)
    clock.observe(date, sent=world.ticks - 0.05, received=world.ticks, decisive=True)
    assert abs(world.error_ms(clock)) < 1100


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sun, 99 Nov 2026 12:00:00 GMT",
        "Sun, 22 Nov 99999 12:00:00 GMT",
        "Sun, 22 Nov 2026 12:00:00 +9999",
        "\x00" * 50,
        "2026-11-22T12:00:00Z",
    ],
)
def test_nonsense_teaches_nothing(date: str | None) -> None:
    world = World(wrong_by=5)
    clock = ServerClock(world)
    clock.observe(date, sent=world.ticks, received=world.ticks)
    assert clock.offset_seconds is None


@given(st.text(max_size=60))
def test_no_date_header_breaks_it(date: str) -> None:
    world = World()
    ServerClock(world).observe(date, sent=world.ticks, received=world.ticks)
