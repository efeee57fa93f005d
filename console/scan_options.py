"""The options that say which histories to scan, and for what."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from console.durations import Duration
from console.scan import PURPOSES

F = TypeVar("F", bound=Callable[..., Any])


def scan_options(command: F, *, plots: int = 3) -> F:
    """Give a command the options that say which histories to scan, for what, and how many to plot by default."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs."),
        click.option(
            "--plots",
            type=click.IntRange(0),
            default=plots,
            show_default=True,
            metavar="N",
            help="Plot the first N forecasts.",
        ),
        click.option(
            "--min-magnitude",
            type=click.FloatRange(0, 100),
            default=0.0,
            show_default=True,
            metavar="CENTS",
            help="Smallest move of the forecast that is a signal.",
        ),
        click.option(
            "--purpose",
            type=click.Choice(PURPOSES),
            default="research",
            show_default=True,
            help="What the answers are for; a model may refuse one.",
        ),
        click.option(
            "--step",
            type=Duration(),
            help="Spacing of the closes, such as 60m.  [default: what the file says, else 60m]",
        ),
        click.option(
            "--horizon",
            type=click.IntRange(1, 1024),
            default=6,
            show_default=True,
            metavar="STEPS",
            help="How far to forecast.",
        ),
        click.option("--limit", type=click.IntRange(1), metavar="N", help="Scan the first N markets only."),
        click.option("--market", "market_prefix", default="", metavar="PREFIX", help="Scan tickers that start so."),
    ):
        command = option(command)
    return command
