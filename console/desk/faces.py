"""What fills the whole screen for a while: one market, a list of lines, every daemon. Esc goes back to the desk."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.console import RenderableType
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from console.desk.lines import Line, Lines
from console.desk.picture import Picture

_AGAIN_SECONDS = 5.0


class Face(ModalScreen[None]):
    """Fills the screen below the two lines of the status, which go on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back"),
        Binding("S", "app.screenshot", "screenshot", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(classes="status")
        yield from self.content()
        yield Footer()

    def content(self) -> ComposeResult:
        """Lay out what is below the status."""
        yield from ()


class MarketFace(Face):
    """One market: the picture as large as it gets, its book, every rule."""

    def content(self) -> ComposeResult:
        """Lay it out."""
        with Horizontal():
            yield Picture("Forecast over", id="large")
            with Vertical(id="book"):
                yield Lines("Book, NO in cents", "", cursor=False, id="ladder")
                yield Lines("Why", "", cursor=False, id="rules")


class ListFace(Face):
    """Lines that were found."""

    def __init__(self, title: str, find: Callable[[], Awaitable[Sequence[Line]]]) -> None:
        super().__init__()
        self._title, self._find = title, find

    def content(self) -> ComposeResult:
        """Lay it out."""
        yield Lines(self._title, "", id="found")

    def on_mount(self) -> None:
        """Find them."""
        self.query_one("#found").focus()
        self.fill()

    @work
    async def fill(self) -> None:
        """Show what is found."""
        self.query_one("#found", Lines).show(await self._find())


class DrawnFace(Face):
    """Something drawn by others, looked at again and again."""

    def __init__(self, title: str, look: Callable[[], Awaitable[RenderableType]]) -> None:
        super().__init__()
        self._title, self._look = title, look

    def content(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll() as scroll:
            scroll.border_title = f"{self._title}, looked at every {_AGAIN_SECONDS:.0f} s"
            yield Static("asking", id="drawn")

    def on_mount(self) -> None:
        """Look, and again."""
        self.query_one(VerticalScroll).focus()
        self.look()
        self.set_interval(_AGAIN_SECONDS, self.look)

    @work(exclusive=True)
    async def look(self) -> None:
        """Show what is there now."""
        self.query_one("#drawn", Static).update(await self._look())
