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
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from console import results
from console.forecast import one_line_errors, progress, report, scan_options
from console.histories import read
from console.recorded import Recording
from console.scan import Purpose, Question, Scan, scan
from console.server_process import COMMAND, ServerProblem, ServerProcess, forecast_server
from mesh import log

_SAMPLE = files("console").joinpath("sample", "simulated.csv")
_SIMULATED = "SIMULATED prices: seeded random walks (tools/sample.py), not market data"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHELL_BASE = 128
"""A process that a signal ends shows this plus the signal's number."""


@dataclass(frozen=True, slots=True)
class _Result:
    scan: Scan
    server: ServerProcess


@click.command()
@click.option(
    "--series",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Replay this recording (as foremesh forecast reads it) instead of the simulated sample.",
)
@partial(scan_options, plots=2)
def demo(
    *,
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
        found = _run(console, recording, question, plots, quiet=as_json)
    if as_json:
        server = {
            "address": found.server.address,
            "security": "mutual TLS",
            "ready_seconds": round(found.server.ready_seconds, 3),
            "exit_code": found.server.exit_code,
        }
        document = {"file": str(file) if file else None, "simulated": file is None, "server": server}
        click.echo(json.dumps(document | results.document(found.scan), indent=2))


def _run(console: Console, recording: Recording, question: Question, plots: int, *, quiet: bool) -> _Result:
    """Run the event loop; what stops it ends the process with the right code."""
    caught: list[signal.Signals] = []
    result: _Result | None = None
    try:
        result = asyncio.run(_play(console, recording, question, plots, caught, quiet=quiet))
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
    recording: Recording,
    question: Question,
    plots: int,
    caught: list[signal.Signals],
    *,
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
    console.print(f"starting {COMMAND} with mutual TLS ...")
    with tempfile.TemporaryDirectory(prefix="foremesh-demo-") as folder:
        async with forecast_server(Path(folder), started.append) as server:
            console.print(f"serving on {server.address}, pid {server.pid}, ready after {server.ready_seconds:.1f} s")
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
