"""What the recorder writes, when, and what it does where it cannot."""

import asyncio
import stat
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_server.models.random_walk import LEVELS, RandomWalk
from forecast_server.recorder import SCHEMA, VERSION, VERSION_KEY, Recorder, recording
from forecast_server.types import Forecast, History, Purpose, Question, Ready
from mesh.config import ConfigError

FACTS = RandomWalk().load()
MADE = datetime(2026, 11, 22, 12, 30, 1, 250_000, tzinfo=UTC)


def question(horizon_steps: int = 6, levels: Sequence[float] = LEVELS) -> Question:
    return Question(
        horizon_steps=horizon_steps,
        step=timedelta(minutes=1),
        purpose=Purpose.RESEARCH,
        quantile_levels=tuple(levels),
    )


def forecast(number: int = 0, closes: Sequence[float] = (40, 42, 41, 45), steps: int = 6, levels: int = 9) -> Forecast:
    series = np.array(closes, np.float32)
    history = History(number, f"KXHIGHNY-{number}", "KXHIGHNY", series, 50.0)
    paths = np.random.default_rng(number).uniform(0, 100, (steps, 1 + levels)).astype(np.float32)
    ready = Ready(history, series, steps, None, 0.0, ())
    return Forecast(ready, f"{number:032x}", paths[:, 0], paths[:, 1:], paths[-1, 1:])


def add(recorder: Recorder, *numbers: int, made: datetime = MADE, scan_id: str = "s-1") -> None:
    recorder.add(made, scan_id, question(), FACTS, [forecast(number) for number in numbers])


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for file in files(folder) for row in pq.read_table(file).to_pylist()]


async def until(recorder: Recorder, recorded: int) -> None:
    while recorder.recorded < recorded:
        await asyncio.sleep(0.005)


async def test_a_row_says_who_forecast_what_of_what(tmp_path: Path) -> None:
    made = forecast(7, steps=3)
    async with recording(tmp_path / "new", code_version="1.2.3") as recorder:
        recorder.add(MADE, "scan-9", question(), FACTS, [made])
    assert rows(tmp_path / "new") == [
        {
            "time": MADE,
            "scan_id": "scan-9",
            "market_ticker": "KXHIGHNY-7",
            "series_ticker": "KXHIGHNY",
            "input_digest": made.digest,
            "model": "random-walk",
            "weights_digest": FACTS.weights_digest,
            "code_version": "1.2.3",
            "device": "cpu",
            "precision": "float64",
            "compile_mode": "numpy",
            "step_seconds": 60.0,
            "horizon_steps": 6,
            "quantile_levels": list(LEVELS),
            "closes_cents": [40.0, 42.0, 41.0, 45.0],
            "mean_cents": made.mean.tolist(),
            "quantiles_cents": made.quantiles.ravel().tolist(),
        }
    ]
    assert recorder.recorded == 1


