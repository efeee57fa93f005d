"""How fast candles become files and are proved: rows per second of staging, publishing, examining, verifying, reading.

    python -m benchmarks.store [--quick] [--json]

Staging is checking, encoding, hashing, writing and syncing; publishing hashes again, renames, syncs and enters. Shards
are as large as a crypto event (180 markets, 60 one-minute candles) and a weather event (6 markets, 48 hourly ones).
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import pyarrow as pa

from mesh.records import CANDLES
from mesh.shards import Commit, Content, ShardKey
from mesh.store.folder import Condition, DataFolder, open_folder
from mesh.store.reader import Candles
from mesh.store.staging import Staged
from mesh.store.verify import verify

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 30, tzinfo=UTC)
CENT = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """Shards of one size."""

    series: str
    markets: int
    periods: int
    step_seconds: int

    @property
    def rows(self) -> int:
        """Candles of a shard."""
        return self.markets * self.periods


SIZES = {"crypto hour": Size("KXBTC", 180, 60, 60), "weather day": Size("KXHIGHNY", 6, 48, 3600)}


def candles(key: ShardKey, size: Size, seed: int, start: datetime = START, move: float = 1.0) -> pa.Table:
    """Make candles whose prices walk at random by cents; in a tenth of the periods nothing was traded.

    Args:
        key: Of the shard.
        size: Of the shard.
        seed: Equal seeds make equal candles.
        start: Beginning of the first.
        move: Standard deviation of a step, cents.
    """
    random = np.random.default_rng(seed)
    walk = random.normal(50, 20, (size.markets, 1)) + random.normal(0, move, (size.markets, size.periods)).cumsum(
        axis=1
    )
    close = np.clip(walk.round(), 5, 95).astype(np.int64).ravel() * CENT
    begun = np.clip(close + random.integers(-2, 3, size.rows) * CENT, 3 * CENT, 97 * CENT)
    low, high = np.minimum(begun, close), np.maximum(begun, close)
    quiet = random.random(size.rows) < 0.1
    first, step = int(start.timestamp()) * 1_000_000, size.step_seconds * 1_000_000
    columns: dict[str, object] = {
        "series_ticker": np.full(size.rows, key.series),
        "event_ticker": np.full(size.rows, key.event),
        "market_ticker": np.repeat(
            [f"{key.event}-B{100_000 + 250 * number}" for number in range(size.markets)], size.periods
        ),
        "end_time": pa.array(
            np.tile(first + step * np.arange(1, size.periods + 1), size.markets), CANDLES.field(3).type
        ),
        "step_seconds": np.full(size.rows, size.step_seconds, np.int32),
        "price_mean_micros": pa.array((low + high) // 2, mask=quiet),
        "price_previous_micros": begun,
        "volume_hundredths": np.where(quiet, 0, random.integers(1, 500, size.rows) * 100),
        "open_interest_hundredths": random.integers(0, 50_000, size.rows) * 100,
    }
    for moment, price in (("open", begun), ("high", high), ("low", low), ("close", close)):
        columns[f"price_{moment}_micros"] = pa.array(price, mask=quiet)
        columns[f"yes_bid_{moment}_micros"] = price - CENT
        columns[f"yes_ask_{moment}_micros"] = price + CENT
    return pa.table(columns, schema=CANDLES)


def round_of(
    folder: DataFolder, size: Size, tables: dict[ShardKey, pa.Table], epoch: int
) -> dict[str, tuple[float, float]]:
    """Take all shards through everything once; gives rows per second, and per second of processor time."""
    rows = size.rows * len(tables)

    def stage(key: ShardKey) -> Staged:
        return folder.stage(key, epoch, tables[key], content=Content.PRICES_AND_QUOTES, covered_end=END)

    def publish(numbered: tuple[int, Staged]) -> None:
        number, staged = numbered
        commit = Commit(epoch, epoch * len(tables) + number, staged.file, staged.covered_end, 0, "bench", END)
        folder.publish(staged, commit)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        at_once, _ = _rate(rows, lambda: list(pool.map(stage, tables)))
    one_by_one, staged = _rate(rows, lambda: [stage(key) for key in tables])
    published, _ = _rate(rows, lambda: _each(publish, enumerate(staged)))
    examined, conditions = _rate(rows, lambda: {folder.examine(key) for key in tables})
    verified, report = _rate(rows, lambda: verify(folder.root))
    read, table = _rate(rows, lambda: Candles(folder.root).read(size.series, step_seconds=size.step_seconds))
    assert conditions == {Condition.VERIFIED}
    assert report.sound, report.findings[:3]
    assert report.rows == table.num_rows == rows
    return {
        "stage": one_by_one,
        "stage_on_all_cores": at_once,
        "publish": published,
        "examine": examined,
        "verify": verified,
        "read": read,
    }


def _each(act: Callable[[tuple[int, Staged]], None], items: Iterable[tuple[int, Staged]]) -> None:
    for item in items:
        act(item)


def _rate(rows: int, act: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """Give rows per second, rows per second of processor time, and the result."""
    started, used = time.perf_counter(), time.process_time()
    result = act()
    return (rows / (time.perf_counter() - started), rows / (time.process_time() - used)), result


def run(place: Path, shards: int, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Measure both sizes; gives medians over the rounds, by size and kind of work."""
    results = {}
    for name, size in SIZES.items():
        keys = [ShardKey(size.series, f"{size.series}-26NOV{number:04}", size.step_seconds) for number in range(shards)]
        tables = {key: candles(key, size, number) for number, key in enumerate(keys)}
        with open_folder(place / size.series) as folder:
            taken = [round_of(folder, size, tables, epoch) for epoch in range(1, rounds + 1)]
            on_disk = sum(folder.path(key).stat().st_size for key in keys)
        results[name] = {
            work: {
                "rows_per_second": statistics.median(row[work][0] for row in taken),
                "rows_per_cpu_second": statistics.median(row[work][1] for row in taken),
            }
            for work in taken[0]
        } | {"size": {"rows_per_shard": size.rows, "bytes_per_row": on_disk / size.rows / shards}}
    return results


def conditions(place: Path, shards: int, rounds: int) -> dict[str, object]:
    """State what the figures depend on."""
    mounts = [part for part in psutil.disk_partitions(all=True) if place.is_relative_to(part.mountpoint)]
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "pyarrow": pa.__version__,
        "disk": max(mounts, key=lambda part: len(part.mountpoint)).fstype,
        "shards": shards,
        "rounds": rounds,
        "load_average_at_the_start": os.getloadavg()[0],
        "figures": "medians; each shard is synced to disk on its own; reads come from the page cache; processor time "
        "depends less on who else uses the machine, but it does",
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few shards, two rounds")
    parser.add_argument("--folder", type=Path, help="where to write (a temporary folder is made in it)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    shards, rounds = (10, 2) if arguments.quick else (arguments.shards, arguments.rounds)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        place = Path(name).resolve()
        given = conditions(place, shards, rounds)
        rows = run(place, shards, rounds)
    if arguments.json:
        print(json.dumps({"conditions": given, "rows": rows}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in given.items()))
    for name, kinds in rows.items():
        facts = ", ".join(f"{value:,.0f} {fact.replace('_', ' ')}" for fact, value in kinds.pop("size").items())
        print(f"\n{name} ({facts}){'rows/s':>14}{'rows/CPU s':>14}")
        for kind, row in kinds.items():
            print(f"{kind:>20}{row['rows_per_second']:>14,.0f}{row['rows_per_cpu_second']:>14,.0f}")


if __name__ == "__main__":
    main()
