"""The predecessor's files: one per event, `<SERIES>/<EVENT>.parquet`, prices in cents, no quotes.

Columns: `timestamp` (end of the candle), `ticker` (of the market), `price_open, price_high, price_low, price_close,
price_mean` (cents, empty without a trade), `volume, open_interest` (contracts).
"""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from console.collection.recorded import shaped
from console.collection.values import (
    ColumnError,
    Fault,
    bounded_times,
    exact,
    seconds_as_time,
    texts,
    typed,
)
from console.collection.words import plain, plural
from mesh.records import CANDLES
from mesh.types import CENT

COLUMNS = frozenset(("timestamp", "ticker", "price_close"))
"""By these a file is known."""
_CONTRACTS = 100
_GRIDS = (3600, 60)
_PRICES = tuple(f"price_{moment}_micros" for moment in ("open", "high", "low", "close", "mean"))


@dataclass(frozen=True, slots=True)
class Event:
    """One file's candles."""

    table: pa.Table
    """Schema `mesh.records.CANDLES`; null where a value could not be read."""
    faults: list[Fault]
    notes: list[str]
    """What was read in a way that people should know of; nothing is lost by it."""


def candles_of(table: pa.Table, file: Path, *, step: int | None, zone: ZoneInfo) -> Event:
    """Turn a file's rows into the mesh's candles; they keep their places.

    Args:
        table: As read.
        file: Where from: the last two parts of its path are series and event.
        step: Seconds of a candle; None tells it by the times, which are all on one grid.
        zone: Of times that do not name theirs.

    Raises:
        ColumnError: a column holds something else than it should, a row is of another event, or the times are on no
            grid; one line.
    """
    series, event = file.absolute().parent.name, file.stem
    if not event.startswith(f"{series}-"):
        raise ColumnError(f"its path does not end in <SERIES>/<EVENT>.parquet, but in {series}/{file.name}")
    faults: list[Fault] = []
    notes: list[str] = []
    rows = table.num_rows
    ends = _times(table, zone, faults, notes)
    markets = texts(table, "ticker")
    faults += [Fault(place + 1, "ticker: is empty") for place in pc.indices_nonzero(pc.is_null(markets)).to_pylist()]
    _check_event(markets, event)
    columns = {
        "series_ticker": pa.array([series] * rows, pa.string()),
        "event_ticker": pa.array([event] * rows, pa.string()),
        "market_ticker": markets,
        "end_time": ends,
        "step_seconds": pa.array([step or _grid(ends)] * rows, pa.int32()),
        "volume_hundredths": exact(table, "volume", _CONTRACTS, faults),
        "open_interest_hundredths": exact(table, "open_interest", _CONTRACTS, faults),
    }
    columns |= {name: exact(table, name.removesuffix("_micros"), CENT, faults) for name in _PRICES[:-1]}
    columns["price_mean_micros"] = _mean(table, notes)
    return Event(_without_zeros(shaped(columns, CANDLES, rows), notes), faults, notes)


def _check_event(markets: pa.Array, event: str) -> None:
    """Refuse rows of another event: the file has another's name, or two were mixed, and no row can be trusted."""
    own = pc.or_(pc.equal(markets, event), pc.starts_with(markets, f"{event}-"))
    strange = pc.indices_nonzero(pc.invert(own)).to_pylist()
    if strange:
        others = f", nor are {plural(len(strange) - 1, 'row')} more" if len(strange) > 1 else ""
        named = plain(markets[strange[0]].as_py())[:100]
        raise ColumnError(f"ticker: row {strange[0] + 1}, {named}, is no market of {event}{others}")


def _times(table: pa.Table, zone: ZoneInfo, faults: list[Fault], notes: list[str]) -> pa.Array:
    """Read `timestamp`: unix seconds, or instants with or without a zone, or the same as text."""
    column = typed(table, "timestamp")
    kind = None if column is None else column.type
    if column is None or pa.types.is_integer(kind):
        return seconds_as_time(table, "timestamp", 1, faults)
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            try:
                column = column.cast(pa.timestamp("us", tz="UTC"))
            except pa.ArrowInvalid:
                column = column.cast(pa.timestamp("us"))
        elif not pa.types.is_timestamp(kind):
            raise ColumnError(f"timestamp: holds {kind}, not times")
        if column.type.tz is None:
            notes.append(f"times without a zone are taken for {zone.key} (--zone)")
            column = pc.assume_timezone(column, zone.key)
        return bounded_times(column.cast(pa.timestamp("us", tz="UTC")), "timestamp", faults)
    except pa.ArrowInvalid as error:
        raise ColumnError(f"timestamp: {str(error).partition(chr(10))[0]}") from None


def _grid(ends: pa.Array) -> int:
    """Tell the step by the times: the widest grid that they are all on."""
    seconds = pc.divide(ends.drop_null().cast(pa.int64()), 1_000_000)
    for step in _GRIDS:
        if pc.all(pc.equal(pc.multiply(pc.divide(seconds, step), step), seconds)).as_py() is not False:
            return step
    raise ColumnError("timestamp: on no grid of 60 or 3,600 seconds; name the step with --step")


def _mean(table: pa.Table, notes: list[str]) -> pa.Array:
    """Read the mean, which the predecessor may have computed: what is no exact amount is left out."""
    inexact: list[Fault] = []
    mean = exact(table, "price_mean", CENT, inexact)
    if inexact:
        notes.append(f"price_mean of {plural(len(inexact), 'row')} left out: no whole millionths of a dollar")
    return mean


def _without_zeros(table: pa.Table, notes: list[str]) -> pa.Table:
    """Make the prices of rows without a trade null where the file says zero: nothing trades at zero."""
    traded = pc.greater(pc.fill_null(table.column("volume_hundredths"), 0), 0)
    zeros = [pc.fill_null(pc.equal(table.column(name), 0), True) for name in _PRICES]
    empty, told = pc.invert(traded), pc.is_valid(table.column("price_close_micros"))
    for zero in zeros:
        empty = pc.and_(empty, zero)
    number = pc.sum(pc.and_(empty, told)).as_py() or 0
    if not number:
        return table
    notes.append(
        f"{plural(number, 'row')} without a trade {'says' if number == 1 else 'say'} that the price is 0, which is none"
    )
    for name in _PRICES:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pc.if_else(empty, None, table.column(name)))
    return table
