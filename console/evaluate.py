"""`foremesh evaluate`: which model forecasts better, and whether any beats the random walk."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from console import evaluate_document, evaluate_page, evaluate_run, evaluate_view
from console.backtest import DATA, FOLDER
from console.connection import FILE, OptionError, connection_options, one_line_errors
from console.durations import Duration
from console.moments import Moment
from mesh.kalshi.pasts import PRICE_KINDS, PriceKind
from research.quality import csv_file

_MODELS = "random-walk,fracast,timesfm-2.5"
_GOES_ON = "what was answered is kept: the same command goes on where it was"


@click.command()
@click.argument("series")
@click.option("--models", default=_MODELS, show_default=True, metavar="NAMES", help="Compared; commas between them.")
@click.option("--data", "root", type=DATA, default=Path("data"), show_default="data", help="The data folder.")
@click.option(
    "--horizon", type=click.FloatRange(0, min_open=True), default=6.0, show_default=True, metavar="HOURS", help="Ahead."
)
@click.option("--step", type=Duration(), default="60m", show_default=True, help="Length of the candles.")
@click.option(
    "--price",
    type=click.Choice(PRICE_KINDS),
    default="trade",
    show_default=True,
    help="What is forecast from: a candle's last trade, or the middle of its last bid and ask.",
)
@click.option("--observed", type=FILE, help="Parquet file of observed highs, to derive results that were not recorded.")
@click.option("--first", type=Moment(), help="Earliest end of a candle.")
@click.option("--last", type=Moment(), help="Latest end of a candle, included.")
@click.option("--out", type=FOLDER, default=Path(), show_default="here", help="Where the page and the CSV file go.")
@click.option("--state", type=FOLDER, help="Where answers are kept.  [default: research in the data folder]")
@click.option("--seed", type=click.IntRange(0), help="Of whatever is drawn at random.  [default: always the same]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
@connection_options
def evaluate(
    *,
    series: str,
    models: str,
    root: Path,
    horizon: float,
    step: timedelta,
    price: PriceKind,
    observed: Path | None,
    first: datetime | None,
    last: datetime | None,
    out: Path,
    state: Path | None,
    seed: int | None,
    as_json: bool,
    **connection: Any,
) -> None:
    """Judge forecasts of the recorded markets of SERIES by what came, model beside model.

    A server is started for every model, but for one that a server at --target serves; a model that this machine lacks
    is named with the reason. Writes evaluate_SERIES.csv, a row for each score, and evaluate_SERIES.html.
    """
    with one_line_errors():
        steps = timedelta(hours=horizon) / step
        if steps < 1 or steps != int(steps):
            raise OptionError("--horizon: a whole number of steps")
        names = [name for name in (part.strip() for part in models.split(",")) if name]
        if not names:
            raise OptionError("--models: name at least one")
        asked = evaluate_run.Run(
            root=root,
            series=series,
            models=names,
            steps=int(steps),
            step=step,
            price=price,
            observed=observed,
            first=first,
            last=last,
            state=state,
            seed=seed,
            connection=connection,
        )
        try:
            found = evaluate_run.run(asked, quiet=as_json)
        except KeyboardInterrupt:
            click.echo(_GOES_ON, err=True)
            raise
        table = csv_file.write(found, out)
        page = evaluate_page.write(found, out)
        if as_json:
            click.echo(evaluate_document.text(found))
        else:
            evaluate_view.show(Console(highlight=False), found)
        click.echo(f"written: {table}\nwritten: {page}", err=True)
