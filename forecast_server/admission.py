"""Whether a call is taken on: what the model may and can do, what waits already, and when an answer could be ready."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forecast_server.cost import CostModel
from forecast_server.models.base import ModelFacts
from forecast_server.types import Question
from forecast_server.work import WorkQueue
from mesh.errors import NotReady, Overloaded

_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 60.0
_FORGIVEN_SECONDS = 1.0


def check_permitted(question: Question, facts: ModelFacts) -> None:
    """Refuse what the model may not or can not do. Raises NotReady."""
    if question.purpose not in facts.allowed_purposes:
        allowed = ", ".join(sorted(purpose.value for purpose in facts.allowed_purposes))
        raise NotReady(
            f"{facts.name} may not serve the purpose {question.purpose.value}: it is {facts.restriction}, "
            f"allowed for {allowed} (licence {facts.licence})",
            reason="PURPOSE_FORBIDDEN",
        )
    if question.horizon_steps > facts.max_horizon_steps:
        raise NotReady(f"{facts.name} forecasts at most {facts.max_horizon_steps} steps", reason="HORIZON_UNSUPPORTED")
    known = facts.quantile_levels
    if not all(known[0] <= level <= known[-1] for level in question.quantile_levels):
        raise NotReady(
            f"{facts.name} knows quantiles from {known[0]:g} to {known[-1]:g}", reason="QUANTILE_UNSUPPORTED"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What stands between a call that comes now and its answer."""

    queue: WorkQueue[Any]
    costs: CostModel
    batch_cost: int
    capacity_series: int
    running_seconds: float
    """Until the batch that is being computed should be done."""
    blocked: int = 0
    """Histories that found no room, of calls that wait for some."""
    idle_seconds: float = 0.0
    """How long nothing has been computed."""

    def check_room(self, *, leaving: int = 0) -> None:
        """Refuse a call while the queue is full, not counting what leaves it for this call. Raises Overloaded."""
        if self.queue.waiting + self.blocked - leaving < self.capacity_series:
            return
        wait = self.costs.backlog_seconds(self.batch_cost, self.batch_cost) or _RETRY_SECONDS
        raise Overloaded("too many histories wait already", reason="QUEUE_FULL", retry_after=max(_RETRY_SECONDS, wait))

    def check_deadline(
        self, question: Question, cost: int, now: datetime, *, sharing: int = 1, leaving: int = 0
    ) -> None:
        """Refuse a call whose answer would come too late. Raises Overloaded.

        Callers take turns, so as long as a call of this cost takes, every other caller gets at most as much; and so do
        the scans of a caller.

        Args:
            question: What is asked.
            cost: Of the call.
            now: Aware UTC.
            sharing: Scans that share the caller's turn, this one among them.
            leaving: Cost of what leaves the queue for this call.
        """
        if question.useful_until is None:
            return
        if self.idle_seconds > _FORGIVEN_SECONDS and cost <= self.batch_cost:
            return  # what was slow may be quick by now, which only a batch can tell
        ahead = min(self.queue.cost - leaving, (max(1, self.queue.callers) * sharing - 1) * cost)
        backlog = self.costs.backlog_seconds(ahead + cost, self.batch_cost)
        if backlog is None:
            return
        left = (question.useful_until - now).total_seconds()
        if left <= 0:
            return  # no time to come back either: each input is answered as expired
        late = self.running_seconds + backlog - left
        if late > 0:
            raise Overloaded(
                f"the answer would be ready {late:.1f} s too late",
                reason="DEADLINE_UNREACHABLE",
                retry_after=min(_LONGEST_RETRY_SECONDS, max(_RETRY_SECONDS, late)),
            )
