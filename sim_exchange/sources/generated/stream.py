"""All that happens in the markets of one event, from opening to close, in compact arrays. Pure.

Made once from the seed and the event's name; the past, the present and the future of its markets are all read from it.
"""

from dataclasses import dataclass

import numpy as np

from sim_exchange.sources.generated.arrays import MINUTE, Floats, Ints, microseconds
from sim_exchange.sources.generated.calendar import Occasion
from sim_exchange.sources.generated.daytime import busyness
from sim_exchange.sources.generated.eastern import hours_of_week, paused
from sim_exchange.sources.generated.ladder import Ladders, ladders
from sim_exchange.sources.generated.prints import Prints, Rows, prints
from sim_exchange.sources.generated.profiles import Profile
from sim_exchange.sources.generated.quotes import Quotes, Ticks, quotes
from sim_exchange.sources.generated.seeds import generator
from sim_exchange.sources.generated.strikes import Strikes
from sim_exchange.sources.generated.underlying import Underlying


@dataclass(frozen=True)
class Stream:
    """One event's markets, numbered from the lowest strike up."""

    rows: Rows
    prints: Prints
    ladders: Ladders
    first_row: Ints
    """Where each market's ladders begin in `rows`, and at the end where the last one's end."""
    first_print: Ints
    """The same for `prints`."""


def stream(
    seed: int, profile: Profile, occasion: Occasion, strikes: Strikes, underlying: Underlying, *, pauses: bool
) -> Stream:
    """Make an event's stream."""
    markets = len(strikes.strikes)
    opens, closes = microseconds(occasion.opens), microseconds(occasion.closes)
    rng = generator(seed, occasion.event_ticker, "ticks")
    ticks = _ticks(rng, profile, markets, opens, closes, pauses=pauses)
    fair = _fair(strikes, underlying, ticks)
    sizes = ladders(
        generator(seed, occasion.event_ticker, "sizes"), markets, profile.trading.size, profile.trading.depth
    )
    quoted = quotes(generator(seed, occasion.event_ticker, "quotes"), profile.trading, ticks, fair)
    rows = _rows(ticks, quoted)
    traded = prints(
        generator(seed, occasion.event_ticker, "prints"),
        trading=profile.trading,
        ticks=ticks,
        fair=fair,
        rows=rows,
        ladders=sizes,
        closes=closes,
    )
    places = np.arange(markets + 1)
    return Stream(rows, traded, sizes, np.searchsorted(rows.market, places), np.searchsorted(traded.market, places))


def _ticks(rng: np.random.Generator, profile: Profile, markets: int, opens: int, closes: int, *, pauses: bool) -> Ticks:
    step = MINUTE // profile.trading.ticks_per_minute
    begins = np.arange(opens, closes, step, dtype=np.int64)
    begins = begins[begins + step <= closes]
    common = begins + (rng.uniform(0.02, 0.55, len(begins)) * step).astype(np.int64)
    own = (rng.uniform(0.0, 0.4, (markets, len(begins))) * step).astype(np.int64)
    hours = hours_of_week(begins)
    live = ~paused(hours) if pauses else np.ones(len(begins), dtype=np.bool_)
    return Ticks(opens, common + own, live, busyness(profile.subject)[hours], pauses)


def _fair(strikes: Strikes, underlying: Underlying, ticks: Ticks) -> Floats:
    """Give each market's fair probability at each tick; news reaches all markets of a tick at the same moment."""
    below = underlying.below(np.array(strikes.edges), ticks.at.min(axis=0))
    ends = np.zeros((1, below.shape[1])), np.ones((1, below.shape[1]))
    shares: Floats = np.clip(np.diff(np.concatenate((ends[0], below, ends[1])), axis=0), 0, 1)
    return shares


def _rows(ticks: Ticks, quoted: Quotes) -> Rows:
    market, tick = np.nonzero(quoted.changed)
    return Rows(
        at=ticks.at[market, tick],
        market=market.astype(np.int64),
        bid=quoted.bid[market, tick],
        ask=quoted.ask[market, tick],
        epoch=quoted.epoch[market, tick],
        busy=ticks.busy[tick],
    )
