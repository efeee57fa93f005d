"""`foremesh demo`: the whole mesh on this machine, for some minutes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console import parity_words, report_view
from console.connection import OptionError, one_line_errors
from console.journal_words import contracts
from console.mesh_demo import sources
from console.mesh_demo.books import Line
from console.mesh_demo.playing import Play, Played
from console.mesh_demo.settings import Plan
from console.mesh_demo.silence import silence
from console.parity_run import Parity
from console.report_page import page
from forecast_server.checkpoints import NEEDS
from mesh import log
from mesh.daemon_process import DaemonProblem
from mesh.files import replace_files
from mesh.types import Hundredths
from trader.reporting.reading import report_on
from trader.reporting.report import Question

_MODELS = ("fracast", "random-walk", "timesfm-2.5")
"""Those that need no more than their name, and at most their weights in the hub's cache."""
_SERIES = ("KXHIGHNY", "KXHIGHCHI")
_MARKET_SECONDS = 20 * 3600
"""Time of the markets that is shown, unless the speed is given: most of a day, and what comes after its close."""
_SLOWEST, _FASTEST = 60.0, 960.0
"""Faster than that a small machine cannot keep up with the markets."""
BEFORE_CLOSE = timedelta(hours=16)
"""Begin so long before the close, in the morning: at the beginning some of it passes while the daemons start."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHELL_BASE = 128
"""A process that a signal ends shows this plus the signal's number."""
_FILE_MODE = 0o644


def _usual_model() -> str:
    """Choose the model whose weights come with its package, or without that the one that needs nothing."""
    return "fracast" if all(map(find_spec, NEEDS["fracast"].packages)) else "random-walk"


@click.command()
@click.option(
    "--seconds", type=click.FloatRange(5, 86_400), default=150.0, show_default=True, help="How long it trades."
)
@click.option(
    "--series", multiple=True, metavar="TICKER", help=f"Series to show; repeatable.  [default: {', '.join(_SERIES)}]"
)
@click.option(
    "--source",
    default=sources.GENERATED,
    show_default=True,
    metavar="generated|recorded:DIR",
    help="Markets that the simulated exchange makes up, or recorded ones from a folder of parquet files.",
)
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Which recorded day.  [default: the one of which there are most quotes]",
)
@click.option(
    "--model",
    type=click.Choice(_MODELS),
    default=_usual_model,
    show_default="fracast, or random-walk where that is not installed",
    help="Which model forecasts.",
)
@click.option(
    "--speed",
    type=click.FloatRange(1, 2000),
    help="How many times faster than real time the markets live.  [default: 20 hours of them in the time it trades]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-out"),
    show_default=True,
    help="Where report and journal are left, and everything else is while it runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
