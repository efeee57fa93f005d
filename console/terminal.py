"""`foremesh terminal`: the trader on one screen."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from console.connection import one_line_errors
from console.daemon import TRADER
from mesh import log


@click.command()
@click.option("--hz", type=click.FloatRange(0.2, 20), default=4.0, show_default=True, help="Most changes a second.")
@TRADER.options
def terminal(*, hz: float, trader: str | None, trader_file: Path | None, **identity: Path | str | None) -> None:
    """Show what the trader holds, sees and decides, as it changes.

    It looks and changes nothing; a viewer's certificate is enough. Prices that are not known to be so now are left out.
    """
    if find_spec("textual") is None:
        raise click.ClickException("the terminal needs Textual: pip install 'foremesh[terminal]'")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise click.ClickException("this is no terminal that can be drawn on; foremesh status --watch prints lines")
    from console.desk.app import Desk  # noqa: PLC0415  # Textual comes with an extra
    from console.desk.feed import feed  # noqa: PLC0415

    log.configure(level="error")  # a line in between would lie on the screen
    with one_line_errors():
        config = TRADER.config(trader_file, trader, identity)
        desk = Desk(lambda tell, away: feed(config, hz, tell, away), hz=hz)
        wrong = desk.run()
    if wrong:
        raise click.ClickException(wrong)
    sys.exit(desk.return_code)  # not zero where it broke: it has said so
