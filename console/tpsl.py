"""`foremesh tpsl`: whether other targets and stops would have been better, and whether that means anything."""

from datetime import timedelta
from typing import Any

import click
from rich.console import Console

from console import backtest_run, tpsl_document, tpsl_page, tpsl_run, tpsl_view
from console.connection import one_line_errors
from console.durations import Duration
from console.research_options import Asked, Trading, research_options, trading_options

_MOST = 200


class Cents(click.ParamType[tuple[float, ...]]):
    """Levels: `5,10,20`, or `1-60` for each whole cent, or `2-60/2` for every second."""

    name = "cents"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Read them, or fail as click does."""
        if isinstance(value, tuple):
            return value
        found: list[float] = []
        try:
            for part in str(value).split(","):
                whole, _, step = part.partition("/")
                first, dash, last = whole.partition("-")
                found += range(int(first), int(last) + 1, int(step or 1)) if dash else [float(part)]
        except ValueError:
            self.fail(f"{value!r} is no list of cents, such as 1-60 or 5,10,20", param, ctx)
        if not 0 < len(found) <= _MOST:
            self.fail(f"{len(found)} levels; there may be 1 to {_MOST}", param, ctx)
        return tuple(found)


@click.command()
@research_options
@trading_options("independent", "live", "predecessor")
@click.option("--targets", type=Cents(), default="1-60", show_default=True, help="Take profits, cents from the entry.")
@click.option("--stops", type=Cents(), default="1-60", show_default=True, help="Stop losses, cents from the entry.")
@click.option(
    "--folds", type=click.IntRange(1, 100), default=5, show_default=True, help="Blocks of days to try choices on."
)
@click.option("--embargo", type=Duration(), default="24h", show_default=True, help="Between learning and trying.")
def tpsl(
    asked: Asked,
    trading: Trading,
    *,
    targets: tuple[float, ...],
    stops: tuple[float, ...],
    folds: int,
    embargo: timedelta,
) -> None:
    """Try every pair of a target and a stop on the trades that the policy in force would have made in SERIES.

    Writes a row a pair to tpsl_grid_SERIES.csv, and a page to tpsl_grid_SERIES.html. Only if levels that are chosen on
    earlier days beat, on later days, both holding to settlement and the policy in force does it propose levels, in
    exit_policy_SERIES.toml, which the forecast server loads. The run is in the trial ledger before its result is shown.
    """
    with one_line_errors():
        plan = tpsl_run.plan(backtest_run.plan(asked, trading), targets, stops, folds=folds, embargo=embargo)
        found = tpsl_run.run(plan, asked, trading)
        page = asked.out / f"{plan.name}.html"
        tpsl_page.write(page, found)
        if asked.as_json:
            click.echo(tpsl_document.text(found))
        else:
            tpsl_view.show(Console(highlight=False), found)
        for path in filter(None, (found.csv, page, found.policy)):
            click.echo(f"written: {path}", err=True)
