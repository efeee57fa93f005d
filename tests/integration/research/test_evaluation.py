"""Evaluating over the real contract: a server that is there, one that is started, one that cannot be."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from forecast_server.models.random_walk import RandomWalk
from mesh.errors import NotFound, NotReady
from mesh.kalshi.terms import StrikeType
from mesh.rpc.config import ClientConfig
from research.answers_store import opened
from research.digest import digest
from research.quality.estimates import Chance
from research.quality.evaluating import Evaluating
from research.quality.evaluation import Evaluation
from research.quality.gathering import LAST_VALUE
from research.quality.scoring import RANDOM_WALK, SPOT, find
from research.quality.spot import SpotPath
from research.quality.spot_forecasts import Spot, spot_of
from research.quality.targets import MID, RESULT
from research.questions import QuestionPlan
from research.strikes import Strikes
from research.types import Defects, RecordedEvent
from tests.fakes.forecast_fans import days
from tests.fakes.research import BEGIN
from tests.fakes.serving import forecasts_from

PLAN = QuestionPlan(horizon_steps=2)


@dataclass(frozen=True)
class ByHand:
    """Events that can be read again and again."""

    events: Sequence[RecordedEvent]
    loads: Counter[str] = field(default_factory=Counter)

    def load(self, defects: Defects) -> Iterator[RecordedEvent]:
        defects.note("read", "")
        self.loads["begun"] += 1
        yield from self.events


async def evaluated(
    folder: Path,
    target: ClientConfig,
    models: Sequence[str],
    events: Sequence[RecordedEvent],
    spot: Spot | None = None,
) -> tuple[Evaluation, list[str]]:
    asked: list[str] = []
    with opened(folder / "answers.sqlite") as store:
        work = Evaluating(PLAN, store, target, asked.append, chance=Chance(resamples=100), spot=spot)
        return await work.evaluate("KXHIGHNY", ByHand(events), models), asked


async def test_a_server_that_is_there_is_asked_and_a_model_that_cannot_be_served_is_named(tmp_path: Path) -> None:
    events = days(3)
    async with forecasts_from(RandomWalk()) as composed:
        target = ClientConfig(targets=(composed.server.addresses[0],))
        found, asked = await evaluated(tmp_path, target, ["random-walk", "no-such-model"], events)
        again, _ = await evaluated(tmp_path, target, ["random-walk"], events)
    assert asked == ["random-walk", "no-such-model", ""]
    (spoken,) = found.spoken
    assert spoken.name == "random-walk"
    assert spoken.provenance.startswith("random-walk@")
    assert list(found.unavailable) == ["no-such-model"]
    assert "model.name" in found.unavailable["no-such-model"]
    assert found.models == (LAST_VALUE, RANDOM_WALK)
    assert (found.events, found.markets, found.clusters) == (3, 6, 3)
    assert found.questions == spoken.tally.questions == 48
    assert found.shared == spoken.forecasts > 0
    assert any(line.startswith("random-walk does not beat the last value: on the mid") for line in found.verdicts)
    assert again.spoken[0].tally.cached == spoken.tally.asked
    assert again.scores == found.scores
    assert again.data_digest == found.data_digest


async def test_a_recording_is_read_once_for_each_model_and_not_again_to_judge(tmp_path: Path) -> None:
    recorded = ByHand(days(3))
    async with forecasts_from(RandomWalk()) as composed:
        target = ClientConfig(targets=(composed.server.addresses[0],))
        with opened(tmp_path / "answers.sqlite") as store:
            work = Evaluating(PLAN, store, target, chance=Chance(resamples=100))
            found = await work.evaluate("KXHIGHNY", recorded, [])
    assert recorded.loads["begun"] == len(found.spoken) == 1
    assert found.events == 3
    assert found.defects.counts["read"] == 1
    assert found.data_digest == digest(recorded.events)


async def test_the_random_walk_is_always_among_the_models(tmp_path: Path) -> None:
    async with forecasts_from(RandomWalk()) as composed:
        target = ClientConfig(targets=(composed.server.addresses[0],))
        found, asked = await evaluated(tmp_path, target, [], days(1))
    assert asked == ["random-walk", ""]
    assert find(found.scores, RANDOM_WALK, "crps", target=MID) is not None


async def test_a_spot_is_judged_beside_the_models_where_it_is_known_and_left_out_where_it_never_is(
    tmp_path: Path,
) -> None:
    above = Strikes(StrikeType.GREATER, 100.0, None)
    events = [replace(one, markets=tuple(replace(each, strikes=above) for each in one.markets)) for one in days(3)]
    begin, many = int(BEGIN.timestamp()), 8 * 3600 + 86_400  # the last of three days is not recorded
    moves = np.random.default_rng(1).normal(0, 0.01, many)
    path = SpotPath(np.arange(begin + 1, begin + many + 1) * 1_000_000, 100 + np.cumsum(moves))
    async with forecasts_from(RandomWalk()) as composed:
        target = ClientConfig(targets=(composed.server.addresses[0],))
        alone, _ = await evaluated(tmp_path, target, [], events)
        found, _ = await evaluated(tmp_path, target, [], events, spot_of(path, "KXBTC", "by hand"))
        none, _ = await evaluated(tmp_path, target, [], days(3), spot_of(path, "KXBTC", "by hand"))
    assert found.models == (LAST_VALUE, SPOT, RANDOM_WALK)
    assert found.questions == alone.questions
    assert 0 < found.shared < alone.shared
    assert found.spoken[0].tally.unsaid["spot_not_known"] > 0
    assert found.spot is not None
    assert found.spot.compared == 4
    assert find(found.scores, RANDOM_WALK, "crps", against=SPOT) is not None
    assert find(found.scores, SPOT, "brier", target=RESULT, against=LAST_VALUE) is not None
    assert none.scores == alone.scores
    assert none.unavailable == {SPOT: "it forecast nothing: 48 strikes unknown"}


async def test_nothing_to_judge_is_said_by_name(tmp_path: Path) -> None:
    async with forecasts_from(RandomWalk()) as composed:
        target = ClientConfig(targets=(composed.server.addresses[0],))
        with pytest.raises(NotFound, match="no event"):
            await evaluated(tmp_path, target, [], [])
        with pytest.raises(NotReady, match=r"random-walk: it forecast nothing: .*too short") as caught:
            await evaluated(tmp_path, target, [], days(1, candles=2))
    assert caught.value.reason == "NO_FORECAST"
