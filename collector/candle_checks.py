"""The rules that candles obey. A market that breaks one is not stored, and the rule is named. Pure.

A missing bid counts as 0 here and a missing ask as a dollar, as the exchange shows them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mesh.records import CANDLES
from mesh.types import DOLLAR

_MICROSECONDS = 1_000_000
_HOUR, _DAY = 3_600, 86_400
_NOTHING = -(1 << 62)  # in the place of null
_VALUES = tuple(name for name in CANDLES.names if name.endswith(("_micros", "_hundredths")))

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
Rule = tuple[str, Flags]
"""In words, and the rows that break it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of an answer."""

    table: pa.Table
    """Candles of the markets that obey every rule, each once, ordered as they came."""
    broken: Mapping[str, str]
    """By market ticker: the rule it breaks, in words."""
    repeated: int
    """Candles that came more than once, always the same, and were dropped."""


def checked(table: pa.Table, bounds: Mapping[str, tuple[int, int]], step_seconds: int) -> Checked:
    """Check an answer.

    Args:
        table: Schema `mesh.records.CANDLES`; a market's candles stand together, in the order in which they came.
        bounds: First and last end, in Unix seconds, that each market's candles may have.
        step_seconds: Length of a candle.
    """
    if not len(table):
        return Checked(table, {}, 0)
    tickers = table["market_ticker"].to_pylist()
    ends = _numbers(table["end_time"]) // _MICROSECONDS
    values = {name: _numbers(table[name]) for name in _VALUES}
    follows = np.array([before == after for before, after in pairwise(tickers)], np.bool_)
    again = _again(ends, values, follows)
    first, last = np.array([bounds[ticker] for ticker in tickers], np.int64).reshape(-1, 2).T
    rules = [
        ("outside the span that was asked for", (ends < first) | (ends > last)),
        *_times(ends, step_seconds, follows, again),
        *_ranges(values),
        *_moves(values),
    ]
    broken: dict[str, str] = {}
    for rule, flags in rules:
        for row in np.flatnonzero(flags).tolist():
            end = datetime.fromtimestamp(int(ends[row]), UTC)
            broken.setdefault(tickers[row], f"{rule}: the candle that ends {end:%Y-%m-%dT%H:%M:%SZ}")
    keep = ~again & np.array([ticker not in broken for ticker in tickers], np.bool_)
    return Checked(table.filter(pa.array(keep)), broken, int(again.sum()))


def _times(ends: Numbers, step_seconds: int, follows: Flags, again: Flags) -> Iterator[Rule]:
    """Ends lie on the exchange's grid, and each is later than the one before."""
    yield "not at the end of a period", ends % min(step_seconds, _HOUR) != 0
    if step_seconds == _DAY:  # in winter or in summer; the exchange itself is a day late with the change
        yield "not at midnight in New York", ~np.isin(ends % _DAY, (4 * _HOUR, 5 * _HOUR))
    steps = np.diff(ends)
    yield "two different candles of one period", _after(follows & (steps == 0)) & ~again
    yield "candles out of order", _after(follows & (steps < 0))


def _ranges(values: Mapping[str, Numbers]) -> Iterator[Rule]:
    """Prices lie within a dollar; counts are there, and not negative."""
    for name, numbers in values.items():
        if name.endswith("_micros"):
            outside = (numbers < 0) | (numbers > DOLLAR)
            yield f"{name} outside 0 to 1 dollar", outside & (numbers != _NOTHING)
        else:
            yield f"{name} negative or missing", numbers < 0


def _moves(values: Mapping[str, Numbers]) -> Iterator[Rule]:
    """Open, close and mean lie between low and high, and nobody bids more than is asked."""
    for side, absent in (("price", _NOTHING), ("yes_bid", 0), ("yes_ask", DOLLAR)):
        moments = (values[f"{side}_{moment}_micros"] for moment in ("open", "high", "low", "close"))
        opened, high, low, closed = (np.where(numbers == _NOTHING, absent, numbers) for numbers in moments)
        within = (low <= opened) & (opened <= high) & (low <= closed) & (closed <= high)
        yield f"{side} opens or closes outside low to high", ~within
    mean, low, high = (values[f"price_{moment}_micros"] for moment in ("mean", "low", "high"))
    yield "price_mean_micros outside low to high", (mean != _NOTHING) & ((mean < low) | (mean > high))
    for moment in ("open", "close"):
        bid, ask = values[f"yes_bid_{moment}_micros"], values[f"yes_ask_{moment}_micros"]
        yield f"bid above ask at the {moment}", (ask != _NOTHING) & (bid > ask)


def _again(ends: Numbers, values: Mapping[str, Numbers], follows: Flags) -> Flags:
    """Mark rows that repeat the row before them in every value."""
    again = follows & (np.diff(ends) == 0)
    for numbers in values.values() if again.any() else ():
        again &= np.diff(numbers) == 0
    return _after(again)


def _after(flags: Flags) -> Flags:
    """Turn flags between neighbours into flags of the latter rows; there is at least one row."""
    return np.append(False, flags)


def _numbers(column: pa.ChunkedArray) -> Numbers:
    """Return a column as integers; nulls become `_NOTHING`."""
    filled: Numbers = pc.fill_null(column.cast(pa.int64()), _NOTHING).to_numpy()
    return filled
