"""Runs research for a command: ended by SIGTERM as by Ctrl-C, with nothing left running; a dead server in words."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from console.connection import OptionError, client_config
from mesh import log
from mesh.daemon_process import DaemonProblem
from mesh.rpc.config import ClientConfig
from research.server import embedded

T = TypeVar("T")

_MODEL = "fracast"
_COLLECT_EVERY = 50_000
"""New objects between garbage collections: answers come by the thousand, and Python's default looks at them for a
tenth of the time."""
GOES_ON = "what was answered is kept: the same command goes on where it was"
"""Said where a run ends before its end."""


def finished(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do the work.

    Args:
        work: Made and awaited in an event loop of its own.

    Raises:
        click.ClickException: A server that was started dies.
        KeyboardInterrupt: Ctrl-C, or SIGTERM; it was said that the same command goes on.
    """
    log.configure(level="error")
    gc.set_threshold(_COLLECT_EVERY)
    ended: list[signal.Signals] = []

    async def until_ended() -> T:
        task = asyncio.current_task()

        def end() -> None:
            ended.append(signal.SIGTERM)
            if task is not None:
                task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        return await work()

    try:
        return asyncio.run(until_ended())
    except (asyncio.CancelledError, KeyboardInterrupt) as stopped:
        if isinstance(stopped, asyncio.CancelledError) and not ended:
            raise
        click.echo(GOES_ON, err=True)
        raise KeyboardInterrupt from None
    except DaemonProblem as problem:
        for line in problem.tail:
            click.echo(f"  {line}", err=True)
        raise click.ClickException(str(problem)) from problem


def target(connection: Mapping[str, Any]) -> ClientConfig | None:
    """Return how the server that options name is reached, None for none. Raises ConfigError, OptionError."""
    given = dict(connection)
    file = given.pop("client_file", None)
    return client_config(file, given) if file is not None or any(given.values()) else None


@asynccontextmanager
async def server(model: str | None, connection: Mapping[str, Any]) -> AsyncIterator[ClientConfig]:
    """Start a server, or say how the one that was named is reached.

    Args:
        model: Of the server that is started; None is the usual one.
        connection: Options that name a server.

    Raises:
        OptionError: Both were given.
        ConfigError: The file of the connection is wrong.
        DaemonProblem: Ours does not start.
    """
    named = target(connection)
    if named is None:
        async with embedded(model or _MODEL) as config:
            yield config
    elif model is None:
        yield named
    else:
        raise OptionError("--model names the model of a server that is started: either that, or --target")


@contextmanager
def bar(said: str, *, shown: bool) -> Iterator[tuple[Progress, TaskID]]:
    """Show a bar with an ETA on a terminal; `said` is what it counts, and may name fields of the task."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(said),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        yield progress, progress.add_task("starting", total=None, said="")
