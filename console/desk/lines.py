"""A list of lines with a cursor that stays on its thing. Only lines that have changed are drawn again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

_GROUND = "#0B0F14"
TEXT, DIM = Style(color="#E6EDF3", bgcolor=_GROUND), Style(color="#9FB3C8", bgcolor=_GROUND)
UP, DOWN = Style(color="#56B4E9", bgcolor=_GROUND), Style(color="#E69F00", bgcolor=_GROUND)
WARN, BOLD = Style(color="#F0E442", bgcolor=_GROUND), TEXT + Style(bold=True)
_CURSOR = BOLD + Style(reverse=True)
"""Of all cells alike: a line in many colours, turned round, is hard to read."""

Span = tuple[str, Style]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is about, and its texts with their styles."""

    key: str
    spans: tuple[Span, ...]

    @property
    def plain(self) -> str:
        """Without styles."""
        return "".join(text for text, _ in self.spans)


_Row = tuple[Line | None, bool]
"""A line that is seen, and whether the cursor is on it."""


def _changed(before: _Row, now: _Row, place: int, width: int) -> Region:
    """Return the part of a line that is not as it was."""
    (old, was), (new, chosen) = before, now
    if old is None or new is None or was != chosen or len(old.spans) != len(new.spans):
        return Region(0, place, width, 1)
    first, last, at = width, 0, 0
    for one, other in zip(old.spans, new.spans, strict=True):
        size = cell_len(other[0])
        if one != other:
            first = min(first, at)
            last = at + size if cell_len(one[0]) == size else width
        elif last == width:
            break
        at += size
    return Region(first, place, max(1, min(last, width) - first), 1)


class Lines(Widget, can_focus=True):
    """Draws lines under a heading."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown", "move(10)", "page down", show=False),
        Binding("pageup", "move(-10)", "page up", show=False),
    ]

    def __init__(self, title: str, heading: str, *, cursor: bool = True, id: str) -> None:  # Textual's name
        super().__init__(id=id)
        self.border_title = self._title = title
        self._heading = [Line("", ((heading, DIM),))] if heading else []
        self._with_cursor = cursor
        self.lines: Sequence[Line] = ()
        self.at: str | None = None
        """What the cursor is on."""
        self._top = 0

    def show(self, lines: Sequence[Line]) -> None:
        """Take in lines; the cursor stays on its thing wherever that has moved."""
        old = self._visible()
        self.lines = lines
        if lines and (self.at is None or all(line.key != self.at for line in lines)):
            self.at = lines[min(self._top, len(lines) - 1)].key
        self._scroll()
        self._draw_again(old)

    def entitle(self, title: str) -> None:
        """Change the title; the same again would draw the whole panel anew."""
        if title != self._title:
            self.border_title = self._title = title

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if not self.lines:
            return
        place = min(max(self._place() + by, 0), len(self.lines) - 1)
        self.go(self.lines[place].key)

    def go(self, key: str) -> None:
        """Move the cursor to a thing."""
        old = self._visible()
        self.at = key
        self._scroll()
        self._draw_again(old)

    def render_line(self, y: int) -> Strip:
        """Draw one line. Every segment has a style: the filter for no colours needs one."""
        line, chosen = self._visible()[y] if y < self.size.height else (None, False)
        width = self.size.width
        if line is None:
            return Strip([Segment(" " * width, TEXT)], width)
        segments = [Segment(text, _CURSOR if chosen else style) for text, style in line.spans]
        used = sum(cell_len(text) for text, _ in line.spans)
        return Strip([*segments, Segment(" " * max(0, width - used), TEXT)]).crop(0, width)

    def _draw_again(self, old: list[_Row]) -> None:
        """Draw what is not as it was. Only that goes to the terminal: most often an age alone."""
        for place, (before, now) in enumerate(zip(old, self._visible(), strict=True)):
            if before != now:
                self.refresh(_changed(before, now, place, self.size.width))

    def _visible(self) -> list[_Row]:
        room = max(0, self.size.height - len(self._heading))
        rows: list[_Row] = [(line, False) for line in self._heading]
        here = self._with_cursor and self.has_focus
        rows.extend((line, here and line.key == self.at) for line in self.lines[self._top : self._top + room])
        return [*rows, *[(None, False)] * (room + len(self._heading) - len(rows))]

    def _place(self) -> int:
        return next((place for place, line in enumerate(self.lines) if line.key == self.at), 0)

    def _scroll(self) -> None:
        room, place = max(1, self.size.height - len(self._heading)), self._place()
        self._top = max(0, min(self._top, place, max(0, len(self.lines) - room)))
        if place >= self._top + room:
            self._top = place - room + 1

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide it."""
        self.refresh()
