"""Tables that no lease covers: markets as listed, trades, recorded quotes. Replaced whole, by whoever makes them."""

import secrets
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from mesh.errors import InvalidInput
from mesh.store.disk import make_folder, move, write_new
from mesh.store.errors import disk_errors
from mesh.store.parquet import encode, known, read


def write_table(path: Path, table: pa.Table, notes: Mapping[str, str] | None = None) -> None:
    """Write a table of one of the schemas of `mesh.records`, in place of the file before; needs no hold on the folder.

    Args:
        path: Such as `naming.markets(root, series)`.
        table: Its schema names it.
        notes: What else the file says of itself.

    Raises:
        InvalidInput: `INVALID_DATA`: not the columns of its schema, or null where there must be a value.
        StoreError: The disk refuses; the file before stays.
    """
    try:
        content = memoryview(encode(table, notes))
    except (ValueError, pa.ArrowException) as error:
        raise InvalidInput(f"{path}: {error}", reason="INVALID_DATA") from error
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with disk_errors():
        make_folder(path.parent)
        write_new(temporary, content)
        try:
            move(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """Read it back.

    Args:
        path: The file.
        schema: One of `mesh.records`.

    Raises:
        Damaged: It cannot be read; the text names it.
        WrongSchema: It is of another schema, or of another version than this software reads.
        StoreError: `FILE_MISSING`, `DISK_FAILED`.
    """
    return read(path, known(schema))
