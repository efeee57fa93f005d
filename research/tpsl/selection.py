"""Levels chosen on the past and tried on what came after, next to holding and to the policy in force. Pure.

What the best of thousands of cells made on the trades it was chosen on says nothing. So a rule that chooses is tried
instead: on each block of days it has what earlier days taught it, and its trades there, together, are held against the
same trades held to settlement, and sold by the policy in force. Levels are proposed only if both differences are above
zero with their clustered intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from mesh.statistics import Estimate
from mesh.types import CENT, CONTRACT, Micros
from research.rows import TradeRow
from research.statistics import bootstrap, sharpe
from research.statistics.clusters import BY_DAY, Naming, of_rows
from research.statistics.comparison import Comparison, compare
from research.tpsl.arms import Arm, Outcomes, cell, evaluate
from research.tpsl.folds import Fold, FoldPlan, folds
from research.tpsl.grid import Totals, clusters_of
from research.tpsl.paths import Paths
from research.types import Ints

LEAST_SHARE = 0.5
"""Part of all contracts that a cell must trade to be chosen: a stop inside the spread refuses what it does not like."""


class Decision(StrEnum):
    """What is proposed."""

    PROPOSED = "proposed"
    NO_CHANGE = "no change"
    NOT_ENOUGH = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A cell, and what it made where it was chosen."""

    target: int
    """Micros from the entry."""
    stop: int
    learned_cents: float
    """Mean net result of one contract on the days that taught it: the best of all cells, so too good."""
    learned_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A choice on the days after."""

    choice: Choice
    fold: Fold
    trades: int
    cents: float | None
    """Mean net result of one contract; None without a trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How the rule did, and what it would choose now."""

    decision: Decision
    why: str
    tried: tuple[Tried, ...]
    chosen: Estimate | None
    """Net result of one contract of all that was tried, cents."""
    held: Comparison | None
    """Against the same trades held to settlement."""
    current: Comparison | None
    """Against the same trades sold by the policy in force."""
    now: Choice | None
    """By all days, for the days to come; None where nothing can be chosen."""
    sharpe: float | None
    """Daily ratio of what was tried, for the ledger; None without a record."""
    trials: int
    """Cells and other ways out that were looked at."""


def select(
    paths: Paths,
    totals: Totals,
    current: Arm,
    plan: FoldPlan,
    *,
    trials: int,
    naming: Naming = BY_DAY,
    seed: int = bootstrap.SEED,
) -> Selection:
    """Try the rule on the past, and see what it chooses now.

    Args:
        paths: Of the trades.
        totals: Of the grid, with the same naming.
        current: The policy in force.
        plan: How days are split.
        trials: How many ways out were looked at.
        naming: What a trade wins and loses together with.
        seed: Of the bootstrap.
    """
    blocks = folds(paths, plan, naming)
    hold, held_now = evaluate(paths, Arm(name="hold to settlement")), evaluate(paths, current)
    tried, ours, holding, theirs = [], list[TradeRow](), list[TradeRow](), list[TradeRow]()
    _, of_trade = clusters_of(paths, naming)
    for fold in blocks:
        choice = choose(totals, fold.learned)
        if choice is None:
            continue
        places = np.flatnonzero(np.isin(of_trade, fold.tried))
        out = evaluate(paths, cell(paths, choice.target, choice.stop))
        # Trades that either would not have made are no comparison of how to sell.
        places = places[out.made[places] & held_now.made[places]]
        rows = with_results(paths, out, places)
        ours += rows
        holding += with_results(paths, hold, places)
        theirs += with_results(paths, held_now, places)
        tried.append(Tried(choice=choice, fold=fold, trades=len(rows), cents=_mean(rows)))
    sums = of_rows(ours, naming)
    chosen = None if sums is None else bootstrap.mean(sums, seed=seed)
    against = [compare(ours, other, naming, seed=seed) if ours else None for other in (holding, theirs)]
    decision, why = _decide(against)
    record = sharpe.record(sharpe.daily(ours)[1])
    now = choose(totals, np.arange(len(totals.days))) if totals.days else None
    return Selection(
        decision=decision,
        why=why,
        tried=tuple(tried),
        chosen=chosen,
        held=against[0],
        current=against[1],
        now=now,
        sharpe=None if record is None else record.sharpe,
        trials=trials,
    )


def choose(totals: Totals, days: Ints) -> Choice | None:
    """Choose the cell with the best mean on some days, the smallest levels first; None where none traded enough."""
    contracts = totals.contracts[days].sum(axis=0)
    enough = contracts >= max(LEAST_SHARE * int(totals.offered[days].sum()), 1)
    if not enough.any():
        return None
    sums = totals.sums[days].sum(axis=0)
    means = np.where(enough, sums / np.maximum(contracts, 1), -np.inf)
    target, stop = divmod(int(np.argmax(means)), len(totals.levels.stops))
    return Choice(
        target=int(totals.levels.targets[target]),
        stop=int(totals.levels.stops[stop]),
        learned_cents=float(means[target, stop]) * CONTRACT / CENT,
        learned_days=len(days),
    )


def with_results(paths: Paths, out: Outcomes, places: Ints) -> list[TradeRow]:
    """Return rows of trades that came to something else."""
    return [replace(paths.rows[place], pnl_micros=Micros(int(out.results[place]))) for place in places.tolist()]


def _mean(rows: Sequence[TradeRow]) -> float | None:
    contracts = sum(row.contract_count for row in rows)
    return sum(row.pnl_micros for row in rows) / contracts * CONTRACT / CENT if contracts else None


def _decide(against: Sequence[Comparison | None]) -> tuple[Decision, str]:
    names = ("holding to settlement", "the policy in force")
    lows = [None if found is None or found.mean_cents is None else found.mean_cents.low for found in against]
    if any(low is None for low in lows):
        return Decision.NOT_ENOUGH, "there are too few days to tell chosen levels from what they are held against"
    beaten = [low is not None and low > 0 for low in lows]
    if all(beaten):
        return Decision.PROPOSED, "tried on later days, chosen levels beat both holding and the policy in force"
    missed = " or ".join(name for name, beat in zip(names, beaten, strict=True) if not beat)
    return Decision.NO_CHANGE, f"tried on later days, chosen levels are not shown to beat {missed}"
