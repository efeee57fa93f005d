"""From fair probabilities to the best bid and ask of every market of an event, tick by tick. Pure.

Makers see the fair price with a little error, until they look again. They add a margin and quote around it, but only
now and then, so that quotes are stale for a while, and at once after news.
"""

from dataclasses import dataclass

import numpy as np

from sim_exchange.sources.generated.arrays import MINUTE, Bools, Floats, Ints
from sim_exchange.sources.generated.profiles import Trading

NO_BID, NO_ASK = 0, 100

_ERROR_MEMORY = 7.0  # minutes
_WIDTH_MEMORY = 25.0  # minutes
_NEWS = 0.015  # dollars that a fair price moves in a tick to be quoted anew at once
_WIDEST = 30.0  # cents
_SHIFT = 0.12  # chance, in a market near 50 cents, that a tick that leaves the best prices alone changes some size


@dataclass(frozen=True)
class Ticks:
    """The moments at which an event's markets may be quoted anew."""

    opens: int
    at: Ints
    """One row a market, one column a tick; ascending in a row. Microseconds."""
    live: Bools
    """Which ticks lie outside the weekly pause."""
    busy: Floats
    """How busy it is at each tick, around 1."""
    pauses: bool
    """Whether there is a weekly pause."""


@dataclass(frozen=True)
class Quotes:
    """Best prices in cents after each tick; one row a market, one column a tick."""

    bid: Ints
    """0 is no bid."""
    ask: Ints
    """100 is no ask."""
    changed: Bools
    """Whether the tick changed a best price or a size."""
    epoch: Ints
    """Counts a market's changes, so that sizes can follow."""


def lively(fair: Floats) -> Floats:
    """Give how much a market is in play: 1 at 50 cents, 0 at the ends."""
    alive: Floats = 2 * np.sqrt(np.maximum(fair * (1 - fair), 0))
    return alive


def quotes(rng: np.random.Generator, trading: Trading, ticks: Ticks, fair: Floats) -> Quotes:
    """Quote an event's markets.

    Args:
        rng: The event's.
        trading: How the series trades.
        ticks: When.
        fair: Fair probabilities; one row a market, one column a tick.
    """
    per_minute = trading.ticks_per_minute
    seen = _late(fair, trading, per_minute)
    alive = lively(seen)
    minutes = -(-fair.shape[1] // per_minute)
    error = _spread_out(_renewed(rng, fair.shape[0], minutes, _ERROR_MEMORY), per_minute, fair.shape[1])
    mood = _spread_out(_renewed(rng, fair.shape[0], minutes, _WIDTH_MEMORY), per_minute, fair.shape[1])
    width = np.exp(trading.spread_variety * mood)
    share = np.sqrt(alive)  # the less likely pay more than their part of the margin, as people like long shots
    margin = trading.overround * share / np.maximum(share.sum(axis=0), 1e-9)
    centre = 100 * (seen + margin) + trading.noise_cents * alive * error
    opening = 1 + 3.0 * np.exp(-(ticks.at - ticks.opens) / (trading.opening_minutes * MINUTE))
    half = trading.spread_cents / 2 * width * (0.15 + 0.85 * alive) * opening * np.clip(ticks.busy, 0.2, 2) ** -0.25
    half = np.minimum(half, _WIDEST / 2)
    bid = np.clip(np.rint(centre - half), NO_BID, NO_ASK - 1).astype(np.int64)
    ask = np.clip(np.rint(centre + half), 1, NO_ASK).astype(np.int64)
    ask = np.maximum(ask, bid + 1)

    again = _requotes(rng, trading, ticks, seen, alive)
    tick = np.arange(fair.shape[1])
    latest = np.maximum.accumulate(np.where(again, tick, -1), axis=1)
    bid = np.where(latest < 0, NO_BID, np.take_along_axis(bid, np.maximum(latest, 0), axis=1))
    ask = np.where(latest < 0, NO_ASK, np.take_along_axis(ask, np.maximum(latest, 0), axis=1))
    moved = np.empty(bid.shape, dtype=np.bool_)
    moved[:, 0] = (bid[:, 0] != NO_BID) | (ask[:, 0] != NO_ASK)
    moved[:, 1:] = (bid[:, 1:] != bid[:, :-1]) | (ask[:, 1:] != ask[:, :-1])
    resized = rng.random(bid.shape) < _SHIFT * (0.02 + alive) * np.minimum(ticks.busy, 2)
    changed = moved | (resized & ticks.live & (latest >= 0))
    return Quotes(bid, ask, changed, np.cumsum(changed, axis=1))


def _requotes(rng: np.random.Generator, trading: Trading, ticks: Ticks, seen: Floats, alive: Floats) -> Bools:
    eagerness = np.clip(trading.requote * (0.25 + 0.75 * alive) * np.sqrt(ticks.busy), 0, 1)
    again = rng.random(seen.shape) < eagerness
    again[:, 1:] |= np.abs(np.diff(seen, axis=1)) > _NEWS
    live = ticks.live
    first = live & ~np.concatenate(([False], live[:-1]))  # at the opening, and after a pause, all is quoted anew
    fresh: Bools = (again | first) & live
    return fresh


def _late(fair: Floats, trading: Trading, per_minute: int) -> Floats:
    """Let quotes follow late, or overshoot, by the configured trend."""
    if not trading.trend:
        return fair
    keep = np.exp(-1 / (per_minute * trading.trend_minutes))
    past = np.empty_like(fair)
    level = fair[:, 0]
    for tick in range(fair.shape[1]):
        level = keep * level + (1 - keep) * fair[:, tick]
        past[:, tick] = level
    return np.clip(fair + trading.trend * (past - fair), 0, 1)


def _renewed(rng: np.random.Generator, markets: int, minutes: int, memory: float) -> Floats:
    """Draw standard normal rows whose values hold until new ones come, after `memory` minutes on average."""
    new = rng.random((markets, minutes)) < 1 / memory
    new[:, 0] = True
    latest = np.maximum.accumulate(np.where(new, np.arange(minutes), 0), axis=1)
    rows: Floats = np.take_along_axis(rng.standard_normal((markets, minutes)), latest, axis=1)
    return rows


def _spread_out(by_minute: Floats, per_minute: int, ticks: int) -> Floats:
    return np.repeat(by_minute, per_minute, axis=1)[:, :ticks]
