"""Levels are proposed where they help on later days, and nowhere else."""

from datetime import timedelta

import numpy as np
import pytest

from mesh.types import CENT
from research.tpsl import arms, folds, grid, selection
from research.tpsl.selection import Decision, Selection
from tests.fakes.research_paths import coins
from trader.domain.settings import ExitSettings

LEVELS = grid.Levels.of_cents(range(3, 45, 3), range(3, 45, 3))
PLAN = folds.FoldPlan()


def selected(days: int, *, seed: int = 0, planted: bool = False) -> Selection:
    paths = coins(days, seed=seed, planted=planted)
    current = arms.current(paths, ExitSettings())
    return selection.select(paths, grid.totals(paths, LEVELS), current, PLAN, trials=LEVELS.count + 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fair_coins_propose_nothing(seed: int) -> None:
    found = selected(150, seed=seed)
    assert found.decision is Decision.NO_CHANGE
    assert found.chosen is not None
    assert found.tried
    assert found.trials == LEVELS.count + 1


def test_what_is_chosen_looks_better_where_it_was_chosen_than_after_it() -> None:
    learned, later = [], []
    for seed in range(5):
        paths = coins(80, seed=seed)
        total = grid.totals(paths, LEVELS)
        for fold in folds.folds(paths, PLAN):
            choice = selection.choose(total, fold.learned)
            assert choice is not None
            cell = (
                np.searchsorted(total.levels.targets, choice.target),
                np.searchsorted(total.levels.stops, choice.stop),
            )
            learned.append(choice.learned_cents)
            later.append(total.sums[fold.tried][:, *cell].sum() / total.contracts[fold.tried][:, cell[1]].sum() / 100)
    assert np.mean(learned) > np.mean(later) + 1


def test_a_planted_cell_is_found_and_proposed() -> None:
    found = selected(120, planted=True)
    assert found.decision is Decision.PROPOSED
    assert found.now is not None
    # Three of four rise to 61, and everything falls from there.
    assert 3 * CENT <= found.now.target <= 11 * CENT
    for against in (found.held, found.current):
        assert against is not None
        assert against.mean_cents is not None
        assert against.mean_cents.low is not None
        assert against.mean_cents.low > 0


def test_few_days_are_not_enough_data() -> None:
    assert selected(12).decision is Decision.NOT_ENOUGH
    assert selected(40, planted=True).decision is Decision.NOT_ENOUGH


def test_days_that_teach_are_over_an_embargo_before_the_first_decision_that_is_tried() -> None:
    paths = coins(60)
    days, of_trade = grid.clusters_of(paths)
    decided = np.array([row.decision_time.timestamp() for row in paths.rows])
    for embargo in (timedelta(0), timedelta(days=1), timedelta(days=5)):
        found = folds.folds(paths, folds.FoldPlan(embargo=embargo))
        assert len(found) == 5
        for fold in found:
            begin = decided[np.isin(of_trade, fold.tried)].min()
            over = (paths.ends / 1000)[np.isin(of_trade, fold.learned)].max()
            assert over + embargo.total_seconds() <= begin
            assert fold.purged == fold.tried[0] - len(fold.learned)
            assert fold.purged >= 46 // 24 + embargo.days - 1
        tried = np.concatenate([fold.tried for fold in found])
        assert np.array_equal(tried, np.arange(24, len(days)))


def test_a_long_horizon_purges_more_days() -> None:
    paths = coins(60)
    short, long = (
        folds.folds(paths, folds.FoldPlan(horizon=timedelta(hours=hours)))[0].purged for hours in (6, 24 * 7)
    )
    assert long > short


def test_a_cell_that_trades_little_is_not_chosen() -> None:
    paths = coins(60)
    paths.spreads[:] = np.where(np.arange(len(paths)) % 3 == 0, 2 * CENT, 20 * CENT)
    total = grid.totals(paths, LEVELS)
    found = selection.choose(total, np.arange(len(total.days)))
    assert found is not None
    assert found.stop > 20 * CENT
    paths.spreads[:] = 90 * CENT
    nothing = grid.totals(paths, LEVELS)
    assert selection.choose(nothing, np.arange(len(nothing.days))) is None
