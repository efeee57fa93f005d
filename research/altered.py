"""Recorded events as they would be on other terms: other fees, worse prices. Pure."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import numpy as np

from mesh.kalshi.grid import PriceGrid
from research.types import ABSENT, Ints, RecordedEvent, RecordedMarket, doubtful


def altered(event: RecordedEvent, fee_factor: Decimal, worse_ticks: int) -> RecordedEvent:
    """Multiply fees, and move every quote apart.

    Args:
        event: Not changed.
        fee_factor: Of what the exchange charges.
        worse_ticks: Steps of its grid by which each bid is lower and each ask higher than recorded. A quote that nobody
            knows stays one.
    """
    if fee_factor == 1 and not worse_ticks:
        return event
    return replace(event, markets=tuple(_market(market, fee_factor, worse_ticks) for market in event.markets))


def _market(market: RecordedMarket, fee_factor: Decimal, worse_ticks: int) -> RecordedMarket:
    fees = replace(market.terms.fees, multiplier=market.terms.fees.multiplier * fee_factor)
    path = market.path
    if worse_ticks:
        prices = np.array(_prices(market), np.int64)
        bids, asks = _moved(path.bids, prices, -worse_ticks), _moved(path.asks, prices, worse_ticks)
        unknown = doubtful(path.bids, path.asks)
        path = replace(path, bids=np.where(unknown, path.bids, bids), asks=np.where(unknown, path.asks, asks))
    return replace(market, terms=msgspec.structs.replace(market.terms, fees=fees), path=path)


def _prices(market: RecordedMarket) -> list[int]:
    grid = PriceGrid(market.terms.bands)
    found, price = list[int](), grid.round_up(1)
    while price is not None:
        found.append(int(price))
        price = grid.next_above(price)
    return found


def _moved(quotes: Ints, prices: Ints, ticks: int) -> Ints:
    """Move prices along the grid; one that would leave it is nobody's any more."""
    places = np.searchsorted(prices, quotes) + ticks
    inside = (quotes != ABSENT) & (places >= 0) & (places < len(prices))
    return np.where(inside, prices[np.clip(places, 0, len(prices) - 1)], ABSENT)
