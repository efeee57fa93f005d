"""A price that moves at every second of every day, and can be computed for any day without those before. Pure.

Prices at midnight UTC follow from one draw a day; a day's path is a Brownian bridge between two midnights, with a few
jumps, in a time that runs faster when the market is busy. Over weeks prices come slowly back to the starting level.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from sim_exchange.sources.generated.arrays import DAY, SECOND, Floats, Ints
from sim_exchange.sources.generated.seeds import generator

DAY_SECONDS = 86_400

_RETURN = 0.985  # share of a deviation from the starting level that a day leaves
_MEMORY = 320  # days after which a draw is forgotten: 0.985 to that power is below 1 %
_BLOCK = 64  # days drawn together
_RESTLESSNESS = 0.3  # log standard deviation of the volatility from day to day
_JUMPS, _JUMP_SHARE = 4.0, 0.12  # jumps on an average day, and their share of its variance


@dataclass(frozen=True)
class Tempo:
    """How much happens when."""

    daily_volatility: float
    """Standard deviation of the logarithm over an ordinary day."""
    weight: Callable[[int], Floats]
    """Share of a day's variance in each of its seconds, of the UTC day that begins at this instant (microseconds)."""
    quiet: Callable[[int], float]
    """Factor on the volatility of a day, such as of weekends."""


class _Day:
    """One UTC day."""

    def __init__(self, log_price: Floats, clock: Floats, variance: float) -> None:
        self.log_price = log_price
        """At each second."""
        self.clock = clock
        """Share of the day's variance that is over at each second, and at its end."""
        self.variance = variance


class Walk:
    """One underlying's price over all time."""

    def __init__(self, seed: int, name: str, level: float, tempo: Tempo) -> None:
        self._seed, self._name, self._level, self._tempo = seed, name, level, tempo
        self._day = lru_cache(maxsize=8)(self._make_day)
        self._block = lru_cache(maxsize=64)(self._make_block)

    def price(self, at: Ints) -> Floats:
        """Give the price at each instant (microseconds), to the second."""
        return np.exp(self._read(at, lambda day, second: day.log_price[second]))

    def variance_to(self, at: Ints, end: int) -> Floats:
        """Give the variance of the logarithm between each instant and `end` (microseconds)."""
        last = end // DAY
        first = int(at.min()) // DAY if len(at) else last
        before = dict(
            zip(range(first, last + 1), np.cumsum([0.0, *map(self._variance, range(first, last))]), strict=True)
        )
        over = self._read(at, lambda day, second: day.clock[second] * day.variance)
        for number, total in before.items():
            over[at // DAY == number] += total
        final = self._day(last)
        target = before[last] + final.clock[end % DAY // SECOND] * final.variance
        left: Floats = np.maximum(target - over, 0.0)
        return left

    def _read(self, at: Ints, value: Callable[[_Day, Ints], Floats]) -> Floats:
        result = np.empty(len(at))
        days = at // DAY
        for number in np.unique(days):
            here = days == number
            result[here] = value(self._day(int(number)), at[here] % DAY // SECOND)
        return result

    def _make_day(self, number: int) -> _Day:
        rng = generator(self._seed, self._name, "path", number)
        weight = self._tempo.weight(number * DAY)
        steps = rng.standard_normal(DAY_SECONDS) * np.sqrt(weight * (1 - _JUMP_SHARE))
        count = int(rng.poisson(_JUMPS))
        where = np.searchsorted(np.cumsum(weight), rng.random(count))
        np.add.at(
            steps, np.minimum(where, DAY_SECONDS - 1), rng.standard_normal(count) * math.sqrt(_JUMP_SHARE / _JUMPS)
        )
        moved = np.concatenate(([0.0], np.cumsum(steps)))
        clock = np.concatenate(([0.0], np.cumsum(weight)))
        variance = self._variance(number)
        start, end = self._midnight(number), self._midnight(number + 1)
        log_price = start + math.sqrt(variance) * (moved - clock * moved[-1]) + clock * (end - start)
        return _Day(log_price, clock, variance)

    def _midnight(self, number: int) -> float:
        days = range(number - _MEMORY, number)
        draws = np.array([self._draw(day)[0] for day in days])
        volatility = np.sqrt([self._variance(day) for day in days])
        return math.log(self._level) + float(np.sum(draws * volatility * self._fading))

    @cached_property
    def _fading(self) -> Floats:
        fading: Floats = _RETURN ** np.arange(_MEMORY - 1, -1, -1, dtype=np.float64)
        return fading

    def _variance(self, number: int) -> float:
        quiet = self._tempo.quiet(number * DAY)
        return (self._tempo.daily_volatility * quiet * math.exp(_RESTLESSNESS * self._draw(number)[1])) ** 2

    def _draw(self, number: int) -> tuple[float, float]:
        """Give a day's move and its restlessness, both standard normal."""
        move, restless = self._block(number // _BLOCK)[:, number % _BLOCK]
        return float(move), float(restless)

    def _make_block(self, number: int) -> Floats:
        return generator(self._seed, self._name, "days", number).standard_normal((2, _BLOCK))
