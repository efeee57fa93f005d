"""Runs an evaluation for the command: whom it asks, what it shows meanwhile, what it says when that does not work."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from console.connection import client_config, talking_to
from console.research_paths import answers_file, ledger_file
from mesh import log
from mesh.forecast_process import ServerProblem
from mesh.kalshi.pasts import PriceKind
from mesh.rpc.config import ClientConfig
from research.answers_store import opened
from research.loading import Recording
from research.quality.estimates import Chance
from research.quality.evaluation import Evaluating, Evaluation
from research.quality.unsealed import Unsealed
from research.questions import QuestionPlan
from research.sealing import seal_of
from research.trials import Ledger
from research.types import Defects

Shown = tuple[Callable[[str], object], Callable[[int, int], object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is wanted."""

    root: Path
    series: str
    models: Sequence[str]
    steps: int
    step: timedelta
    price: PriceKind
    observed: Path | None
    first: datetime | None
    last: datetime | None
    state: Path | None
    seed: int | None
    connection: Mapping[str, Any]
    """Options that name a server; all None asks none but our own."""


def run(asked: Run, *, quiet: bool) -> Evaluation:
    """Run it.

    Args:
        asked: What.
        quiet: Show no progress.

    Raises:
        click.ClickException: A server dies, or the target does not answer.
        ConfigError, OptionError, MeshError, OSError: As what they come from.
    """
    log.configure(level="error")
    target = _target(asked.connection)
    defects = Defects()
    recording = Recording(
        asked.root,
        asked.series,
        step_seconds=round(asked.step.total_seconds()),
        first=asked.first,
        last=asked.last,
        observed=asked.observed,
        defects=defects,
    )
    seal = seal_of(Ledger(ledger_file(asked.root, asked.state)).entries(), asked.series)
    unsealed = Unsealed(recording, seal)
    plan = QuestionPlan(horizon_steps=asked.steps, step=asked.step, price=asked.price)
    chance = Chance() if asked.seed is None else Chance(seed=asked.seed)
    ended: list[signal.Signals] = []
    try:
        with (
            nullcontext() if target is None else talking_to(target),
            opened(answers_file(asked.root, asked.state)) as store,
            _progress(shown=not quiet) as (on_model, on_progress),
        ):
            work = Evaluating(plan, store, target, on_model, on_progress, chance)
            found = asyncio.run(_ended_by_sigterm(work.evaluate(asked.series, unsealed, asked.models), ended))
    except asyncio.CancelledError:
        if not ended:
            raise
        raise KeyboardInterrupt from None  # SIGTERM is told as Ctrl-C: both leave nothing running
    except ServerProblem as problem:
        for line in problem.tail:
            click.echo(f"  {line}", err=True)
        raise click.ClickException(str(problem)) from problem
    found.defects.merge(defects)
    return replace(found, sealed=unsealed.sealed)


async def _ended_by_sigterm(work: Awaitable[Evaluation], ended: list[signal.Signals]) -> Evaluation:
    """Do the work; SIGTERM cancels it, and is noted."""
    task = asyncio.current_task()

    def end() -> None:
        ended.append(signal.SIGTERM)
        if task is not None:
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    return await work


def _target(connection: Mapping[str, Any]) -> ClientConfig | None:
    given = dict(connection)
    file = given.pop("client_file", None)
    return client_config(file, given) if file is not None or any(given.values()) else None


@contextmanager
def _progress(*, shown: bool) -> Iterator[Shown]:
    """Show a bar on a terminal; gives what to call with the model that is asked, and with how far it is."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("forecasts"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("starting", total=None)

        def on_model(name: str) -> None:
            bar.reset(task, description=name or "judging", total=None)

        def on_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield on_model, on_progress
