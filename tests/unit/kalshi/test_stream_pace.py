from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.config import ConfigError, load
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.pace import Pace


def pauses(pace: Pace, count: int, now: float = 0.0) -> list[float]:
    found = []
    for _ in range(count):
        found.append(pace.pause(now))
        now += found[-1]
    return found


@given(st.integers())
def test_pauses_double_up_to_the_longest(seed: int) -> None:
    found = pauses(Pace(1.0, 30.0, Random(seed)), 12)  # noqa: S311  repeatable
    for pause, bound in zip(found, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30], strict=True):
        assert bound / 2 <= pause <= bound


def test_pauses_differ() -> None:
    assert len(set(pauses(Pace(1.0, 1.0, Random(1)), 20))) == 20  # noqa: S311  repeatable


def test_a_calm_time_makes_pauses_short_again() -> None:
    pace = Pace(1.0, 30.0, Random(1))  # noqa: S311  repeatable
    now = sum(pauses(pace, 10))
    assert pace.pause(now + 29) > 10
    assert pace.pause(now + 100) <= 1


def test_the_first_attempt_may_be_made_at_once() -> None:
    pace = Pace(1.0, 30.0, Random(1), at_once=True)  # noqa: S311  repeatable
    first, second, third = pauses(pace, 3)
    assert first == 0
    assert 0.5 <= second <= 1
    assert 1 <= third <= 2


def test_pauses_never_overflow() -> None:
    assert pauses(Pace(1.0, 30.0, Random(1)), 5000)[-1] <= 30  # noqa: S311  repeatable


def test_the_configuration_is_checked() -> None:
    assert load(None, StreamConfig, ["silence_seconds=5.0"]).silence_seconds == 5
    for wrong in ("silence_seconds=0.0", "queued_events=1", "first_pause_seconds=31.0", "message_bytes=10"):
        with pytest.raises(ConfigError):
            load(None, StreamConfig, [wrong])
