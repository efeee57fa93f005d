"""An evaluation on a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console import evaluate_sheets as sheets
from console import evaluate_words as words
from console.evaluate_words import Found, Sheet
from research.quality.evaluation import Evaluation


def show(console: Console, evaluation: Evaluation) -> None:
    """Print it: the verdicts first."""
    found = Found(evaluation)
    for line in words.heading(evaluation):
        console.print(Text(line))
    console.print()
    for line in evaluation.verdicts:
        console.print(Text(line), style="bold")
    console.print()
    for sheet in sheets.sheets(found):
        show_sheet(console, sheet)
    for line in words.caveats(evaluation):
        console.print(Text(line), style="dim")


def show_sheet(console: Console, sheet: Sheet) -> None:
    """Print a table with its title and note."""
    console.print(Text(sheet.title), style="bold")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for place, heading in enumerate(sheet.headings):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in sheet.rows:
        table.add_row(*map(Text, row))
    if sheet.rows:
        console.print(table)
    if sheet.note:
        console.print(Text(sheet.note), style="dim")
    console.print()
