"""What must be true of a mesh that collected, whatever happened to it: every row and hash against the exchange."""

import sqlite3
from collections import Counter
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from foremesh.coordinator.v1 import shard_pb2

from mesh.shards import STEPS
from tests.fakes.collection import Collection, wait_for

ABSENT = {"yes_bid": "0.0000", "yes_ask": "1.0000"}
"""What the exchange writes where nobody bids, or offers."""


def event_of(shard: shard_pb2.Shard) -> str:
    return shard.shard_key.event_ticker


def file_of(shard: shard_pb2.Shard) -> tuple[str, str, str]:
    step = STEPS[shard.shard_key.candle_step.seconds]
    return event_of(shard), step, shard.commit.file.sha256


def open_work(mesh: Collection) -> bool:
    return any(not shard.HasField("commit") for shard in mesh.shards())


def fetching(mesh: Collection) -> dict[str, list[str]]:
    """Events that workers say they are downloading, by worker."""
    found: dict[str, list[str]] = {}
    for shard in mesh.shards():
        if shard.HasField("lease") and shard.lease.progress.stage == shard_pb2.LEASE_STAGE_FETCHING:
            found.setdefault(shard.lease.worker_id, []).append(event_of(shard))
    return found


def commits(mesh: Collection) -> Counter[str]:
    """How often each event was entered into the manifest, by its whole history."""
    return Counter(event for event, _ in _entries(mesh))


def history(mesh: Collection) -> set[str]:
    """Hashes of all files that were ever committed; an earlier one stays where it is until a copy replaces it."""
    return {sha256 for _, sha256 in _entries(mesh)}


def _entries(mesh: Collection) -> list[tuple[str, str]]:
    database = mesh.folder / "coordinator-state" / "coordinator.sqlite"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as manifest:
        return manifest.execute("SELECT event, sha256 FROM commits").fetchall()


def assert_visible_is_whole(mesh: Collection) -> None:
    """Whatever can be seen can be read."""
    for name in mesh.collectors:
        for path in mesh.files(name):
            with suppress(FileNotFoundError):  # replaced elsewhere meanwhile, and deleted here
                assert pq.read_table(path).num_rows >= 0


def nothing_waits(mesh: Collection, name: str) -> bool:
    """Whether a collector has no file that waits for its commit."""
    return all(path.suffix == ".part" for path in mesh.incoming(name))


def assert_whole(mesh: Collection, shards: list[shard_pb2.Shard]) -> None:
    """Every shard has its file where it is said to be, with its hash and the exchange's rows; nothing else is there."""
    committed = [shard for shard in shards if shard.HasField("commit")]
    assert committed
    seen: dict[tuple[str, str, str], Path] = {}
    for name in mesh.collectors:
        # A commit is in the manifest a moment before its file is moved to its place.
        wait_for(partial(nothing_waits, mesh, name), 10, why="files are left")
        here = {(path.stem, path.parent.parent.name, mesh.sha256(path)): path for path in mesh.files(name)}
        held = {file_of(shard) for shard in committed if name in shard.holder_worker_ids}
        assert set(here) >= held
        seen |= here
    assert set(seen) >= {file_of(shard) for shard in committed}
    assert {sha256 for _, _, sha256 in seen} <= history(mesh), "a file is visible that was never committed"
    for shard in committed:
        assert list(shard.holes) == []
        assert rows_of(seen[file_of(shard)]) == rows_at_exchange(mesh, shard)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """A file's rows as a stranger reads them."""
    rows: list[dict[str, Any]] = pq.read_table(path).drop_columns(["series_ticker", "event_ticker"]).to_pylist()
    return rows


def rows_at_exchange(mesh: Collection, shard: shard_pb2.Shard) -> list[dict[str, Any]]:
    """The same rows as the exchange serves them, market by market, up to where the commit says it asked."""
    listed = mesh.exchange.get(f"/markets?event_ticker={event_of(shard)}&limit=1000")["markets"]
    until, step = shard.commit.covered_end_time.ToSeconds(), shard.shard_key.candle_step.seconds
    rows = []
    for market in sorted(listed, key=lambda market: str(market["ticker"])):
        start = int(datetime.fromisoformat(market["open_time"]).timestamp())
        span = f"start_ts={start}&end_ts={until}&period_interval={step // 60}"
        candles = mesh.exchange.get(f"/series/S/markets/{market['ticker']}/candlesticks?{span}")["candlesticks"]
        rows += [row(market["ticker"], candle, step) for candle in candles]
    return rows


def row(ticker: str, candle: dict[str, Any], step: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "market_ticker": ticker,
        "end_time": datetime.fromtimestamp(candle["end_period_ts"]).astimezone(),
        "step_seconds": step,
    }
    for moment in ("open", "high", "low", "close", "mean", "previous"):
        made[f"price_{moment}_micros"] = micros(candle["price"].get(f"{moment}_dollars"))
    for side, nobody in ABSENT.items():
        for moment in ("open", "high", "low", "close"):
            dollars = candle[side][f"{moment}_dollars"]
            made[f"{side}_{moment}_micros"] = None if dollars == nobody else micros(dollars)
    made["volume_hundredths"] = round(float(candle["volume_fp"]) * 100)
    made["open_interest_hundredths"] = round(float(candle["open_interest_fp"]) * 100)
    return made


def micros(dollars: str | None) -> int | None:
    return None if dollars is None else round(float(dollars) * 1_000_000)
