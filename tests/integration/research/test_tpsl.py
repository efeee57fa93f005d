"""A search for better exits from one end to the other: read, asked, walked, tried, written down."""

import csv
from datetime import timedelta
from pathlib import Path

import pytest

from mesh.errors import NotFound
from research.answers_store import opened
from research.backtest import prepare
from research.backtest_plan import BacktestPlan
from research.sealing import seal
from research.tpsl.folds import FoldPlan
from research.tpsl.grid import Levels
from research.tpsl.optimise import optimise
from research.tpsl.optimised import Optimised, TpslPlan
from research.tpsl.selection import Decision
from research.trials import Ledger
from research.types import EntryPolicy
from tests.fakes.backtests import falling, plan, recording
from tests.fakes.recorded_stores import BEGIN, SERIES
from tests.fakes.research_walk import plan as walk_plan
from trader.domain.settings import RuleSettings, Settings

DAYS = 4
INDEPENDENT = walk_plan(entry_policy=EntryPolicy.INDEPENDENT)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return recording(tmp_path / "data", DAYS)


def tpsl_plan(asked: BacktestPlan) -> TpslPlan:
    return TpslPlan(backtest=asked, levels=Levels.of_cents([4, 9], [3, 12, 30]), folds=FoldPlan())


async def run(asked: BacktestPlan, folder: Path) -> Optimised:
    ledger = Ledger(folder / "trials.jsonl")
    with opened(folder / "answers.sqlite") as store:
        async with falling() as client:
            return await optimise(tpsl_plan(asked), prepare(asked), client, store, ledger, out=folder)


async def test_cut_paths_sell_as_the_walk_did_and_everything_is_written_down(root: Path, tmp_path: Path) -> None:
    found = await run(plan(root, walk=INDEPENDENT), tmp_path)

    assert found.search.reproduced == found.search.trades > DAYS
    assert found.search.selection.decision is Decision.NOT_ENOUGH
    assert found.policy is None
    assert found.in_force.exits
    with found.csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == found.search.selection.trials
    assert int(rows[1]["trades"]) == found.search.trades
    (trial,) = Ledger(tmp_path / "trials.jsonl").trials()
    assert trial.run["command"] == "tpsl"
    assert trial.run["stops_micros"] == [30_000, 120_000, 300_000]
    assert trial.result is not None
    assert trial.result["verdict"] == "not enough data"
    assert trial.result["data"] == found.data_digest


async def test_the_result_does_not_depend_on_which_stop_the_policy_in_force_would_refuse(
    root: Path, tmp_path: Path
) -> None:
    # Stops of the shipped policy lie three cents away, quotes two cents apart: with wide ones nothing would be walked.
    found = await run(plan(root, walk=INDEPENDENT), tmp_path)
    rules = walk_plan(Settings(rules=RuleSettings(off=("stop_distance",))), entry_policy=EntryPolicy.INDEPENDENT)
    free = await run(plan(root, walk=rules), tmp_path)

    assert free.search.trades == found.search.trades
    assert (free.search.totals.trades >= found.search.totals.trades).all()


async def test_sealed_events_are_not_looked_at(root: Path, tmp_path: Path) -> None:
    seal(Ledger(tmp_path / "trials.jsonl"), SERIES, BEGIN + timedelta(days=2))

    found = await run(plan(root, walk=INDEPENDENT), tmp_path)

    assert found.events == 2
    assert max(found.search.totals.days) <= f"{SERIES} {BEGIN + timedelta(days=2):%Y-%m-%d}"


async def test_no_trade_at_all_is_named(root: Path, tmp_path: Path) -> None:
    settings = Settings(rules=RuleSettings(min_magnitude_cents=99))
    with pytest.raises(NotFound) as problem:
        await run(plan(root, walk=walk_plan(settings)), tmp_path)
    assert problem.value.reason == "TRADES_MISSING"
