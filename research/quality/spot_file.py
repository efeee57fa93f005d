"""The recorded path of an underlying, from a file."""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mesh.errors import InvalidInput
from research.quality.spot import SpotPath

_TIMES: Final = {"ts_us": 1, "end_ts": 1_000_000}
"""Columns of times, and what makes microseconds of them."""
_PRICES: Final = ("close", "price")


def read_spot(path: Path) -> SpotPath:
    """Read a path; of several prices at one time the last row's counts.

    Args:
        path: Parquet with `ts_us` (Unix microseconds) or `end_ts` (Unix seconds, at which a candle ends), and `price`
            or `close`; rows without one of them are none. One underlying: a column `symbol` holds one word throughout.

    Raises:
        InvalidInput: `SPOT_UNREADABLE`: the file cannot be read, lacks a column, has no price or several underlyings.
    """
    try:
        names = pq.read_schema(path).names
        time, price = next(name for name in _TIMES if name in names), next(name for name in _PRICES if name in names)
        table = pq.read_table(path, columns=[time, price, *(("symbol",) if "symbol" in names else ())])
        times, prices = (table.column(name).to_numpy().astype(np.float64) for name in (time, price))
    except StopIteration:
        raise _unreadable(path, f"no column {' or '.join(_TIMES)}, or none {' or '.join(_PRICES)}") from None
    except (OSError, pa.ArrowException, TypeError, ValueError) as error:
        raise _unreadable(path, str(error).partition("\n")[0]) from error
    if "symbol" in names and len(table.column("symbol").unique()) > 1:
        raise _unreadable(path, "it holds several underlyings")
    known = np.isfinite(times) & np.isfinite(prices)
    times, prices = times[known].astype(np.int64) * _TIMES[time], prices[known]
    order = np.argsort(times, kind="stable")
    if not len(order):
        raise _unreadable(path, "it holds no price")
    return SpotPath(times[order], prices[order])


def _unreadable(path: Path, why: str) -> InvalidInput:
    return InvalidInput(f"{path}: {why}", reason="SPOT_UNREADABLE")
