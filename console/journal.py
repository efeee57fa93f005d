"""`foremesh journal`: what a trader wrote down, verified, shown, folded again and exported."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from console.collection.words import plain
from console.connection import one_line_errors
from console.journal_markets import Markets
from console.journal_view import end_document, replay_document, show_replay
from console.journal_words import words
from trader.journal import codec
from trader.journal.carried import find
from trader.journal.errors import JournalError
from trader.journal.export import export
from trader.journal.reading import reading
from trader.journal.replaying import replay
from trader.journal.verifying import verify
from trader.ports import Recorded

_LOOK_SECONDS = 0.5
_DIGEST_HEX = 64

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class _Digest(click.ParamType[bytes]):
    name = "hex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        try:
            digest = value if isinstance(value, bytes) else bytes.fromhex(value)
        except ValueError:
            digest = b""
        if len(digest) * 2 != _DIGEST_HEX:
            self.fail(f"{value!r} is no digest: {_DIGEST_HEX} hexadecimal digits", param, ctx)
        return digest


@click.group()
def journal() -> None:
    """Look into a trader's journal. FILE is its database; a trader may be writing it meanwhile.

    Exit code: 0, 1 if something is wrong, 2 for wrong usage.
    """


@journal.command("verify")
@_file
@click.option(
    "--expect-sequence", type=click.IntRange(1), metavar="N", help="The journal reached entry N once; it still must."
)
@click.option("--expect-digest", type=_Digest(), help="Digest that entry N had; needs --expect-sequence.")
@_json
def verify_file(*, file: Path, expect_sequence: int | None, expect_digest: bytes | None, as_json: bool) -> None:
    """Check every entry from the first to the last: nothing was changed, left out, put in or exchanged.

    A chain cannot know its own end: note sequence and digest elsewhere, and give them the next time.
    """
    if expect_digest is not None and expect_sequence is None:
        raise click.UsageError("--expect-digest needs --expect-sequence")
    with one_line_errors():
        try:
            found = verify(file, expect_sequence or 0, expect_digest)
        except JournalError as error:
            if not as_json:
                raise
            click.echo(json.dumps({"sound": False, "first_broken": error.sequence, "problem": error.message}, indent=2))
            sys.exit(1)
    if as_json:
        click.echo(json.dumps({"sound": True} | end_document(found.journal_id, found.end), indent=2))
        return
    click.echo(f"{found.end.sequence} entries, all as they were written")
    click.echo(f"journal {found.journal_id}, {found.end.mode or 'never started'}")
    click.echo(f"to be noted: --expect-sequence {found.end.sequence} --expect-digest {found.end.digest.hex()}")


@journal.command()
@_file
@click.option("--after", type=click.IntRange(0), default=0, metavar="N", help="Only entries after this one.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(codec.KINDS), help="Only this kind; repeatable.")
@click.option("--market", "market", metavar="TICKER", help="Only what is about this market.")
@click.option("--follow", is_flag=True, help="Go on as the journal grows, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for programs.")
def show(*, file: Path, after: int, kinds: tuple[str, ...], market: str | None, follow: bool, as_json: bool) -> None:
    """Show what happened: sequence, time of UTC, kind, and the entry in words."""
    with one_line_errors():
        for recorded in _chosen(file, after, kinds, market, follow=follow):
            click.echo(_object(recorded) if as_json else _line(recorded))


@journal.command("replay")
@_file
@_json
def replay_file(*, file: Path, as_json: bool) -> None:
    """Fold the whole journal again, twice, and make every decision in it again.

    Every entry must follow from those before, the books must be the same both times, and so must every field of every
    decision. What cannot be decided again is counted with the reason; a decision that differs is an exit code of 1.

    The digest of the books is the same wherever the same version of foremesh folds the same journal.
    """
    with one_line_errors(), reading(file) as reader, replay_bar() as progress:
        found = replay(reader, version("foremesh"), progress, carried=find(file))
    if as_json:
        click.echo(json.dumps(replay_document(found), indent=2))
    else:
        show_replay(found)
    if found.decisions.differing:
        sys.exit(1)


@contextmanager
def replay_bar() -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how far it is."""
    console = Console(stderr=True)
    columns = (TextColumn("replaying"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("replay")
        yield lambda done, total: bar.update(task, completed=done, total=total)


@journal.command("export")
@_file
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder; made if absent."
)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only trades that closed on this day of UTC.")
@_json
def export_trades(*, file: Path, folder: Path, day: datetime | None, as_json: bool) -> None:
    """Write the trade log: trades_YYYY-MM-DD.json for each day on which a trade closed, recomputed from its fills."""
    chosen: date | None = None if day is None else day.replace(tzinfo=UTC).date()
    with one_line_errors(), reading(file) as reader:
        files = export(reader, folder, chosen)
    if as_json:
        click.echo(json.dumps({"files": [{"file": str(path), "trades": count} for path, count in files]}, indent=2))
        return
    for path, count in files:
        click.echo(f"{path}: {count} {'trade' if count == 1 else 'trades'}")
    if not files:
        click.echo("no trade has closed yet: nothing was written")


def _chosen(file: Path, after: int, kinds: tuple[str, ...], market: str | None, *, follow: bool) -> Iterator[Recorded]:
    markets = Markets()
    # What only names an order or position is known for a market's by what stood before.
    reached = 0 if market is not None else after
    with reading(file) as reader:
        while True:
            for recorded in reader.read(reached):
                reached = recorded.sequence
                wanted = market is None or market in markets.of(recorded.entry)
                if wanted and reached > after and (not kinds or codec.kind_of(recorded.entry) in kinds):
                    yield recorded
            if not follow:
                return
            time.sleep(_LOOK_SECONDS)


def _object(recorded: Recorded) -> str:
    head = {"sequence": recorded.sequence, "time": recorded.time, "entry": msgspec.Raw(codec.encode(recorded.entry))}
    return msgspec.json.encode(head).decode()


def _line(recorded: Recorded) -> str:
    instant = recorded.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"{recorded.sequence:>7} {instant} {codec.kind_of(recorded.entry):<16} {plain(words(recorded.entry))}"
