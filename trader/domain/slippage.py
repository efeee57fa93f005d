"""How far an entry may reach: beyond the ask, or from the bid. Pure."""

from math import isfinite

from mesh.types import CENT, DOLLAR, Micros, Price
from trader.domain import plans
from trader.domain.facts import MarketTerms, SignalFacts, Top
from trader.domain.settings import EntrySettings
from trader.domain.words import EntryStyle

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


def worst_price(entries: EntrySettings, market: MarketTerms, signal: SignalFacts, top: Top) -> Price | None:
    """Return the worst price that is paid: above the ask for an entry that takes, at or inside the bid for a rest.

    None without such a price, and for a signal whose figures are none.
    """
    prices = plans.grid(market)
    if not all(map(isfinite, (signal.take_profit_cents, signal.stop_loss_cents, signal.magnitude_cents))):
        return None
    if entries.style is EntryStyle.TAKE:
        reach = min(max(signal.magnitude_cents, 0.0), 100.0)
        return None if top.ask is None else prices.round_down(entry_limit(top.ask, reach, entries))
    limit = None if top.bid is None else prices.round_down(top.bid)
    for _ in range(entries.improve_ticks):
        limit = None if limit is None else prices.next_above(limit)
    below = prices.next_below(DOLLAR if top.ask is None else top.ask)
    return None if limit is None or below is None else min(limit, below)
