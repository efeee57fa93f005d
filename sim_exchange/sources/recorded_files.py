"""Columns out of recorded parquet files."""

from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Ints = npt.NDArray[np.int64]

_MICROS = 1_000_000


class Kind(NamedTuple):
    """A kind of file."""

    prefix: str
    time: str
    """Column that says when."""
    columns: tuple[str, ...]
    """What is read besides ticker and time."""
    seconds: bool = False
    """The time is in seconds, not microseconds."""
    period: int = 0
    """Seconds between a market's rows, where they are candles."""


class Rows(NamedTuple):
    """Rows of chosen markets in the order of time."""

    times: list[int]
    """Microseconds since 1970."""
    tickers: list[str]
    columns: list[list[Any]]


def find(folder: Path, kind: Kind, series: str) -> list[Path]:
    """Give the files of a kind that may tell about a series: its own, and those of a month for all series."""
    own = folder / f"{kind.prefix}_{series}.parquet"
    paths = ([own] if own.is_file() else []) + sorted(folder.glob(f"{kind.prefix}_[0-9][0-9][0-9][0-9]-*.parquet"))
    return [path for path in paths if kind.time in pq.read_schema(path).names]


def tickers_of(path: Path) -> set[str]:
    """Give the markets that a file tells about."""
    return set(pc.unique(pq.read_table(path, columns=["market_ticker"])["market_ticker"]).to_pylist())


def groups(path: Path, kind: Kind) -> list[tuple[int, int]]:
    """Give the row groups, each with the time before which it has nothing (microseconds), in the order of those."""
    with pq.ParquetFile(path) as file:
        column = file.schema_arrow.names.index(kind.time)
        found = []
        for group in range(file.num_row_groups):
            statistics = file.metadata.row_group(group).column(column).statistics
            begin = statistics.min if statistics is not None and statistics.has_min_max else 0
            found.append((begin * (_MICROS if kind.seconds else 1), group))
    return sorted(found)


def rows(path: Path, kind: Kind, tickers: Collection[str], group: int) -> Rows:
    """Read a row group. Rows of the same instant keep the file's order."""
    table, times = _read(path, kind, tickers, group)
    if kind.prefix == "book":
        times = _never_back(times, table["market_ticker"])
    order = np.argsort(times, kind="stable")
    table = table.take(order)
    return Rows(times[order].tolist(), table["market_ticker"].to_pylist(), _columns(table, kind))


class ByMarket:
    """A file's rows of chosen markets, in memory, to be asked for market by market."""

    def __init__(self, path: Path, kind: Kind, tickers: Collection[str]) -> None:
        table, times = _read(path, kind, tickers, None)
        codes = _codes(table["market_ticker"])
        order = np.lexsort((times, codes))
        self._kind = kind
        self._table = table.take(order)
        self._times = times[order]
        names = self._table["market_ticker"].to_pylist()
        begins = [0, *(np.flatnonzero(np.diff(codes[order])) + 1).tolist(), len(names)]
        self._spans = {names[begin]: (begin, end) for begin, end in pairwise(begins) if begin < end}

    def of(self, ticker: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Give a market's rows in the order of time: microseconds since 1970 and the values of the kind's columns."""
        begin, end = self._spans.get(ticker, (0, 0))
        columns = _columns(self._table.slice(begin, end - begin), self._kind)
        yield from zip(self._times[begin:end].tolist(), zip(*columns, strict=True), strict=True)


def _read(path: Path, kind: Kind, tickers: Collection[str], group: int | None) -> tuple[Any, Ints]:
    with pq.ParquetFile(path) as file:
        names = {"market_ticker", kind.time, *kind.columns}
        present = [name for name in file.schema_arrow.names if name in names]
        table = file.read(present) if group is None else file.read_row_group(group, present)
    column = table["market_ticker"]
    table = table.filter(pc.is_in(column, pa.array(sorted(tickers), column.type)))
    return table, table[kind.time].to_numpy().astype(np.int64) * (_MICROS if kind.seconds else 1)


def _columns(table: Any, kind: Kind) -> list[list[Any]]:
    empty = [None] * len(table)
    return [table[name].to_pylist() if name in table.column_names else empty for name in kind.columns]


def _codes(tickers: Any) -> Ints:
    codes: Ints = tickers.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes


def _never_back(times: Ints, tickers: Any) -> Ints:
    """Let no message of a market be earlier than the one before it: their order in the file is the true one."""
    codes = _codes(tickers)
    risen = times.copy()
    for code in np.unique(codes):
        mine = codes == code
        risen[mine] = np.maximum.accumulate(times[mine])
    return risen
