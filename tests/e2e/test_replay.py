"""A server that records, a scan, and `foremesh replay`: all of them installed commands."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tools import sample

BIN = Path(sys.executable).parent
BAD_CONFIG = 78


@contextmanager
def server(log: Path, *settings: str) -> Iterator[str]:
    """Run a server until the test is done with it, then stop it as systemd does; gives its address."""
    words = [word for setting in ('rpc.listen=["127.0.0.1:0"]', *settings) for word in ("--set", setting)]
    words += ["--set", "rpc.metrics_listen=off", "--set", "log.format=json"]
    with log.open("w") as stream:
        process = subprocess.Popen([BIN / "foremesh-forecast-server", *words], stdin=subprocess.DEVNULL, stderr=stream)
    try:
        yield listening(log, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    finally:
        process.kill()
        process.wait()


def listening(log: Path, process: "subprocess.Popen[bytes]") -> str:
    """Wait until the log says that the server is ready; gives the address that it said before."""
    while process.poll() is None:
        entries = {entry["event"]: entry for entry in map(json.loads, log.read_text().rpartition("\n")[0].splitlines())}
        if "ready" in entries:
            return str(entries["serving"]["addresses"][0])
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def foremesh(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([BIN / "foremesh", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with one recorded scan, and the tickers of the markets that got a forecast."""
    base = tmp_path_factory.mktemp("recording")
    folder = base / "recorded"
    with server(base / "log", f"record_folder={folder}") as address:
        scan = foremesh("forecast", sample.FILE, "--target", address, "--json")
    results = json.loads(scan.stdout)["results"]
    forecast = [one for one in results if "path" in one.get("signal", one.get("no_signal", {}))]
    return folder, [one["market_ticker"] for one in forecast]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another server, which remembers nothing of the first."""
    with server(tmp_path_factory.mktemp("replaying") / "log") as found:
        yield found


def test_a_recorded_scan_comes_out_the_same(recorded: tuple[Path, list[str]], address: str) -> None:
    folder, tickers = recorded
    people = foremesh("replay", folder, "--target", address)
    programs = foremesh("replay", *folder.iterdir(), "--target", address, "--json")
    some = foremesh("replay", folder, "--target", address, "--limit", "3")

    assert (people.returncode, people.stderr) == (0, "")
    assert f"{len(tickers)} forecasts = {len(tickers)} the same, 0 different, 0 not made" in people.stdout
    summary = json.loads(programs.stdout)["summary"]
    assert programs.returncode == 0
    assert summary["forecast_count"] == summary["same_count"] == len(tickers) > 0
    assert "3 forecasts = 3 the same" in some.stdout


@pytest.mark.parametrize(("column", "moved"), [("mean_cents", 0.5), ("closes_cents", 1.0)])
def test_a_file_that_somebody_changed_is_found(
    recorded: tuple[Path, list[str]], address: str, tmp_path: Path, column: str, moved: float
) -> None:
    folder, tickers = recorded
    file = changed(folder, tmp_path, column, lambda rows: [rows[0], [rows[1][0] + moved, *rows[1][1:]], *rows[2:]])
    found = foremesh("replay", file, "--target", address, "--json")

    document = json.loads(found.stdout)
    assert found.returncode == 1
    assert document["summary"]["same_count"] == len(tickers) - 1
    (problem,) = document["problems"]
    assert (problem["file"], problem["row"]) == (str(file), 2)
    if column == "mean_cents":
        assert problem["difference_cents"] == pytest.approx(moved, abs=1e-4)


def test_another_model_is_only_compared_when_that_is_wanted(
    recorded: tuple[Path, list[str]], address: str, tmp_path: Path
) -> None:
    folder, tickers = recorded
    file = changed(folder, tmp_path, "weights_digest", lambda rows: ["f" * 64] * len(rows))
    refused = foremesh("replay", file, "--target", address)
    wanted = foremesh("replay", file, "--target", address, "--other-model", "--json")

    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "random-walk@ffffffffffff (float64) made the recording" in refused.stderr
    document = json.loads(wanted.stdout)
    assert wanted.returncode == 0
    assert document["summary"]["other_model_count"] == len(tickers)
    assert document["other_model_difference_cents"]["max"] == 0


def test_no_server_is_one_line(recorded: tuple[Path, list[str]], unused_tcp_port: int) -> None:
    found = foremesh("replay", recorded[0], "--target", f"127.0.0.1:{unused_tcp_port}")
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (1, "", 1)
    assert "no forecast server answers" in found.stderr


def test_a_folder_that_cannot_be_recorded_into_ends_the_server_for_good(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = ["--set", f"record_folder={tmp_path / 'file'}", "--set", 'rpc.listen=["127.0.0.1:0"]']
    ended = subprocess.run([BIN / "foremesh-forecast-server", *words], capture_output=True, text=True, check=False)
    assert ended.returncode == BAD_CONFIG
    assert f"{tmp_path / 'file'}: " in ended.stderr


def changed(folder: Path, into: Path, column: str, to: Callable[[list[Any]], list[Any]]) -> Path:
    """Copy the recording with other values in a column."""
    (file,) = folder.iterdir()
    table = pq.read_table(file)
    place = table.schema.get_field_index(column)
    field = table.schema.field(place)
    values = pa.array(to(table[column].to_pylist()), field.type)
    pq.write_table(table.set_column(place, field, values), into / file.name)
    return into / file.name