def demo(
    *,
    seconds: float,
    series: tuple[str, ...],
    source: str,
    day: datetime | None,
    model: str,
    speed: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Run the whole mesh on this machine: exchange, forecast server, coordinator, three collectors, trader.

    Real processes that speak over mutual TLS on loopback, on a clock that runs faster. With markets that are made up
    the trader has a paper account, with recorded ones an account at the simulated exchange. At the end its journal is
    held against that account, and the report is printed and kept. Nothing is left running.

    The exit code is 1 if they differ, if a decision comes out otherwise the second time, or if there was none.
    """
    log.configure(level="error")
    console = Console(stderr=as_json, highlight=False)
    with one_line_errors():
        chosen = tuple(dict.fromkeys(ticker for each in series for ticker in each.split(","))) or _SERIES
        markets = _markets(source, chosen, None if day is None else day.date())
        console.print(Text(markets.words, style="bold"))
        speed = speed or min(max(_MARKET_SECONDS / seconds, _SLOWEST), _FASTEST)
        plan = Plan(
            source=markets.source,
            series=chosen,
            model=model,
            speed=speed,
            start=markets.close - BEFORE_CLOSE,
            since=datetime.now(UTC),
            mode="paper" if source == sources.GENERATED else "demo",
        )
        played = _run(Play(plan, seconds, out.absolute(), console, draw=console.is_terminal and not as_json))
        nothing = silence(played.journal)
        _tell(console, played, out, model, nothing, as_json=as_json)
    if nothing is not None:
        raise click.ClickException(nothing)
    if not played.parity.agrees or not all(line.same for line in played.lines):
        sys.exit(1)


def _markets(source: str, series: tuple[str, ...], day: date | None) -> sources.Markets:
    if source == sources.GENERATED:
        if day is not None:
            raise OptionError("--day is for recorded markets")
        return sources.generated(series)
    if not source.startswith("recorded:"):
        raise OptionError(f"--source: generated or recorded:DIR, not {source!r}")
    return sources.recorded(source, series, day)


def _run(play: Play) -> Played:
    """Run the event loop; what stops it ends the process with the right code."""
    caught: list[signal.Signals] = []
    found: Played | None = None
    try:
        found = asyncio.run(_play(play, caught))
    except asyncio.CancelledError:
        if not caught:
            raise
    except ExceptionGroup as group:
        raise _cause(group) from group
    except DaemonProblem as problem:
        raise _told(problem) from problem
    if caught or found is None:
        click.echo("stopped; nothing is left running", err=True)
        sys.exit(_SHELL_BASE + caught[0])
    return found


async def _play(play: Play, caught: list[signal.Signals]) -> Played:
    task = asyncio.current_task()

    def on_signal(number: signal.Signals) -> None:
        """Leave at the first signal; at the second do not wait for anybody."""
        caught.append(number)
        if len(caught) > 1:
            for daemon in play.daemons:
                daemon.kill()
        elif task is not None:
            task.cancel()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return await play.run()


def _tell(console: Console, played: Played, out: Path, model: str, nothing: str | None, *, as_json: bool) -> None:
    """Print the report, keep it as a page, and say whether the account says the same."""
    report = report_on(played.journal, Question())
    for ending in ("-wal", "-shm"):  # a reader leaves them, empty
        played.journal.with_name(played.journal.name + ending).unlink(missing_ok=True)
    html = out / "report.html"
    replace_files([(html, page(report).encode(), _FILE_MODE)])
    if as_json:
        books = [
            {"what": line.what, "same": line.same, "journal": _plain(line.journal), "account": _plain(line.account)}
            for line in played.lines
        ]
        document = {
            "model": model,
            "report": report_view.document(report),
            "books": books,
            "parity": parity_words.document(played.parity),
            "events": dict(played.sight.counts),
            "nothing_decided": nothing,
        }
        click.echo(json.dumps(document, indent=2))
        return
    report_view.show(console, report)
    console.print()
    console.print(_books(played.lines))
    console.print()
    console.print(_again(played.parity))
    for words in parity_words.lines(played.parity):
        console.print(Text(words))
    console.print(f"\nreport: {os.path.relpath(html)}   journal: {os.path.relpath(played.journal)}")
    console.print("stopped; nothing is left running")


def _books(lines: list[Line]) -> Table:
    table = Table(title="The journal and the account it traded on", title_justify="left", box=None)
    for heading in ("", "journal", "account", ""):
        table.add_column(heading)
    for line in lines:
        table.add_row(line.what, Text(_words(line.journal)), Text(_words(line.account)), _verdict(same=line.same))
    return table


def _again(parity: Parity) -> Table:
    table = Table(title="Decided again by the backtest's code", title_justify="left", box=None)
    for heading in ("", "trader", "the same again", ""):
        table.add_column(heading)
    for what, made, same in parity_words.rows(parity):
        verdict = _verdict(same=made == same) if made else Text("none to compare", style="yellow")
        table.add_row(what, f"{made:,}", f"{same:,}", verdict)
    return table


def _verdict(*, same: bool) -> Text:
    return Text("equal", style="green") if same else Text("DIFFERENT", style="bold red")


def _words(value: object) -> str:
    match value:
        case set():
            return f"{len(value):,}"
        case dict():
            return f"{contracts(Hundredths(sum(map(abs, value.values()))))} contracts, {len(value)} markets"
        case _:
            return f"{value:,}"


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set) else value


def _cause(group: ExceptionGroup[Exception]) -> Exception:
    """Pick what to tell: that a daemon died explains everything else that failed."""
    leaves = list(_leaves(group))
    problem = next((leaf for leaf in leaves if isinstance(leaf, DaemonProblem)), None)
    return leaves[0] if problem is None else _told(problem)


def _told(problem: DaemonProblem) -> click.ClickException:
    for line in problem.tail:
        click.echo(f"  {line}", err=True)
    return click.ClickException(str(problem))


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
