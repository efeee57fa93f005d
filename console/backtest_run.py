"""Makes the plan of a backtest from what the command was told, and runs it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import click

from console.connection import OptionError, talking_to
from console.research_options import Asked, Trading
from console.research_paths import answers_file, ledger_of
from console.research_running import GOES_ON, bar, finished, server
from mesh.config import load
from mesh.errors import MeshError
from mesh.forecasts import ForecastClient, forecasting
from research.answers_store import AnswersStore, opened
from research.backtest import Backtest, Prepared, backtest, prepare
from research.backtest_plan import BacktestPlan
from research.cluster import AUTO, joined
from research.hosts import Engine
from research.processes import Processes
from research.quality.scoring import RANDOM_WALK
from research.quality.serving import serving
from research.scanning import Tally
from research.trials import Ledger
from research.types import EntryPolicy
from research.walk import WalkPlan
from trader.config import TraderConfig
from trader.domain.settings import Settings
from trader.domain.words import EntryStyle
from trader.scanning.settings import ScannedSeries

T = TypeVar("T")


class OnProgress(Protocol):
    """Is told how far a run is."""

    def __call__(self, done: int, total: int, tally: Tally, /, doing: str = ...) -> object:
        """Show it."""


Doing = Callable[[Prepared, ForecastClient, AnswersStore, Ledger, Engine, OnProgress], Awaitable[T]]

WALKING = "walking events"
"""What a run does most of its time."""
_TABLES = ("rules", "entries", "sizes", "exits", "protections")


def plan(
    asked: Asked,
    trading: Trading,
    *,
    spot: Path | None = None,
    protections: bool = False,
    baselines: bool = False,
    open_sealed: bool = False,
) -> BacktestPlan:
    """Make the plan of a run. Raises ConfigError: the trader's file is wrong."""
    found = settings(trading.config)
    if trading.style is not None:
        entries = found.entries.model_copy(update={"style": EntryStyle(trading.style)})
        found = found.model_copy(update={"entries": entries})
    policy, scan = EntryPolicy(trading.entry_policy), scanned(trading.config, asked.series)
    return BacktestPlan(
        walk=WalkPlan(settings=found, entry_policy=policy, protections=protections, latency=trading.latency),
        root=asked.root,
        series=asked.series,
        horizon=asked.horizon,
        step=asked.step,
        price=trading.price or scan.price,
        points=scan.points,
        observed=asked.observed,
        spot=spot,
        first=asked.first,
        last=asked.last,
        baselines=baselines,
        open_sealed=open_sealed,
        **asked.seeded,
    )


def settings(file: Path | None) -> Settings:
    """Read the trader's settings, or take the defaults. Raises ConfigError."""
    if file is None:
        return Settings()
    config = load(file, TraderConfig)
    return Settings(**{table: getattr(config, table) for table in _TABLES})


def scanned(file: Path | None, series: str) -> ScannedSeries:
    """Read what the trader makes its questions of in a series, or take the defaults. Raises ConfigError."""
    listed = () if file is None else load(file, TraderConfig).series
    return next((each for each in listed if each.ticker == series), ScannedSeries(ticker=series))


def run(plan: BacktestPlan, asked: Asked, trading: Trading) -> Backtest:
    """Run it. Arguments and errors as `asking`."""
    return asking(
        plan,
        asked,
        trading,
        lambda prepared, client, store, ledger, engine, on_progress: backtest(
            prepared,
            client,
            store,
            ledger,
            asked.out,
            random_walk=partial(serving, None, RANDOM_WALK),
            engine=engine,
            on_progress=on_progress,
            on_random_walk=partial(on_progress, doing="asking the random walk"),
        ),
    )


def asking(plan: BacktestPlan, asked: Asked, trading: Trading, doing: Doing[T]) -> T:
    """Do something that walks a recording and asks a forecast server about it.

    Args:
        plan: What is walked.
        asked: Where things are kept, whom to ask, what to show.
        trading: The model of the server that is started, and where is walked.
        doing: Given the recording, a client, the answers there are, the ledger, where to walk, and what to tell of its
            progress.

    Raises:
        click.ClickException: The server does not start, or no server answers.
        KeyboardInterrupt: Ctrl-C, or SIGTERM.
        ConfigError, OptionError, MeshError, OSError: As what they come from.
    """
    answered = 0

    async def work() -> T:
        ledger, prepared = ledger_of(asked.root, asked.state, asked.series), prepare(plan)
        with progress(shown=not asked.as_json) as on_progress, engine(trading) as walking:
            async with server(trading.model, asked.connection) as config:
                with talking_to(config), opened(answers_file(asked.root, asked.state)) as store:
                    async with forecasting(config) as client:
                        return await doing(prepared, client, store, ledger, walking, watched(on_progress))

    def watched(on_progress: OnProgress) -> OnProgress:
        def watch(done: int, total: int, tally: Tally, /, doing: str = WALKING) -> None:
            nonlocal answered
            answered = tally.asked
            on_progress(done, total, tally, doing=doing)

        return watch

    try:
        return finished(work)
    except (click.ClickException, MeshError):
        if answered:
            click.echo(GOES_ON, err=True)
        raise


@contextmanager
def engine(trading: Trading) -> Iterator[Engine]:
    """Give what walks. Raises OptionError: the options contradict each other; MeshError: there is no cluster."""
    if trading.engine == "ray":
        with joined(trading.ray_address or AUTO) as ray:
            yield ray
    elif trading.ray_address is None:
        yield Processes()
    else:
        raise OptionError("--ray-address names a cluster, which --engine ray asks for")


@contextmanager
def progress(*, shown: bool) -> Iterator[OnProgress]:
    """Show a bar on a terminal; gives what to call as events are done."""
    with bar("{task.fields[said]}", shown=shown) as (found, task):

        def on_progress(done: int, total: int, tally: Tally, /, doing: str = WALKING) -> None:
            said = f"{tally.done:,} of {tally.questions:,} forecasts"
            found.update(task, description=doing, completed=done, total=total, said=said)

        yield on_progress
