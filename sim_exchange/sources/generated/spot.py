"""Events about a price that is traded elsewhere: its average over the last minute, or its last value. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np

from sim_exchange.sources.generated.arrays import SECOND, Floats, Ints, normal_cdf
from sim_exchange.sources.generated.walk import Walk

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Spot:
    """One event's deciding price."""

    walk: Walk
    closes: int
    """Microseconds."""
    average_seconds: int
    """Prices of this many seconds up to the close are averaged; 1 is the last price."""

    @cached_property
    def value(self) -> Decimal:
        """The deciding price, to the cent."""
        return Decimal(float(self._last_prices.mean())).quantize(_CENT)

    @property
    def value_text(self) -> str:
        """The deciding price as the exchange writes it."""
        return str(self.value)

    def expectation(self, at: int) -> float:
        """Give the price at an instant."""
        return float(self.walk.price(np.array([at]))[0])

    def below(self, edges: Floats, at: Ints) -> Floats:
        """Give the probabilities of ending below each edge; see `Underlying`."""
        price = self.walk.price(at)
        variance = self.walk.variance_to(at, self.closes)
        mean, share = self._averaging(at, price)
        deviation = price * np.sqrt(variance * share) + 1e-9
        return normal_cdf((edges[:, None] - mean) / deviation)

    @cached_property
    def _last_prices(self) -> Floats:
        seconds = np.arange(1, self.average_seconds + 1, dtype=np.int64)
        return self.walk.price(self.closes - self.average_seconds * SECOND + seconds * SECOND)

    def _averaging(self, at: Ints, price: Floats) -> tuple[Floats, Floats]:
        """Give the expected average, and the share of the remaining variance that an average of its end has.

        Of a random walk's variance until the close, the average over a last part of it has all that comes before that
        part and a third of the part's own.
        """
        window = self.average_seconds
        if window == 1:
            return price, np.ones(len(price))
        left = np.maximum((self.closes - at) / SECOND, 1e-6)
        known = np.clip(window - left, 0, window).astype(np.int64)
        sums = np.concatenate(([0.0], np.cumsum(self._last_prices)))
        mean = (sums[known] + price * (window - known)) / window
        inside = np.minimum(left, window)
        share = np.where(left > window, 1 - (2 / 3) * inside / left, (left / window) ** 2 / 3)
        return mean, share
