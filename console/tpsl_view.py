"""A search for better exits on the terminal."""

from math import isfinite

from rich.console import Console
from rich.text import Text

from console import tpsl_words as words
from console.heatmap import blocks, some
from console.research_view import lines, section, table
from console.tpsl_heat import heat
from research.tpsl.optimised import Optimised

_AXIS = 5


def show(console: Console, found: Optimised) -> None:
    """Print it for people: what the data could show at all comes first, then what is proposed."""
    console.print(Text(words.title(found), style="bold"))
    console.print(Text(words.span(found), style="dim"))
    console.print()
    console.print(Text(words.needed(found)))
    console.print(Text(words.verdict(found), style="bold"))
    console.print(Text(words.money(found)))
    console.print(Text(words.flattering(found)))
    section(console, "Levels chosen on earlier days, on the same trades of later days")
    lines(console, words.sure(found))
    table(console, "What was chosen, and what came of it", words.FOLD_HEADINGS, words.folds(found))
    table(console, "Other ways out", words.HEADINGS, [words.arm_cells(row) for row in words.arms(found)])
    _grid(console, found)
    table(console, "Defects", ("name", "count", "such as"), words.defects(found))
    section(console, "Conditions")
    lines(console, words.conditions(found))


def _grid(console: Console, found: Optimised) -> None:
    told = heat(found.search.totals)
    rows, columns = some(len(told.down)), some(len(told.along))
    headings = ("target \\ stop", *(f"{told.along[column]:g}c" for column in columns))
    body = [
        (f"{told.down[row]:g}c", *(_cell(told.figures[row][column]) for column in columns)) for row in reversed(rows)
    ]
    table(console, "Net cents of a contract, on all days, by target and stop", headings, body)
    if console.color_system is not None and console.width > len(told.along) + _AXIS:
        console.print()
        for line in blocks(told):
            console.print(line)
        said = f"stop {told.along[0]:g}c to {told.along[-1]:g}c, target upwards; blue gains, orange loses"
        console.print(Text(" " * _AXIS + said, style="dim"))


def _cell(figure: float) -> str:
    return f"{figure:+.1f}" if isfinite(figure) else "-"
