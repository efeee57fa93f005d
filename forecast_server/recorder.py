"""Recording: forecasts with all they were made of, in parquet files, to be made again with `foremesh replay`.

Opt-in, for diagnosis, and never in the way: answers do not wait for the disk. Rows wait in bounded memory while a
thread writes; where the disk is slower than the forecasts, or full, rows are dropped, counted and logged. A process
that is killed loses the rows of its last seconds; an orderly stop loses none.
"""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from forecast_server.models.base import ModelFacts
from forecast_server.types import FLOAT32, Forecast, Question
from mesh import log
from mesh.config import ConfigError
from mesh.files import locked, os_errors_as, replace_files

VERSION_KEY, VERSION = b"foremesh.recording", b"1"
"""Metadata of every file, and the version of SCHEMA that it holds."""
SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),  # when the forecast was made
        pa.field("scan_id", pa.string(), nullable=False),
        pa.field("market_ticker", pa.string(), nullable=False),
        pa.field("series_ticker", pa.string(), nullable=False),
        pa.field("input_digest", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("weights_digest", pa.string(), nullable=False),
        pa.field("code_version", pa.string(), nullable=False),
        pa.field("device", pa.string(), nullable=False),
        pa.field("precision", pa.string(), nullable=False),
        pa.field("compile_mode", pa.string(), nullable=False),
        pa.field("step_seconds", pa.float64(), nullable=False),
        pa.field("horizon_steps", pa.int32(), nullable=False),  # asked; the paths end at the market's close
        pa.field("quantile_levels", pa.list_(pa.float64()), nullable=False),
        pa.field("closes_cents", pa.list_(pa.float32()), nullable=False),  # as the model saw them: filled and cut
        pa.field("mean_cents", pa.list_(pa.float32()), nullable=False),  # [steps]
        pa.field("quantiles_cents", pa.list_(pa.float32()), nullable=False),  # [steps, levels], row-major
    ],
    metadata={VERSION_KEY: VERSION},
)

_FLUSH_ROWS = 4096
_FLUSH_BYTES = 16 << 20
_FLUSH_SECONDS = 30.0
_MOST_BYTES = 64 << 20
_ROW_BYTES = 1000
"""What a row takes beside its numbers."""
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Part:
    """Forecasts of one scan, made together."""

    made: datetime
    scan_id: str
    question: Question
    facts: ModelFacts
    forecasts: Sequence[Forecast]


class Recorder:
    """Takes rows and has them written. Make it with `recording`; it belongs to the event loop."""

    def __init__(
        self,
        write: Callable[[list[_Part]], None] | None,
        *,
        flush_rows: int,
        flush_seconds: float,
        most_bytes: int,
    ) -> None:
        self.recorded = 0
        """Rows on disk."""
        self.dropped = 0
        """Rows lost to a disk that was too slow, or full."""
        self._write = write
        self._flush_rows, self._flush_seconds, self._most_bytes = flush_rows, flush_seconds, most_bytes
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._parts: list[_Part] = []
        self._rows = self._bytes = self._held_bytes = 0
        self._writing: set[asyncio.Future[None]] = set()
        self._dropping = False

    def add(
        self, made: datetime, scan_id: str, question: Question, facts: ModelFacts, forecasts: Sequence[Forecast]
    ) -> None:
        """Record forecasts of one scan, made together; keeps what it is given until it is written.

        Args:
            made: When, aware UTC.
            scan_id: Empty outside of scans.
            question: What the scan asks.
            facts: Of the model that made them.
            forecasts: As they are answered, which nobody changes any more.
        """
        if self._write is None or not forecasts:
            return
        size = sum(_ROW_BYTES + one.ready.series.nbytes + one.mean.nbytes + one.quantiles.nbytes for one in forecasts)
        if self._held_bytes + size > self._most_bytes:
            self._drop(len(forecasts), "the disk is slower than the forecasts")
            return
        self._parts.append(_Part(made, scan_id, question, facts, forecasts))
        self._rows += len(forecasts)
        self._bytes += size
        self._held_bytes += size
        if self._rows >= self._flush_rows or self._bytes >= _FLUSH_BYTES:
            self._flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(self._flush_seconds, self._flush)

    async def close(self) -> None:
        """Write what is left and wait until all is written."""
        self._flush()
        self._write = None
        if self._writing:
            await asyncio.wait(self._writing)
        self._thread.shutdown(wait=False)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._write is None or not self._parts:
            return
        writing = self._loop.run_in_executor(self._thread, self._write, self._parts)
        self._writing.add(writing)
        writing.add_done_callback(partial(self._written, self._rows, self._bytes))
        self._parts, self._rows, self._bytes = [], 0, 0

    def _written(self, rows: int, size: int, writing: "asyncio.Future[None]") -> None:
        self._writing.discard(writing)
        self._held_bytes -= size
        error = writing.exception()
        if error is not None:  # whatever it is: answers matter more than records of them
            self._drop(rows, f"{type(error).__name__}: {error}")
            return
        self.recorded += rows
        if self._dropping:
            self._dropping = False
            _log.warning("recording goes on", dropped_rows=self.dropped)

    def _drop(self, rows: int, reason: str) -> None:
        self.dropped += rows
        if not self._dropping:
            self._dropping = True
            _log.warning("forecasts are not recorded", reason=reason, rows=rows)


