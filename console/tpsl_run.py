"""Runs a search for better exits for the command."""

from collections.abc import Sequence
from datetime import timedelta

from console.backtest_run import asking
from console.connection import OptionError
from console.research_options import Asked, Trading
from research.backtest_plan import BacktestPlan
from research.tpsl.folds import FoldPlan
from research.tpsl.grid import Levels
from research.tpsl.optimise import optimise
from research.tpsl.optimised import Optimised, TpslPlan


def plan(
    asked: BacktestPlan, targets: Sequence[float], stops: Sequence[float], *, folds: int, embargo: timedelta
) -> TpslPlan:
    """Make the plan of a run.

    Args:
        asked: How markets are walked.
        targets: Cents.
        stops: Cents.
        folds: Blocks of days on which choices are tried.
        embargo: Before each.

    Raises:
        OptionError: Levels are none.
    """
    try:
        levels = Levels.of_cents(targets, stops)
    except ValueError as problem:
        raise OptionError(str(problem)) from problem
    return TpslPlan(backtest=asked, levels=levels, folds=FoldPlan(count=folds, embargo=embargo, horizon=asked.horizon))


def run(plan: TpslPlan, asked: Asked, trading: Trading) -> Optimised:
    """Run it. Arguments and errors as those of `backtest_run.asking`."""
    return asking(
        plan.backtest,
        asked,
        trading,
        lambda prepared, client, store, ledger, engine, on_progress: optimise(
            plan, prepared, client, store, ledger, out=asked.out, engine=engine, on_progress=on_progress
        ),
    )
