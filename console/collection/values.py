"""Numbers of files as the mesh keeps them: exact micros and hundredths, or a fault that names the row. Pure."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_EARLIEST_SECONDS, _LATEST_SECONDS = 1_420_070_400, 4_102_444_800
"""Years 2015 and 2100, the contract's bounds: milliseconds taken for seconds lie beyond them."""
_TOLERANCE, _SINGLE_TOLERANCE = 1e-3, 0.07
"""In units of the integer: what the rounding of a float of 8 and of 4 bytes may amount to. For prices 1e-9 dollars."""
_MOST = 1e15
"""Above it a float does not tell whole numbers apart to that tolerance."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row."""

    row: int
    """From 1."""
    what: str


class ColumnError(Exception):
    """A column holds something else than it should; one line."""


def exact(table: pa.Table, name: str, factor: int, faults: list[Fault]) -> pa.Array:
    """Read a column as whole numbers of a unit `factor` times finer; absent, null and NaN are null.

    Args:
        table: Of any number of rows.
        name: Of the column; where there is none, all are null.
        factor: 1,000,000 turns dollars into micros, 100 contracts into hundredths.
        faults: Takes a row whose value is no whole number of the finer unit; its value becomes null.

    Returns:
        int64 [rows].

    Raises:
        ColumnError: the column holds no numbers.
    """
    values, tolerance = _floats(table, name)
    if values is None:
        return pa.nulls(table.num_rows, pa.int64())
    known = ~np.isnan(values)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * factor
        whole = np.rint(scaled)
        wrong = known & ~((np.abs(scaled - whole) <= tolerance) & (np.abs(scaled) <= _MOST))
    faults += [
        Fault(int(place) + 1, f"{name}: {float(values[place])!r} is not a whole number of {factor:,}ths")
        for place in np.flatnonzero(wrong)
    ]
    kept = known & ~wrong
    return pa.array(np.where(kept, whole, 0).astype(np.int64), mask=~kept)


def texts(table: pa.Table, name: str) -> pa.Array:
    """Read a column as texts; absent and empty are null. ColumnError if it holds something else."""
    column = typed(table, name)
    if column is None or pa.types.is_null(column.type):
        return pa.nulls(table.num_rows, pa.string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise ColumnError(f"{name}: holds {column.type}, not texts")
    column = column.cast(pa.string())
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def seconds_as_time(table: pa.Table, name: str, per_second: int, faults: list[Fault]) -> pa.Array:
    """Read a column of unix time, `per_second` units a second, as instants; what is none is a fault, and null.

    Returns:
        timestamp[us, UTC] [rows].

    Raises:
        ColumnError: the column holds no whole numbers.
    """
    column = typed(table, name)
    if column is None or not (pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        raise ColumnError(f"{name}: holds {'nothing' if column is None else column.type}, not whole numbers")
    units = column.cast(pa.int64())
    inside = pc.and_(
        pc.greater_equal(units, _EARLIEST_SECONDS * per_second), pc.less(units, _LATEST_SECONDS * per_second)
    )
    return _instants(pc.if_else(inside, units, None), 1_000_000 // per_second, units, name, faults)


def bounded_times(times: pa.Array, name: str, faults: list[Fault]) -> pa.Array:
    """Keep instants between the years 2015 and 2100; others are faults, and null. Gives timestamp[us, UTC] [rows]."""
    units = times.cast(pa.int64())
    low, high = _EARLIEST_SECONDS * 1_000_000, _LATEST_SECONDS * 1_000_000
    inside = pc.and_(pc.greater_equal(units, low), pc.less(units, high))
    return _instants(pc.if_else(inside, units, None), 1, times, name, faults)


def _instants(units: pa.Array, factor: int, given: pa.Array, name: str, faults: list[Fault]) -> pa.Array:
    for place in np.flatnonzero(pc.is_null(units).to_numpy(zero_copy_only=False)):
        value = given[int(place)].as_py()
        what = "is empty" if value is None else f"{value} is no time between the years 2015 and 2100"
        faults.append(Fault(int(place) + 1, f"{name}: {what}"))
    return pc.multiply(units, factor).cast(pa.timestamp("us", tz="UTC"))


def typed(table: pa.Table, name: str) -> pa.Array | None:
    """Return a column in one piece, as what it means: without a dictionary; None where there is none."""
    if name not in table.column_names:
        return None
    column = table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # of no chunks at all
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column


def _floats(table: pa.Table, name: str) -> tuple[NDArray[np.float64] | None, float]:
    column = typed(table, name)
    if column is None or pa.types.is_null(column.type):
        return None, 0.0
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise ColumnError(f"{name}: holds {kind}, not numbers")
    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values, _SINGLE_TOLERANCE if kind == pa.float32() else _TOLERANCE
