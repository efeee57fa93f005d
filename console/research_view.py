"""Parts of what research shows on a terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_IN_WORDS = frozenset({"such as"})


def section(console: Console, name: str) -> None:
    """Begin a part."""
    console.print()
    console.print(Text(name, style="bold"))


def lines(console: Console, told: Iterable[tuple[str, str]]) -> None:
    """Print texts beside their labels."""
    found = Table.grid(padding=(0, 2, 0, 0))
    found.add_column(style="dim", no_wrap=True)
    found.add_column(overflow="fold")
    for label, text in told:
        found.add_row(Text(label), Text(text))
    console.print(found)


def table(console: Console, name: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table under its name; nothing without rows."""
    if not rows:
        return
    section(console, name)
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for place, heading in enumerate(headings):
        found.add_column(heading, justify="left" if place == 0 or heading in _IN_WORDS else "right", overflow="fold")
    for row in rows:
        found.add_row(*map(Text, row))
    console.print(found)
