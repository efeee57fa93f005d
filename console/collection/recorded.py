"""Recorded files: candles, markets and trades of a series, one file each, prices in dollars.

Candles: `series_ticker, event_ticker, market_ticker`, `period_interval_minutes`, `end_period_ts` (unix seconds), and of
`price_`, `yes_bid_` and `yes_ask_` the `open, high, low, close` that were recorded; `volume`, `open_interest` in
contracts. There a bid of 0 and an ask of 1 say that nobody is there; here that is null.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from console.collection.values import ColumnError, Fault, bounded_times, exact, seconds_as_time, texts
from mesh.records import CANDLES, MARKETS, TRADES
from mesh.types import DOLLAR

CANDLE_COLUMNS = frozenset(
    ("series_ticker", "event_ticker", "market_ticker", "period_interval_minutes", "end_period_ts", "price_close")
)
"""By these a file of candles is known."""
MARKET_COLUMNS = frozenset(
    ("series_ticker", "event_ticker", "market_ticker", "strike_type", "floor_strike", "cap_strike", "result")
)
TRADE_COLUMNS = frozenset(
    ("series_ticker", "event_ticker", "market_ticker", "created_ts_us", "yes_price", "count", "taker_side")
)
_TICKERS = ("series_ticker", "event_ticker", "market_ticker")
_CONTRACTS = 100
_DAY_MINUTES = 1440
_BOOK_SIDE = {"yes": "bid", "no": "ask"}
_MARKET_TIMES = {"open_time": "open_time", "close_time": "close_time", "expiration_time": "latest_expiration_time"}
_MARKET_TEXTS = {
    "title": "event_title", "subtitle": "yes_sub_title", "strike_type": "strike_type", "status": "status",
    "result": "result", "result_inferred": "result_inferred", "expiration_value": "expiration_value",
}  # fmt: skip


def candles_of(table: pa.Table) -> tuple[pa.Table, list[Fault]]:
    """Turn recorded candles into the mesh's; rows keep their places.

    Returns:
        Schema `mesh.records.CANDLES`, null where a value could not be read; and those values as faults.

    Raises:
        ColumnError: a column holds something else than it should.
    """
    faults: list[Fault] = []
    minutes = exact(table, "period_interval_minutes", 1, faults)
    possible = pc.and_(pc.greater(minutes, 0), pc.less_equal(minutes, _DAY_MINUTES))
    seconds = pc.multiply(pc.if_else(possible, minutes, None), 60).cast(pa.int32())
    columns: dict[str, pa.Array] = {name: _required_text(table, name, faults) for name in _TICKERS}
    columns |= {"end_time": seconds_as_time(table, "end_period_ts", 1, faults), "step_seconds": seconds}
    for moment in ("open", "high", "low", "close"):
        columns[f"price_{moment}_micros"] = exact(table, f"price_{moment}", DOLLAR, faults)
        for side, nobody in (("yes_bid", 0), ("yes_ask", DOLLAR)):
            price = exact(table, f"{side}_{moment}", DOLLAR, faults)
            columns[f"{side}_{moment}_micros"] = pc.if_else(pc.equal(price, nobody), None, price)
    columns["volume_hundredths"] = exact(table, "volume", _CONTRACTS, faults)
    columns["open_interest_hundredths"] = exact(table, "open_interest", _CONTRACTS, faults)
    return shaped(columns, CANDLES, table.num_rows), faults


def markets_of(table: pa.Table) -> tuple[pa.Table, list[Fault]]:
    """Turn recorded markets into the mesh's; rows keep their places.

    Returns:
        Schema `mesh.records.MARKETS`, null where a value could not be read; and those values as faults.

    Raises:
        ColumnError: a column holds something else than it should.
    """
    faults: list[Fault] = []
    columns: dict[str, pa.Array] = {name: _required_text(table, name, faults) for name in _TICKERS}
    columns |= {ours: texts(table, theirs) for theirs, ours in _MARKET_TEXTS.items()}
    columns |= {ours: _iso_times(table, theirs, faults) for theirs, ours in _MARKET_TIMES.items()}
    for name in ("floor_strike", "cap_strike"):
        column = table.column(name).cast(pa.float64()).combine_chunks()
        columns[name] = pc.if_else(pc.is_nan(column), None, column)
    columns["settlement_value_micros"] = exact(table, "settlement_value", DOLLAR, faults)
    columns["volume_hundredths"] = exact(table, "volume", _CONTRACTS, faults)
    columns["open_interest_hundredths"] = exact(table, "open_interest", _CONTRACTS, faults)
    return shaped(columns, MARKETS, table.num_rows), faults


def trades_of(table: pa.Table) -> tuple[pa.Table, list[Fault]]:
    """Turn recorded trades into the mesh's; rows keep their places.

    Returns:
        Schema `mesh.records.TRADES`, null where a value could not be read; and those values as faults.

    Raises:
        ColumnError: a column holds something else than it should.
    """
    faults: list[Fault] = []
    columns: dict[str, pa.Array] = {name: _required_text(table, name, faults) for name in _TICKERS}
    columns["created_time"] = seconds_as_time(table, "created_ts_us", 1_000_000, faults)
    columns["yes_price_micros"] = _required(exact(table, "yes_price", DOLLAR, faults), "yes_price", faults)
    columns["count_hundredths"] = _required(exact(table, "count", _CONTRACTS, faults), "count", faults)
    taker = texts(table, "taker_side")
    keys, values = pa.array(list(_BOOK_SIDE)), pa.array(list(_BOOK_SIDE.values()))
    columns["taker_book_side"] = values.take(pc.index_in(taker, value_set=keys))
    _unknown(taker, columns["taker_book_side"], "taker_side", faults)
    return shaped(columns, TRADES, table.num_rows), faults


def shaped(columns: Mapping[str, pa.Array], schema: pa.Schema, rows: int) -> pa.Table:
    """Put columns into a schema's order; what is not given is null. Null is let through where a fault tells of it."""
    arrays = [
        columns[field.name].cast(field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, names=schema.names).replace_schema_metadata(schema.metadata)


def _required_text(table: pa.Table, name: str, faults: list[Fault]) -> pa.Array:
    return _required(texts(table, name), name, faults)


def _required(column: pa.Array, name: str, faults: list[Fault]) -> pa.Array:
    told = {fault.row for fault in faults if fault.what.startswith(f"{name}:")}
    places = pc.indices_nonzero(pc.is_null(column)).to_pylist()
    faults.extend(Fault(place + 1, f"{name}: is empty") for place in places if place + 1 not in told)
    return column


def _unknown(given: pa.Array, read: pa.Array, name: str, faults: list[Fault]) -> None:
    lost = pc.and_(pc.is_valid(given), pc.is_null(read))
    faults += [
        Fault(place + 1, f"{name}: {given[place].as_py()[:40]!r} is not known")
        for place in pc.indices_nonzero(lost).to_pylist()
    ]


def _iso_times(table: pa.Table, name: str, faults: list[Fault]) -> pa.Array:
    """Read times written as `2026-03-10T04:59:00Z`; null stays null."""
    said = texts(table, name)
    try:
        times = pc.cast(said, pa.timestamp("us", tz="UTC"))
    except pa.ArrowInvalid as error:
        raise ColumnError(f"{name}: {str(error).partition(chr(10))[0]}") from None
    missing: list[Fault] = []
    bounded = bounded_times(times, name, missing)
    faults.extend(fault for fault in missing if said[fault.row - 1].is_valid)
    return bounded
