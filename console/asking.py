"""Read histories, ask the server about them, show what it says: once, or again and again."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from console import results
from console.connection import server_words
from console.exchange_connection import exchange_words
from console.scan import Question, Scan, scan
from console.sources import Source
from console.watch import View, watch
from mesh.errors import MeshError
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError
from mesh.rpc.config import ClientConfig


class Asking:
    """One question about whatever a source gives.

    Args:
        client: The forecast server.
        question: What is asked.
        exchange: Where the source reads, if it is an exchange.
        plots: How many forecasts to plot.
        as_json: For programs.
    """

    def __init__(
        self,
        client: ClientConfig,
        question: Question,
        exchange: KalshiConfig | None = None,
        *,
        plots: int,
        as_json: bool,
    ) -> None:
        self._client, self._question, self._exchange = client, question, exchange
        self._plots, self._as_json = plots, as_json

    async def run(self, opening: AbstractAsyncContextManager[Source], every: float | None, what: str) -> None:
        """Ask and print, once or every so many seconds.

        Args:
            opening: Gives the source.
            every: Seconds between two rounds; None asks once.
            what: Name of the source, for people.

        Raises:
            click.ClickException: the exchange or the server stays away or refuses.
            HistoryError: there is nothing to ask about.
        """
        async with opening as source:
            try:
                if every is not None:
                    look = partial(self._look, source, bars=False)
                    await watch(look, self._words, every=every, what=what, as_json=self._as_json)
                view = await self._look(source, bars=not self._as_json)
            except MeshError as error:
                raise click.ClickException(self._words(error)) from error
        if self._as_json:
            click.echo(json.dumps(view.document(), indent=2))
        else:
            view.show(Console())

    async def _look(self, source: Source, *, bars: bool) -> View:
        with busy("reading histories", shown=bars):
            recording = await source.read()
        with progress(len(recording.markets), shown=bars) as advance:
            found = await scan(self._client, recording, self._question, advance)
        heading, document = source.heading(), source.document()

        def show(console: Console) -> None:
            if heading:
                console.print(heading, highlight=False)
                console.print()
            report(console, found, plots=self._plots)

        return View(show, lambda: document | results.document(found))

    def _words(self, error: Exception) -> str:
        if isinstance(error, ExchangeError) and self._exchange is not None:
            return exchange_words(error, self._exchange)
        return server_words(error, self._client) if isinstance(error, MeshError) else str(error)


def report(console: Console, found: Scan, *, plots: int) -> None:
    """Print results for people."""
    results.show(console, found, plots=plots)
    console.print(f"model: {results.model_line(found.model)}", highlight=False, markup=False)


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Callable[[], object]]:
    """Show a bar on a terminal while results come; gives what to call after each."""
    console = Console(stderr=True)
    columns = (TextColumn("scanning"), BarColumn(), MofNCompleteColumn(), TextColumn("markets"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("scan", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def busy(doing: str, *, shown: bool) -> Iterator[None]:
    """Say on a terminal what takes its time."""
    console = Console(stderr=True)
    columns = (TextColumn(doing), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        bar.add_task(doing, total=None)
        yield
