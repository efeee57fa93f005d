"""Trades of others: bursts that take from the best price, never all that is there. Pure.

A trade never empties the best level, so that quotes move by what makers do alone, and every trade is at the best price
of its moment.
"""

from dataclasses import dataclass

import numpy as np

from sim_exchange.sources.generated.arrays import HOUR, SECOND, Bools, Floats, Ints
from sim_exchange.sources.generated.eastern import hours_of_week, paused
from sim_exchange.sources.generated.ladder import Ladders
from sim_exchange.sources.generated.profiles import Trading
from sim_exchange.sources.generated.quotes import NO_ASK, NO_BID, Ticks, lively

_BURST = 2.6  # trades of a burst on average; recorded trades come in such clusters
_WITHIN = 4.0  # seconds between trades of a burst, on average
_BUYERS = 0.55  # share of takers that buy YES, as recorded
_MEDIAN, _SPREAD = 26.0, 1.6  # contracts, and log standard deviation
_FRACTIONAL = 0.3
_MOST = 0.8  # share of a best level that trades may take before the level is laid anew
_CONTRACT = 100
_GAMBLE, _IMPOSSIBLE = 0.02, 0.0005  # trades that even a hopeless market has, unless it is this hopeless


@dataclass(frozen=True)
class Rows:
    """Ladder changes of an event's markets, sorted by market, then time."""

    at: Ints
    """Microseconds."""
    market: Ints
    bid: Ints
    """Cents; 0 is no bid."""
    ask: Ints
    """Cents; 100 is no ask."""
    epoch: Ints
    busy: Floats


@dataclass(frozen=True)
class Prints:
    """Trades of an event's markets, sorted by market, then time."""

    at: Ints
    market: Ints
    buys: Bools
    """Whether the taker bought YES."""
    cents: Ints
    count: Ints
    """Hundredths."""
    interest: Ints
    """Contracts held after the trade, in hundredths."""


def prints(
    rng: np.random.Generator, *, trading: Trading, ticks: Ticks, fair: Floats, rows: Rows, ladders: Ladders, closes: int
) -> Prints:
    """Draw the trades of an event.

    Args:
        rng: The event's.
        trading: How the series trades.
        ticks: When quotes may change.
        fair: Fair probabilities; one row a market, one column a tick.
        rows: The event's ladders.
        ladders: Their sizes.
        closes: When trading ends, microseconds.
    """
    at, market = _arrivals(rng, trading, ticks, fair, closes)
    row = _row_before(rows, at, market, ticks.opens)
    known = row >= 0
    at, market, row = at[known], market[known], row[known]
    bid, ask = rows.bid[row], rows.ask[row]
    buys = rng.random(len(at)) < _BUYERS
    buys = np.where(bid == NO_BID, True, np.where(ask == NO_ASK, False, buys))
    cents = np.where(buys, ask, bid)
    traded = (cents > NO_BID) & (cents < NO_ASK)
    count = _counts(rng, cents)
    there = ladders.best(market, np.where(traded, cents, 1), rows.epoch[row], rows.busy[row])
    count = np.minimum(count, np.maximum(there * 7 // 10, 1))
    fits = traded & (_taken(row, buys, count) <= _MOST * there)
    at, market, buys, cents, count = at[fits], market[fits], buys[fits], cents[fits], count[fits]
    return Prints(at, market, buys, cents, count, _interest(market, buys, count))


def _arrivals(rng: np.random.Generator, trading: Trading, ticks: Ticks, fair: Floats, closes: int) -> tuple[Ints, Ints]:
    """Draw instants and markets of trades: Poisson bursts, most when and where there is something to win."""
    until = np.concatenate((ticks.at[:, 1:], np.full((len(fair), 1), closes)), axis=1)
    lengths = until - ticks.at
    rate = trading.trades_per_hour / _BURST * (lively(fair) ** 2 + _GAMBLE * (fair > _IMPOSSIBLE)) * ticks.busy
    total = np.cumsum(rate * ticks.live * lengths / HOUR)
    bursts = int(rng.poisson(total[-1]))
    cell = np.searchsorted(total, rng.random(bursts) * total[-1])
    begins = ticks.at.ravel()[cell] + (rng.random(bursts) * lengths.ravel()[cell]).astype(np.int64)
    size = rng.geometric(1 / _BURST, bursts)
    first = np.repeat(np.cumsum(size) - size, size)
    gaps = np.where(np.arange(len(first)) == first, 0.0, rng.exponential(_WITHIN * SECOND, len(first)))
    run = np.cumsum(gaps)
    at = np.repeat(begins, size) + (run - run[first]).astype(np.int64)
    market = np.repeat(cell // fair.shape[1], size)
    keep = at < closes
    if ticks.pauses:
        keep &= ~paused(hours_of_week(at))
    at, market = at[keep], market[keep]
    order = np.lexsort((at, market))
    return at[order], market[order]


def _row_before(rows: Rows, at: Ints, market: Ints, opens: int) -> Ints:
    """Find the ladder that stands in a market at an instant: its place in the rows; −1 if there is none yet."""
    if not len(rows.at):
        return np.full(len(at), -1)
    span = 1 << 42  # microseconds; longer than any event lives
    place = np.searchsorted(rows.market * span + rows.at - opens, market * span + at - opens, side="right") - 1
    same = (place >= 0) & (rows.market[np.maximum(place, 0)] == market)
    found: Ints = np.where(same, place, -1)
    return found


def _counts(rng: np.random.Generator, cents: Ints) -> Ints:
    contracts = _MEDIAN * np.exp(_SPREAD * rng.standard_normal(len(cents)))
    cheap = 1 + 3 * np.exp(-np.minimum(cents, NO_ASK - cents) / 3.0)
    hundredths = np.rint(contracts * cheap * _CONTRACT).astype(np.int64)
    whole = rng.random(len(cents)) >= _FRACTIONAL
    counts: Ints = np.maximum(np.where(whole, -(-hundredths // _CONTRACT) * _CONTRACT, hundredths), 1)
    return counts


def _taken(row: Ints, buys: Bools, count: Ints) -> Ints:
    """Add up what each trade and those before it take from the same level."""
    group = row * 2 + buys
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    result = np.empty_like(count)
    result[order] = _since(np.cumsum(count[order]), np.searchsorted(sorted_group, sorted_group))
    return result


def _interest(market: Ints, buys: Bools, count: Ints) -> Ints:
    """Give how many contracts are held after each trade.

    As the exchange counts them for the house: its buyers and sellers are different people who never close, and a maker
    stands between them, so that the larger of what was bought and sold is held.
    """
    starts = np.searchsorted(market, market)
    bought, sold = (_since(np.cumsum(np.where(mine, count, 0)), starts) for mine in (buys, ~buys))
    held: Ints = np.maximum(bought, sold)
    return held


def _since(total: Ints, starts: Ints) -> Ints:
    """Take from running totals what they were before each one's start."""
    own: Ints = total - np.where(starts > 0, total[np.maximum(starts - 1, 0)], 0)
    return own
