"""Recorded candles, one a row of a CSV or parquet file, as histories.

Columns read: `market_ticker`, `end_period_ts` (unix seconds), `price_close` (dollars, empty where the candle had no
trade), and where present `series_ticker`, `period_interval_minutes`, `yes_bid_close`, `yes_ask_close`. Others are
ignored. Rows may come in any order.

A candle without a close, and a candle that is missing between two others, is a gap: NaN, never a number. The current
price is the middle of the last candle's bid and ask where both sides are quoted (a bid of 0 and an ask of 1 say that
nobody is there), else the last known close.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from console.recorded import (
    DEFAULT_STEP,
    LATEST_UNIX_SECONDS,
    MAX_POINTS,
    Current,
    HistoryError,
    Recorded,
    Recording,
)

_TYPES = {
    "market_ticker": pa.string(),
    "end_period_ts": pa.int64(),
    "price_close": pa.float64(),
    "series_ticker": pa.string(),
    "period_interval_minutes": pa.int64(),
    "yes_bid_close": pa.float64(),
    "yes_ask_close": pa.float64(),
}
_REQUIRED = ("market_ticker", "end_period_ts", "price_close")
_NO_VALUE = ["", "NaN", "nan", "null", "NULL", "None"]
_CSV_ERROR = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?(.*)", re.DOTALL)


def read_candles(
    file: Path, *, step: timedelta | None = None, market_prefix: str = "", limit: int | None = None
) -> Recording:
    """Read the candles of the first `limit` markets whose ticker starts with the prefix.

    Args:
        file: `.csv`, or else parquet.
        step: Spacing of the candles; None takes it from `period_interval_minutes`, or an hour without that column.
        market_prefix: Empty takes every market.
        limit: None takes every market.

    Raises:
        HistoryError: the file cannot be read, or its candles do not fit one step.
    """
    try:
        table, unit = (_read_csv(file), "line") if file.suffix == ".csv" else (_read_parquet(file), "row")
    except OSError as error:
        raise HistoryError(f"{file}: cannot be read: {error.strerror or error}") from None
    except pa.ArrowException as error:
        raise HistoryError(f"{file}: cannot be read: {_first_line(error)}") from None
    candles = _Candles(file, table, unit)
    spacing = _step(file, table, step) or step or DEFAULT_STEP
    return Recording(markets=tuple(candles.markets(spacing, market_prefix, limit)), step=spacing)


def _read_csv(file: Path) -> pa.Table:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            header = next(csv.reader(lines), [])
        except (UnicodeDecodeError, csv.Error):
            raise HistoryError(f"{file}: line 1 is not CSV text in UTF-8") from None
    columns = _columns(file, header)
    options = pacsv.ConvertOptions(
        column_types=_TYPES, include_columns=columns, null_values=_NO_VALUE, strings_can_be_null=False
    )
    try:
        # One thread: only then does an error name its row.
        return pacsv.read_csv(file, read_options=pacsv.ReadOptions(use_threads=False), convert_options=options)
    except pa.ArrowInvalid as error:
        found = _CSV_ERROR.match(str(error))
        if not found:
            raise
        column, row, what = found.groups()
        line = f"line {row}: " if row else ""
        raise HistoryError(f"{file}: {line}{header[int(column)]}: {what.partition(': ')[2] or what}") from None


def _read_parquet(file: Path) -> pa.Table:
    columns = _columns(file, pq.read_schema(file).names)
    table = pq.read_table(file, columns=columns)
    for place, name in enumerate(columns):
        column, wanted = table[name], _TYPES[name]
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        if not _fits(column.type, wanted):
            raise HistoryError(f"{file}: {name}: holds {column.type}, not {wanted}")
        try:
            table = table.set_column(place, name, pc.cast(column, wanted))
        except pa.ArrowInvalid as error:
            raise HistoryError(f"{file}: {name}: {_first_line(error)}") from None
    return table


def _fits(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Tell whether a cast keeps the meaning: a timestamp would become a number of some unit or other."""
    types = pa.types
    if types.is_null(given):  # a column without any value
        return True
    if types.is_string(wanted):
        return bool(types.is_string(given) or types.is_large_string(given) or types.is_string_view(given))
    if types.is_integer(wanted):
        return bool(types.is_integer(given) or types.is_floating(given))
    return bool(types.is_integer(given) or types.is_floating(given) or types.is_decimal(given))


def _columns(file: Path, names: Sequence[str]) -> list[str]:
    """Return the columns to read, in the file's order."""
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        has = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")  # noqa: PLR2004  a line's worth
        raise HistoryError(f"{file}: no column {', '.join(missing)}; it has {has or 'none'}")
    wanted = [name for name in names if name in _TYPES]
    twice = {name for name in wanted if wanted.count(name) > 1}
    if twice:
        raise HistoryError(f"{file}: column {', '.join(sorted(twice))} comes twice")
    return wanted


