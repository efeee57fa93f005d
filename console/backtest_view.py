"""A backtest on the terminal."""

from rich.console import Console
from rich.text import Text

from console import backtest_words as words
from console import evaluate_sheets as sheets
from console.evaluate_view import show_sheet
from console.evaluate_words import Found
from console.research_view import lines, section, table
from research.backtest import Backtest
from research.baselines import POLICY
from research.quality.evaluation import Evaluation

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
    lines(console, words.net_lines(summary))
    table(
        console,
        "Where it comes from",
        ("part", "net", "a contract"),
        [(a, c, d) for a, _, c, d in words.parts(summary)],
    )
    for line in summary.decomposition.not_identified:
        console.print(Text(f"not told apart: {line}", style="dim"))
    table(console, "Beside it", ("walk", "trades", "net", "a contract", "policy more"), words.beside(summary))
    for line in words.silent(found):
        console.print(Text(line, style="dim"))
    for name, rows in words.tables(summary).items():
        table(console, f"By {name}", (name, *words.HEADINGS), [(label, *words.cells(group)) for label, group in rows])
    counted = [(name, f"{abs(count):,}") for name, count in words.funnel(found.walked[POLICY.name])]
    table(console, "From forecasts to trades", ("step", "count"), counted)
    section(console, "Prices as probabilities, over all forecasts with a known result")
    lines(console, words.reliability(found.reliability))
    _quality(console, found.quality)
    table(console, "Defects", ("name", "count", "such as"), words.defects(found.defects))
    section(console, "Conditions")
    lines(console, words.conditions(found))


def _quality(console: Console, quality: Evaluation | None) -> None:
    section(console, words.QUALITY)
    if quality is None:
        console.print(Text(words.NOTHING_FORECAST))
        return
    for line in quality.verdicts:
        console.print(Text(line), style="bold")
    lines(console, words.quality(quality))
    console.print()
    for sheet in sheets.brief(Found(quality)):
        show_sheet(console, sheet)
