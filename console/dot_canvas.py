"""A rectangle of braille dots, two by four a character, on which lines and points are drawn by their coordinates. Pure.

Every character has one style, that of what matters most in it; dots of the others stay.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rich.text import Text

_BLANK = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Of a dot, by row and column within its character."""
ACROSS, DOWN = 2, 4
"""Dots of a character."""


@dataclass(frozen=True, slots=True)
class Pen:
    """How something is drawn."""

    rank: int
    """The higher wins the style of a character."""
    style: str = ""
    thick: bool = False
    """Two dots high."""
    every: int = 1
    """Of the columns of a line, each how manieth is drawn: a line of 3 looks faint without any colour."""


@dataclass(slots=True)
class Canvas:
    """So many characters, with coordinates from left to right and from bottom to top."""

    columns: int
    rows: int
    left: float
    right: float
    bottom: float
    top: float
    _dots: dict[tuple[int, int], int] = field(default_factory=dict)
    _pens: dict[tuple[int, int], Pen] = field(default_factory=dict)
    _signs: dict[tuple[int, int], str] = field(default_factory=dict)

    def column(self, x: float) -> int | None:
        """Return the character's column of a coordinate; None outside."""
        place = self._across(x)
        return int(place) // ACROSS if 0 <= place < self.columns * ACROSS else None

    def row(self, y: float) -> int | None:
        """Return the character's row of a coordinate, from the top; None outside."""
        place = round(self._down(y))
        return place // DOWN if 0 <= place < self.rows * DOWN else None

    def point(self, x: float, y: float, pen: Pen) -> None:
        """Draw a dot, if it lies within."""
        across, down = self._across(x), self._down(y)
        if math.isfinite(across) and math.isfinite(down):
            self._dot(math.floor(across), round(down), pen)

    def line(self, points: Sequence[tuple[float, float]], pen: Pen) -> None:
        """Draw from point to point, as far as it lies within; `x` must rise."""
        for (x1, y1), (x2, y2) in pairwise(points):
            begin, end = self._across(x1), self._across(x2)
            if not all(map(math.isfinite, (begin, end, y1, y2))):
                continue
            first, last = max(0, math.floor(begin)), min(self.columns * ACROSS - 1, math.floor(end))
            before = None
            for across in range(first, last + 1):
                share = 0.0 if end <= begin else min(1.0, max(0.0, (across - begin) / (end - begin)))
                down = round(self._down(y1 + share * (y2 - y1)))
                if across % pen.every == 0:
                    for each in self._between(before, down):
                        self._dot(across, each, pen)
                before = down

    def level(self, y: float, start: float, sign: str, pen: Pen) -> None:
        """Draw a level from a coordinate to the right edge, under everything else."""
        row, first = self.row(y), self.column(max(start, self.left))
        if row is None or first is None:
            return
        for column in range(first, self.columns):
            self._sign(column, row, sign, pen)

    def bar(self, x: float, sign: str, pen: Pen) -> None:
        """Draw an upright line, under everything else."""
        column = self.column(x)
        if column is not None:
            for row in range(self.rows):
                self._sign(column, row, sign, pen)

    def lines(self, *, colour: bool) -> list[Text]:
        """Return the picture, from the top."""
        found = []
        for row in range(self.rows):
            line = Text()
            for column in range(self.columns):
                place = column, row
                dots, pen = self._dots.get(place), self._pens.get(place)
                sign = chr(_BLANK + dots) if dots else self._signs.get(place, " ")
                line.append(sign, None if pen is None or not colour else pen.style or None)
            found.append(line)
        return found

    def _between(self, before: int | None, down: int) -> range:
        """Return the dots of a column by which a line gets from the one before it, within the picture."""
        last = down if before is None else before
        low = down if down <= last else last + 1
        high = down if down >= last else last - 1
        return range(max(-1, low), min(self.rows * DOWN - 1, high) + 1)

    def _sign(self, column: int, row: int, sign: str, pen: Pen) -> None:
        place = column, row
        self._signs.setdefault(place, sign)
        if place not in self._pens:
            self._pens[place] = pen

    def _dot(self, across: int, down: int, pen: Pen) -> None:
        for each in (down, down + 1) if pen.thick else (down,):
            if not (0 <= across < self.columns * ACROSS and 0 <= each < self.rows * DOWN):
                continue
            place = across // ACROSS, each // DOWN
            self._dots[place] = self._dots.get(place, 0) | _BITS[each % DOWN][across % ACROSS]
            known = self._pens.get(place)
            if known is None or known.rank <= pen.rank:
                self._pens[place] = pen

    def _across(self, x: float) -> float:
        return (x - self.left) / (self.right - self.left) * (self.columns * ACROSS - 1)

    def _down(self, y: float) -> float:
        return (self.top - y) / (self.top - self.bottom) * (self.rows * DOWN - 1)
