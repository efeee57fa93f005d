"""Evaluating over the real contract: a server that is there, one that is started, one that cannot be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from forecast_server.models.random_walk import RandomWalk
from mesh.errors import NotFound, NotReady
from mesh.rpc.config import ClientConfig
from research.answers_store import opened
from research.quality.estimates import Chance
from research.quality.evaluation import Evaluating, Evaluation
from research.quality.gathering import LAST_VALUE
from research.quality.scoring import RANDOM_WALK, find
from research.quality.targets import MID
from research.questions import QuestionPlan
from research.types import Defects, RecordedEvent
from tests.fakes.forecast_fans import days
from tests.fakes.serving import forecasts_from

PLAN = QuestionPlan(horizon_steps=2)


@dataclass(frozen=True)
class ByHand:
    """Events that can be read again and again."""

    events: Sequence[RecordedEvent]

    def load(self, defects: Defects) -> Iterator[RecordedEvent]:
        defects.note("read", "")
        yield from self.events


async def evaluated(
    folder: Path, target: ClientConfig, models: Sequence[str], events: Sequence[RecordedEvent]
) -> tuple[Evaluation, list[str]]:
    asked: list[str] = []
    with opened(folder / "answers.sqlite") as store:
        work = Evaluating(PLAN, store, target, asked.append, chance=Chance(resamples=100))
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


async def test_the_random_walk_is_always_among_the_models(tmp_path: Path) -> None:
    async with forecasts_from(RandomWalk()) as composed:
        target = ClientConfig(targets=(composed.server.addresses[0],))
        found, asked = await evaluated(tmp_path, target, [], days(1))
    assert asked == ["random-walk", ""]
    assert find(found.scores, RANDOM_WALK, "crps", target=MID) is not None


async def test_nothing_to_judge_is_said_by_name(tmp_path: Path) -> None:
    async with forecasts_from(RandomWalk()) as composed:
        target = ClientConfig(targets=(composed.server.addresses[0],))
        with pytest.raises(NotFound, match="no event"):
            await evaluated(tmp_path, target, [], [])
        with pytest.raises(NotReady, match=r"random-walk: it forecast nothing: .*too short") as caught:
            await evaluated(tmp_path, target, [], days(1, candles=2))
    assert caught.value.reason == "NO_FORECAST"
