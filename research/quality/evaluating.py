"""Puts an evaluation together: asks every model about the same events, then judges them side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from mesh.errors import NotReady
from mesh.forecasts import forecasting
from mesh.rpc.config import ClientConfig
from research.answers_store import AnswersStore
from research.quality.estimates import Chance
from research.quality.evaluation import Evaluation, Recorded
from research.quality.panel import Panel
from research.quality.scoring import RANDOM_WALK
from research.quality.serving import serving
from research.quality.spot_forecasts import Spot
from research.questions import QuestionPlan

_CHANCE: Final = Chance()


@dataclass(slots=True)
class Evaluating:
    """What an evaluation needs.

    Args:
        plan: What is asked.
        store: Keeps the answers.
        target: A server that is asked in the place of one of our own, for the model that it serves.
        on_model: Called with each model's name before it is asked.
        on_progress: Called now and then with questions answered and all there are.
        chance: How intervals are made.
        spot: The underlying's path, where it is judged beside the models.
    """

    plan: QuestionPlan
    store: AnswersStore
    target: ClientConfig | None = None
    on_model: Callable[[str], object] = lambda _: None
    on_progress: Callable[[int, int], object] = lambda _done, _total: None
    chance: Chance = _CHANCE
    spot: Spot | None = None

    async def evaluate(self, series: str, recorded: Recorded, models: Sequence[str]) -> Evaluation:
        """Ask all models, one after the other, and judge them. The random walk is always among them.

        A model that cannot be served here is named with the reason, and the others go on.

        Raises:
            NotFound: `NO_EVENTS`.
            NotReady: No model can be served, or the target serves none of them.
            MeshError, DaemonProblem, StoreError, OSError: A server fails while it is asked, or the disk.
        """
        names = list(dict.fromkeys((RANDOM_WALK, *models)))
        with Panel(series, recorded, self.plan) as panel:
            served = await self._served(names)
            for name in names:
                self.on_model(name)
                server = partial(serving, self.target if name == served else None, name)
                await panel.hear(name, server, self.store, lambda done, total, _: self.on_progress(done, total))
            self.on_model("")
            found = panel.judge(self.chance, self.spot)
            if found is None:
                why = "; ".join(f"{name}: {reason}" for name, reason in panel.unavailable.items())
                raise NotReady(f"there is nothing to judge: {why}", reason="NO_FORECAST")
            return found

    async def _served(self, names: Sequence[str]) -> str | None:
        """Ask the target which model it serves."""
        if self.target is None:
            return None
        async with forecasting(self.target) as client:
            found = str((await client.model()).identity.name)
        if found not in names:
            text = f"the server at {', '.join(self.target.targets)} serves {found}, which is not among the models asked"
            raise NotReady(text, reason="OTHER_MODEL")
        return found
