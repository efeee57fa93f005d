"""The question before an action: what would be done, and the keys that do it. Esc leaves; Enter alone does nothing."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from console.view.action import GUARD_SECONDS, PREVIEW_SECONDS, Action


class Confirm(ModalScreen[bool]):
    """Ends with whether it is to be done.

    Args:
        action: What would be sent.
        lines: Say what would be done, as it is now.
        word: One letter that confirms at once; or a word that is typed and followed by Enter.
        clock: The screen's.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave")]

    def __init__(
        self, action: Action, lines: Callable[[], Sequence[str]], *, word: str, clock: Callable[[], float]
    ) -> None:
        super().__init__()
        self._action, self._lines, self._word, self._clock = action, lines, word, clock
        self._typed, self._ended = "", False

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical() as box:
            box.border_title = self._action.words
            yield Static(id="question")

    def on_mount(self) -> None:
        """Show it, and go on showing what is so now."""
        self._draw()
        self.set_interval(0.25, self._draw)

    def on_key(self, event: Key) -> None:
        """Take a letter. Those that come at once were meant for something else."""
        if event.key == "escape":
            return
        event.stop()
        if self._clock() - self._action.previewed_at < GUARD_SECONDS:
            return
        if len(self._word) == 1:
            if event.character == self._word:
                self._end(done=True)
            return
        if event.key == "enter":
            if self._typed == self._word:
                self._end(done=True)
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character is not None and event.character.isprintable():
            self._typed = (self._typed + event.character)[-len(self._word) :]
        self._draw()

    def action_leave(self) -> None:
        """Do nothing."""
        self._end(done=False)

    def _end(self, *, done: bool) -> None:
        """Go away once: a second key may come before this one has taken it off the screen."""
        if not self._ended:
            self._ended = True
            self.dismiss(done)

    def _draw(self) -> None:
        now = self._clock()
        if self._ended or self._action.expire(now):
            self._end(done=False)
            return
        left = PREVIEW_SECONDS - (now - self._action.previewed_at)
        how = "y does it" if len(self._word) == 1 else f"type {self._word} and Enter: {self._typed or '…'}"
        keys = f"{how}, Esc leaves; holds for {left:.0f} s"
        self.query_one("#question", Static).update(Text("\n".join((*self._lines(), "", keys))))
