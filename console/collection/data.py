"""`foremesh data`: the files that collection leaves on this machine."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from console.collection import data_view, verifying
from console.collection.exporting import Format, Wanted, export
from console.collection.glances import Glance, glance, glances, hole_document
from console.collection.importing import Import, Outcome
from console.collection.kinds import files_below
from console.connection import OptionError, one_line_errors, validated
from console.daemon import COORDINATOR
from mesh import log
from mesh.errors import MeshError
from mesh.rpc.config import ClientConfig
from mesh.shards import STEPS, ShardKey
from mesh.store.folder import open_folder
from mesh.store.listing import shard_files
from mesh.store.reader import Candles
from mesh.store.verify import verify

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_STEPS = {name: seconds for seconds, name in STEPS.items()}

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
_series = click.option("--series", multiple=True, metavar="TICKER", help="Only this series; repeatable.")
_step = click.option("--step", type=click.Choice(tuple(_STEPS)), help="Only candles of this length.")
_argument = click.argument("folder", type=_FOLDER, default=Path("data"))
_option = click.option("--folder", type=_FOLDER, default=Path("data"), show_default="data", help="The data folder.")


class _Zone(click.ParamType[ZoneInfo]):
    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        try:
            return value if isinstance(value, ZoneInfo) else ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            return self.fail(f"{value!r} is no time zone, such as UTC or America/New_York", param, ctx)


class _Instant(click.ParamType[datetime]):
    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return self.fail(f"{value!r} is no time, such as 2026-11-22 or 2026-11-22T14:00Z", param, ctx)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


@click.group()
def data() -> None:
    """Look after collected files: import, list, verify, export. FOLDER is a node's data folder."""


