"""Look again and again: redrawn in place on a terminal, a block for each look elsewhere."""

import asyncio
import io
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from console.durations import span_words
from console.recorded import HistoryError
from mesh.errors import Broken, Overloaded, TooLate, Unavailable
from mesh.kalshi.errors import TradingPaused

PASSING = (Unavailable, Overloaded, TooLate, Broken, TradingPaused, HistoryError)
"""What may be over at the next look. Anything else needs somebody to act, and ends the watch."""
_AGAIN_SECONDS = 15.0
"""Longest pause after a look that failed."""
_SHORTEST_PAUSE = 1.0
_MOST_SECONDS = 86_400.0
_LAST_LINES = 8
"""Of a view that is too tall, so many of its last lines stay: the summary is there."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class View:
    """What one look found."""

    show: Callable[[Console], None]
    """Prints it for people."""
    document: Callable[[], dict[str, Any]]
    """Gives it to programs."""


class _Seconds(click.ParamType[float]):
    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 1 <= seconds <= _MOST_SECONDS:
            self.fail(f"{value!r} is not a number of seconds from 1 to 86400; plain --watch comes last", param, ctx)
        return seconds


def watch_option(command: F, *, seconds: float) -> F:
    """Give a command `--watch [SECONDS]`, as `every`; None where it was not given."""
    return click.option(
        "--watch",
        "every",
        is_flag=False,
        flag_value=seconds,
        type=_Seconds(),
        metavar="[SECONDS]",
        help=f"Look again every so often ({seconds:g} s if no number follows), until Ctrl-C.",
    )(command)


async def watch(
    look: Callable[[], Awaitable[View]],
    words: Callable[[Exception], str],
    *,
    every: float,
    what: str,
    as_json: bool,
    console: Console | None = None,
) -> NoReturn:
    """Look until cancelled; what fails in passing is told with the age of what is shown, and tried again.

    Args:
        look: Finds a view.
        words: Says in one line why a look failed.
        every: Seconds from the beginning of one look to that of the next.
        what: What is looked at, for the heading.
        as_json: One document a line instead of what people read.
        console: Where people read; standard output by default.

    Raises:
        MeshError: a look failed for good.
    """
    console = console or Console()
    watching = _Watching(console, what)
    live = console.is_terminal and not as_json
    with Live(watching, console=console, refresh_per_second=1) if live else nullcontext():
        while True:
            started = time.monotonic()
            pause = every
            try:
                watching.found(await look())
            except PASSING as error:
                watching.failed(words(error))
                pause = min(every, _AGAIN_SECONDS)
            if as_json:
                click.echo(watching.line())
            elif not live:
                watching.block()
            await asyncio.sleep(max(_SHORTEST_PAUSE, started + pause - time.monotonic()))


class _Watching:
    """What is shown, since when, and what is wrong now."""

    def __init__(self, console: Console, what: str) -> None:
        self._console, self._what = console, what
        self._view: View | None = None
        self._since = time.monotonic()
        self._as_of = ""
        self._problem = ""
        self._drawn: tuple[View, int, list[str]] | None = None

    def found(self, view: View) -> None:
        self._view, self._since, self._as_of, self._problem = view, time.monotonic(), _clock(), ""

    def failed(self, problem: str) -> None:
        self._problem = problem

    def line(self) -> str:
        """Say it to programs."""
        if self._problem:
            age = None if self._view is None else round(time.monotonic() - self._since, 3)
            return json.dumps({"time": _clock(), "problem": self._problem, "age_seconds": age})
        return json.dumps({"time": self._as_of, **(self._view.document() if self._view else {})})

    def block(self) -> None:
        """Print it to where nothing can be redrawn."""
        if self._problem:
            self._console.print(Text(f"{_clock()}  {self._problem}; {self._age()}"), soft_wrap=True)
        elif self._view is not None:
            self._console.print(Text(f"{self._as_of}  {self._what}", style="bold"))
            self._view.show(self._console)
            self._console.print()

    def __rich__(self) -> Text:
        """Draw it, cut to the terminal; called again and again, so that the age goes on."""
        top = [Text(f"{self._what}   {self._age()}   Ctrl-C ends", style="bold")]
        if self._problem:
            top.append(Text(self._problem, style="bold red"))
        used = sum(len(line.wrap(self._console, self._console.width)) for line in top)
        lines = _cut(self._lines(), self._console.height - used - 1)
        return Text("\n").join([*top, Text.from_ansi("\n".join(lines))])

    def _age(self) -> str:
        if self._view is None:
            return "nothing to show yet"
        return f"as of {self._as_of[11:19]} UTC, {span_words(timedelta(seconds=time.monotonic() - self._since))} ago"

    def _lines(self) -> list[str]:
        """Draw the view as it looks at the terminal's width; only anew when one of them has changed."""
        view, width = self._view, self._console.width
        if view is None:
            return []
        if self._drawn is None or self._drawn[0] is not view or self._drawn[1] != width:
            paper = io.StringIO()
            view.show(
                Console(
                    file=paper,
                    width=width,
                    force_terminal=True,
                    color_system=self._console.color_system,  # type: ignore[arg-type]  # rich gives a name that it takes
                    highlight=False,
                )
            )
            self._drawn = (view, width, paper.getvalue().splitlines())
        return self._drawn[2]


def _cut(lines: list[str], height: int) -> list[str]:
    """Leave out lines from the middle, and say so, until the rest fits."""
    height = max(height, _LAST_LINES + 2)
    if len(lines) <= height:
        return lines
    left_out = len(lines) - height + 1
    said = f"... {left_out} lines do not fit into this terminal ..."
    return [*lines[: height - _LAST_LINES - 1], said, *lines[-_LAST_LINES:]]


def _clock() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
