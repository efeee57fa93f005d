"""`foremesh backtest`: what a policy would have made of recorded markets, and how sure one can be of it."""

from pathlib import Path

import click
from rich.console import Console

from console import backtest_document, backtest_page, backtest_run, backtest_view
from console.connection import one_line_errors
from console.research_options import Asked, Trading, research_options, spot_option, trading_options


@click.command()
@research_options
@trading_options("live", "independent", "predecessor")
@spot_option
@click.option("--protections", is_flag=True, help="Keep the loss limits, which stop for good after a bad week.")
@click.option(
    "--baselines/--no-baselines",
    default=True,
    show_default=True,
    help="Walk baselines and what-ifs too, and ask the random walk.",
)
@click.option("--open-sealed", is_flag=True, help="See the sealed period, and nothing else: once, on the record.")
def backtest(
    asked: Asked, trading: Trading, *, spot: Path | None, protections: bool, baselines: bool, open_sealed: bool
) -> None:
    """Trade on the recorded markets of SERIES with the trader's own code, and report what it came to.

    Forecasts come from a server at --target, or from one that is started for the occasion. Writes one row a trade to
    backtest_SERIES_Hh.csv, and a page to backtest_SERIES_Hh.html. The run is in the trial ledger before its result is
    shown.
    """
    with one_line_errors():
        plan = backtest_run.plan(
            asked, trading, spot=spot, protections=protections, baselines=baselines, open_sealed=open_sealed
        )
        found = backtest_run.run(plan, asked, trading)
        page = asked.out / f"{plan.name}.html"
        backtest_page.write(page, found)
        if asked.as_json:
            click.echo(backtest_document.text(found))
        else:
            backtest_view.show(Console(highlight=False), found)
        click.echo(f"written: {found.csv}\nwritten: {page}", err=True)
