"""Recorded quotes as files: `quotes/<SERIES>/<DAY>/<TIME>-<recorder>-<n>.parquet`, each whole or not there."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa

from mesh.store.naming import QUOTES
from mesh.store.tables import write_table


class QuoteFiles:
    """Writes a file at a time.

    Args:
        root: The data folder.
        recorder: Names who records: two of them may share a folder's copy.
    """

    def __init__(self, root: Path, recorder: str) -> None:
        self._root, self._recorder, self._numbers = root / QUOTES, recorder, count(1)

    def write(self, series: str, rows: pa.Table) -> Path:
        """Write rows of one series, at least one. Raises StoreError, and leaves nothing behind."""
        began: datetime = rows.column("received_time")[0].as_py().astimezone(UTC)
        folder = self._root / series / f"{began:%Y-%m-%d}"
        path = folder / f"{began:%H%M%S.%f}-{self._recorder}-{next(self._numbers):06}.parquet"
        write_table(path, rows)
        return path
