"""`foremesh status`: what the mesh's servers are doing."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.connection import client_config, connection_options, one_line_errors, server_words
from console.model_view import Row, rows, state
from console.server_look import Look, look
from console.watch import View, watch, watch_option
from mesh import log
from mesh.errors import MeshError
from mesh.rpc.config import ClientConfig

_COLOURS = {"ready": "green", "loading": "yellow", "draining": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is known of one server."""

    kind: str
    """Key of the document under which servers of its kind are listed."""
    title: str
    state: str
    """In a word or two."""
    well: bool
    """It answers, and has not failed."""
    rows: tuple[Row, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)
    error: MeshError | None = None
    """Why it does not answer."""


Finder = Callable[[], Awaitable[Section]]
"""Looks at one server; a daemon that is to be shown here needs one of these, and nothing else."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
@connection_options
@partial(watch_option, seconds=5)
def status(*, as_json: bool, client_file: Path | None, every: float | None, **identity: Path | str | None) -> None:
    """Show what the forecast server is doing: model, device, queue, work, cache, canary, clock.

    The exit code is 0 if it answers, also while its model is loading, and 1 if it does not or if its model has failed.
    With --json `health` says whether it serves.
    """
    log.configure(level="error" if every else "warning")
    with one_line_errors():
        client = client_config(client_file, identity)
        finders = [
            partial(forecast_section, client.model_copy(update={"targets": (target,)})) for target in client.targets
        ]
        if every is not None:
            words = partial(_words, client)
            looking = watch(partial(_watched, finders), words, every=every, what="foremesh", as_json=as_json)
            asyncio.run(looking)
        sections = asyncio.run(_find(finders))
    if as_json:
        click.echo(json.dumps(document(sections), indent=2))
    else:
        show(Console(highlight=False), sections)
    sys.exit(0 if all(section.well for section in sections) else 1)


async def forecast_section(config: ClientConfig) -> Section:
    """Look at one forecast server."""
    where = config.targets[0]
    title = f"forecast server {where}"
    try:
        found = await look(config)
    except MeshError as error:
        said = server_words(error, config)
        away = {"target": where, "state": "away", "problem": said}
        return Section(
            kind="forecast", title=title, state="away", well=False, rows=(("", said),), document=away, error=error
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


def show(console: Console, sections: Sequence[Section]) -> None:
    """Print sections for people."""
    for section in sections:
        word = section.state.partition(",")[0]
        console.print(Text(section.title, style="bold"), Text(section.state, style=_COLOURS.get(word, "bold red")))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        for label, text in section.rows:
            table.add_row(f"  {label}", Text(text))
        console.print(table)
        console.print()


def document(sections: Sequence[Section]) -> dict[str, Any]:
    """Return sections for programs: servers by kind."""
    found: dict[str, Any] = {}
    for section in sections:
        found.setdefault(section.kind, []).append(section.document)
    return found


async def _find(finders: Sequence[Finder]) -> list[Section]:
    return [await find() for find in finders]


async def _watched(finders: Sequence[Finder]) -> View:
    """Look once; where nobody answers at all, that is a failed look, so that the last answers stay with their age."""
    sections = await _find(finders)
    errors = [section.error for section in sections if section.error is not None]
    if len(errors) == len(sections):
        raise errors[0]
    return View(lambda console: show(console, sections), lambda: document(sections))


def _words(client: ClientConfig, error: Exception) -> str:
    return server_words(error, client) if isinstance(error, MeshError) else str(error)
