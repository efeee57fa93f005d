"""`foremesh evaluate`: which model forecasts better, and whether any beats the random walk."""

from pathlib import Path

import click
from rich.console import Console

from console import evaluate_document, evaluate_page, evaluate_run, evaluate_view
from console.connection import OptionError, one_line_errors
from console.research_options import Asked, research_options, spot_option
from mesh.kalshi.pasts import PRICE_KINDS, PriceKind
from research.questions import QuestionPlan

_MODELS = "random-walk,fracast,timesfm-2.5"


@click.command()
@research_options
@spot_option
@click.option("--models", default=_MODELS, show_default=True, metavar="NAMES", help="Compared; commas between them.")
@click.option(
    "--price",
    type=click.Choice(PRICE_KINDS),
    default="trade",
    show_default=True,
    help="What is forecast from: a candle's last trade, or the middle of its last bid and ask.",
)
def evaluate(asked: Asked, *, spot: Path | None, models: str, price: PriceKind) -> None:
    """Judge forecasts of the recorded markets of SERIES by what came, model beside model.

    A server is started for every model, but for one that a server at --target serves; a model that this machine lacks
    is named with the reason. Writes evaluate_SERIES.csv, a row for each score, and evaluate_SERIES.html. The run is in
    the trial ledger before its result is shown.
    """
    with one_line_errors():
        steps, rest = divmod(asked.horizon, asked.step)
        if rest or not steps:
            raise OptionError("--horizon: a whole number of steps")
        names = [name for name in (part.strip() for part in models.split(",")) if name]
        if not names:
            raise OptionError("--models: name at least one")
        found, table = evaluate_run.run(
            asked, names, QuestionPlan(horizon_steps=steps, step=asked.step, price=price), spot
        )
        page = evaluate_page.write(found, asked.out)
        if asked.as_json:
            click.echo(evaluate_document.text(found))
        else:
            evaluate_view.show(Console(highlight=False), found)
        click.echo(f"written: {table}\nwritten: {page}", err=True)
