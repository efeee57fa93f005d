"""`foremesh trials`: what was tried, and what is sealed."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
from rich.console import Console
from rich.text import Text

from console.amounts import gain
from console.collection.tables import Column, Fitted
from console.connection import OptionError, one_line_errors
from console.durations import Duration
from console.moments import Moment
from console.research_options import FOLDER
from console.research_paths import ledger_of
from research.loading import load
from research.sealing import last_close
from research.sealing import seal as sealed
from research.trials import Kind
from research.types import Defects

_HEADINGS = ("trial", "time", "command", "series", "model", "trades", "net", "a contract", "verdict")
_NUMBERS = frozenset({"trades", "net", "a contract"})
_SPARE = {"model": 4, "command": 3, "trades": 2, "a contract": 1}
"""Columns that a narrow terminal does without, the highest first."""

F = TypeVar("F", bound=Callable[..., Any])


def _folders(command: F) -> F:
    for option in (
        click.option("--state", type=FOLDER, help="Where the ledger is kept.  [default: research in the data folder]"),
        click.option("--data", "root", type=FOLDER, default=Path("data"), show_default="data", help="The data folder."),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_folders
@click.option("--series", metavar="S", help="Only this series.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
@click.pass_context
def trials(ctx: click.Context, *, root: Path, state: Path | None, series: str | None, as_json: bool) -> None:
    """List every run of research: what was tried is part of every result.

    The ledger's hash chain is checked: an entry that was changed, left out or put in is named, and the command fails.
    """
    if ctx.invoked_subcommand is not None:
        return
    with one_line_errors():
        ledger = ledger_of(root, state)
        entries = ledger.entries()
        runs = [trial for trial in ledger.trials() if series in {None, trial.run["series"]}]
        seals = [
            entry
            for entry in entries
            if entry.kind in {Kind.SEALED, Kind.OPENED} and series in {None, entry.body["series"]}
        ]
        if as_json:
            document = {
                "ledger": str(ledger.path),
                "entries": len(entries),
                "digest": entries[-1].digest if entries else None,
                "trials": [
                    {"number": run.number, "time": run.time.isoformat(), "run": dict(run.run), "result": run.result}
                    for run in runs
                ],
                "seals": [
                    {"number": seal.number, "time": seal.time.isoformat(), "kind": seal.kind.value, **seal.body}
                    for seal in seals
                ],
            }
            click.echo(json.dumps(document, indent=2))
            return
        console = Console(highlight=False)
        if not entries:
            console.print(f"nothing was tried yet: {ledger.path} is not there or empty")
            return
        _show(console, [_cells(run.number, run.time, run.run, run.result) for run in runs])
        for seal in seals:
            console.print(Text(_seal_words(seal.time, seal.kind.value, seal.body)))
        console.print(Text(f"{len(entries)} entries, the last one's digest {entries[-1].digest[:16]}", style="dim"))


@trials.command("seal")
@click.argument("series")
@_folders
@click.option("--from", "begins", type=Moment(), help="Events that close then or later.")
@click.option("--days", type=click.IntRange(1), metavar="N", help="The last N days of the series.")
@click.option("--events", type=click.IntRange(1), metavar="N", help="Its last N events.")
@click.option("--step", type=Duration(), default="60m", show_default=True, help="Length of the candles looked at.")
def seal(
    series: str,
    *,
    root: Path,
    state: Path | None,
    begins: datetime | None,
    days: int | None,
    events: int | None,
    step: timedelta,
) -> None:
    """Keep the last events of SERIES from ordinary runs, until one opens them: once, on the record."""
    with one_line_errors():
        if sum(each is not None for each in (begins, days, events)) != 1:
            raise OptionError("say what is sealed with one of --from, --days, --events")
        begins = begins or _last(root, series, step, days=days, events=events)
        entry = sealed(ledger_of(root, state, series), series, begins)
        click.echo(f"{series}: events that close from {begins.isoformat()} on are sealed, entry {entry.number}")
        if seen := entry.body["seen"]:
            click.echo(f"{len(seen)} runs have seen events of it already, the last of them trial {seen[-1]}")


def _last(root: Path, series: str, step: timedelta, *, days: int | None, events: int | None) -> datetime:
    """Return when the last days, or events, of a recording begin to close."""
    seconds = int(step.total_seconds())
    closes = sorted(last_close(event) for event in load(root, series, step_seconds=seconds, defects=Defects()))
    if not closes:
        raise OptionError(f"{series} has no event to seal")
    if days is not None:
        return closes[-1] - timedelta(days=days) + timedelta(seconds=1)
    return closes[-min(events or 1, len(closes))]


def _cells(number: int, time: datetime, run: Any, result: Any) -> tuple[str, ...]:
    begun = (str(number), f"{time:%Y-%m-%d %H:%M}", run["command"], run["series"], run.get("model") or "")
    if result is None:
        return (*begun, "", "", "", "interrupted")
    mean = result.get("mean_cents")
    each = "" if mean is None else f"{mean:+.2f}c"
    net, trades = result.get("net_micros"), result.get("trades")
    return (
        *begun,
        "" if trades is None else f"{trades:,}",
        "" if net is None else gain(net),
        each,
        result.get("verdict") or ("models compared" if "verdicts" in result else ""),
    )


def _seal_words(time: datetime, kind: str, body: Any) -> str:
    if kind == "sealed":
        return f"{body['series']}: sealed from {body['begins']} on, at {time:%Y-%m-%d %H:%M}"
    return f"{body['series']}: opened by trial {body['begun']}, at {time:%Y-%m-%d %H:%M}"


def _show(console: Console, rows: list[tuple[str, ...]]) -> None:
    columns = [_column(place, heading) for place, heading in enumerate(_HEADINGS)]
    console.print(Fitted(rows, columns))


def _column(place: int, heading: str) -> Column[tuple[str, ...]]:
    justify: Literal["left", "right"] = "right" if heading in _NUMBERS else "left"
    return Column(heading, lambda row: Text(row[place]), spare=_SPARE.get(heading, 0), justify=justify)
