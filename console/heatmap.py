"""A grid of figures as a heat map: in SVG for the page, in colours or numbers on a terminal. Pure.

Colours run from orange (losses) over the ground to blue (gains), which who sees fewer colours tells apart as well; the
numbers are in the CSV file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

from rich.style import Style
from rich.text import Text

from console.report_svg import WIDTH

_LEFT, _TOP, _BOTTOM, _RIGHT = 34, 8, 34, 8
_SHADES = 12
_GAIN, _LOSS, _NONE = (0, 114, 178), (213, 94, 0), (128, 128, 128)
_LEGEND = 22
_MARKS = 6


@dataclass(frozen=True, slots=True)
class Heat:
    """What is drawn."""

    down: Sequence[float]
    """[rows] of the left axis, ascending: the highest is drawn at the top."""
    along: Sequence[float]
    """[columns] of the lower axis, ascending."""
    figures: Sequence[Sequence[float]]
    """[rows, columns] NaN where there is none."""

    @property
    def reach(self) -> float:
        """The largest figure without its sign: where colours are full."""
        return max((abs(each) for row in self.figures for each in row if isfinite(each)), default=0.0) or 1.0

    def shade(self, figure: float) -> int:
        """Return a shade, from -12 to 12."""
        return round(max(-1.0, min(1.0, figure / self.reach)) * _SHADES)


def svg(heat: Heat, *, name: str, down: str, along: str, unit: str, mark: tuple[float, float] | None = None) -> str:
    """Draw it; empty without a figure.

    Args:
        heat: What.
        name: For who does not see it.
        down: Name of the left axis.
        along: Name of the lower axis.
        unit: After the numbers of the legend.
        mark: A row and a column that are marked.
    """
    rows, columns = len(heat.down), len(heat.along)
    if not rows or not columns:
        return ""
    wide = (WIDTH - _LEFT - _RIGHT) / columns
    high = min((WIDTH - _LEFT - _RIGHT) / rows, 24.0)
    bottom = _TOP + rows * high

    def corner(row: int, column: int) -> tuple[float, float]:
        return _LEFT + column * wide, bottom - (row + 1) * high

    # One path for each shade: thousands of rectangles would make the page slow to draw.
    paths: dict[int | None, list[str]] = {}
    for row, figures in enumerate(heat.figures):
        for column, figure in enumerate(figures):
            x, y = corner(row, column)
            shade = heat.shade(figure) if isfinite(figure) else None
            paths.setdefault(shade, []).append(f"M{x:.1f} {y:.1f}h{wide:.2f}v{high:.2f}h-{wide:.2f}z")
    parts = [f'<path d="{"".join(found)}" {_fill(shade)}/>' for shade, found in paths.items() if shade != 0]
    parts.append(
        f'<rect x="{_LEFT}" y="{_TOP}" width="{columns * wide:.1f}" height="{rows * high:.1f}" fill="none" '
        'class="grid" stroke-width="1"/>'
    )
    for column in _marked(columns):
        x = corner(0, column)[0] + wide / 2
        parts.append(_text(x, bottom + 13, f"{heat.along[column]:g}", "middle"))
    for row in _marked(rows):
        y = corner(row, 0)[1] + high / 2 + 4
        parts.append(_text(_LEFT - 4, y, f"{heat.down[row]:g}", "end"))
    parts.append(_text(WIDTH - _RIGHT, bottom + 28, f"{along} →", "end", "label"))
    parts.append(_text(0, bottom + 28, f"↑ {down}", "start", "label"))
    if mark is not None and mark[0] in heat.down and mark[1] in heat.along:
        x, y = corner(list(heat.down).index(mark[0]), list(heat.along).index(mark[1]))
        parts.append(
            f'<circle cx="{x + wide / 2:.1f}" cy="{y + high / 2:.1f}" r="6" fill="none" stroke="var(--text)" '
            'stroke-width="2"/>'
        )
    parts += _legend(bottom + _BOTTOM + 6, heat.reach, unit)
    height = bottom + _BOTTOM + 6 + _LEGEND
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(name)}">'
        f"<title>{escape(name)}</title>{''.join(parts)}</svg>"
    )


def blocks(heat: Heat) -> list[Text]:
    """Draw it in coloured half blocks: two rows a line, the highest first."""
    found = []
    rows = list(enumerate(heat.figures))
    for upper in range(len(rows) - 1, -1, -2):
        line = Text(f"{heat.down[upper]:>4g} ", style="dim")
        for column in range(len(heat.along)):
            above, below = heat.figures[upper][column], heat.figures[upper - 1][column] if upper else float("nan")
            line.append("▀", Style(color=_terminal(heat, above), bgcolor=_terminal(heat, below)))
        found.append(line)
    return found


def some(count: int, most: int = 9) -> list[int]:
    """Pick places out of so many, evenly, the ends among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})


def _marked(count: int) -> list[int]:
    return some(count, _MARKS)


def _fill(shade: int | None) -> str:
    if shade is None:
        return f'fill="rgb{_NONE}" fill-opacity="0.35"'
    return f'fill="rgb{_GAIN if shade > 0 else _LOSS}" fill-opacity="{abs(shade) / _SHADES:.2f}"'


def _terminal(heat: Heat, figure: float) -> str:
    if not isfinite(figure):
        return "#303030"
    part = abs(heat.shade(figure)) / _SHADES
    full = _GAIN if figure > 0 else _LOSS
    return "#" + "".join(f"{round(16 + (each - 16) * part):02x}" for each in full)


def _legend(top: float, reach: float, unit: str) -> list[str]:
    shades = range(-_SHADES, _SHADES + 1)
    wide = (WIDTH - _LEFT - _RIGHT) / len(shades)
    parts = [
        f'<rect x="{_LEFT + place * wide:.1f}" y="{top:.1f}" width="{wide:.2f}" height="6" {_fill(shade)}/>'
        for place, shade in enumerate(shades)
        if shade
    ]
    ends = ((_LEFT, f"-{reach:.1f}{unit}", "start"), (WIDTH - _RIGHT, f"+{reach:.1f}{unit}", "end"))
    parts += [_text(x, top + 17, said, anchor) for x, said, anchor in ends]
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, top + 17, "0", "middle"))
    return parts


def _text(x: float, y: float, said: str, anchor: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'
