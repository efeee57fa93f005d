"""Committed candles for research and for people, from a folder that others may be writing.

Visible files are committed and only ever replaced whole, so this needs no lock, no catalog and no coordinator. Whatever
else reads parquet gives the same rows: `candles/60m/KXHIGHNY/*.parquet` in DuckDB or pandas.

There is no compaction in place: the manifest names each file by its hash, and a file that holds several shards could be
neither fenced nor proved. Many small files are joined by an export, which is a copy.
"""

import itertools
import os
from collections.abc import Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mesh.errors import InvalidInput, NotFound
from mesh.records import CANDLES, QUOTE_COLUMNS
from mesh.shards import Content, ShardKey
from mesh.store.label import Label
from mesh.store.listing import shard_files
from mesh.store.naming import visible
from mesh.store.parquet import opened
from mesh.store.shard_file import label_in
from mesh.types import utc

_AT_ONCE = 64  # files read ahead of who takes them


class Candles:
    """The committed candles in a data folder, read only."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def shards(
        self,
        series: str | None = None,
        *,
        step_seconds: int | None = None,
        events: Collection[str] | None = None,
        content: Content | None = None,
    ) -> list[ShardKey]:
        """List committed shards, by step, series and event; None is no condition.

        Filtering by content opens every file; by the rest opens none.
        """
        keys = shard_files(self.root, series=series, step_seconds=step_seconds)
        found = [key for key in keys if events is None or key.event in events]
        return [key for key in found if content is None or self.label(key).content is content]

    def label(self, key: ShardKey) -> Label:
        """Read what a shard's file says of itself: content, how far it was collected, holes. Raises as `read`."""
        with opened(self._path(key), CANDLES) as file:
            return label_in(self._path(key), file)

    def read(
        self,
        series: str,
        *,
        step_seconds: int,
        events: Collection[str] | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        columns: Sequence[str] | None = None,
        executable_only: bool = False,
    ) -> pa.Table:
        """Read candles of a series as one table, by event, market and end.

        Args:
            series: Ticker.
            step_seconds: Length of a candle: 60, 3600 or 86400.
            events: Tickers; None is all that are here.
            first: Earliest candle end, aware; None is no bound.
            last: Latest candle end, aware, included; None is no bound.
            columns: Of `mesh.records.CANDLES`, in this order; None is all.
            executable_only: Leaves out shards of prices alone.

        Raises:
            NotFound: `SHARD_NOT_COMMITTED`: an event that was named is not here, or nothing of the series.
            InvalidInput: `PRICES_ALONE`: quotes are among the columns, and a shard has none to give;
                `INVALID_REQUEST`: a column that is none, or a time without a zone.
            Damaged: A file cannot be read; the text names it.
            WrongSchema: A file is of a newer version; the text names it and both versions.
            StoreError: `FILE_MISSING`: it was set aside since it was listed; `DISK_FAILED`.
        """
        tables = self.tables(
            series,
            step_seconds=step_seconds,
            events=events,
            first=first,
            last=last,
            columns=columns,
            executable_only=executable_only,
        )
        return pa.concat_tables([_schema(columns).empty_table(), *(table for _, table in tables)])

    def tables(
        self,
        series: str,
        *,
        step_seconds: int,
        events: Collection[str] | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        columns: Sequence[str] | None = None,
        executable_only: bool = False,
    ) -> Generator[tuple[ShardKey, pa.Table], None, None]:
        """Give the same shard by shard, for more than fits into memory; a shard without such rows gives no rows."""
        query = _Query(columns, first, last, executable_only=executable_only)
        keys = iter(self._chosen(series, step_seconds, events))
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="candles") as pool:
            while chunk := list(itertools.islice(keys, _AT_ONCE)):
                for key, table in zip(chunk, pool.map(lambda key: query.read(self._path(key)), chunk), strict=True):
                    if table is not None:
                        yield key, table

    def _chosen(self, series: str, step_seconds: int, events: Collection[str] | None) -> list[ShardKey]:
        found = self.shards(series, step_seconds=step_seconds, events=events)
        lacking = set(events or ()) - {key.event for key in found}
        if lacking or (not found and events is None):
            what = ", ".join(sorted(lacking)) or series
            raise NotFound(f"{self.root}: no candles of {step_seconds} s of {what}", reason="SHARD_NOT_COMMITTED")
        return found

    def _path(self, key: ShardKey) -> Path:
        return visible(self.root, key)


class _Query:
    """Which rows and columns of each file."""

    def __init__(
        self,
        columns: Sequence[str] | None,
        first: datetime | None,
        last: datetime | None,
        *,
        executable_only: bool,
    ) -> None:
        self._schema = _schema(columns)
        self._names = self._schema.names
        self._quotes = not set(QUOTE_COLUMNS).isdisjoint(self._names)
        self._executable_only = executable_only
        try:
            self._first, self._last = (None if bound is None else utc(bound) for bound in (first, last))
        except ValueError as error:
            raise InvalidInput(str(error)) from error

    def read(self, path: Path) -> pa.Table | None:
        """Read one file; None where it is to be left out."""
        with opened(path, CANDLES) as file:
            label = label_in(path, file)
            if label.content is Content.PRICES and self._executable_only:
                return None
            if label.content is Content.PRICES and self._quotes:
                raise InvalidInput(
                    f"{path}: prices alone, no quotes: leave it out (executable_only) or ask for the columns of trades "
                    "alone (mesh.records.PRICE_COLUMNS)",
                    reason="PRICES_ALONE",
                )
            return self._rows(file)

    def _rows(self, file: pq.ParquetFile) -> pa.Table:
        bounded = self._first is not None or self._last is not None
        names = list({*self._names, "end_time"}) if bounded else self._names
        groups = [number for number in range(file.num_row_groups) if self._may_hold(file.metadata.row_group(number))]
        table = file.read_row_groups(groups, columns=names, use_threads=False)
        if self._first is not None:
            table = table.filter(pc.greater_equal(table.column("end_time"), _scalar(self._first)))
        if self._last is not None:
            table = table.filter(pc.less_equal(table.column("end_time"), _scalar(self._last)))
        return pa.Table.from_arrays(table.select(self._names).columns, schema=self._schema)

    def _may_hold(self, group: pq.RowGroupMetaData) -> bool:
        known = group.column(CANDLES.get_field_index("end_time")).statistics
        if known is None or not known.has_min_max:
            return True
        return (self._first is None or known.max >= self._first) and (self._last is None or known.min <= self._last)


def _schema(columns: Sequence[str] | None) -> pa.Schema:
    names = CANDLES.names if columns is None else list(columns)
    strange = [name for name in names if name not in CANDLES.names]
    if strange or not names or len(set(names)) < len(names):
        raise InvalidInput(f"not columns of candles, each once: {', '.join(strange or names) or 'none'}")
    return pa.schema([CANDLES.field(name) for name in names], metadata=CANDLES.metadata)


def _scalar(instant: datetime) -> pa.Scalar:
    return pa.scalar(instant, CANDLES.field("end_time").type)
