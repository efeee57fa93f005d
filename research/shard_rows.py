"""The rows of a shard in whole columns, in order, and each candle once."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mesh.shards import ShardKey
from research.types import ABSENT, Defects, Ints, Strip

_MOMENTS = ("open", "high", "low", "close")
_PRICES = tuple(f"{kind}_{moment}_micros" for kind in ("yes_bid", "yes_ask", "price") for moment in _MOMENTS)
COLUMNS: Final = ("event_ticker", "market_ticker", "step_seconds", "end_time", "volume_hundredths", *_PRICES)
"""Columns that rows are made of."""
_SECOND = 1_000_000
Truths = NDArray[np.bool_]


@dataclass(slots=True)
class Rows:
    """The rows of a shard as columns of equal length, by market and end."""

    step_seconds: int
    tickers: list[str]
    """In order; `codes` are places in it."""
    codes: Ints
    ends: Ints
    bids: Ints
    asks: Ints
    trades: Ints
    volumes: Ints

    def take(self, chosen: Ints | Truths) -> "Rows":
        """Return some of them."""
        return Rows(
            self.step_seconds,
            self.tickers,
            self.codes[chosen],
            self.ends[chosen],
            self.bids[chosen],
            self.asks[chosen],
            self.trades[chosen],
            self.volumes[chosen],
        )

    def note(self, found: Truths, name: str, defects: Defects) -> None:
        """Count what was found in rows, with the first of them as an example."""
        if count := int(found.sum()):
            row = int(np.argmax(found.reshape(len(self.codes), -1).any(axis=1)))
            end = np.datetime64(int(self.ends[row]), "s")
            defects.note(name, f"{self.tickers[self.codes[row]]} at {end}Z", count)

    def strips(self) -> dict[str, Strip]:
        """Cut them into one strip a market."""
        places = np.flatnonzero(np.diff(self.codes)) + 1
        return {
            self.tickers[self.codes[start]]: Strip(
                step_seconds=self.step_seconds,
                ends=self.ends[start:end],
                bids=self.bids[start:end],
                asks=self.asks[start:end],
                trades=self.trades[start:end],
                volumes=self.volumes[start:end],
            )
            for start, end in pairwise([0, *places.tolist(), len(self.codes)])
            if end > start
        }


def rows_of(table: pa.Table, key: ShardKey, defects: Defects) -> Rows:
    """Read the rows of a shard.

    Args:
        table: `COLUMNS`, rows in any order.
        key: Of the shard.
        defects: Told of rows that are left out.
    """
    return _distinct(_sorted(_read(_own(table, key, defects), key), key, defects), defects)


def _own(table: pa.Table, key: ShardKey, defects: Defects) -> pa.Table:
    """Keep the rows that name a market and an end, and are of the shard's event and step."""
    named = pc.and_(pc.is_valid(table.column("market_ticker")), pc.is_valid(table.column("end_time")))
    for name, value in (("event_ticker", key.event), ("step_seconds", key.step_seconds)):
        named = pc.and_(named, pc.fill_null(pc.equal(table.column(name), value), False))
    strange = table.num_rows - (pc.sum(named).as_py() or 0)
    if strange:
        defects.note("row_of_another_shard", str(key), strange)
        return table.filter(named)
    return table


def _read(table: pa.Table, key: ShardKey) -> Rows:
    encoded = table.column("market_ticker").combine_chunks().dictionary_encode()
    tickers = encoded.dictionary.to_pylist()
    order = sorted(range(len(tickers)), key=tickers.__getitem__)
    rank = np.empty(len(tickers), np.int64)
    rank[order] = np.arange(len(tickers))
    micros = table.column("end_time").cast(pa.int64()).to_numpy()
    bids, asks, trades = (_ints(table, *_PRICES[kind : kind + 4]) for kind in range(0, 12, 4))
    return Rows(
        step_seconds=key.step_seconds,
        tickers=[tickers[place] for place in order],
        codes=rank[encoded.indices.to_numpy()],
        ends=-(-micros // _SECOND),  # known at the end, and not a part of a second before
        bids=bids,
        asks=asks,
        trades=trades,
        volumes=_ints(table, "volume_hundredths")[:, 0],
    )


def _ints(table: pa.Table, *names: str) -> Ints:
    """Read columns side by side, ABSENT where they are null."""
    chunks = [chunk for name in names for chunk in table.column(name).chunks]
    column = pa.chunked_array(chunks, pa.int64())
    told = pc.if_else(pc.equal(column, ABSENT), ABSENT - 1, column)  # that very number is no way to say nothing
    return pc.fill_null(told, ABSENT).to_numpy().reshape(len(names), -1).T.copy()  # type: ignore[no-any-return]


def _sorted(rows: Rows, key: ShardKey, defects: Defects) -> Rows:
    same = rows.codes[1:] == rows.codes[:-1]
    back = (rows.codes[1:] < rows.codes[:-1]) | (same & (rows.ends[1:] < rows.ends[:-1]))
    if not back.any():
        return rows
    defects.note("rows_unsorted", str(key), int(back.sum()))
    return rows.take(np.lexsort((rows.ends, rows.codes)))


def _distinct(rows: Rows, defects: Defects) -> Rows:
    """Keep one of equal rows, and none of rows that say different things of the same candle."""
    twice = (rows.codes[1:] == rows.codes[:-1]) & (rows.ends[1:] == rows.ends[:-1])
    if not twice.any():
        return rows
    values = np.column_stack([rows.bids, rows.asks, rows.trades, rows.volumes])
    differs = twice & (values[1:] != values[:-1]).any(axis=1)
    keys = np.concatenate([[0], np.cumsum(~twice)])
    contradicted = np.isin(keys, keys[1:][differs])
    again = np.concatenate([[False], twice]) & ~contradicted
    rows.note(again, "row_twice", defects)
    rows.note(contradicted, "rows_contradict", defects)
    return rows.take(~(again | contradicted))
