"""How much a full batch costs: measured at the start, tried again while working, less after memory ran out. Pure."""

from forecast_server.cost import CostModel, sweet_spot

_TRIAL_EVERY = 32
"""Batches between two trials of a larger one, where the cost of a full batch is found out by measuring."""
_RECOVERY = 1.05
"""What a batch may grow by after each one that fitted into memory, until it is what it was."""
_BUSY = 1.75
"""How much longer than usual batches may take while more waits than two of them."""
_WORTH_GROWING = 1.05


class BatchSize:
    """The cost of full batches.

    The first batch of a scan is short, so that its first signals come soon. While more waits than two batches, each may
    be twice the one before it, as far as that computes faster: nobody gains from short batches who waits for all.

    Args:
        cost: Of a full batch.
        costs: What is known of how long batches take.
        longest_seconds: What a batch may take while the best cost is found out by measuring; 0 keeps the given one.
    """

    def __init__(self, cost: int, costs: CostModel, longest_seconds: float) -> None:
        self._costs, self._longest = costs, longest_seconds
        self._now, self._full, self._batches = float(cost), cost, 0
        self._before = 0
        """Cost of the batch before the next one, where much waited; 0 where little did."""

    @property
    def cost(self) -> int:
        """Of a full batch now, where little waits."""
        return int(self._now)

    def following(self, waiting_cost: int) -> int:
        """Give the next batch its cost."""
        cost = self.cost
        if not self._longest:
            return cost
        while cost <= self._before and waiting_cost >= 4 * cost and self._worth_doubling(cost):
            cost *= 2
        self._before = cost if waiting_cost >= 2 * cost else 0
        return cost

    def _worth_doubling(self, cost: int) -> bool:
        seconds, twice = self._costs.expected_seconds(cost), self._costs.expected_seconds(2 * cost)
        if seconds is None or twice is None:
            return False
        trial = self._batches % _TRIAL_EVERY == _TRIAL_EVERY - 1
        return twice <= _BUSY * self._longest and (trial or 2 * seconds >= _WORTH_GROWING * twice)

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
