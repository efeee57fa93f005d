"""Everything that is found by looking at other ways out of the same trades. Pure."""

from dataclasses import dataclass, replace

from research.statistics import bootstrap, power
from research.statistics.clusters import of_rows
from research.tpsl import arms, folds, overfitting, selection, table
from research.tpsl.grid import Levels, Totals, totals
from research.tpsl.paths import Paths
from trader.domain.settings import ExitSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was found."""

    trades: int
    reproduced: int
    """Trades that came to the same, to the micro, in the walk and by the path that was cut out for them."""
    totals: Totals
    rows: tuple[table.Row, ...]
    """Arms first, the policy in force before all, then cells."""
    need: power.Need | None
    """What an edge would take to be seen, by trades held to settlement."""
    selection: selection.Selection
    overfitting: overfitting.Overfitting | None


def search(
    paths: Paths, levels: Levels, plan: folds.FoldPlan, exits: ExitSettings, seed: int = bootstrap.SEED
) -> Search:
    """Look at every cell and every other way out.

    Args:
        paths: Of the trades, at least one.
        levels: The grid.
        plan: How days are split.
        exits: The trader's, which with each trade's own levels are the policy in force.
        seed: Of what is drawn at random.
    """
    current = arms.current(paths, exits)
    outcomes = [arms.evaluate(paths, arm) for arm in (current, *arms.others())]
    total, blocks = totals(paths, levels), folds.folds(paths, plan)
    trials = levels.count + len(outcomes)
    held = selection.with_results(paths, arms.evaluate(paths, arms.Arm(name="hold to settlement")), paths.places)
    return Search(
        trades=len(paths),
        reproduced=_reproduced(paths, current),
        totals=total,
        rows=(*table.of_arms(paths, outcomes, blocks), *table.of_cells(total, blocks)),
        need=power.need(of_rows(held)),
        selection=selection.select(paths, total, current, plan, trials=trials, seed=seed),
        overfitting=overfitting.of_totals(total, seed=seed),
    )


def _reproduced(paths: Paths, current: arms.Arm) -> int:
    """Count the trades that the cut paths sell just as the walk did, where its rule is left out as there."""
    walked = replace(paths, rules=replace(paths.rules, stop_distance=False))
    results = arms.evaluate(walked, current).results.tolist()
    return sum(row.pnl_micros == result for row, result in zip(paths.rows, results, strict=True))
