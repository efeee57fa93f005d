"""`foremesh status`: what the mesh's servers are doing."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click
from google.protobuf.json_format import MessageToDict
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from console.collection import progress, progress_watch
from console.collection.progress_watch import Follower, Heard
from console.collection.words import plain
from console.connection import client_config, connection_options, one_line_errors, server_words
from console.daemon import COORDINATOR, TRADER
from console.model_view import Row, rows, state
from console.server_look import Look, look
from console.trading_status import limits_table, summary, trader_status
from console.trading_status import rows as trader_rows
from console.trading_words import document as trader_document
from console.watch import View, watch, watch_option
from mesh import log
from mesh.errors import MeshError, Unavailable
from mesh.rpc.config import ClientConfig

_ABSENT = "not there"
"""State of a server that nobody asked for."""
_COLOURS = {
    "ready": "green",
    "loading": "yellow",
    "draining": "yellow",
    "collecting": "green",
    "waiting": "green",
    "no nodes": "yellow",
    "no series": "yellow",
    "running": "green",
    "paused": "yellow",
    "starting": "yellow",
    _ABSENT: "dim",
}
_REDRAWN_SECONDS = 1.0
"""What streams in is drawn so often on a terminal, however often the servers that must be asked are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is known of one server."""

    kind: str
    """Key of the document under which servers of its kind are listed."""
    title: str
    state: str
    """In a word or two."""
    well: bool
    """It answers, and has not failed; or nobody asked for it."""
    rows: tuple[Row, ...] = ()
    body: RenderableType | None = None
    """Comes below the rows."""
    document: Mapping[str, Any] = field(default_factory=dict)
    error: MeshError | None = None
    """Why it does not answer."""


Finder = Callable[[], Awaitable[Section]]
"""Looks at one server; a daemon that is to be shown here needs one of these, and nothing else."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
@connection_options
@COORDINATOR.where_options
@TRADER.where_options
@partial(watch_option, seconds=5)
def status(
    *,
    as_json: bool,
    client_file: Path | None,
    coordinator: str | None,
    coordinator_file: Path | None,
    trader: str | None,
    trader_file: Path | None,
    every: float | None,
    **identity: Path | str | None,
) -> None:
    """Show what the mesh does: forecasts (model, queue, work), collection (series, nodes, budgets, leases), the trader.

    With --watch collection is followed as it goes on; the forecast server is asked every so often.

    The exit code is 0 if the servers that you name answer, also while a model is loading, and 1 if one does not or if
    its model has failed. Where you name none, it is the forecast server's; a coordinator and a trader are shown if they
    are there.
    With --json `health` says whether a forecast server serves.
    """
    log.configure(level="error" if every else "warning")
    with one_line_errors():
        client = client_config(client_file, identity)
        named = bool(coordinator or coordinator_file)
        collecting = COORDINATOR.config(coordinator_file, coordinator, {**client.model_dump(), "server_name": None})
        trading = TRADER.config(trader_file, trader, {**client.model_dump(), "server_name": None})
        trader_named = bool(trader or trader_file)
        needed = not (named or trader_named) or bool(client_file or identity["target"])
        finders: list[Finder] = [
            partial(forecast_section, client.model_copy(update={"targets": (target,)}), needed=needed)
            for target in client.targets
        ]
        finders.append(partial(trader_section, trading, needed=trader_named))
        followed = partial(collection_view, collecting, needed=named)
        if every is not None:
            asyncio.run(_follow(finders, Follower(collecting), followed, client, every=every, as_json=as_json))
        sections = asyncio.run(_find([*finders, partial(collection_section, collecting, needed=named)]))
    if as_json:
        click.echo(json.dumps(document(sections), indent=2))
    else:
        Console(highlight=False).print(drawn(sections))
    sys.exit(0 if all(section.well for section in sections) else 1)


async def forecast_section(config: ClientConfig, *, needed: bool = True) -> Section:
    """Look at one forecast server; where it is not `needed`, all is well without it."""
    where = config.targets[0]
    title = f"forecast server {where}"
    try:
        found = await look(config)
    except MeshError as error:
        said = server_words(error, config)
        word = _away(error, needed=needed)
        away = {"target": where, "state": word, "problem": said}
        return Section(
            kind="forecast", title=title, state=word, well=not needed, rows=(("", said),), document=away, error=error
        )
    return forecast_view(where, found)


def forecast_view(where: str, found: Look) -> Section:
    """Describe a forecast server that answered."""
    word = state(found.model)
    detail = found.model.state_detail
    health = found.health.lower().replace("_", " ")
    offset = found.clock_offset
    return Section(
        kind="forecast",
        title=f"forecast server {where}",
        state=f"{word}, {health}",
        well=word != "failed",
        rows=((("", detail),) if detail not in ("", word) else ()) + tuple(rows(found)),
        document={
            "target": where,
            "state": word,
            "health": found.health,
            "instance_id": found.instance_id,
            "clock_offset_seconds": None if offset is None else offset.total_seconds(),
            "clock_margin_seconds": found.clock_margin.total_seconds(),
            "model": MessageToDict(
                found.model, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            ),
        },
    )


