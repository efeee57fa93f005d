"""A backtest judges its forecasts as an evaluation does, beside those who know nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from mesh.forecasts import ForecastClient
from research.answers_store import opened
from research.backtest import Backtest, prepare
from research.quality.estimates import Chance
from research.quality.gathering import LAST_VALUE
from research.quality.panel import Panel
from research.quality.scoring import RANDOM_WALK, find
from research.quality.serving import CannotServe
from research.trials import Ledger
from tests.fakes.backtests import falling, plan, recording, run, walking
from tests.fakes.recorded_stores import SERIES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judged")


@pytest.fixture(scope="module")
def found(folder: Path) -> Backtest:
    return asyncio.run(run(plan(recording(folder / "data", 2), baselines=True), folder))


def test_forecasts_are_judged_beside_those_who_know_nothing(folder: Path, found: Backtest) -> None:
    quality = found.quality
    assert quality is not None
    assert quality.models == (LAST_VALUE, RANDOM_WALK, "held")
    assert quality.questions == found.conditions.tally.questions
    assert quality.events == found.conditions.events
    walk, held = ([find(quality.scores, name, score) for score in ("mae", "crps")] for name in (RANDOM_WALK, "held"))
    assert None not in {*walk, *held}
    # It falls by fifteen in a market that hardly moves.
    assert all(one.mean < other.mean for one, other in zip(walk, held, strict=True) if one and other)
    assert [line.partition(":")[0] for line in quality.verdicts] == [
        "held does not beat the random walk",
        "random-walk does not beat the last value",
        "held does not beat the last value",
    ]
    (trial,) = Ledger(folder / "trials.jsonl").trials()
    assert trial.result is not None
    assert trial.result["forecast_verdicts"] == list(quality.verdicts)


async def test_a_backtests_scores_are_those_of_an_evaluation(folder: Path, found: Backtest) -> None:
    prepared = prepare(found.conditions.plan)
    with (
        opened(folder / "answers.sqlite") as store,
        Panel(SERIES, prepared.recording, prepared.question) as panel,
    ):
        for name, server in ((RANDOM_WALK, walking), ("held", falling)):
            await panel.hear(name, server, store)
        evaluated = panel.judge(Chance(seed=found.conditions.plan.seed))

    assert evaluated is not None
    assert found.quality is not None
    assert evaluated.scores == found.quality.scores
    assert {one.name: one.tally.asked for one in evaluated.spoken} == {RANDOM_WALK: 0, "held": 0}


async def test_without_baselines_the_random_walk_is_not_asked(tmp_path: Path) -> None:
    def nobody() -> NoReturn:
        raise AssertionError("it was asked")

    found = await run(plan(recording(tmp_path / "data", 1)), tmp_path, random_walk=nobody)

    assert found.quality is not None
    assert found.quality.models == (LAST_VALUE, "held")
    assert [line.partition(":")[0] for line in found.quality.verdicts] == ["held does not beat the last value"]


async def test_a_random_walk_that_cannot_be_served_is_named_and_the_rest_is_judged(tmp_path: Path) -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[ForecastClient]:
        raise CannotServe("no memory")
        yield

    found = await run(plan(recording(tmp_path / "data", 1), baselines=True), tmp_path, random_walk=broken)

    assert found.quality is not None
    assert found.quality.unavailable == {RANDOM_WALK: "no memory"}
    assert found.quality.models == (LAST_VALUE, "held")
