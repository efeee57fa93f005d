"""The line at the foot in which a filter or a command is typed."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input

from console.desk.commands import CODES


class Prompt(Input):
    """Hidden until it is asked for. Esc leaves it, Enter takes what it says; Up brings back what was typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("up", "earlier", "earlier", show=False),
    ]

    class Left(Message):
        """It was left without Enter."""

    def __init__(self) -> None:
        super().__init__(id="prompt", compact=True, select_on_focus=False)
        self.mode = ""
        """`/` for a filter, `:` for a command; empty while hidden."""
        self._past: list[str] = []
        self.display = False

    def ask(self, mode: str, value: str = "") -> None:
        """Come up."""
        self.mode, self.display, self.value = mode, True, value
        self.suggester = SuggestFromList(CODES, case_sensitive=False) if mode == ":" else None
        self.placeholder = "words of a market" if mode == "/" else "a code (mesh, fun, trc ID) or words of a market"
        self.border_title = mode
        self.focus()

    def done(self) -> None:
        """Go away; what was typed is kept."""
        if self.mode == ":" and self.value and self.value not in self._past[-1:]:
            self._past.append(self.value)
        self.mode, self.display = "", False

    def action_leave(self) -> None:
        """Go away without doing anything."""
        self.done()
        self.post_message(self.Left())

    def action_earlier(self) -> None:
        """Show what was typed before this."""
        if self.mode == ":" and self._past:
            place = self._past.index(self.value) if self.value in self._past else len(self._past)
            self.value = self._past[max(0, place - 1)]
            self.cursor_position = len(self.value)
