"""A shard's rows as strips of candles: whole columns at a time, and whatever cannot be is left out and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mesh.kalshi.grid import Band
from mesh.shards import ShardKey
from mesh.types import DOLLAR
from research.types import ABSENT, CLOSE, HIGH, LOW, OPEN, Defects, Ints, Strip

_MOMENTS = ("open", "high", "low", "close")
_PRICES = tuple(f"{kind}_{moment}_micros" for kind in ("yes_bid", "yes_ask", "price") for moment in _MOMENTS)
COLUMNS: Final = ("event_ticker", "market_ticker", "end_time", "volume_hundredths", *_PRICES)
"""Columns that strips are made of."""
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


def drop_impossible(rows: Rows, bands_of: Mapping[str, tuple[Band, ...]], defects: Defects) -> None:
    """Make the values that cannot be ABSENT, and count them.

    These are prices outside a dollar or off the grid; a bid that is not below the ask of the same moment, and that ask;
    highs and lows that their own candle contradicts. A bid of nothing and an ask of a dollar say that nobody is there,
    as null does, and are no fault.

    Args:
        rows: Changed in place.
        bands_of: The prices that each market takes.
        defects: Told.
    """
    bids, asks = rows.bids, rows.asks
    bids[bids == 0] = ABSENT
    asks[asks == DOLLAR] = ABSENT
    grids = [(bands, _of(rows, bands_of, bands)) for bands in {bands_of[ticker] for ticker in rows.tickers}]
    for prices in (bids, asks, rows.trades):
        _drop(prices, (prices != ABSENT) & ((prices <= 0) | (prices >= DOLLAR)), "price_outside", rows, defects)
        for bands, theirs in grids:
            off = (prices != ABSENT) & ~_on_grid(prices, bands) & theirs[:, None]
            _drop(prices, off, "price_off_grid", rows, defects)
    for moment in (OPEN, CLOSE):
        crossed = (bids[:, moment] >= asks[:, moment]) & (asks[:, moment] != ABSENT)
        bids[crossed, moment] = asks[crossed, moment] = ABSENT
        _note(crossed, "crossed_quote", rows, defects)
    for prices in (bids, asks, rows.trades):
        wrong = _contradicted(prices)
        prices[wrong, HIGH] = prices[wrong, LOW] = ABSENT
        _note(wrong, "high_low_contradicted", rows, defects)
    _drop(rows.volumes, rows.volumes < ABSENT, "volume_below_zero", rows, defects)
    _note(rows.ends % rows.step_seconds != 0, "end_off_step", rows, defects)


def before(strip: Strip, close: int, ticker: str, defects: Defects) -> Strip:
    """Leave out the candles that began when the market had closed, and count them.

    Args:
        strip: Of the market.
        close: When it stopped trading, Unix seconds.
        ticker: The market's.
        defects: Told.
    """
    kept = int(np.searchsorted(strip.ends - strip.step_seconds, close, side="left"))
    if kept < len(strip.ends):
        defects.note("candle_after_close", ticker, len(strip.ends) - kept)
    return strip.until(int(strip.ends[kept - 1]) if kept else -1)


def finest(strip_of: Mapping[int, Strip]) -> Strip:
    """Join the strips of one market: at every end the candle of the shortest step that has one.

    Args:
        strip_of: By step, at least one.
    """
    ordered = [strip_of[step] for step in sorted(strip_of)]
    if len(ordered) == 1:
        return ordered[0]
    ends = np.concatenate([strip.ends for strip in ordered])
    _, chosen = np.unique(ends, return_index=True)  # the first of equals: the finest

    def joined(columns: list[Ints]) -> Ints:
        return np.concatenate(columns)[chosen]

    return Strip(
        step_seconds=ordered[0].step_seconds,
        ends=ends[chosen],
        bids=joined([strip.bids for strip in ordered]),
        asks=joined([strip.asks for strip in ordered]),
        trades=joined([strip.trades for strip in ordered]),
        volumes=joined([strip.volumes for strip in ordered]),
    )


def _own(table: pa.Table, key: ShardKey, defects: Defects) -> pa.Table:
    """Keep the rows that name a market and an end, and the shard's event."""
    named = pc.and_(pc.is_valid(table.column("market_ticker")), pc.is_valid(table.column("end_time")))
    own = pc.and_(named, pc.fill_null(pc.equal(table.column("event_ticker"), key.event), False))
    strange = table.num_rows - (pc.sum(own).as_py() or 0)
    if strange:
        defects.note("row_of_another_shard", str(key), strange)
        return table.filter(own)
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
    _note(again, "row_twice", rows, defects)
    _note(contradicted, "rows_contradict", rows, defects)
    return rows.take(~(again | contradicted))


def _on_grid(prices: Ints, bands: tuple[Band, ...]) -> Truths:
    fits = np.zeros(prices.shape, dtype=bool)
    for start, end, step in bands:
        fits |= (prices >= start) & (prices <= end) & ((prices - start) % step == 0)
    return fits


def _contradicted(prices: Ints) -> Truths:
    """Find candles whose high is not the highest or whose low is not the lowest of what they say."""
    high, low = prices[:, HIGH], prices[:, LOW]
    inside = prices[:, (OPEN, CLOSE, HIGH, LOW)]
    there = inside != ABSENT
    above = there & (high != ABSENT)[:, None] & (inside > high[:, None])
    below = there & (low != ABSENT)[:, None] & (inside < low[:, None])
    return (above | below).any(axis=1)  # type: ignore[no-any-return]


def _of(rows: Rows, bands_of: Mapping[str, tuple[Band, ...]], bands: tuple[Band, ...]) -> Truths:
    return np.array([bands_of[ticker] == bands for ticker in rows.tickers], dtype=bool)[rows.codes]


def _drop(values: Ints, wrong: Truths, name: str, rows: Rows, defects: Defects) -> None:
    values[wrong] = ABSENT
    _note(wrong, name, rows, defects)


def _note(found: Truths, name: str, rows: Rows, defects: Defects) -> None:
    if count := int(found.sum()):
        row = int(np.argmax(found.reshape(len(rows.codes), -1).any(axis=1)))
        defects.note(name, f"{rows.tickers[rows.codes[row]]} at {np.datetime64(int(rows.ends[row]), 's')}Z", count)
