"""`foremesh parity`: a day's decisions, made again from what the journal says was seen."""

import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from console.connection import one_line_errors
from console.journal import replay_bar
from console.journal_decisions import decision_lines, decisions_document
from trader.journal.reading import reading
from trader.journal.replaying import replay


@click.command()
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.option(
    "--journal",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=Path("trader-state/paper.journal"),
    show_default=True,
    help="The trader's journal; a trader may be writing it meanwhile.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
def parity(*, day: datetime, file: Path, as_json: bool) -> None:
    """Make every decision of DAY (of UTC, 2026-11-23) again, with the same code and what the journal says was seen.

    Every entry and exit must come out the same in every field. What cannot be decided again is counted with the
    reason. The exit code is 1 where a decision differs, and where the day has none.
    """
    wanted = day.replace(tzinfo=UTC).date()
    with one_line_errors(), reading(file) as reader, replay_bar() as progress:
        found = replay(reader, version("foremesh"), progress, wanted).decisions
    if as_json:
        click.echo(json.dumps({"day": wanted.isoformat()} | decisions_document(found), indent=2))
    else:
        for line in decision_lines(found):
            click.echo(line)
    nothing = not found.same and not found.unmade and not found.differing
    if nothing:
        click.echo(f"nothing was decided on {wanted}", err=True)
    sys.exit(1 if found.differing or nothing else 0)
