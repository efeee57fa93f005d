"""The forecast over the market as a panel. Drawn anew only for another look or another size."""

from rich.console import RenderableType
from rich.text import Text
from textual.widget import Widget

from console.collection.words import plain
from console.desk.looking import Looked
from console.market_overlay import overlay

_LATE_SECONDS, _OLD_SECONDS = 8.0, 15.0
"""A picture is asked for anew every 5 s. One that is late says its age, which would have it drawn again and again if it
were always said; an old one is not shown."""


class Picture(Widget, can_focus=True):
    """Draws what was looked at last, and says how old that is."""

    def __init__(self, title: str, *, id: str) -> None:  # Textual's name
        super().__init__(id=id)
        self._title = self.border_title = title
        self._looked = Looked()
        self._said = ""

    def show(self, looked: Looked, now: float, *, linked: bool) -> None:
        """Take in a look; without a link, or an old one, there is no picture."""
        age = now - looked.at
        name = f" {looked.ticker.removeprefix('KX')}" if looked.ticker else ""
        if looked.view is not None and linked and age <= _OLD_SECONDS:
            late = f", {age:.0f} s ago" if age > _LATE_SECONDS else ""
            said, title = "", f"{self._title}{name}{late}"
        else:
            looked = Looked(looked.ticker, problem=looked.problem)
            said = _why_not(looked, linked=linked)
            title = f"{self._title}{name}"
        if title != self.border_title:
            self.border_title = title
        if (looked, said) != (self._looked, self._said):
            self._looked, self._said = looked, said
            self.refresh()

    @property
    def drawn(self) -> str:
        """Ticker of the market that is drawn; empty while none is."""
        return self._looked.ticker if self._looked.view is not None else ""

    def render(self) -> RenderableType:
        """Draw it."""
        if self._looked.view is None:
            return Text(self._said, overflow="fold")
        return overlay(self._looked.view, self.size.width, self.size.height, colour=True)


def _why_not(looked: Looked, *, linked: bool) -> str:
    if not linked:
        return "no link to the trader: nothing to draw"
    if looked.problem:
        return plain(looked.problem)
    return "asking" if looked.ticker else "no market"
