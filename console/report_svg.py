"""Plots of a report as SVG: a line with its band, bars, points. Pure.

They are drawn 360 units wide, a phone's width, so that their texts stay readable there. Colours are those of the page,
by class: `up`, `down`, `act`, `dim`; a sign or a word stands beside every colour.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import accumulate
from math import ceil, floor, log10

WIDTH = 360
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 24
HEIGHT = 220
_BAR = 24
_LABEL, _VALUE = 118, 76
_LETTER, _CAPITAL = 6.8, 8.4
"""Width of a letter in wide fonts; capitals and digits take more."""
_FLAT = 1e-9
"""What differs by less, in dollars or in spreads, is drawn as if it did not."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One place of a line: a day, its figure, and the ends of its band where it has one."""

    day: date
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its length, and what is written beside it."""

    label: str
    value: float
    text: str


def line(spots: Sequence[Spot], *, name: str, unit: str) -> str:
    """Draw a figure over days with its band; `unit` stands before the numbers of its axis. Empty without a spot."""
    if not spots:
        return ""
    ends = [0.0, *(spot.value for spot in spots)]
    ends += [end for spot in spots for end in (spot.low, spot.high) if end is not None]
    marks = ticks(min(ends), max(ends))
    first, days = spots[0].day, max(1, (spots[-1].day - spots[0].day).days)

    def across(day: date) -> float:
        share = (day - first).days / days if len(spots) > 1 else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return height_of(value, marks[0], marks[-1])

    parts = [grid(marks, unit)]
    banded = [(spot.day, spot.low, spot.high) for spot in spots if spot.low is not None and spot.high is not None]
    if banded:
        around = [(across(day), up(high)) for day, _, high in banded]
        around += [(across(day), up(low)) for day, low, _ in reversed(banded)]
        parts.append(f'<polygon class="band" points="{joined(around)}"/>')
    places = [(across(spot.day), up(spot.value)) for spot in spots]
    parts.append(f'<polyline class="line" points="{joined(places)}"/>')
    parts.append(dot(*places[-1], "act", 3.5))
    parts.append(text(LEFT, HEIGHT - 6, first.isoformat(), "start"))
    if len(spots) > 1:
        parts.append(text(WIDTH - RIGHT, HEIGHT - 6, spots[-1].day.isoformat(), "end"))
    return drawing(HEIGHT, name, parts)


def bars(found: Sequence[Bar], *, name: str, signed: bool = True) -> str:
    """Draw bars from a common zero, to the right for gains and to the left for losses. Empty without a bar.

    Args:
        found: From top to bottom.
        name: Of the plot, for who does not see it.
        signed: False colours none: what is counted is neither good nor bad.
    """
    if not found:
        return ""
    low, high = min(0.0, *(bar.value for bar in found)), max(0.0, *(bar.value for bar in found))
    room, whole = WIDTH - _LABEL - _VALUE, (high - low) or 1.0
    zero = _LABEL - low / whole * room
    parts = []
    for number, bar in enumerate(found):
        top = number * _BAR + 4
        length = abs(bar.value) / whole * room
        start = zero if bar.value >= 0 else zero - length
        kind = "act" if not signed else "up" if bar.value >= 0 else "down"
        parts.append(f"<g><title>{escape(f'{bar.label}: {bar.text}')}</title>")
        parts.append(text(0, top + 12, _short(bar.label), "start"))
        parts.append(
            f'<rect class="{kind}" x="{start:.1f}" y="{top}" width="{max(length, 0.5):.1f}" height="{_BAR - 8}"/>'
        )
        parts.append(f"{text(WIDTH, top + 12, bar.text, 'end', 'value')}</g>")
    height = len(found) * _BAR + 4
    parts.append(f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}"/>')
    return drawing(height, name, parts)


def scatter(points: Sequence[tuple[float, float]], *, name: str, across: str, along: str) -> str:
    """Draw points about a common middle, with the line on which they would lie were the one the other.

    Args:
        points: Across and up, in the same unit. Empty without one.
        name: Of the plot.
        across: Name of the lower axis.
        along: Name of the left one.
    """
    if not points:
        return ""
    most = max(1.0, *(abs(value) for point in points for value in point))
    marks = ticks(-most, most)
    least, most = marks[0], marks[-1]
    room = WIDTH - LEFT - RIGHT

    def over(value: float) -> float:
        return LEFT + (value - least) / (most - least) * room

    def up(value: float) -> float:
        return height_of(value, least, most)

    middle = over(0)
    parts = [grid(marks, "")]
    parts.append(f'<line class="axis" x1="{middle:.1f}" x2="{middle:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    parts.append(
        f'<line class="dashed" x1="{over(least):.1f}" y1="{up(least):.1f}" x2="{over(most):.1f}" y2="{up(most):.1f}"/>'
    )
    parts += [dot(over(x), up(y), "act faint", 2.5) for x, y in points]
    for mark, anchor in ((marks[0], "start"), (0.0, "middle"), (marks[-1], "end")):
        parts.append(text(over(mark), HEIGHT - BOTTOM + 12, f"{mark:g}", anchor))
    parts.append(text(WIDTH - RIGHT, up(0) - 5, across, "end"))
    parts.append(text(LEFT + 4, TOP + 10, along, "start"))
    return drawing(HEIGHT, name, parts)


def diagonal(kinds: Sequence[Sequence[tuple[float, float]]], *, name: str, across: str, along: str) -> str:
    """Draw shares against shares, both in percent, with the line on which they would be equal.

    Args:
        kinds: Points of the first kind are joined and filled, those of the second hollow. Empty without any.
        name: Of the plot.
        across: Name of the lower axis.
        along: Name of the left one.
    """
    if not any(kinds):
        return ""
    marks = [0.0, 25.0, 50.0, 75.0, 100.0]
    room = WIDTH - LEFT - RIGHT

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return LEFT + point[0] / 100 * room, height_of(point[1], 0, 100)

    (left, low), (right, high) = place((0, 0)), place((100, 100))
    parts = [grid(marks, "")]
    parts.append(f'<line class="dashed" x1="{left:.1f}" y1="{low:.1f}" x2="{right:.1f}" y2="{high:.1f}"/>')
    for kind, points in zip(("act", "hollow"), kinds, strict=False):
        places = [place(point) for point in points]
        if kind == "act":
            parts.append(f'<polyline class="line" points="{joined(places)}"/>')
        parts += [dot(x, y, kind, 3.5) for x, y in places]
    for mark, anchor in ((0.0, "start"), (50.0, "middle"), (100.0, "end")):
        parts.append(text(place((mark, 0))[0], HEIGHT - BOTTOM + 12, f"{mark:g}", anchor))
    parts.append(text(WIDTH - RIGHT, height_of(0, 0, 100) - 5, across, "end"))
    parts.append(text(LEFT + 4, TOP + 10, along, "start"))
    return drawing(HEIGHT, name, parts)


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from at or below `low` to at or above `high`, both ends and zero among them, evenly."""
    low, high = min(low, 0.0), max(high, 0.0)
    rough = (high - low if high - low > _FLAT else 1.0) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def height_of(value: float, low: float, high: float) -> float:
    """Return how far down a figure lies on an axis from `low` to `high`."""
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def grid(marks: Sequence[float], unit: str) -> str:
    """Draw the lines of an axis and its numbers, with the unit before them."""
    parts = []
    for mark in marks:
        place = height_of(mark, marks[0], marks[-1])
        kind = "grid" if mark else "axis"
        parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place:.1f}" y2="{place:.1f}"/>')
        sign = "-" if mark < 0 else ""
        parts.append(text(LEFT - 5, place + 4, f"{sign}{unit}{abs(mark):g}", "end"))
    return "".join(parts)


def joined(places: Iterable[tuple[float, float]]) -> str:
    """Write the points of a line."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def dot(x: float, y: float, kind: str, size: float) -> str:
    """Draw a point of a class."""
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'


def text(x: float, y: float, words: str, anchor: str, kind: str = "label") -> str:
    """Draw words that begin, end or have their middle at a place."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _short(label: str) -> str:
    """Cut a label to what fits before the bars."""
    ends = list(accumulate(_LETTER if each.islower() or each == " " else _CAPITAL for each in label))
    if not ends or ends[-1] <= _LABEL:
        return label
    return f"{label[: bisect_right(ends, _LABEL - 2 * _CAPITAL)]}…"


def drawing(height: float, name: str, parts: Iterable[str]) -> str:
    """Put parts into a drawing that is `WIDTH` wide; the name is for who does not see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(name)}">{"".join(parts)}</svg>'
    )
