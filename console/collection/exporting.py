"""One file from many: committed candles of some series as parquet or CSV."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from console.collection.words import plural
from mesh.errors import InvalidInput
from mesh.records import CANDLES, PRICE_COLUMNS
from mesh.shards import Content
from mesh.store.reader import Candles

Format = Literal["parquet", "csv"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    file: Path
    shards: int
    rows: int
    left_out: int
    """Shards of prices alone that were not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which candles."""

    series: Sequence[str]
    step: int
    """Seconds."""
    first: datetime | None = None
    """Earliest candle end, aware."""
    last: datetime | None = None
    """Latest candle end, aware, included."""
    price_only: bool = False
    """Shards of traded prices alone, too; then no shard's quotes are among the columns."""


def export(root: Path, wanted: Wanted, out: Path, kind: Format) -> Exported:
    """Write candles to one new file, sorted by series, event, market and time; it appears when it is complete.

    Raises:
        FileExistsError: there is one of that name.
        InvalidInput: `NOTHING_SELECTED`: not one candle is wanted, so there is no file.
        OSError: it cannot be written.
        MeshError: as `mesh.store.reader.Candles.tables`.
    """
    if out.exists():
        raise FileExistsError(17, "exists, and is not overwritten", str(out))
    candles = Candles(root)
    columns = list(PRICE_COLUMNS) if wanted.price_only else CANDLES.names
    schema = pa.schema([CANDLES.field(name) for name in columns], metadata=CANDLES.metadata)
    temporary = out.with_name(f".{out.name}.tmp")
    shards = rows = left_out = 0
    try:
        with _writer(temporary, schema, kind) as writer:
            for series in sorted(set(wanted.series)):
                if not wanted.price_only:
                    left_out += len(candles.shards(series, step_seconds=wanted.step, content=Content.PRICES))
                for _, table in candles.tables(
                    series,
                    step_seconds=wanted.step,
                    first=wanted.first,
                    last=wanted.last,
                    columns=columns,
                    executable_only=not wanted.price_only,
                ):
                    if table.num_rows:
                        writer.write_table(table)
                        shards, rows = shards + 1, rows + table.num_rows
        if not rows:
            raise InvalidInput(_why_nothing(wanted, left_out), reason="NOTHING_SELECTED")
        temporary.rename(out)
    finally:
        temporary.unlink(missing_ok=True)
    return Exported(out, shards, rows, left_out)


def _why_nothing(wanted: Wanted, left_out: int) -> str:
    what = f"nothing was written: no candles of {', '.join(sorted(set(wanted.series)))} are selected"
    if wanted.first or wanted.last:
        bounds = ("from", wanted.first), ("to", wanted.last)
        what += "".join(f" {word} {time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for word, time in bounds if time)
    if left_out:
        what += f"; {plural(left_out, 'shard')} of traded prices alone left out, --price-only has them, too"
    return what


def _writer(file: Path, schema: pa.Schema, kind: Format) -> AbstractContextManager[pq.ParquetWriter | pacsv.CSVWriter]:
    writer: AbstractContextManager[pq.ParquetWriter | pacsv.CSVWriter]
    if kind == "csv":
        writer = pacsv.CSVWriter(file, schema)
    else:
        writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)
    return writer
