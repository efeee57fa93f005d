"""Several curves over a common axis as SVG, each with the intervals of its points. Pure.

Curves differ in colour (classes `c0` to `c4` of the page), in dashes, and in the words below the plot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from console.report_svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    dot,
    drawing,
    grid,
    height_of,
    joined,
    text,
    ticks,
)

STYLE = """
:root { --c0: #6b7780; --c1: #b35900; --c2: #0072b2; --c3: #00795b; --c4: #a33b74; }
@media (prefers-color-scheme: dark) { :root { --c0: #9fb3c8; --c1: #e69f00; --c2: #56b4e9; --c3: #2fbf94;
  --c4: #d98bb5; } }
svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; } svg .reach { stroke-width: 1; stroke-opacity: .6; }
svg .c0 { stroke: var(--c0); } svg .c1 { stroke: var(--c1); } svg .c2 { stroke: var(--c2); }
svg .c3 { stroke: var(--c3); } svg .c4 { stroke: var(--c4); } svg circle.c0 { fill: var(--c0); }
svg circle.c1 { fill: var(--c1); } svg circle.c2 { fill: var(--c2); } svg circle.c3 { fill: var(--c3); }
svg circle.c4 { fill: var(--c4); }
"""
_KINDS = 5
_DASHES = ("2 3", "", "7 3", "7 3 2 3", "4 2")
_LEGEND = 18
_ASIDE = 2.2
"""Units between the intervals of two curves at one place."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One point of a curve, and the ends of its interval where it has one."""

    across: float
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve, from left to right."""

    name: str
    spots: Sequence[Spot]
    number: int
    """Of its colour and dashes: the same in every plot."""


def curves(
    found: Sequence[Curve], *, name: str, across: str, unit: str = "", marks: Sequence[float] = (), ideal: bool = False
) -> str:
    """Draw curves. Empty without a point.

    Args:
        found: From first to last in the legend.
        name: Of the plot, for who does not see it.
        across: Name of the lower axis.
        unit: Before the numbers of the left axis.
        marks: Numbers of both axes where they are the same; else each has its own.
        ideal: Draw the line on which both axes are equal.
    """
    spots = [spot for curve in found for spot in curve.spots]
    if not spots:
        return ""
    ends = [end for spot in spots for end in (spot.value, spot.low, spot.high) if end is not None]
    rows = list(marks) or ticks(min(ends), max(ends))
    places = list(marks) or sorted({spot.across for spot in spots})
    least, most = places[0], places[-1]
    low, high = rows[0], rows[-1]

    def over(value: float) -> float:
        share = (value - least) / (most - least) if most > least else 0.5
        return LEFT + 8 + share * (WIDTH - LEFT - RIGHT - 16)

    def down(value: float) -> float:
        return height_of(min(max(value, low), high), low, high)

    parts = [grid(rows, unit)]
    if ideal:
        line = (over(least), down(least), over(most), down(most))
        parts.append('<line class="dashed" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(*line))
    parts += [text(over(place), HEIGHT - BOTTOM + 13, f"{place:g}", "middle") for place in places[:: _every(places)]]
    parts.append(text(WIDTH - RIGHT, HEIGHT - BOTTOM - 5, across, "end"))
    for number, curve in enumerate(found):
        kind, dashes = f"c{curve.number % _KINDS}", _DASHES[curve.number % _KINDS]
        aside = (number - (len(found) - 1) / 2) * _ASIDE
        for spot in curve.spots:
            if spot.low is not None and spot.high is not None:
                x = over(spot.across) + aside
                reach = f'x1="{x:.1f}" x2="{x:.1f}" y1="{down(spot.low):.1f}" y2="{down(spot.high):.1f}"'
                parts.append(f'<line class="reach {kind}" {reach}/>')
            parts.append(dot(over(spot.across) + aside, down(spot.value), kind, 2.5))
        points = joined((over(spot.across) + aside, down(spot.value)) for spot in curve.spots)
        parts.append(f'<polyline class="curve {kind}" stroke-dasharray="{dashes}" points="{points}"/>')
        below = HEIGHT + number * _LEGEND + 8
        key = f'x1="{LEFT}" x2="{LEFT + 30}" y1="{below}" y2="{below}"'
        parts.append(f'<line class="curve {kind}" stroke-dasharray="{dashes}" {key}/>')
        parts.append(text(LEFT + 38, below + 4, curve.name, "start", "value"))
    return drawing(HEIGHT + len(found) * _LEGEND + 4, name, parts)


def _every(places: Sequence[float]) -> int:
    return -(-len(places) // 12)
