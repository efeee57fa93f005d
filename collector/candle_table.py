"""From the exchange's candles to columns of the stored schema. Pure.

Columns, not rows: a batch of ten thousand candles is a handful of list comprehensions.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, repeat

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import astuple

from mesh.kalshi.rest.price_wire import Asks, Bids, Candle
from mesh.records import CANDLES
from mesh.shards import ShardKey

_MICROSECONDS = 1_000_000
_QUOTES = ("open", "high", "low", "close")
_PRINTS = (*_QUOTES, "mean", "previous")


def candle_table(shard: ShardKey, found: Mapping[str, Sequence[Candle]]) -> pa.Table:
    """Make a table of the markets' candles, in the order in which they came.

    Args:
        shard: Whose they are.
        found: Candles by market ticker.

    Returns:
        Schema `mesh.records.CANDLES`; prices and quotes that are not there are null.
    """
    candles = list(chain.from_iterable(found.values()))
    tickers = list(chain.from_iterable(repeat(ticker, len(some)) for ticker, some in found.items()))
    count = len(candles)
    columns: dict[str, object] = {
        "series_ticker": pa.repeat(shard.series, count),
        "event_ticker": pa.repeat(shard.event, count),
        "market_ticker": tickers,
        "end_time": pa.array([candle.end_ts * _MICROSECONDS for candle in candles], pa.int64()),
        "step_seconds": pa.repeat(shard.step_seconds, count),
        "volume_hundredths": [candle.volume for candle in candles],
        "open_interest_hundredths": [candle.open_interest for candle in candles],
    }
    columns |= _columns("price", _PRINTS, [astuple(candle.trades) for candle in candles])
    columns |= _quotes("yes_bid", Bids.absent, [astuple(candle.bid) for candle in candles])
    columns |= _quotes("yes_ask", Asks.absent, [astuple(candle.ask) for candle in candles])
    return pa.table([_column(columns[field.name], field.type) for field in CANDLES], schema=CANDLES)


def _column(values: object, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


def _columns(side: str, names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> dict[str, object]:
    """Turn rows of prices into columns."""
    turned: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(names)
    return {f"{side}_{name}_micros": column for name, column in zip(names, turned, strict=True)}


def _quotes(side: str, absent: int, rows: Sequence[tuple[object, ...]]) -> dict[str, object]:
    """Turn rows of quotes into columns, in which nobody's price is null."""
    nothing = pa.scalar(None, pa.int64())
    columns: dict[str, object] = {}
    for name, column in _columns(side, _QUOTES, rows).items():
        shown = pa.array(column, pa.int64())
        columns[name] = pc.if_else(pc.equal(shown, absent), nothing, shown)
    return columns
