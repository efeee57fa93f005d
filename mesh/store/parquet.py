"""Tables as parquet files: zstd, sorted, with statistics and page checksums; read back only if the schema is known."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mesh.records import NAME, SCHEMAS, VERSION, schema_name, schema_order, schema_version
from mesh.store.errors import Damaged, WrongSchema, disk_errors

ROW_GROUP = 131_072
"""Rows of a group: large enough to compress, small enough to skip when one market or day is asked for."""
_LEVEL = 1  # zstd; level 3 is a tenth smaller and a fifth slower


def encode(table: pa.Table, notes: Mapping[str, str] | None = None) -> pa.Buffer:
    """Write a table of one of the schemas in `mesh.records` to memory; equal tables and notes give equal bytes.

    Args:
        table: With the columns of a known schema, sorted as it says; see `mesh.store.checks`.
        notes: What else the file says of itself, kept in its footer.

    Raises:
        ValueError: The columns are not those of the schema that the table names, or a required one has nulls.
    """
    schema = known(table.schema)
    missing = [field.name for field in schema if not field.nullable and table.column(field.name).null_count]
    if missing:
        raise ValueError(f"{schema_name(schema)}: null in {', '.join(missing)}")
    order = [(name, "ascending") for name in schema_order(schema)]
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=_LEVEL,
        sorting_columns=pq.SortingColumn.from_ordering(schema, order),
        write_page_checksum=True,
        write_page_index=True,
    ) as writer:
        writer.write_table(table.cast(schema), row_group_size=ROW_GROUP)
        writer.add_key_value_metadata(dict(notes or {}))
    return sink.getvalue()


def known(schema: pa.Schema) -> pa.Schema:
    """Return the schema of `mesh.records` that this one says it is. ValueError where it is none or differs."""
    name = (schema.metadata or {}).get(NAME.encode(), b"").decode()
    ours = SCHEMAS.get(name)
    if ours is None:
        raise ValueError(f"a table without a schema of the mesh: {name or 'no name'}")
    if schema.names != ours.names or schema.types != ours.types:
        differing = [
            str(field)
            for field in ours
            if field.name not in schema.names or schema.field(field.name).type != field.type
        ]
        raise ValueError(f"not the columns of {name}: {', '.join(differing) or 'others than it has, or another order'}")
    return ours


@contextlib.contextmanager
def opened(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """Open a file of a schema; what is read inside the context is of one state of the file, whatever replaces it.

    Args:
        path: The file.
        schema: One of `mesh.records`.

    Raises:
        Damaged: It is not a parquet file, or a page does not match its checksum; also while reading.
        WrongSchema: It is one, of another schema or of a newer version.
        StoreError: The disk refuses.
    """
    with disk_errors(), pa.OSFile(str(path)) as source, parsed(source, path, schema) as file:
        yield file


@contextlib.contextmanager
def parsed(source: pa.NativeFile, path: Path, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """Read an open file as `opened` does; `path` is for texts."""
    try:
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            _check_schema(path, file, schema)
            yield file
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise Damaged(f"{path}: {error}") from error
    except OSError as error:
        if error.errno is None:  # arrow's own: a page that does not match its checksum, or ends early
            raise Damaged(f"{path}: {error}") from error
        raise


def notes(file: pq.ParquetFile) -> dict[str, str]:
    """Return what an open file says of itself."""
    return {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}


def read(path: Path, schema: pa.Schema) -> pa.Table:
    """Read a whole file of a schema. Raises as `opened`."""
    with opened(path, schema) as file:
        table: pa.Table = file.read(use_threads=False)
    return table.replace_schema_metadata(schema.metadata)


def _check_schema(path: Path, file: pq.ParquetFile, schema: pa.Schema) -> None:
    said = notes(file)
    name, ours = schema_name(schema), schema_version(schema)
    if said.get(NAME) != name:
        raise WrongSchema(f"{path}: holds {said.get(NAME, 'no schema of the mesh')}, not {name}")
    version = said.get(VERSION, "")
    if not version.isdecimal() or int(version) != ours:
        raise WrongSchema(f"{path}: {name} version {version or 'unknown'}; this software reads version {ours}")
    if file.schema_arrow.names != schema.names or file.schema_arrow.types != schema.types:
        raise Damaged(f"{path}: its columns are not those of {name} version {ours}")
