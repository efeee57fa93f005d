"""How far beyond the ask an entry may reach. Pure."""

from mesh.types import CENT, Micros, Price
from trader.domain.settings import EntrySettings

DEFAULTS = EntrySettings()
"""A fifth of the forecast move, at most 3 cents."""


def slippage(magnitude_cents: float, entries: EntrySettings = DEFAULTS) -> Micros:
    """Return what may be paid above the ask: a share of the forecast move in whole cents, up to a limit.

    ValueError for a magnitude that is not a number of 0 to 100 cents.
    """
    if not 0 <= magnitude_cents <= 100:  # noqa: PLR2004  # cents
        raise ValueError(f"a magnitude lies within 0 and 100 cents, not {magnitude_cents}")
    return Micros(min(int(magnitude_cents * entries.slippage_share), entries.max_slippage_cents) * CENT)


def entry_limit(ask: Price, magnitude_cents: float, entries: EntrySettings = DEFAULTS) -> Price:
    """Return the limit price of an order to buy at the ask: the ask plus slippage, never above one dollar."""
    return Price(min(ask + slippage(magnitude_cents, entries), ask + ask.complement))
