"""What a market is worth by the spot of its underlying alone: a digital on the number that it settles by. Pure.

The settling number is taken for normal about the spot, without drift, by the volatility of the hours before. Where it
is a mean over a last stretch of time less of the way counts: a mean moves less than a last price. What such a digital
is worth has no drift either, so its forecast is its worth now; what it may be worth at a later step follows from where
the spot may be by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from mesh.kalshi.terms import StrikeType
from research.quality.scores import Doubles
from research.strikes import Strikes
from research.types import Floats, Ints

FRESH_SECONDS: Final = 10
"""A spot that is older is not known."""
STEP_SECONDS: Final = 60
"""Between two spots whose difference is a change: shorter ones see how an index is put together, or ticks."""
LOOK_BACK_SECONDS: Final = 7200
LEAST_CHANGES: Final = 20
"""Known within that time; with fewer nobody knows the volatility. These tell it to about a sixth."""
_MICROS = 1_000_000
_NORMAL = NormalDist()
_GRID = np.linspace(-8.0, 8.0, 4001)
_BELOW = np.array([_NORMAL.cdf(place) for place in _GRID])
_PLACES = np.array([_NORMAL.inv_cdf((number + 0.5) / 400) for number in range(400)])
"""Equally likely places of the spot, in standard deviations."""


@dataclass(frozen=True, slots=True)
class SpotPath:
    """An underlying over time; at least one price."""

    times: Ints
    """[prices] Unix microseconds at which each was known, ascending."""
    prices: Doubles
    """[prices]."""

    def at(self, moments: Ints) -> Doubles:
        """Return [...] the last price known at moments, Unix seconds; NaN where that is not fresh."""
        wanted = np.asarray(moments, np.int64) * _MICROS
        place = np.searchsorted(self.times, wanted, side="right") - 1
        known = (place >= 0) & (self.times[place] >= wanted - FRESH_SECONDS * _MICROS)
        return np.where(known, self.prices[place], np.nan)

    def mean(self, end: int, seconds: int) -> float:
        """Return the mean of the seconds that end then, or the last price for none; NaN where any is not known."""
        return float(self.at(np.arange(end - max(seconds - 1, 0), end + 1)).mean())


def volatility(path: SpotPath, moments: Ints) -> Doubles:
    """Return [moments] how far the spot goes in a second, as its changes before each moment tell; NaN with too few.

    Args:
        path: Nothing of it after a moment makes any difference.
        moments: Unix seconds.
    """
    back = np.arange(-LOOK_BACK_SECONDS, STEP_SECONDS, STEP_SECONDS)
    changes = np.diff(path.at(np.asarray(moments)[:, None] + back), axis=1)
    counts = np.isfinite(changes).sum(axis=1)
    squares = np.nansum(changes**2, axis=1)
    return np.where(counts >= LEAST_CHANGES, np.sqrt(squares / (np.maximum(counts, 1) * STEP_SECONDS)), np.nan)


def seconds_unknown(left: Doubles, averaged: float) -> Doubles:
    """Return [...] how many seconds of the spot's variance the settling number still has before it.

    Args:
        left: [...] seconds until it is there.
        averaged: Seconds at the end over which it is a mean; 0 for a last price.
    """
    if not averaged:
        return left
    return np.where(left >= averaged, left - averaged * 2 / 3, left**3 / (3 * averaged**2))


def probability(strikes: Strikes, mean: Doubles, deviation: Doubles) -> Doubles:
    """Return [...] how likely YES is where the settling number is normal; certain where nothing is open.

    Args:
        strikes: What YES says of the number.
        mean: [...] of the number.
        deviation: [...] of the number.
    """
    open_ = deviation > 0
    floor, cap = (
        1.0 * edge if end is None else np.interp((end - mean) / np.where(open_, deviation, 1.0), _GRID, _BELOW)
        for end, edge in ((_floor(strikes), 0), (_cap(strikes), 1))
    )
    return np.where(open_, cap - floor, strikes.answers(mean))


def fan(
    strikes: Strikes,
    spot: float,
    volatility: float,
    *,
    left: int,
    averaged: int,
    ahead: Ints,
    levels: Sequence[float],
) -> tuple[Floats, Floats]:
    """Return what a market is worth by the spot, in cents of YES: [steps] the point and [steps, levels] the quantiles.

    Args:
        strikes: Of the market.
        spot: Now.
        volatility: Of it in a second.
        left: Seconds to the close, at least `averaged`.
        averaged: As in `seconds_unknown`.
        ahead: [steps] seconds from now, at most `left`.
        levels: Of the quantiles.
    """
    whole = volatility**2 * seconds_unknown(np.array(float(left)), averaged)
    later = volatility**2 * seconds_unknown((left - ahead).astype(float), averaged)
    spots = spot + np.sqrt(whole - later)[:, None] * _PLACES
    worth = probability(strikes, spots, np.broadcast_to(np.sqrt(later)[:, None], spots.shape))
    quantiles = np.quantile(worth, levels, axis=1, method="averaged_inverted_cdf").T
    now = probability(strikes, np.array(spot), np.sqrt(whole))
    return np.full(len(ahead), 100 * now, np.float32), (100 * quantiles).astype(np.float32)


def _floor(strikes: Strikes) -> float | None:
    return None if strikes.kind in {StrikeType.LESS, StrikeType.LESS_OR_EQUAL} else strikes.floor


def _cap(strikes: Strikes) -> float | None:
    return None if strikes.kind in {StrikeType.GREATER, StrikeType.GREATER_OR_EQUAL} else strikes.cap