async def test_a_file_is_private_and_says_its_schema(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    async with recording(folder, code_version="1") as recorder:
        add(recorder, 1)
    (file,) = files(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = pq.ParquetFile(file)
    assert found.schema_arrow.equals(SCHEMA)
    assert found.schema_arrow.metadata[VERSION_KEY] == VERSION
    assert found.metadata.row_group(0).column(0).compression == "ZSTD"


async def test_names_sort_by_time_and_are_never_used_twice(tmp_path: Path) -> None:
    later = MADE + timedelta(seconds=1)
    async with (
        recording(tmp_path, code_version="1", flush_rows=1) as one,
        recording(tmp_path, code_version="1", flush_rows=1) as other,
    ):
        for recorder in (one, other, one, other):
            add(recorder, 1, made=MADE)
        add(one, 2, made=later)
    assert len(files(tmp_path)) == 5
    assert [row["time"] for row in rows(tmp_path)] == [MADE] * 4 + [later]
    assert files(tmp_path)[0].name.startswith("20261122T123001.250000Z-")


async def test_a_file_is_written_when_there_are_enough_rows_and_not_before(tmp_path: Path) -> None:
    async with recording(tmp_path, code_version="1", flush_rows=3, flush_seconds=1000.0) as recorder:
        add(recorder, 1)
        add(recorder, 2)
        await asyncio.sleep(0.05)
        assert rows(tmp_path) == []
        add(recorder, 3, 4)
        await until(recorder, 4)
        assert [row["market_ticker"] for row in rows(tmp_path)] == [f"KXHIGHNY-{number}" for number in (1, 2, 3, 4)]
        add(recorder, 5)
    assert len(rows(tmp_path)) == recorder.recorded == 5


async def test_a_row_does_not_wait_for_company_for_ever(tmp_path: Path) -> None:
    async with recording(tmp_path, code_version="1", flush_seconds=0.01) as recorder:
        for number in range(3):
            add(recorder, number)
            await until(recorder, number + 1)
            assert len(rows(tmp_path)) == number + 1


async def test_what_waits_is_written_however_the_server_ends(tmp_path: Path) -> None:
    async def serve() -> None:
        async with recording(tmp_path, code_version="1") as recorder:
            add(recorder, 1)
            raise RuntimeError("the server failed")

    with pytest.raises(RuntimeError, match="the server failed"):
        await serve()
    assert len(rows(tmp_path)) == 1


async def test_without_a_folder_nothing_is_recorded() -> None:
    async with recording(None, code_version="1", flush_rows=1) as recorder:
        add(recorder, 1)
    assert (recorder.recorded, recorder.dropped) == (0, 0)


@pytest.mark.parametrize("name", ["file", "file/below"])
async def test_a_folder_that_cannot_be_written_to_is_an_error_at_the_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"{tmp_path / name}: "):
        async with recording(tmp_path / name, code_version="1"):
            raise AssertionError("it began")


async def test_the_trial_at_the_start_leaves_nothing(tmp_path: Path) -> None:
    async with recording(tmp_path, code_version="1"):
        assert files(tmp_path) == []


async def test_a_disk_that_fails_later_costs_rows_and_nothing_else(tmp_path: Path) -> None:
    folder, away = tmp_path / "new", tmp_path / "away"
    async with recording(folder, code_version="1", flush_rows=2) as recorder:
        folder.rename(away)
        add(recorder, 1, 2)
        while not recorder.dropped:
            await asyncio.sleep(0.005)
        away.rename(folder)
        add(recorder, 3, 4)
    assert (recorder.recorded, recorder.dropped) == (2, 2)
    assert [row["market_ticker"] for row in rows(folder)] == ["KXHIGHNY-3", "KXHIGHNY-4"]


async def test_a_disk_slower_than_the_forecasts_costs_rows_never_memory_or_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk, written = threading.Event(), list[int]()

    def write(parts: Sequence[Any]) -> None:
        disk.wait(50)
        written.append(sum(len(part.forecasts) for part in parts))

    recorder = Recorder(write, flush_rows=10, flush_seconds=1000.0, most_bytes=100_000)
    try:
        for number in range(1000):
            add(recorder, number)  # returns although nothing can be written
        kept = 1000 - recorder.dropped
        assert 10 <= kept <= 100
    finally:
        disk.set()  # a thread that waits would hold the interpreter's exit
    await recorder.close()
    assert recorder.recorded == sum(written) == kept

    recorder = Recorder(write, flush_rows=10, flush_seconds=1000.0, most_bytes=100_000)
    for number in range(1000):  # memory is free again once rows are written
        add(recorder, number)
        await until(recorder, number // 10 * 10)
    await recorder.close()
    assert (recorder.recorded, recorder.dropped) == (1000, 0)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=30), st.integers(1, 8), st.integers(1, 4)),
        min_size=1,
        max_size=12,
    )
)
async def test_numbers_come_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[list[float], int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("recorded")
    given_in = [forecast(number, *shape) for number, shape in enumerate(shapes)]
    async with recording(folder, code_version="1") as recorder:
        for one in given_in:
            levels = [(place + 1) / 10 for place in range(one.quantiles.shape[1])]
            recorder.add(MADE, "s", question(8, levels), FACTS, [one])
    for one, row in zip(given_in, rows(folder), strict=True):
        assert np.array(row["closes_cents"], np.float32).tobytes() == one.ready.series.tobytes()
        assert np.array(row["mean_cents"], np.float32).tobytes() == one.mean.tobytes()
        assert np.array(row["quantiles_cents"], np.float32).tobytes() == one.quantiles.tobytes()
        assert len(row["quantile_levels"]) == one.quantiles.shape[1]
