"""The picture of a history and its fan, without colours."""

import re
from datetime import timedelta

import numpy as np
import pytest

from console import plot

ANSI = re.compile(r"\x1b\[[0-9;]*m")
STEPS = np.arange(1, 7, dtype=np.float64)
FAN = plot.Fan(mean=50 - STEPS * 1.0, low=50 - STEPS * 4.0, high=50 + STEPS * 2.0)


def lines_of(closes: list[float], *, fan: plot.Fan = FAN, current: float = 50.0, **options: object) -> list[str]:
    step = timedelta(hours=1)
    picture = plot.draw("KXA-1 down", np.array(closes, np.float32), current, fan, step=step, **options)  # type: ignore[arg-type]
    return ANSI.sub("", picture).split("\n")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_longer_than_the_width(width: int) -> None:
    lines = lines_of([40 + 10 * np.sin(hour / 3) for hour in range(60)], width=width)

    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > width - 4
    assert len(lines) == plot.HEIGHT


def test_the_key_fits_a_terminal_of_80_columns() -> None:
    assert len(plot.KEY) <= 80


def test_history_current_price_mean_and_band_are_told_apart_without_colour() -> None:
    text = "\n".join(lines_of([40 + hour % 5 for hour in range(30)]))

    assert re.search("[\u2801-\u28ff]", text)  # braille
    assert text.count("◆") == 1
    assert "•" in text
    assert "░" in text


def test_the_fan_opens_to_the_right_of_the_current_price() -> None:
    lines = lines_of([50.0 + hour % 2 for hour in range(30)])
    now = next(line.index("◆") for line in lines if "◆" in line)
    band = [sum(line[column : column + 1] == "░" for line in lines) for column in (now + 2, 78)]

    assert all("░" not in line[:now] for line in lines)
    assert band[0] < band[1]


def test_the_line_breaks_at_a_gap() -> None:
    whole = lines_of([50.0] * 30)
    broken = lines_of([50.0] * 15 + [np.nan] * 5 + [50.0] * 10)

    def drawn(lines: list[str]) -> int:
        return len(re.findall("[\u2801-\u28ff]", "".join(lines)))

    assert drawn(whole) - drawn(broken) >= 10


def test_a_lone_close_between_gaps_is_seen() -> None:
    assert "⠒" in "".join(lines_of([np.nan] * 10 + [55.0] + [np.nan] * 10))


def test_a_history_without_any_price_still_shows_the_fan() -> None:
    assert "░" in "".join(lines_of([np.nan] * 30))


def test_the_axis_stays_within_0_and_100_cents() -> None:
    edge = plot.Fan(mean=np.full(6, 99.0), low=np.full(6, 90.0), high=np.full(6, 100.0))
    labels = [
        int(found[1])
        for line in lines_of([99.0] * 30, fan=edge, current=99.0)
        if (found := re.match(r" *(\d+) c", line))
    ]

    assert labels == sorted(labels, reverse=True)
    assert labels[0] == 100
    assert min(labels) >= 0


@pytest.mark.parametrize(
    ("step", "first", "last"),
    [
        (timedelta(minutes=1), "-24 min", "+6 min"),
        (timedelta(hours=1), "-24 h", "+6 h"),
        (timedelta(days=1), "-24 d", "+6 d"),
    ],
)
def test_the_time_axis_names_its_unit(step: timedelta, first: str, last: str) -> None:
    axis = plot.draw("t", np.full(40, 50, np.float32), 50.0, FAN, step=step).split("\n")[-1]
    axis = ANSI.sub("", axis)

    assert axis.split("  ")[-1].strip() == last
    assert axis.strip().startswith(first)
    assert "now" in axis


def test_a_second_picture_is_not_drawn_over_the_first() -> None:
    first = lines_of([50.0] * 30)
    lines_of([10.0 + hour for hour in range(30)])

    assert lines_of([50.0] * 30) == first