def _step(file: Path, table: pa.Table, asked: timedelta | None) -> timedelta | None:
    """Return what `period_interval_minutes` says; None without that column or where it is empty."""
    if "period_interval_minutes" not in table.column_names:
        return None
    minutes = sorted(pc.drop_null(pc.unique(table["period_interval_minutes"])).to_pylist())
    if len(minutes) > 1:
        listed = ", ".join(map(str, minutes))
        raise HistoryError(f"{file}: period_interval_minutes: mixed steps of {listed} minutes; scan one at a time")
    if not minutes:
        return None
    if not 1 <= minutes[0] <= 24 * 60:
        raise HistoryError(f"{file}: period_interval_minutes: {minutes[0]} is not within 1 and 1440")
    step = timedelta(minutes=minutes[0])
    if asked is not None and asked != step:
        raise HistoryError(
            f"{file}: period_interval_minutes: candles of {minutes[0]} minutes, not --step {asked.total_seconds():g}s"
        )
    return step


class _Candles:
    """Candles of many markets as arrays, all [rows] in the file's order."""

    def __init__(self, file: Path, table: pa.Table, unit: str) -> None:
        self._file, self._unit = file, unit
        self._first_row = 2 if unit == "line" else 1  # a CSV's first line is its header
        self._refuse_empty(table, "market_ticker")
        self._refuse_empty(table, "end_period_ts")
        self._ends: NDArray[np.int64] = table["end_period_ts"].to_numpy()
        wrong = np.flatnonzero((self._ends < 0) | (self._ends >= LATEST_UNIX_SECONDS))
        if len(wrong):
            raise self._error(int(wrong[0]), f"end_period_ts: {self._ends[wrong[0]]} is not a time in unix seconds")
        self._closes = _cents(table, "price_close")
        self._bids, self._asks = _cents(table, "yes_bid_close"), _cents(table, "yes_ask_close")
        tickers = table["market_ticker"].combine_chunks().dictionary_encode()
        self._codes: NDArray[np.int64] = tickers.indices.to_numpy().astype(np.int64)
        self._tickers: list[str] = tickers.dictionary.to_pylist()
        self._series = table["series_ticker"] if "series_ticker" in table.column_names else None

    def markets(self, step: timedelta, prefix: str, limit: int | None) -> Iterator[Recorded]:
        """Give one history per market, in the order in which markets first appear."""
        chosen = [code for code, ticker in enumerate(self._tickers) if ticker.startswith(prefix)][:limit]
        rows = np.flatnonzero(np.isin(self._codes, chosen))
        rows = rows[np.lexsort((self._ends[rows], self._codes[rows]))]
        starts = np.flatnonzero(np.diff(self._codes[rows])) + 1
        if len(rows):
            for market in np.split(rows, starts):
                yield self._market(market, int(step.total_seconds()))

    def _market(self, rows: NDArray[np.intp], step_seconds: int) -> Recorded:
        """Put a market's candles, in order of time, on a grid of steps that ends with the last one."""
        ends = self._ends[rows]
        back, off_grid = np.divmod(ends[-1] - ends, step_seconds)
        ticker = self._tickers[self._codes[rows[0]]]
        twice = np.flatnonzero(np.diff(ends) == 0)
        if len(twice):
            raise self._error(
                int(rows[twice[0] + 1]), f"end_period_ts: a second candle of {ticker} at {ends[twice[0]]}"
            )
        if off_grid.any():
            row = int(np.flatnonzero(off_grid)[0])
            raise self._error(
                int(rows[row]),
                f"end_period_ts: {ends[row]} is no whole number of {step_seconds} s steps before the last candle of "
                f"{ticker}; --step names the spacing",
            )
        kept = back < MAX_POINTS
        closes = np.full(int(back[kept].max()) + 1, np.nan, dtype=np.float32)
        with np.errstate(over="ignore"):  # infinity stays a price that the server refuses
            closes[-1 - back[kept]] = self._closes[rows[kept]]
        series = self._series[int(rows[0])].as_py() if self._series is not None else None
        return Recorded(
            market_ticker=ticker,
            series_ticker=series or "",
            closes_cents=closes,
            current=self._current(rows, back),
            last_candle_time=datetime.fromtimestamp(int(ends[-1]), UTC),
            cut_points=int(back[0]) + 1 - len(closes),
        )

    def _current(self, rows: NDArray[np.intp], back: NDArray[np.int64]) -> Current:
        bid, ask = self._bids[rows[-1]], self._asks[rows[-1]]
        if 0 < bid <= ask < 100:  # noqa: PLR2004  cents of a dollar; NaN fails this
            return Current(cents=round(float(bid + ask) / 2, 6), origin="mid")
        known = np.flatnonzero(~np.isnan(self._closes[rows]))
        if not len(known):
            return Current(cents=None, origin="unknown")
        latest = known[-1]
        return Current(cents=float(self._closes[rows[latest]]), origin="close", steps_ago=int(back[latest]))

    def _refuse_empty(self, table: pa.Table, name: str) -> None:
        if table[name].null_count:
            row = pc.index(pc.is_null(table[name]), True).as_py()
            raise self._error(row, f"{name}: is empty")

    def _error(self, row: int, what: str) -> HistoryError:
        return HistoryError(f"{self._file}: {self._unit} {row + self._first_row}: {what}")


def _cents(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Return dollars as cents, [rows], NaN where there is no value or no column."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    dollars = table[name].to_numpy().astype(np.float64)
    cents: NDArray[np.float64] = np.round(dollars * 100, 4)  # 0.57 dollars are 57 cents, not 56.99999999999999
    return cents


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
