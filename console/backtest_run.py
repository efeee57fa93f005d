"""Runs a backtest for the command: whom it asks, what it shows meanwhile, what it says when that does not work."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from console.connection import client_config, talking_to
from console.research_paths import answers_file, ledger_file
from mesh import log
from mesh.config import load
from mesh.forecast_process import ServerProblem
from mesh.forecasts import forecasting
from mesh.rpc.config import ClientConfig
from research.answers_store import opened
from research.backtest import Backtest, backtest, prepare
from research.backtest_plan import BacktestPlan
from research.scanning import Tally
from research.server import embedded
from research.trials import Ledger
from research.types import EntryPolicy
from research.walk import WalkPlan
from trader.config import TraderConfig
from trader.domain.settings import Settings
from trader.domain.words import EntryStyle

_MODEL = "fracast"
_TABLES = ("rules", "entries", "sizes", "exits", "protections")


@dataclass(frozen=True, slots=True)
class Whom:
    """Who is asked."""

    model: str | None
    """Of the server that is started."""
    connection: Mapping[str, Any]
    """Options that name a server; all None starts one."""


def plan(
    file: Path | None, *, style: str | None, policy: str, protections: bool, latency: timedelta, **asked: Any
) -> BacktestPlan:
    """Make the plan of a run.

    Args:
        file: The trader's configuration, of which its settings are taken.
        style: Of entries; None is as configured.
        policy: Name of the entry policy.
        protections: Keep the protections.
        latency: Of orders.
        asked: The rest of `BacktestPlan`.

    Raises:
        ConfigError: The file is wrong.
    """
    found = settings(file)
    if style is not None:
        entries = found.entries.model_copy(update={"style": EntryStyle(style)})
        found = found.model_copy(update={"entries": entries})
    walk = WalkPlan(settings=found, entry_policy=EntryPolicy(policy), protections=protections, latency=latency)
    return BacktestPlan(walk=walk, **asked)


def settings(file: Path | None) -> Settings:
    """Read the trader's settings, or take the defaults. Raises ConfigError."""
    if file is None:
        return Settings()
    config = load(file, TraderConfig)
    return Settings(**{table: getattr(config, table) for table in _TABLES})


def run(asked: BacktestPlan, whom: Whom, state: Path | None, out: Path, *, quiet: bool) -> Backtest:
    """Run it.

    Args:
        asked: What.
        whom: Whom.
        state: Folder of ledger and answers; None is one in the data folder.
        out: Folder of the CSV file.
        quiet: Show no progress.

    Raises:
        click.ClickException: The server does not start, or no server answers.
        KeyboardInterrupt: Ctrl-C, or SIGTERM.
        ConfigError, OptionError, MeshError, OSError: As what they come from.
    """
    log.configure(level="error")
    ended: list[signal.Signals] = []
    try:
        return asyncio.run(_run(asked, whom, state, out, ended, quiet=quiet))
    except asyncio.CancelledError:
        if not ended:
            raise
        raise KeyboardInterrupt from None  # SIGTERM is told as Ctrl-C: both leave nothing running
    except ServerProblem as problem:
        for line in problem.tail:
            click.echo(f"  {line}", err=True)
        raise click.ClickException(str(problem)) from problem


async def _run(
    asked: BacktestPlan, whom: Whom, state: Path | None, out: Path, ended: list[signal.Signals], *, quiet: bool
) -> Backtest:
    task = asyncio.current_task()

    def end() -> None:
        ended.append(signal.SIGTERM)
        if task is not None:
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    ledger, prepared = Ledger(ledger_file(asked.root, state)), prepare(asked)
    with progress(shown=not quiet) as on_progress:
        async with server(whom) as config:
            with talking_to(config), opened(answers_file(asked.root, state)) as store:
                async with forecasting(config) as client:
                    return await backtest(prepared, client, store, ledger, out, on_progress=on_progress)


@asynccontextmanager
async def server(whom: Whom) -> AsyncIterator[ClientConfig]:
    """Start a server, or say how the one that was named is reached. Raises ServerProblem, ConfigError, OptionError."""
    given = dict(whom.connection)
    file = given.pop("client_file", None)
    if file is None and not any(given.values()):
        async with embedded(whom.model or _MODEL) as config:
            yield config
    else:
        yield client_config(file, given)


@contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[int, int, Tally], object]]:
    """Show a bar on a terminal; gives what to call as events are done."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events, {task.fields[said]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("starting", total=None, said="")

        def on_progress(done: int, total: int, tally: Tally) -> None:
            said = f"{tally.done:,} of {tally.questions:,} forecasts"
            bar.update(task, description="walking", completed=done, total=total, said=said)

        yield on_progress
