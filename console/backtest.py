"""`foremesh backtest`: what a policy would have made of recorded markets, and how sure one can be of it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from console.connection import FILE, OptionError, connection_options, one_line_errors
from console.durations import Duration
from console.moments import Moment

FOLDER = click.Path(path_type=Path, file_okay=False)
DATA = click.Path(path_type=Path, file_okay=False, exists=True)
_GOES_ON = "what was answered is kept: the same command goes on where it was"


@click.command()
@click.argument("series")
@click.option("--data", "root", type=DATA, default=Path("data"), show_default="data", help="The data folder.")
@click.option(
    "--horizon", type=click.FloatRange(0, min_open=True), default=6.0, show_default=True, metavar="HOURS", help="Ahead."
)
@click.option("--step", type=Duration(), default="60m", show_default=True, help="Length of the candles.")
@click.option(
    "--entry-policy",
    type=click.Choice(("live", "independent", "predecessor")),
    default="live",
    show_default=True,
    help="After every candle, by one trader with all its limits; each time by a trader of its own; once, halfway.",
)
@click.option("--style", type=click.Choice(("take", "rest")), help="How entries are placed.  [default: as configured]")
@click.option("--trader-config", type=FILE, help="The trader's file: its rules, entries, sizes, exits, protections.")
@click.option("--protections", is_flag=True, help="Keep the loss limits, which stop for good after a bad week.")
@click.option("--latency", type=Duration(), default="1s", show_default=True, help="Until an order meets the book.")
@click.option("--observed", type=FILE, help="Parquet file of observed highs, to derive results that were not recorded.")
@click.option("--first", type=Moment(), help="Earliest end of a candle.")
@click.option("--last", type=Moment(), help="Latest end of a candle, included.")
@click.option("--model", metavar="NAME", help="Of the server that is started.  [default: fracast]")
@click.option("--out", type=FOLDER, default=Path(), show_default="here", help="Where the report and its CSV file go.")
@click.option("--state", type=FOLDER, help="Where ledger and answers are kept.  [default: research in the data folder]")
@click.option("--seed", type=click.IntRange(0), help="Of whatever is drawn at random.  [default: always the same]")
@click.option("--baselines/--no-baselines", default=True, show_default=True, help="Walk baselines and what-ifs too.")
@click.option("--open-sealed", is_flag=True, help="See the sealed period, and nothing else: once, on the record.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
@connection_options
def backtest(
    *,
    series: str,
    root: Path,
    horizon: float,
    step: timedelta,
    entry_policy: str,
    style: str | None,
    trader_config: Path | None,
    protections: bool,
    latency: timedelta,
    observed: Path | None,
    first: datetime | None,
    last: datetime | None,
    model: str | None,
    out: Path,
    state: Path | None,
    seed: int | None,
    baselines: bool,
    open_sealed: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """Trade on the recorded markets of SERIES with the trader's own code, and report what it came to.

    Forecasts come from a server at --target, or from one that is started for the occasion. Writes one row a trade to
    backtest_SERIES_Hh.csv, and a page to backtest_SERIES_Hh.html. The run is in the trial ledger before its result is
    shown.
    """
    # Imported here: most commands do without all this, and start quicker.
    from console import backtest_document, backtest_page, backtest_run, backtest_view  # noqa: PLC0415

    with one_line_errors():
        if model is not None and any(connection.values()):
            raise OptionError("--model names the model of a server that is started: either that, or --target")
        plan = backtest_run.plan(
            trader_config,
            style=style,
            policy=entry_policy,
            protections=protections,
            latency=latency,
            root=root,
            series=series,
            horizon=timedelta(hours=horizon),
            step=step,
            observed=observed,
            first=first,
            last=last,
            baselines=baselines,
            open_sealed=open_sealed,
            **({} if seed is None else {"seed": seed}),
        )
        asked = backtest_run.Whom(model, connection)
        try:
            found = backtest_run.run(plan, asked, state, out, quiet=as_json)
        except KeyboardInterrupt:
            click.echo(_GOES_ON, err=True)
            raise
        page = out / f"{plan.name}.html"
        backtest_page.write(page, found)
        if as_json:
            click.echo(backtest_document.text(found))
        else:
            backtest_view.show(Console(highlight=False), found)
        click.echo(f"written: {found.csv}\nwritten: {page}", err=True)
