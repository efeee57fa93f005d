"""How often YES came true where it was said to be so probable: the forecast beside the market's own middle. Pure.

Every answer about a market whose result is known counts, traded or not. A price is a probability of YES; the forecast's
is its mean price at the horizon. Brier's score is the mean square of what was said less what came, less is better.
"""

from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np

from mesh.statistics import Clustered, Estimate
from mesh.types import DOLLAR
from research.types import Answers, Forecasted, RecordedEvent

BINS: Final = 10
"""Of equal width, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Bin:
    """What was said between two bounds."""

    count: int
    said: float
    """Mean."""
    came: float
    """Mean of what YES paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """The forecast and the market, against what came."""

    forecast: tuple[Bin, ...]
    """Bins that have any."""
    market: tuple[Bin, ...]
    forecast_brier: Estimate | None
    """None without a known result."""
    market_brier: Estimate | None
    difference: Estimate | None
    """Forecast less market: below zero where the forecast knew more."""


class ReliabilitySums:
    """Gathers it as events stream by; clusters are events."""

    def __init__(self) -> None:
        self._bins = np.zeros((2, 3, BINS))
        """Of forecast and market: how many, what was said, what came."""
        self._scores = [Clustered() for _ in range(3)]

    def add(self, event: RecordedEvent, answers: Answers) -> None:
        """Count what was said of an event."""
        values = {
            market.terms.ticker: market.outcome.yes_value / DOLLAR
            for market in event.markets
            if market.outcome is not None
        }
        found = [
            (each.signal.forecast_mean_cents, each.signal.current_cents, values[ticker])
            for (ticker, _), each in sorted(answers.items(), key=itemgetter(0))  # as they came would change last bits
            if ticker in values and isinstance(each, Forecasted)
        ]
        if not found:
            return
        *both, came = np.array(found).T
        squares = []
        for number, cents in enumerate(both):
            said = np.clip(cents / 100, 0.0, 1.0)
            places = np.minimum((said * BINS).astype(int), BINS - 1)
            for sums, each in zip(self._bins[number], (np.ones_like(said), said, came), strict=True):
                np.add.at(sums, places, each)  # one after the other, as if each were added by itself
            squares.append((said - came) ** 2)
        for scores, each in zip(self._scores, (*squares, squares[0] - squares[1]), strict=True):
            scores.add_all(event.event_ticker, each.tolist())

    def found(self) -> Reliability:
        """Return what was counted."""
        forecast, market = (
            tuple(Bin(int(count), said / count, came / count) for count, said, came in bins.T.tolist() if count)
            for bins in self._bins
        )
        briers = [scores.estimate() for scores in self._scores]
        return Reliability(
            forecast=forecast,
            market=market,
            forecast_brier=briers[0],
            market_brier=briers[1],
            difference=briers[2],
        )
