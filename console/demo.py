"""`foremesh demo`: the mesh on this machine, for a few seconds."""

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from console import results
from console.asking import progress, report
from console.connection import one_line_errors
from console.histories import read
from console.recorded import Recording
from console.scan import Purpose, Question, Scan, scan
from console.scan_options import scan_options
from forecast_server.checkpoints import NEEDS
from mesh import log
from mesh.forecast_process import COMMAND, ServerProblem, ServerProcess, forecast_server

_MODELS = ("fracast", "random-walk", "timesfm-2.5")
"""Those that need no more than their name, and at most their weights in the hub's cache."""
_SAMPLE = files("console").joinpath("sample", "simulated.csv")
_SIMULATED = "SIMULATED prices: seeded random walks (tools/sample.py), not market data"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHELL_BASE = 128
"""A process that a signal ends shows this plus the signal's number."""


@dataclass(frozen=True, slots=True)
class _Result:
    scan: Scan
    server: ServerProcess


def _usual_model() -> str:
    """Choose the model whose weights come with its package, or without that the one that needs nothing."""
    return "fracast" if all(map(find_spec, NEEDS["fracast"].packages)) else "random-walk"


@click.command()
@click.option(
    "--model",
    type=click.Choice(_MODELS),
    default=_usual_model,
    show_default="fracast, or random-walk where that is not installed",
    help="Which model forecasts.",
)
@click.option(
    "--series",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Replay this recording (as foremesh forecast reads it) instead of the simulated sample.",
)
@partial(scan_options, plots=2)
def demo(
    *,
    model: str,
    file: Path | None,
    market_prefix: str,
    limit: int | None,
    horizon: int,
    step: timedelta | None,
    purpose: Purpose,
    min_magnitude: float,
    plots: int,
    as_json: bool,
) -> None:
    """Start a forecast server, scan sample markets, show the signals, stop.

    Everything happens on this machine: a real foremesh-forecast-server with mutual TLS on a free loopback port,
    certificates of an authority that lives as long as the demo. Nothing is left running or written.
    """
    log.configure(level="error")
    question = Question(horizon_steps=horizon, purpose=purpose, min_magnitude_cents=min_magnitude)
    console = Console(quiet=as_json, highlight=False)
    with one_line_errors():
        with as_file(_SAMPLE) as sample:
            recording = read(file or sample, step=step, market_prefix=market_prefix, limit=limit)
        console.print(Text(f"Replaying {file}" if file else _SIMULATED, style="bold"))
        console.print()
        found = _run(console, model, recording, question, plots=plots, quiet=as_json)
    if as_json:
        server = {
            "address": found.server.address,
            "security": "mutual TLS",
            "ready_seconds": round(found.server.ready_seconds, 3),
            "exit_code": found.server.exit_code,
        }
        document = {"file": str(file) if file else None, "simulated": file is None, "server": server}
        click.echo(json.dumps(document | results.document(found.scan), indent=2))


def _run(console: Console, model: str, recording: Recording, question: Question, *, plots: int, quiet: bool) -> _Result:
    """Run the event loop; what stops it ends the process with the right code."""
    caught: list[signal.Signals] = []
    result: _Result | None = None
    try:
        result = asyncio.run(_play(console, model, recording, question, caught, plots=plots, quiet=quiet))
    except asyncio.CancelledError:
        if not caught:
            raise
    except ExceptionGroup as group:
        raise _cause(group) from group
    if caught or result is None:
        click.echo("stopped; nothing is left running", err=True)
        sys.exit(_SHELL_BASE + caught[0])
    return result


async def _play(
    console: Console,
    model: str,
    recording: Recording,
    question: Question,
    caught: list[signal.Signals],
    *,
    plots: int,
    quiet: bool,
) -> _Result:
    task = asyncio.current_task()
    started: list[ServerProcess] = []

    def on_signal(number: signal.Signals) -> None:
        """Leave at the first signal, unless the server is stopping anyway; at the second do not wait for it."""
        caught.append(number)
        if len(caught) > 1:
            for server in started:
                server.kill()
        elif task is not None and not any(server.stopping for server in started):
            task.cancel()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    console.print(f"starting {COMMAND} with mutual TLS and the model {model} ...")
    with tempfile.TemporaryDirectory(prefix="foremesh-demo-") as folder:
        async with forecast_server(Path(folder), model, started.append) as server:
            console.print(f"serving on {server.address}, pid {server.pid}, ready after {server.ready_seconds:.1f} s")
            if NEEDS[model].restriction:
                console.print(f"{model}: {NEEDS[model].restriction}", style="bold")
            console.print()
            with progress(len(recording.markets), shown=not quiet) as advance:
                found = await scan(server.client(), recording, question, advance)
            report(console, found, plots=plots)
    console.print(f"stopped: SIGTERM, exit code {server.exit_code}; certificates and configuration removed")
    return _Result(found, server)


def _cause(group: ExceptionGroup[Exception]) -> Exception:
    """Pick what to tell: that the server died explains everything else that failed."""
    leaves = list(_leaves(group))
    problem = next((leaf for leaf in leaves if isinstance(leaf, ServerProblem)), None)
    if problem is None:
        return leaves[0]
    for line in problem.tail:
        click.echo(f"  {line}", err=True)
    return click.ClickException(str(problem))


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
