"""How much a full batch costs: measured at the start, tried again while working, less after memory ran out. Pure."""

from forecast_server.cost import CostModel, sweet_spot

_TRIAL_EVERY = 32
"""Batches between two trials of a larger one, where the cost of a full batch is found out by measuring."""
_RECOVERY = 1.05
"""What a batch may grow by after each one that fitted into memory, until it is what it was."""


class BatchSize:
    """The cost of full batches.

    Args:
        cost: Of a full batch.
        costs: What is known of how long batches take.
        longest_seconds: What a batch may take while the best cost is found out by measuring; 0 keeps the given one.
    """

    def __init__(self, cost: int, costs: CostModel, longest_seconds: float) -> None:
        self._costs, self._longest = costs, longest_seconds
        self._now, self._full, self._batches = float(cost), cost, 0

    @property
    def cost(self) -> int:
        """Of a full batch now."""
        return int(self._now)

    def following(self, waiting_cost: int) -> int:
        """Give the next batch its cost; now and then twice the usual, to find out whether that is better by now."""
        cost = self.cost
        if self._longest and self._batches % _TRIAL_EVERY == _TRIAL_EVERY - 1 and waiting_cost >= 2 * cost:
            taken = self._costs.expected_seconds(2 * cost)
            if taken is None or taken <= self._longest:
                return 2 * cost
        return cost

    def did_not_fit(self, cost: int) -> None:
        """Memory did not suffice for a batch of this cost."""
        self._now = max(1.0, min(self._now, cost) / 2)

    def computed(self, cost: int, seconds: float) -> None:
        """Learn from a batch; choose again now and then: the machine may have been busy, or cold, at the start."""
        self._now = min(float(self._full), self._now * _RECOVERY)
        self._costs.observe(cost, seconds)
        self._batches += 1
        if self._longest and self._batches % _TRIAL_EVERY == 0:
            measured = [(timing.up_to_cost, timing.expected_seconds) for timing in self._costs.timings()]
            was, self._full = self._full, sweet_spot(measured, longest_seconds=self._longest)
            if self._now == was:
                self._now = float(self._full)
