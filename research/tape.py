"""Recorded public trades of a series, event by event: what resting orders are filled by."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mesh.records import TRADES
from mesh.store import naming
from mesh.store.parquet import opened
from mesh.types import DOLLAR
from research.types import Defects, Ints

UNKNOWN, BID, ASK = range(3)
"""Who took: nobody said, a buyer of YES, or a buyer of NO."""
_EVENT = TRADES.get_field_index("event_ticker")
_COLUMNS: Final = (
    "event_ticker", "market_ticker", "trade_id", "created_time", "yes_price_micros", "count_hundredths",
    "taker_book_side", "is_block_trade",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTrades:
    """Trades of one market, oldest first; those of one instant in the order of the file."""

    times: Ints
    """[trades] microseconds since 1970."""
    prices: Ints
    """[trades] micros, of YES."""
    counts: Ints
    """[trades] hundredths of a contract."""
    takers: NDArray[np.int8]
    """[trades] UNKNOWN, BID or ASK."""


def trades(root: Path, series: str, event: str, defects: Defects) -> Mapping[str, MarketTrades] | None:
    """Read the trades of an event, by market; None where the folder has no trades of it.

    Trades that were negotiated off the book are left out: they fill nobody who rests on it.

    Args:
        root: The data folder.
        series: Ticker.
        event: Ticker.
        defects: Told of trades that are left out.

    Raises:
        StoreError: A file cannot be read; the text names it.
    """
    folder = root / naming.TRADES / series
    parts = [part for path in sorted(folder.glob("[!.]*.parquet")) if (part := _part(path, event)).num_rows]
    if not parts:
        return None
    return _by_market(_sound(pa.concat_tables(parts), event, defects))


def _part(path: Path, event: str) -> pa.Table:
    """Read the rows of an event from one file; groups that cannot hold it are not touched."""
    with opened(path, TRADES) as file:
        groups = [number for number in range(file.num_row_groups) if _may_hold(file.metadata.row_group(number), event)]
        table: pa.Table = file.read_row_groups(groups, columns=list(_COLUMNS), use_threads=False)
    return table.filter(pc.equal(table.column("event_ticker"), event))


def _may_hold(group: pq.RowGroupMetaData, event: str) -> bool:
    known = group.column(_EVENT).statistics
    return known is None or not known.has_min_max or known.min <= event <= known.max


def _sound(table: pa.Table, event: str, defects: Defects) -> pa.Table:
    block = pc.fill_null(table.column("is_block_trade"), False)
    price, count = table.column("yes_price_micros"), table.column("count_hundredths")
    good = pc.and_(pc.and_(pc.greater(price, 0), pc.less(price, DOLLAR)), pc.greater(count, 0))
    for wrong, name in ((block, "block_trade"), (pc.invert(good), "trade_impossible")):
        if found := pc.sum(wrong).as_py():
            defects.note(name, event, found)
    table = table.filter(pc.and_(good, pc.invert(block)))
    ids = table.column("trade_id")
    first = np.ones(table.num_rows, dtype=bool)
    if ids.null_count < table.num_rows:
        codes = ids.combine_chunks().dictionary_encode().indices
        known = pc.is_valid(codes).to_numpy(zero_copy_only=False)
        _, place = np.unique(codes.drop_null().to_numpy(), return_index=True)
        first = ~known
        first[np.flatnonzero(known)[place]] = True
        if again := table.num_rows - int(first.sum()):
            defects.note("trade_twice", event, again)
    order = [("market_ticker", "ascending"), ("created_time", "ascending")]
    return table.filter(pa.array(first)).sort_by(order)


def _by_market(table: pa.Table) -> dict[str, MarketTrades]:
    tickers = table.column("market_ticker").combine_chunks()
    codes = tickers.dictionary_encode().indices.to_numpy()
    times = table.column("created_time").cast(pa.int64()).to_numpy()
    prices, counts = (table.column(name).to_numpy() for name in ("yes_price_micros", "count_hundredths"))
    side = table.column("taker_book_side")
    takers = np.select([_is(side, "bid"), _is(side, "ask")], [BID, ASK], UNKNOWN).astype(np.int8)
    places = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    return {
        tickers[start].as_py(): MarketTrades(
            times=times[start:end], prices=prices[start:end], counts=counts[start:end], takers=takers[start:end]
        )
        for start, end in pairwise(places)
        if end > start
    }


def _is(side: pa.ChunkedArray, word: str) -> NDArray[np.bool_]:
    return np.array(pc.fill_null(pc.equal(side, word), False), dtype=bool)
