"""`foremesh report`: what trades came to, from a journal or from the trader that writes it."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console

from console.connection import FILE, OptionError, one_line, one_line_errors
from console.daemon import TRADER
from console.report_csv import write
from console.report_page import page
from console.report_trader import asked
from console.report_view import document, show
from mesh.errors import MeshError
from mesh.files import replace_files
from mesh.rpc.config import ClientConfig
from trader.reporting import expectation
from trader.reporting.convert_back import report_of
from trader.reporting.reading import report_on
from trader.reporting.report import Question, Report

_FILE_MODE = 0o600


class Zone(click.ParamType[ZoneInfo]):
    """A time zone by its IANA name."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        """Find it, or fail as click does."""
        try:
            return value if isinstance(value, ZoneInfo) else ZoneInfo(str(value))
        except (KeyError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone that is known here, such as America/New_York", param, ctx)


@click.command()
@click.argument("journal", required=False, type=FILE)
@click.option("--since", metavar="D", help="First day or instant: 2026-11-01, 2026-11-01T12:00.")
@click.option("--until", metavar="D", help="First day or instant that is no longer in it.")
@click.option("--series", multiple=True, metavar="S", help="Only this series; repeatable.")
@click.option("--zone", type=Zone(), default="UTC", show_default=True, help="Time zone of days and hours.")
@click.option("--expect", type=FILE, help="What a backtest promised, see docs/reports.md.")
@click.option("--csv", "folder", type=click.Path(path_type=Path, file_okay=False), help="Also write CSV files there.")
@click.option("--html", "html", type=click.Path(path_type=Path, dir_okay=False), help="Also write one HTML page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
@TRADER.options
def report(
    *,
    journal: Path | None,
    since: str | None,
    until: str | None,
    series: tuple[str, ...],
    zone: ZoneInfo,
    expect: Path | None,
    folder: Path | None,
    html: Path | None,
    as_json: bool,
    trader: str | None,
    trader_file: Path | None,
    **identity: Path | str | None,
) -> None:
    """Report what trades came to after fees, from a JOURNAL or, without one, from a running trader.

    Every figure is recomputed from the journal's rows; a trader may be writing it. Only a running trader knows what its
    open positions would bring, and only a journal has single trades, intervals and --expect.
    """
    with one_line_errors():
        question = Question(
            start=_instant(since, zone, "--since"),
            end=_instant(until, zone, "--until"),
            series=frozenset(series),
            zone=zone,
            promises=None if expect is None else expectation.read(expect),
        )
        if question.start is not None and question.end is not None and question.start >= question.end:
            raise OptionError("--since must be before --until")
        if journal is not None:
            if any(value is not None for value in (trader, trader_file, *identity.values())):
                raise OptionError("either a JOURNAL or a trader (--trader and what goes with it), not both")
            found = report_on(journal, question)
        elif folder is not None or expect is not None:
            raise OptionError("--csv and --expect need the JOURNAL: a trader sends sums, and its own expectation")
        else:
            found = _asked(TRADER.config(trader_file, trader, identity), question)
        if folder is not None:
            for path in write(found, folder):
                click.echo(f"written: {path}", err=True)
        if html is not None:
            replace_files([(html, page(found).encode(), _FILE_MODE)])
            click.echo(f"written: {html}", err=True)
        if as_json:
            click.echo(json.dumps(document(found), indent=2))
        else:
            show(Console(highlight=False), found)


def _asked(config: ClientConfig, question: Question) -> Report:
    try:
        return report_of(asyncio.run(asked(config, question)))
    except MeshError as error:
        raise click.ClickException(TRADER.words(error, config)) from error


def _instant(text: str | None, zone: ZoneInfo, option: str) -> datetime | None:
    """Read a day, which begins at its midnight in the zone, or an instant, in the zone unless it names its own."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise OptionError(f"{option}: {one_line(text)!r} is no day or instant, such as 2026-11-01") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)
