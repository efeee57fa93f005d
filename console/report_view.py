"""A report on the terminal, and as a document for programs."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from console import report_words as words
from console.amounts import dollars, gain
from console.collection.tables import Column, Fitted
from console.report_csv import trade_records
from trader.reporting.figures import Figures
from trader.reporting.funnel import Funnel
from trader.reporting.report import Report

_UP, _DOWN = "#56B4E9", "#E69F00"
_SPARE = {"gains": 4, "losses": 4, "cost": 3, "contracts": 2, "before fees": 1, "fees": 1}
"""Columns that a narrow terminal does without, the highest first."""


def show(console: Console, report: Report) -> None:
    """Print a report for people."""
    console.print(Text(words.title(report), style="bold"), Text(words.spanned(report), style="dim"))
    console.print(_money(words.headline(report.total), report.total.net))
    if mean := words.mean_words(report):
        console.print(Text(mean))
    if report.expectation is not None:
        console.print(Text(words.expectation_words(report.expectation), style="bold"))
    for name, rows in words.tables(report.groups):
        if rows:
            _figures(console, name, rows, report.total)
    _positions(console, report)
    _funnel(console, report)
    _section(console, "Orders", words.order_lines(report))
    _forecasts(console, report)
    _expectation(console, report)
    if report.shadow is not None:
        _section(console, "Patience: virtual resting orders, in no other sum", words.shadow_lines(report.shadow))
    console.print()
    console.print(Text(words.footnote(), style="dim"))


def document(report: Report) -> dict[str, Any]:
    """Return the report for programs: money in micros, counts in hundredths of a contract."""
    found: dict[str, Any] = msgspec.to_builtins(
        replace(report, rows=None, forecasts=replace(report.forecasts, points=())), str_keys=True, enc_hook=_plain
    )
    del found["forecasts"]["points"]
    found["rows"] = None if report.rows is None else trade_records(report)
    return found


def _figures(console: Console, name: str, rows: Sequence[tuple[str, Figures]], total: Figures) -> None:
    shown = [(Text(label), found) for label, found in rows] + [(Text("all", style="bold"), total)]
    columns = (
        Column(name, lambda row: row[0]),
        *(_column(place, heading) for place, heading in enumerate(words.HEADINGS)),
    )
    console.print()
    console.print(Fitted(shown, columns))


def _column(place: int, heading: str) -> Column[tuple[Text, Figures]]:
    def cell(row: tuple[Text, Figures]) -> RenderableType:
        text = words.cells(row[1])[place]
        return _money(text, row[1].net) if heading == "net" else Text(text)

    return Column(heading, cell, spare=_SPARE.get(heading, 0), justify="right")


def _positions(console: Console, report: Report) -> None:
    found = report.positions
    _section(console, "Open positions, in no sum above", [("now", words.open_words(found))])
    for each in found.each:
        marked = "unmarked" if each.unrealised is None else f"{words.arrowed(each.unrealised)} if sold now"
        held = f"{each.side.value.upper()} {words.contracts(each.count)}, cost {dollars(each.cost)}"
        gone = f", {gain(each.realised)} of parts already sold" if each.realised else ""
        console.print(Text(f"  {each.ticker}: {held}, {marked}{gone}"), highlight=False)


def _funnel(console: Console, report: Report) -> None:
    found = report.funnel
    lines = [(name, f"{number:,}") for name, number in words.funnel_counts(report)]
    _section(console, f"Funnel of {found.scans:,} scans", lines)
    if found.outcomes:
        console.print(Text("  " + ", ".join(f"{number:,} {kind}" for kind, number in found.outcomes.items())))
    steps = [step for step in found.steps if step.refused]
    if steps:
        table = _table("rule", "reached", "refused first", "refused in all", "allows")
        for step in steps:
            numbers = (step.reached, step.refused_first, step.refused)
            table.add_row(Text(step.rule), *map(str, numbers), Text(words.bounds_words(step.bounds)))
        console.print(table)
    if quiet := _quiet(found):
        console.print(Text(f"  refused nothing: {quiet}", style="dim"))


def _quiet(found: Funnel) -> str:
    return words.quiet_rules(found) if found.decisions else ""


def _forecasts(console: Console, report: Report) -> None:
    found = report.forecasts
    _section(console, "Forecast against outcome", _total(report))
    if found.by_confidence:
        table = _table("confidence", "judged", "direction right")
        for word, rates in found.by_confidence.items():
            right = f"{rates.right}: {words.estimate_words(rates.hit_rate, 100, ' %')}"
            table.add_row(word.replace("_", " "), str(rates.judged), right)
        console.print(table)
    if found.groups:
        table = _table("series", "model", "judged", "not", "right", "mean absolute error")
        for group in found.groups:
            rates = group.rates
            numbers = (rates.judged, group.unjudged, rates.right)
            table.add_row(Text(group.series), Text(group.model[:12]), *map(str, numbers), words.errors_words(rates))
        console.print(table)


def _total(report: Report) -> list[tuple[str, str]]:
    found = report.forecasts
    unjudged = sum(group.unjudged for group in found.groups)
    return [] if found.total is None else words.forecast_lines(found.total, unjudged)


def _expectation(console: Console, report: Report) -> None:
    found = report.expectation
    if found is None:
        return
    _section(console, f"Against the backtest {found.digest[:12]}", words.expectation_lines(found))


def _section(console: Console, name: str, lines: Iterable[tuple[str, str]]) -> None:
    console.print()
    console.print(Text(name, style="bold"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(f"  {label}", Text(text))
    if table.row_count:
        console.print(table)


def _table(first: str, *headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(first, overflow="fold")
    for heading in headings:
        left = heading in {"allows", "direction right", "model", "mean absolute error"}
        table.add_column(heading, justify="left" if left else "right", no_wrap=not left)
    return table


def _money(text: str, amount: int) -> Text:
    return Text(text, style=_UP if amount > 0 else _DOWN if amount < 0 else "")


def _plain(value: object) -> object:
    if isinstance(value, int):  # a Price
        return int(value)
    raise NotImplementedError(type(value).__name__)
