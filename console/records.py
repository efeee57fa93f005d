"""Forecasts that a server recorded, read back from its files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from console.recorded import HistoryError
from forecast_server.recorder import SCHEMA, VERSION, VERSION_KEY

_MAKER = ("model", "weights_digest", "precision")
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What decides a forecast besides its inputs."""

    model: str
    weights_digest: str
    precision: str

    def __str__(self) -> str:
        """Say it in short."""
        return f"{self.model}@{self.weights_digest[:12]} ({self.precision})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A recorded forecast."""

    file: Path
    number: int
    """In its file, from 1."""
    market_ticker: str
    series_ticker: str
    input_digest: str
    maker: Maker
    code_version: str
    step: timedelta
    horizon_steps: int
    """Asked."""
    levels: tuple[float, ...]
    closes: NDArray[np.float32]
    """[points], cents, as the model saw them."""
    mean: NDArray[np.float32]
    """[steps], cents; fewer than asked where the market closed earlier."""
    quantiles: NDArray[np.float32]
    """[steps, levels], cents."""


def files_of(paths: Iterable[Path]) -> list[Path]:
    """List the files that paths name, those of a folder in order of time. Raises HistoryError if a folder has none."""
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("[!.]*.parquet")) if path.is_dir() else [path]
        if not found:
            raise HistoryError(f"{path}: holds no recorded forecasts")
        files += found
    return files


def survey(files: Iterable[Path], limit: int | None) -> tuple[dict[Path, int], set[Maker]]:
    """Choose the first `limit` rows: how many of each file, and who made them. Raises HistoryError."""
    chosen: dict[Path, int] = {}
    makers: set[Maker] = set()
    for file in files:
        left = None if limit is None else limit - sum(chosen.values())
        if left == 0:
            break
        table = _read(file, _MAKER).slice(0, left)
        makers |= {Maker(**row) for row in table.group_by(list(_MAKER)).aggregate([]).to_pylist()}
        chosen[file] = table.num_rows
    return chosen, makers


def rows_of(file: Path, count: int) -> list[Row]:
    """Read the first rows of a file. Raises HistoryError naming what is damaged."""
    table = _read(file, SCHEMA.names).slice(0, count)
    arrays = [name for name in SCHEMA.names if name.endswith("_cents")]
    paths = zip(*(_arrays(table[name]) for name in arrays), strict=True)
    rows = []
    for number, (row, (closes, mean, quantiles)) in enumerate(
        zip(table.drop_columns(arrays).to_pylist(), paths, strict=True), start=1
    ):
        horizon, levels, seconds = row["horizon_steps"], tuple(row["quantile_levels"]), row["step_seconds"]
        fits = 0 < len(mean) <= horizon and 0 < len(mean) * len(levels) == len(quantiles)
        known = np.isfinite(np.concatenate((closes, mean, quantiles))).all() and None not in levels
        if not (fits and known and len(closes) and 0 < seconds <= _DAY_SECONDS):
            raise HistoryError(f"{file}: row {number}: is damaged: its numbers do not fit together")
        rows.append(
            Row(
                file=file,
                number=number,
                market_ticker=row["market_ticker"],
                series_ticker=row["series_ticker"],
                input_digest=row["input_digest"],
                maker=Maker(**{name: row[name] for name in _MAKER}),
                code_version=row["code_version"],
                step=timedelta(seconds=seconds),
                horizon_steps=horizon,
                levels=levels,
                closes=closes,
                mean=mean,
                quantiles=quantiles.reshape(len(mean), len(levels)),
            )
        )
    return rows


def _read(file: Path, columns: Sequence[str]) -> pa.Table:
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as opened:
            schema = opened.schema_arrow
            version = (schema.metadata or {}).get(VERSION_KEY)
            if version is None:
                raise HistoryError(f"{file}: is no recording of forecasts")
            if version != VERSION:
                said, known = version.decode(errors="replace"), VERSION.decode()
                raise HistoryError(f"{file}: is a recording of version {said}; this program reads version {known}")
            if not schema.equals(SCHEMA):
                raise HistoryError(f"{file}: is damaged: its columns are not those of a recording")
            return opened.read(columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise HistoryError(f"{file}: cannot be read: {str(error).partition(chr(10))[0]}") from None


def _arrays(column: pa.ChunkedArray) -> list[NDArray[np.float32]]:
    lists = column.combine_chunks()
    values = lists.values.to_numpy(zero_copy_only=False)
    return [values[start:end] for start, end in pairwise(lists.offsets.to_numpy())]
