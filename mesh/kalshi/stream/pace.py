"""Pauses between attempts at something that keeps failing. Pure."""

from random import Random


class Pace:
    """Random pauses up to a bound that doubles with each attempt, and is small again after a calm time.

    Args:
        first: Bound of the first pause, in seconds.
        longest: What the bound grows to; as long a time without an attempt is a calm one.
        random: Chance, so that many clients do not come back at the same moment.
        at_once: The first attempt after a calm time waits for nothing.
    """

    def __init__(self, first: float, longest: float, random: Random, *, at_once: bool = False) -> None:
        self._first = first
        self._longest = longest
        self._random = random
        self._at_once = at_once
        self._attempts = 0
        self._free = 0.0  # when the last attempt was due

    def pause(self, now: float) -> float:
        """Return how many seconds the next attempt has to wait, given a monotonic time."""
        if now - self._free >= self._longest:
            self._attempts = 0
        doublings = self._attempts - self._at_once
        self._attempts += 1
        bound = 0.0 if doublings < 0 else min(self._longest, self._first * 2.0 ** min(doublings, 60))
        pause = bound * self._random.uniform(0.5, 1.0)
        self._free = now + pause
        return pause
