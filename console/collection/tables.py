"""Tables that show more where the terminal is wider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One thing to say of each row."""

    heading: str
    cell: Callable[[T], RenderableType]
    spare: int = 0
    """Left out where there is no room, the highest number first; what has none stays."""
    justify: Literal["left", "right"] = "left"
    most: int | None = None
    """Longest that it may be; what is longer ends in `…`."""


@dataclass(frozen=True, slots=True)
class Fitted(Generic[T]):
    """Rows, with as many columns as there is room for. Texts are shown as they are, never read as markup."""

    rows: Sequence[T]
    columns: Sequence[Column[T]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Leave columns out until the rest fits."""
        columns = [(column, [_plain(column.cell(row)) for row in self.rows]) for column in self.columns]
        while True:
            table = _laid_out(columns)
            last = max(column.spare for column, _ in columns)
            wide = options.update(max_width=10_000)  # what it would like to have, not what it would be cut to
            if not last or Measurement.get(console, wide, table).maximum <= options.max_width:
                break
            columns = [(column, cells) for column, cells in columns if column.spare != last]
        yield table


def _plain(cell: RenderableType) -> RenderableType:
    return Text(cell) if isinstance(cell, str) else cell


def _laid_out(columns: Sequence[tuple[Column[T], list[RenderableType]]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column, _ in columns:
        table.add_column(
            column.heading, justify=column.justify, no_wrap=True, overflow="ellipsis", max_width=column.most
        )
    for cells in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*cells)
    return table
