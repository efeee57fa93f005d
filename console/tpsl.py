"""`foremesh tpsl`: whether other targets and stops would have been better, and whether that means anything."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from console.backtest import DATA, FOLDER
from console.connection import FILE, OptionError, connection_options, one_line_errors
from console.durations import Duration
from console.moments import Moment

_GOES_ON = "what was answered is kept: the same command goes on where it was"
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
@click.argument("series")
@click.option("--data", "root", type=DATA, default=Path("data"), show_default="data", help="The data folder.")
@click.option(
    "--horizon", type=click.FloatRange(0, min_open=True), default=6.0, show_default=True, metavar="HOURS", help="Ahead."
)
@click.option("--step", type=Duration(), default="60m", show_default=True, help="Length of the candles.")
@click.option("--targets", type=Cents(), default="1-60", show_default=True, help="Take profits, cents from the entry.")
@click.option("--stops", type=Cents(), default="1-60", show_default=True, help="Stop losses, cents from the entry.")
@click.option(
    "--folds", type=click.IntRange(1, 100), default=5, show_default=True, help="Blocks of days to try choices on."
)
@click.option("--embargo", type=Duration(), default="24h", show_default=True, help="Between learning and trying.")
@click.option(
    "--entry-policy",
    type=click.Choice(("independent", "live", "predecessor")),
    default="independent",
    show_default=True,
    help="After every candle, each time by a trader of its own; by one trader with all its limits; once, halfway.",
)
@click.option("--style", type=click.Choice(("take", "rest")), help="How entries are placed.  [default: as configured]")
@click.option("--trader-config", type=FILE, help="The trader's file: its rules, entries, sizes, exits.")
@click.option("--latency", type=Duration(), default="1s", show_default=True, help="Until an order meets the book.")
@click.option("--observed", type=FILE, help="Parquet file of observed highs, to derive results that were not recorded.")
@click.option("--first", type=Moment(), help="Earliest end of a candle.")
@click.option("--last", type=Moment(), help="Latest end of a candle, included.")
@click.option("--model", metavar="NAME", help="Of the server that is started.  [default: fracast]")
@click.option("--out", type=FOLDER, default=Path(), show_default="here", help="Where the files go.")
@click.option("--state", type=FOLDER, help="Where ledger and answers are kept.  [default: research in the data folder]")
@click.option("--seed", type=click.IntRange(0), help="Of whatever is drawn at random.  [default: always the same]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
@connection_options
def tpsl(
    *,
    series: str,
    root: Path,
    horizon: float,
    step: timedelta,
    targets: tuple[float, ...],
    stops: tuple[float, ...],
    folds: int,
    embargo: timedelta,
    entry_policy: str,
    style: str | None,
    trader_config: Path | None,
    latency: timedelta,
    observed: Path | None,
    first: datetime | None,
    last: datetime | None,
    model: str | None,
    out: Path,
    state: Path | None,
    seed: int | None,
    as_json: bool,
    **connection: Any,
) -> None:
    """Try every pair of a target and a stop on the trades that the policy in force would have made in SERIES.

    Writes a row a pair to tpsl_grid_SERIES.csv, and a page to tpsl_grid_SERIES.html. Only if levels that are chosen on
    earlier days beat, on later days, both holding to settlement and the policy in force does it propose levels, in
    exit_policy_SERIES.toml, which the forecast server loads. The run is in the trial ledger before its result is shown.
    """
    # Imported here: most commands do without all this, and start quicker.
    from console import backtest_run, tpsl_document, tpsl_page, tpsl_run, tpsl_view  # noqa: PLC0415

    with one_line_errors():
        if model is not None and any(connection.values()):
            raise OptionError("--model names the model of a server that is started: either that, or --target")
        asked = backtest_run.plan(
            trader_config,
            style=style,
            policy=entry_policy,
            protections=False,
            latency=latency,
            root=root,
            series=series,
            horizon=timedelta(hours=horizon),
            step=step,
            observed=observed,
            first=first,
            last=last,
            baselines=False,
            **({} if seed is None else {"seed": seed}),
        )
        plan = tpsl_run.plan(asked, targets, stops, folds=folds, embargo=embargo)
        try:
            found = tpsl_run.run(plan, backtest_run.Whom(model, connection), state, out, quiet=as_json)
        except KeyboardInterrupt:
            click.echo(_GOES_ON, err=True)
            raise
        page = out / f"{plan.name}.html"
        tpsl_page.write(page, found)
        if as_json:
            click.echo(tpsl_document.text(found))
        else:
            tpsl_view.show(Console(highlight=False), found)
        for path in filter(None, (found.csv, page, found.policy)):
            click.echo(f"written: {path}", err=True)
