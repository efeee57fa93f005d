"""From a model's name to one that is loaded, warm and measured. Runs in the model's thread."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast_server.canary import Canary
from forecast_server.cost import CostModel, tune
from forecast_server.models.base import ModelFacts, OutOfMemory, Series
from forecast_server.worker import ModelDied, Worker

_MEASURED_HORIZON = 6
_CANARY_HORIZON = 48
_USUAL_POINTS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model that can answer."""

    facts: ModelFacts
    canary: Canary
    canary_horizon: int
    """Steps to which its forecast is known."""
    costs: CostModel
    batch_cost: int
    """Cost of a full batch."""
    longest_batch_seconds: float
    """What a batch may take while the cost of a full one is found out by measuring; 0 where it was given."""


def load(
    worker: Worker, *, canary_seconds: float, batch_cost: int, longest_batch_seconds: float, say: Callable[[str], None]
) -> Loaded:
    """Load, warm up, learn the canary, and measure which batches are worth it.

    Args:
        worker: Has the model.
        canary_seconds: Longest time between looks at the canary; 0 looks never.
        batch_cost: Cost of a full batch; 0 measures it.
        longest_batch_seconds: What a batch may take.
        say: Told what is being done, in words.

    Raises:
        CannotLoad: the model cannot serve.
        ModelDied: it loaded and forecasts nothing.
    """
    say("loading")
    worker.load()
    say("warming up")
    facts = worker.warm()
    canary, costs = Canary(facts, longest_seconds=canary_seconds), CostModel()
    canary_horizon = min(_CANARY_HORIZON, facts.max_horizon_steps)
    if canary_seconds:
        learned = worker.compute([canary.series], canary_horizon, facts, canary.series)
        for error in learned.failures.values():
            raise ModelDied(f"the canary cannot be forecast: {error}") from error
        canary.learn(learned.paths)
    given = bool(batch_cost)
    if not given:
        say("measuring batches")
        horizon = min(_MEASURED_HORIZON, facts.max_horizon_steps)

        real: dict[int, int] = {}

        def measure(cost: int) -> float:
            batch = _stand_ins(facts, cost, horizon)
            real[cost] = sum(facts.cost(len(series), horizon) for series in batch)
            computed = worker.compute(batch, horizon, facts, canary.series)
            if computed.shortages:
                raise OutOfMemory(f"a batch of cost {real[cost]} does not fit")
            return computed.seconds

        largest = facts.max_batch_series * facts.cost(min(facts.max_context_points, _USUAL_POINTS), horizon)
        tuned = tune(measure, largest_cost=largest, longest_seconds=longest_batch_seconds)
        batch_cost = real[tuned.batch_cost]
        for cost, seconds in tuned.observations:
            costs.observe(real[cost], seconds)
    return Loaded(
        facts=facts,
        canary=canary,
        canary_horizon=canary_horizon,
        costs=costs,
        batch_cost=batch_cost,
        longest_batch_seconds=0.0 if given else longest_batch_seconds,
    )


def _stand_ins(facts: ModelFacts, cost: int, horizon: int) -> list[Series]:
    """Make series of about this cost together, of the length that histories usually have or shorter."""
    by_points = max(1, cost // facts.cost(1, horizon))
    points = min(facts.max_context_points, _USUAL_POINTS)
    points = max(facts.min_points, min(points, by_points * facts.cost_points))
    count = min(facts.max_batch_series, max(1, cost // facts.cost(points, horizon)))
    places = np.arange(points, dtype=np.float32)
    return [50 + 30 * np.sin(places / (7 + number % 13) + number) for number in range(count)]
