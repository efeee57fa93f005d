"""Searches for better exits that are over, on made-up trades."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from research.answering import Answering
from research.backtest_plan import BacktestPlan
from research.plan import WalkPlan
from research.tpsl.folds import FoldPlan
from research.tpsl.grid import Levels
from research.tpsl.optimised import Optimised, TpslPlan
from research.tpsl.policy_file import ConfidenceBars, ExitLevels, InForce
from research.tpsl.search import search
from research.tpsl.selection import Decision
from research.trials import Entry, Kind
from research.types import Defects
from tests.fakes.research_paths import coins
from trader.domain.settings import ExitSettings, Settings

LEVELS = Levels.of_cents(range(4, 44, 4), range(4, 44, 4))
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
IN_FORCE = InForce(
    version="1",
    digest="f" * 64,
    exits=(ExitLevels(asset="All", series_prefix="", take_profit_cents=20.0, stop_loss_cents=5.0),),
    confidence=(ConfidenceBars(asset="All", series_prefix="", rule="magnitude", medium=5, medium_high=10, high=20),),
)


def optimised(folder: Path, *, days: int = 90, planted: bool = False, seed: int = 1) -> Optimised:
    """Search the exits of coins, or of prices with a planted cell, with files in a folder that are not yet written."""
    plan = TpslPlan(
        backtest=BacktestPlan(
            root=folder, series="KXA", horizon=timedelta(hours=6), walk=WalkPlan(settings=Settings())
        ),
        levels=LEVELS,
        folds=FoldPlan(),
    )
    defects = Defects()
    defects.note("trade_without_result", "KXA-26JAN05-T<1>", 3)
    found = search(coins(days, seed=seed, planted=planted), LEVELS, plan.folds, ExitSettings())
    proposed = found.selection.decision is Decision.PROPOSED
    return Optimised(
        plan=plan,
        answering=Answering(
            model="random-walk",
            weights_digest="ab" * 32,
            code_version="1",
            device="cpu",
            precision="float64",
            policy_digest="f" * 64,
        ),
        data_digest="cd" * 32,
        events=days,
        first_close=AT,
        last_close=AT + timedelta(days=days),
        defects=defects,
        search=found,
        in_force=IN_FORCE,
        csv=folder / f"{plan.name}.csv",
        policy=folder / "exit_policy_KXA.toml" if proposed else None,
        trial=Entry(number=4, time=AT, kind=Kind.BEGUN, body={}, digest=""),
    )