@data.command("import")
@click.argument("source", metavar="PATH", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=Path("data"), show_default="data",
    help="The data folder; made if absent.",
)  # fmt: skip
@_series
@click.option(
    "--step", type=click.Choice(tuple(_STEPS)), help="Candles of files that do not say it; else by their times."
)
@click.option("--zone", type=_Zone(), default="UTC", show_default=True, help="Zone of times that do not name theirs.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@_json
def import_files(
    *,
    source: Path,
    into: Path,
    series: tuple[str, ...],
    step: str | None,
    zone: ZoneInfo,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import files that others recorded, all below PATH: candles, markets, trades, each known by its columns.

    Recorded files of a series (prices in dollars) and the predecessor's files (`SERIES/EVENT.parquet`, prices in cents,
    no quotes) become committed shards, marked price-only where there are no quotes. What is there already stays. A
    market with a broken row becomes a hole, with the reason.

    The exit code is 1 if anything was refused.
    """
    log.configure(level="error")
    with one_line_errors():
        files = list(files_below(source))
        outcomes: list[Outcome] = []
        with nullcontext() if dry_run else open_folder(into) as folder, _bar("files", len(files), as_json) as done:
            work = Import(root=into, folder=folder, series=series, step=_STEPS.get(step or ""), zone=zone)
            for number, outcome in enumerate(work.run(files), 1):
                outcomes.append(outcome)
                done(number)
    if as_json:
        click.echo(json.dumps(data_view.import_document(outcomes, dry_run=dry_run), indent=2))
    else:
        data_view.show_import(Console(highlight=False), outcomes, source, dry_run=dry_run)
    sys.exit(1 if any(outcome.problems for outcome in outcomes) else 0)


@data.command("list")
@_argument
@_series
@click.option("--event", metavar="TICKER", help="Only this event.")
@_step
@click.option("--holed", is_flag=True, help="Only shards with holes.")
@click.option("--price-only", is_flag=True, help="Only shards of traded prices alone.")
@_json
def list_shards(
    *,
    folder: Path,
    series: tuple[str, ...],
    event: str | None,
    step: str | None,
    holed: bool,
    price_only: bool,
    as_json: bool,
) -> None:
    """Show the committed shards: rows, times, holes, content. The exit code is 1 if a file cannot be read."""
    found, unread = _glances(folder, series, event, step)
    found = [each for each in found if (each.label.holes or not holed) and (each.price_only or not price_only)]
    if as_json:
        click.echo(json.dumps({"shards": [each.document() for each in found], "unread": unread}, indent=2))
    else:
        data_view.show_list(Console(highlight=False), found, unread)
    sys.exit(1 if unread else 0)


@data.command("holes")
@_argument
@_series
@_step
@_json
def holes(*, folder: Path, series: tuple[str, ...], step: str | None, as_json: bool) -> None:
    """Show the markets that committed shards lack, and why. The exit code is 1 if a file cannot be read."""
    found, unread = _glances(folder, series, None, step)
    if as_json:
        rows = [{"shard": str(each.label.key), **hole_document(hole)} for each in found for hole in each.label.holes]
        click.echo(json.dumps({"holes": rows, "unread": unread}, indent=2))
    else:
        data_view.show_holes(Console(highlight=False), found, unread)
    sys.exit(1 if unread else 0)


@data.command("show")
@click.argument("shard", metavar="SERIES/EVENT/STEP")
@_option
@_json
def show_shard(*, shard: str, folder: Path, as_json: bool) -> None:
    """Show one committed shard, market by market: candles, times, closes, volume, holes."""
    with one_line_errors():
        try:
            key = ShardKey.parse(shard)
        except ValueError as error:
            raise OptionError(f"{error}; such as KXHIGHNY/KXHIGHNY-26NOV22/60m") from None
        table = Candles(folder).read(
            key.series, step_seconds=key.step_seconds, events=[key.event], columns=data_view.SHOWN
        )
        found = glance(folder, key)
    markets = data_view.markets_of(table)
    if as_json:
        click.echo(json.dumps(found.document() | {"markets": [market.document() for market in markets]}, indent=2))
    else:
        data_view.show_shard(Console(highlight=False), found, markets)


@data.command("export")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--series", multiple=True, required=True, metavar="TICKER", help="Of this series; repeatable.")
@_step
@click.option("--from", "first", type=_Instant(), metavar="TIME", help="Candles ending from then on; UTC if no zone.")
@click.option("--to", "last", type=_Instant(), metavar="TIME", help="Candles ending until then, included.")
@click.option(
    "--format", "kind", type=click.Choice(("parquet", "csv")), help="Of the file.  [default: by the name of OUT]"
)
@click.option("--price-only", is_flag=True, help="Shards of traded prices alone, too; then there are no quote columns.")
@_option
@_json
def export_candles(
    *,
    out: Path,
    series: tuple[str, ...],
    step: str | None,
    first: datetime | None,
    last: datetime | None,
    kind: Format | None,
    price_only: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """Write committed candles to OUT: one file from many, sorted by series, event, market and time."""
    with one_line_errors():
        steps = {key.step for each in series for key in shard_files(folder, series=each)}
        if step is None and len(steps) > 1:
            raise OptionError(f"candles of {' and '.join(sorted(steps))} are here: choose with --step")
        seconds = _STEPS[step or min(steps, default="60m")]
        wanted = Wanted(series=series, step=seconds, first=first, last=last, price_only=price_only)
        exported = export(folder, wanted, out, kind or ("csv" if out.suffix == ".csv" else "parquet"))
    if as_json:
        facts = {"file": str(out), "shards": exported.shards, "rows": exported.rows, "left_out": exported.left_out}
        click.echo(json.dumps(facts))
    else:
        data_view.show_export(Console(highlight=False), exported)


@data.command("verify")
@_argument
@click.option(
    "--sample", type=click.IntRange(1), metavar="N", help="Compare so many shards with what other nodes hold."
)
@click.option(
    "--peer", multiple=True, metavar="HOST:PORT", help="Such a node; repeatable. Else the coordinator names them."
)
@click.option("--complete", is_flag=True, help="Everything that the coordinator has entered must be here.")
@COORDINATOR.options
@_json
def verify_folder(
    *,
    folder: Path,
    sample: int | None,
    peer: tuple[str, ...],
    complete: bool,
    coordinator: str | None,
    coordinator_file: Path | None,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Prove that the data folder holds what it says: every byte hashed, every row checked.

    With --coordinator or --coordinator-config also against what the coordinator has entered; with --sample other nodes
    send some of the shards, which must be the same byte by byte.

    The exit code is 0 if everything is as it should be.
    """
    log.configure(level="error")
    with one_line_errors():
        config = COORDINATOR.config(coordinator_file, coordinator, identity)
        manifest = None
        if coordinator or coordinator_file:
            try:
                manifest = asyncio.run(verifying.manifest_of(config))
            except MeshError as error:
                raise click.ClickException(COORDINATOR.words(error, config)) from error
        elif complete or (sample and not peer):
            raise OptionError("--complete, and --sample without --peer, need --coordinator")
        expected = None if manifest is None else manifest.expected(folder, complete=complete)
        with _bar("shards", None, as_json) as told:
            report = verify(folder, expected=expected, progress=told)
        agreed = None
        if sample:
            named = {each: each for each in peer} or (manifest.others(folder) if manifest else {})
            nodes = {name: _peer(config, address) for name, address in named.items()}
            keys = verifying.sampled(folder, sample)
            with _bar("comparisons", len(keys) * len(nodes), as_json) as done:
                agreed = asyncio.run(verifying.agreement(folder, keys, nodes, done))
    elsewhere = None if manifest is None else manifest.elsewhere(folder)
    if as_json:
        click.echo(json.dumps(data_view.verify_document(report, agreed, elsewhere), indent=2))
    else:
        data_view.show_verify(Console(highlight=False), report, agreed, elsewhere)
    sys.exit(0 if report.sound and (agreed is None or not (agreed.different or agreed.failed)) else 1)


def _peer(coordinator: ClientConfig, address: str) -> ClientConfig:
    """Say how a node that holds files is reached: as the coordinator is."""
    return validated(
        coordinator.model_dump() | {"targets": (address,), "server_name": None}, "--peer", COORDINATOR.default
    )


def _glances(
    folder: Path, series: tuple[str, ...], event: str | None, step: str | None
) -> tuple[list[Glance], list[str]]:
    """Look at the committed shards; what cannot be read is told in words."""
    found, unread = list[Glance](), list[str]()
    with one_line_errors():
        for each in glances(folder, series=series, event=event, step=_STEPS.get(step or "")):
            if isinstance(each, Glance):
                found.append(each)
            else:
                unread.append(each.message)
    return found, unread


@contextmanager
def _bar(what: str, total: int | None, quiet: bool) -> Iterator[Any]:
    """Show a bar on standard error while the context lasts; gives what is to be told how many are done, of how many."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)

        def told(done: int, of: int | None = None) -> None:
            progress.update(task, completed=done, total=of or total)

        yield told
