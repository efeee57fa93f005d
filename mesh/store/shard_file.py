"""The parquet file of a shard: made from a table and its label, and read back for both."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mesh.errors import InvalidInput
from mesh.records import CANDLES, schema_name, schema_version
from mesh.shards import Content, ShardFile
from mesh.store.checks import check_shard
from mesh.store.disk import Digest, digest_in
from mesh.store.errors import Damaged
from mesh.store.label import Label
from mesh.store.parquet import encode, notes, opened
from mesh.types import utc


def shard_bytes(label: Label, table: pa.Table) -> tuple[memoryview, ShardFile]:
    """Make the file of a shard in memory, with what the manifest is to say of it.

    Equal tables under equal labels give equal bytes.

    Raises:
        InvalidInput: `INVALID_DATA`: the rows are not of this shard, or break the order; the text says where.
    """
    try:
        content = memoryview(encode(table, label.notes()))
        flaws = check_shard(table, label.key, label.content)
    except (ValueError, pa.ArrowException) as error:
        raise InvalidInput(f"{label.key}: {error}", reason="INVALID_DATA") from error
    if flaws:
        raise InvalidInput(f"{label.key}: {'; '.join(map(str, flaws))}", reason="INVALID_DATA")
    return content, describe(table, label.content, digest_in(content))


def label_in(path: Path, file: pq.ParquetFile) -> Label:
    """Read what an open file says of itself. Raises Damaged where it does not, or wrongly."""
    try:
        return Label.parse(notes(file))
    except ValueError as error:
        raise Damaged(f"{path}: {error}") from error


def facts_of(path: Path, digest: Digest) -> tuple[Label, ShardFile]:
    """Read what a file says of itself and what its rows show.

    Raises:
        Damaged: It cannot be read, or lacks something.
        WrongSchema: It does not hold candles, or is of a newer version.
    """
    with opened(path, CANDLES) as file:
        label = label_in(path, file)
        rows = file.read(columns=["market_ticker", "end_time"], use_threads=False)
    return label, describe(rows, label.content, digest)


def describe(table: pa.Table, content: Content, digest: Digest) -> ShardFile:
    """Say of a file with these rows what the manifest keeps.

    Args:
        table: At least `market_ticker` and `end_time`.
        content: What the rows hold.
        digest: Of the whole file.
    """
    span = pc.min_max(table.column("end_time"))
    return ShardFile(
        sha256=digest.sha256,
        size_bytes=digest.size_bytes,
        row_count=table.num_rows,
        market_count=len(pc.unique(table.column("market_ticker"))),
        first=utc(span["min"].as_py()) if table.num_rows else None,
        last=utc(span["max"].as_py()) if table.num_rows else None,
        schema=schema_name(CANDLES),
        schema_version=schema_version(CANDLES),
        content=content,
    )
