"""What a file is, told by its columns."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from console.collection import predecessor, recorded
from console.collection.values import ColumnError
from mesh.records import NAME

_OTHERS = {"ts_us", "recv_ts_us", "secs_left"}
"""Columns of recorded quotes, books and selections of quotes."""


class Kind(Enum):
    """What a file holds."""

    MARKETS = "recorded markets"
    CANDLES = "recorded candles"
    PREDECESSOR = "the predecessor's candles"
    TRADES = "recorded trades"


_COLUMNS = {
    Kind.MARKETS: recorded.MARKET_COLUMNS,
    Kind.CANDLES: recorded.CANDLE_COLUMNS,
    Kind.TRADES: recorded.TRADE_COLUMNS,
    Kind.PREDECESSOR: predecessor.COLUMNS,
}


class NotImported(Exception):
    """A file that is sound, and no business of an import; one line says what it is."""


def files_below(path: Path) -> Iterator[Path]:
    """Give every file below a folder, in order of their names, or the one that the path is."""
    yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def kind_of(file: Path) -> Kind:
    """Tell what a file is.

    Raises:
        NotImported: it is of a known kind that is not imported.
        ColumnError: it cannot be read, or its columns are of no known kind; one line.
    """
    if file.suffix != ".parquet" or file.name.startswith("."):
        raise NotImported("not a visible parquet file")
    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise ColumnError(f"cannot be read: {first_line(error)}") from None
    names = set(schema.names)
    if NAME.encode() in (schema.metadata or {}):
        raise NotImported("a file of the mesh's own store, which nodes fetch from each other")
    for kind, columns in _COLUMNS.items():
        if columns <= names:
            return kind
    if names & _OTHERS:
        raise NotImported("quotes or order books, for which there is no import")
    has = ", ".join(schema.names[:8]) + (", ..." if len(names) > 8 else "")  # noqa: PLR2004  a line's worth
    raise ColumnError(f"neither candles, markets nor trades: its columns are {has or 'none'}")


def first_line(error: Exception) -> str:
    """Say what went wrong without what follows."""
    return str(error).partition("\n")[0]
