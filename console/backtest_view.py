"""A backtest on the terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console import backtest_words as words
from research.backtest import Backtest
from research.baselines import POLICY

_UP, _DOWN = "#56B4E9", "#E69F00"


def show(console: Console, found: Backtest) -> None:
    """Print it for people: what the data could show at all comes first."""
    summary, judgement = found.summary, found.summary.judgement
    console.print(Text(words.title(found.conditions), style="bold"))
    console.print(Text(words.span(found.conditions), style="dim"))
    console.print()
    console.print(Text(words.needed(judgement)))
    console.print(Text(words.verdict(judgement), style="bold"))
    head = judgement.headline
    console.print(Text(words.net(head), style=_UP if head.net > 0 else _DOWN if head.net < 0 else ""))
    _lines(console, words.net_lines(summary))
    _table(
        console,
        "Where it comes from",
        ("part", "net", "a contract"),
        [(a, c, d) for a, _, c, d in words.parts(summary)],
    )
    for line in summary.decomposition.not_identified:
        console.print(Text(f"not told apart: {line}", style="dim"))
    _table(console, "Beside it", ("walk", "trades", "net", "a contract", "policy more"), words.beside(summary))
    for name, rows in words.tables(summary).items():
        _table(console, f"By {name}", (name, *words.HEADINGS), [(label, *words.cells(group)) for label, group in rows])
    counted = [(name, f"{abs(count):,}") for name, count in words.funnel(found.walked[POLICY.name])]
    _table(console, "From forecasts to trades", ("step", "count"), counted)
    _section(console, "Prices as probabilities, over all forecasts with a known result")
    _lines(console, words.reliability(found.reliability))
    _table(console, "Defects", ("name", "count", "such as"), words.defects(found.defects))
    _section(console, "Conditions")
    _lines(console, words.conditions(found))


def _section(console: Console, name: str) -> None:
    console.print()
    console.print(Text(name, style="bold"))


def _lines(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(Text(label), Text(text))
    console.print(table)


def _table(console: Console, name: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    _section(console, name)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 or heading == "such as" else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
