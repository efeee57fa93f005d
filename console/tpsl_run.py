"""Runs a search for better exits for the command."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click

from console.backtest_run import Whom, progress, server
from console.connection import OptionError, talking_to
from console.research_paths import answers_file, ledger_file
from mesh import log
from mesh.forecast_process import ServerProblem
from mesh.forecasts import forecasting
from research.answers_store import opened
from research.backtest import prepare
from research.backtest_plan import BacktestPlan
from research.tpsl.folds import FoldPlan
from research.tpsl.grid import Levels
from research.tpsl.optimise import optimise
from research.tpsl.optimised import Optimised, TpslPlan
from research.trials import Ledger


def plan(
    asked: BacktestPlan, targets: Sequence[float], stops: Sequence[float], *, folds: int, embargo: timedelta
) -> TpslPlan:
    """Make the plan of a run.

    Args:
        asked: How markets are walked.
        targets: Cents.
        stops: Cents.
        folds: Blocks of days on which choices are tried.
        embargo: Before each.

    Raises:
        OptionError: Levels are none.
    """
    try:
        levels = Levels.of_cents(targets, stops)
    except ValueError as problem:
        raise OptionError(str(problem)) from problem
    return TpslPlan(backtest=asked, levels=levels, folds=FoldPlan(count=folds, embargo=embargo, horizon=asked.horizon))


def run(asked: TpslPlan, whom: Whom, state: Path | None, out: Path, *, quiet: bool) -> Optimised:
    """Run it.

    Args:
        asked: What.
        whom: Whom.
        state: Folder of ledger and answers; None is one in the data folder.
        out: Folder of the files.
        quiet: Show no progress.

    Raises:
        click.ClickException: The server does not start, or no server answers.
        ConfigError, OptionError, MeshError, OSError: As what they come from.
    """
    log.configure(level="error")
    try:
        return asyncio.run(_run(asked, whom, state, out, quiet=quiet))
    except ServerProblem as problem:
        for line in problem.tail:
            click.echo(f"  {line}", err=True)
        raise click.ClickException(str(problem)) from problem


async def _run(asked: TpslPlan, whom: Whom, state: Path | None, out: Path, *, quiet: bool) -> Optimised:
    root, prepared = asked.backtest.root, prepare(asked.backtest)
    ledger = Ledger(ledger_file(root, state))
    with progress(shown=not quiet) as on_progress:
        async with server(whom) as config:
            with talking_to(config), opened(answers_file(root, state)) as store:
                async with forecasting(config) as client:
                    return await optimise(asked, prepared, client, store, ledger, out=out, on_progress=on_progress)
