"""Lengths of time, typed and read."""

from datetime import timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.durations import DAY, Duration, span_words


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("60m", 3600), ("1h", 3600), ("1d", 86_400)])
def test_a_length_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "60", "0s", "25h", "2d", "-1h", "1.5h", "1 h", "999999999s", "h", "١h"])
def test_anything_else_and_anything_too_long_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="from 1s to 1d"):
        Duration().convert(text, None, None)


def test_how_long_is_too_long_can_be_said() -> None:
    assert Duration(365 * DAY).convert("30d", None, None) == 30 * DAY
    with pytest.raises(click.BadParameter, match="from 1s to 365d"):
        Duration(365 * DAY).convert("366d", None, None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (252, "4 min 12 s"),
        (7200, "2 h"),
        (180_000, "2 d 2 h"),
        (86_460, "1 d"),
    ],
)
def test_a_span_is_told_by_its_two_largest_units(seconds: float, words: str) -> None:
    assert span_words(timedelta(seconds=seconds)) == words


@given(st.integers(0, 10**9))
def test_a_span_is_never_told_longer_than_it_is_nor_a_unit_shorter(seconds: int) -> None:
    units = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
    words = span_words(timedelta(seconds=seconds)).split()
    told = sum(int(count) * units[unit] for count, unit in zip(words[::2], words[1::2], strict=True))

    assert told <= seconds < told + 3600