@asynccontextmanager
async def recording(
    folder: Path | None,
    *,
    code_version: str,
    flush_rows: int = _FLUSH_ROWS,
    flush_seconds: float = _FLUSH_SECONDS,
    most_bytes: int = _MOST_BYTES,
) -> AsyncIterator[Recorder]:
    """Record into a folder while the context lasts.

    Args:
        folder: Made if it is not there, for its owner only; None records nothing.
        code_version: Version of foremesh, for every row.
        flush_rows: Rows after which a file is written.
        flush_seconds: Longest that a row waits for more.
        most_bytes: Memory for rows that wait or are being written.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    write = None
    if folder is not None:
        await asyncio.to_thread(_prepare, folder)
        write = _Files(folder, code_version).write
    recorder = Recorder(write, flush_rows=flush_rows, flush_seconds=flush_seconds, most_bytes=most_bytes)
    try:
        yield recorder
    finally:
        await recorder.close()


@os_errors_as(ConfigError)
def _prepare(folder: Path) -> None:
    """Make the folder, and find out now whether files can be made in it."""
    folder.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
    trial = folder / f".{secrets.token_hex(8)}.tmp"
    with locked(folder):
        replace_files([(trial, b"", _PRIVATE_FILE)])
        trial.unlink()


class _Files:
    """Writes a file at a time, each complete or not there; names sort by time and are not used twice."""

    def __init__(self, folder: Path, code_version: str) -> None:
        self._folder, self._code_version = folder, code_version
        self._process, self._numbers = secrets.token_hex(4), itertools.count()

    def write(self, parts: list[_Part]) -> None:
        """Write parts into a new file. Raises OSError."""
        buffer = pa.BufferOutputStream()
        pq.write_table(_table(parts, self._code_version), buffer, compression="zstd", write_page_checksum=True)
        began = parts[0].made.astimezone(UTC)
        name = f"{began:%Y%m%dT%H%M%S.%fZ}-{self._process}-{next(self._numbers):06}.parquet"
        with locked(self._folder):
            replace_files([(self._folder / name, buffer.getvalue().to_pybytes(), _PRIVATE_FILE)])


def _table(parts: Sequence[_Part], code_version: str) -> pa.Table:
    """Lay out rows as SCHEMA says."""
    rows = [(part, forecast) for part in parts for forecast in part.forecasts]
    columns = {
        "time": [part.made for part, _ in rows],
        "scan_id": [part.scan_id for part, _ in rows],
        "market_ticker": [forecast.ready.history.market_ticker for _, forecast in rows],
        "series_ticker": [forecast.ready.history.series_ticker for _, forecast in rows],
        "input_digest": [forecast.digest for _, forecast in rows],
        "model": [part.facts.name for part, _ in rows],
        "weights_digest": [part.facts.weights_digest for part, _ in rows],
        "code_version": [code_version] * len(rows),
        "device": [part.facts.device for part, _ in rows],
        "precision": [part.facts.precision for part, _ in rows],
        "compile_mode": [part.facts.compile_mode for part, _ in rows],
        "step_seconds": [part.question.step.total_seconds() for part, _ in rows],
        "horizon_steps": [part.question.horizon_steps for part, _ in rows],
        "quantile_levels": [part.question.quantile_levels for part, _ in rows],
        "closes_cents": _lists([forecast.ready.series for _, forecast in rows]),
        "mean_cents": _lists([forecast.mean for _, forecast in rows]),
        "quantiles_cents": _lists([forecast.quantiles.ravel() for _, forecast in rows]),
    }
    return pa.table(columns, schema=SCHEMA)


def _lists(arrays: Sequence[NDArray[np.float32]]) -> pa.ListArray:
    offsets = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, np.concatenate(arrays).astype(FLOAT32, copy=False))
