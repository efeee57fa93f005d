"""Which prices a market takes: bands with a step each, as its `price_ranges` give them. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple, Protocol

from mesh.types import DOLLAR, Price

_FINEST = 100  # micros; the exchange writes prices with four decimals


class PriceRange(Protocol):
    """Prices from `start` to `end` lie on multiples of `step` above `start`; all in micros."""

    @property
    def start(self) -> int:
        """First price."""
        ...

    @property
    def end(self) -> int:
        """Last price, if a step falls on it."""
        ...

    @property
    def step(self) -> int:
        """Distance of two prices."""
        ...


class Band(NamedTuple):
    """One range of prices, in micros."""

    start: int
    end: int
    step: int


class PriceGrid:
    """The prices of one market: on a step of a band, above 0 and below one dollar.

    Args:
        bands: As the market gives them, ascending or not.

    Raises:
        ValueError: No bands, an empty or backward one, bands that overlap, or steps finer than 0.0001.
    """

    def __init__(self, bands: Iterable[PriceRange]) -> None:
        self.bands = tuple(sorted(Band(band.start, band.end, band.step) for band in bands))
        if not self.bands:
            raise ValueError("a price grid needs at least one band")
        for band in self.bands:
            if not 0 <= band.start < band.end <= DOLLAR or band.step <= 0:
                raise ValueError(f"not a band of prices: {band}")
            if band.start % _FINEST or band.step % _FINEST:
                raise ValueError(f"a band finer than 0.0001: {band}")
        if any(lower.end > upper.start for lower, upper in pairwise(self.bands)):
            raise ValueError(f"bands overlap: {self.bands}")
        # A grid has at most 9,999 prices; listing them makes every question one look-up.
        self._prices = sorted(
            {price for band in self.bands for price in range(band.start, band.end + 1, band.step) if 0 < price < DOLLAR}
        )
        self._valid = frozenset(self._prices)

    def valid(self, price: int) -> bool:
        """Tell whether a price in micros may be ordered at."""
        return price in self._valid

    def round_down(self, price: int) -> Price | None:
        """Return the highest price at or below this many micros; None below the grid."""
        return self._at(bisect_right(self._prices, price) - 1)

    def round_up(self, price: int) -> Price | None:
        """Return the lowest price at or above this many micros; None above the grid."""
        return self._at(bisect_left(self._prices, price))

    def next_above(self, price: int) -> Price | None:
        """Return the lowest price above this many micros; None above the grid."""
        return self._at(bisect_right(self._prices, price))

    def next_below(self, price: int) -> Price | None:
        """Return the highest price below this many micros; None below the grid."""
        return self._at(bisect_left(self._prices, price) - 1)

    def _at(self, index: int) -> Price | None:
        return Price(self._prices[index]) if 0 <= index < len(self._prices) else None


def _centre_and_edges(centre: int, edge: int, *, edge_width: int = 100_000) -> tuple[Band, ...]:
    low, high = edge_width, DOLLAR - edge_width
    return Band(0, low, edge), Band(low, high, centre), Band(high, DOLLAR, edge)


def _even(step: int) -> tuple[Band, ...]:
    return (Band(0, DOLLAR, step),)


GRIDS: Mapping[str, tuple[Band, ...]] = MappingProxyType(
    {
        "linear_cent": _even(10_000),
        "deci_cent": _even(1_000),
        "tapered_deci_cent": _centre_and_edges(10_000, 1_000),
        "center_whole_edge_half_cent": _centre_and_edges(10_000, 5_000),
        "center_whole_edge_quint_cent": _centre_and_edges(10_000, 2_000),
        "center_half_edge_half_cent": _even(5_000),
        "center_half_edge_quint_cent": _centre_and_edges(5_000, 2_000),
        "center_half_edge_deci_cent": _centre_and_edges(5_000, 1_000),
        "center_quint_edge_quint_cent": _even(2_000),
        "center_quint_edge_deci_cent": _centre_and_edges(2_000, 1_000),
        "center_centi_edge_centi_cent": _even(100),
        "center_deci_edge_centi_cent": _centre_and_edges(1_000, 100, edge_width=10_000),
    }
)
"""Bands by `price_level_structure`, for making markets. Reading one, trust its `price_ranges`: labels come and go."""