async def collection_section(config: ClientConfig, *, needed: bool) -> Section:
    """Look at one coordinator; where it is not `needed`, all is well without it."""
    try:
        heard = Heard(progress=await progress_watch.progress_of(config))
    except MeshError as error:
        heard = Heard(problem=error)
    return collection_view(config, heard, needed=needed)


def collection_view(config: ClientConfig, heard: Heard, *, needed: bool) -> Section:
    """Describe a coordinator by what it said last."""
    word = "" if heard.progress is None else progress.state(heard.progress)
    if heard.problem is not None:
        word = ", ".join(filter(None, (_away(heard.problem, needed=needed or bool(word)), heard.behind)))
    return Section(
        kind="coordinator",
        title=f"coordinator {config.targets[0]}",
        state=word,
        well=heard.problem is None or not needed,
        rows=() if heard.problem is None else (("", COORDINATOR.words(heard.problem, config)),),
        body=None if heard.progress is None else progress.Tables(heard.progress),
        document=progress_watch.document(config, heard, word.partition(",")[0]),
        error=heard.problem,
    )


async def trader_section(config: ClientConfig, *, needed: bool) -> Section:
    """Look at one trader; where it is not `needed`, all is well without it."""
    where = config.targets[0]
    title = f"trader {where}"
    try:
        answer = await trader_status(config)
    except MeshError as error:
        said = TRADER.words(error, config)
        word = _away(error, needed=needed)
        away = {"target": where, "state": word, "problem": said}
        return Section(
            kind="trader", title=title, state=word, well=not needed, rows=(("", said),), document=away, error=error
        )
    return Section(
        kind="trader",
        title=title,
        state=summary(answer.status),
        well=True,
        rows=tuple(trader_rows(answer.status)),
        body=limits_table(answer.status),
        document={"target": where, "state": summary(answer.status).partition(",")[0], **trader_document(answer)},
    )


def _away(error: MeshError, *, needed: bool) -> str:
    return "away" if needed or not isinstance(error, Unavailable) else _ABSENT


def drawn(sections: Sequence[Section]) -> RenderableType:
    """Draw sections for people."""
    parts: list[RenderableType] = []
    for section in sections:
        word = section.state.partition(",")[0]
        title = Text.assemble((section.title, "bold"), " ", (plain(section.state), _COLOURS.get(word, "bold red")))
        parts.append(title)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        for label, text in section.rows:
            table.add_row(f"  {label}", Text(plain(text)))
        if section.rows:
            parts.append(table)
        if section.body is not None:
            parts.append(section.body)
        parts.append(Text())
    return Group(*parts)


def document(sections: Sequence[Section]) -> dict[str, Any]:
    """Return sections for programs: servers by kind."""
    found: dict[str, Any] = {}
    for section in sections:
        found.setdefault(section.kind, []).append(section.document)
    return found


async def _find(finders: Sequence[Finder]) -> list[Section]:
    return list(await asyncio.gather(*(find() for find in finders)))  # who hangs keeps nobody else waiting


class _Looking:
    """Keeps what was found of a server that must be asked again and again."""

    def __init__(self, find: Finder, every: float) -> None:
        self._find, self._every = find, every
        self._section: asyncio.Future[Section] = asyncio.get_running_loop().create_future()

    async def found(self) -> Section:
        """Return the last section, waiting for the first."""
        return await asyncio.shield(self._section)

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            section = await self._find()
            if self._section.done():
                self._section = asyncio.get_running_loop().create_future()
            self._section.set_result(section)
            await asyncio.sleep(self._every)


async def _follow(
    finders: Sequence[Finder],
    follower: Follower,
    followed: Callable[[Heard], Section],
    client: ClientConfig,
    *,
    every: float,
    as_json: bool,
) -> NoReturn:
    """Watch servers that are asked, and a coordinator that tells by itself, until cancelled."""
    looking = [_Looking(find, every) for find in finders]

    async def find() -> View:
        await follower.first.wait()
        return _view([*[await each.found() for each in looking], followed(follower.heard)])

    console = Console()
    often = _REDRAWN_SECONDS if console.is_terminal and not as_json else every
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follower.run())
            for each in looking:
                tasks.create_task(each.run())
            words = partial(_words, client)
            await watch(find, words, every=often, what="foremesh", as_json=as_json, console=console)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None  # one of them cannot go on: no certificate, say


def _view(sections: Sequence[Section]) -> View:
    """Make a view; where nobody answers at all, that is a failed look, so that the last answers stay with their age.

    A coordinator that is away says so itself, and leaves what it said with its age.
    """
    errors = [section.error for section in sections if section.error is not None]
    if len(errors) == len(sections) and sections[-1].state == _ABSENT:
        raise errors[0]
    return View(lambda console: console.print(drawn(sections)), lambda: document(sections))


def _words(client: ClientConfig, error: Exception) -> str:
    return server_words(error, client) if isinstance(error, MeshError) else str(error)
