"""How far beyond the ask an entry may reach. Pure."""

from mesh.types import CENT, Micros, Price

SHARE_OF_MAGNITUDE = 0.20
MOST_CENTS = 3


def slippage(magnitude_cents: float) -> Micros:
    """Return what may be paid above the ask: a fifth of the forecast move in whole cents, at most 3 cents.

    ValueError for a magnitude that is not a number of 0 to 100 cents.
    """
    if not 0 <= magnitude_cents <= 100:  # noqa: PLR2004  # cents
        raise ValueError(f"a magnitude lies within 0 and 100 cents, not {magnitude_cents}")
    return Micros(min(int(magnitude_cents * SHARE_OF_MAGNITUDE), MOST_CENTS) * CENT)


def entry_limit(no_ask: Price, magnitude_cents: float) -> Price:
    """Return the limit price of an order to buy NO: the ask plus slippage, never above one dollar."""
    return Price(min(no_ask + slippage(magnitude_cents), no_ask + no_ask.complement))
