"""The coordinator's database under kill -9: what was acknowledged is there, and no transaction is there by half."""

import contextlib
import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.coordinator.database import opened
from collector.coordinator.rows import EventRow, ShardRow, ShardState
from collector.coordinator.store import Entry
from collector.types import MarketTask, Phase
from mesh.shards import Commit, Content, Hole, HoleReason, ShardFile, ShardKey

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = ShardFile("ab" * 32, 4096, 0, 0, None, None, "foremesh.candles", 1, Content.PRICES_AND_QUOTES)
EVENT = EventRow("KXBTC", "KXBTC-1", tuple(MarketTask(f"M{n}", Phase.OPEN, NOW, NOW) for n in range(40)), None, NOW)
SHARDS = 7


def transaction(number: int) -> tuple[list[ShardRow], Entry, EventRow]:
    """What is saved together under a number: two shards, one of them with a commit and its holes, and an event."""
    key = ShardKey("KXBTC", f"KXBTC-{number % SHARDS}", 60)
    holes = tuple(Hole(f"M{number}", HoleReason.NO_DATA) for _ in range(number % 5))
    commit = Commit(number, number, FILE, NOW, len(holes), "spark", NOW)
    row = ShardRow(key, ShardState.OPEN, NOW, NOW, epoch=number, commit=commit)
    count = replace(row, key=ShardKey("COUNT", "COUNT", 60), epoch=number, commit=None)
    return [row, count], Entry(key, commit, holes), replace(EVENT, event=f"E{number}")


def save_for_ever(path: Path, checkpoint_pages: int) -> None:
    """Save transactions one after the other, and say the number of each that was saved."""
    with opened(path) as database:
        database._db.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")
        number = database.load().last_sequence
        while True:
            number += 1
            shards, commit, event = transaction(number)
            database.save(shards=shards, commit=commit, events=[event])
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


@pytest.mark.parametrize("checkpoint_pages", ["1000", "2"])  # as it is used, and so that kills meet checkpoints
def test_a_killed_coordinator_loses_nothing_that_it_acknowledged(tmp_path: Path, checkpoint_pages: str) -> None:
    path = tmp_path / "coordinator.sqlite"
    with opened(path):
        pass
    acknowledged = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, __file__, path, checkpoint_pages], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process, process.stdout:
            before, acknowledged = acknowledged, int(process.stdout.readline())
            assert acknowledged > before
            time.sleep(random.uniform(0, 0.15))  # noqa: S311  any moment will do
            process.kill()
            for line in process.stdout:
                acknowledged = int(line)

        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as shell:
            assert shell.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert shell.execute("PRAGMA foreign_key_check").fetchall() == []
        with opened(path) as database:
            loaded = database.load()
            last = loaded.last_sequence
            assert last >= acknowledged
            assert loaded.commit_counts == {"spark": last}
            kept = {row.key: row for row in loaded.shards}
            for number in range(1, last + 1):
                shards, entry, event = transaction(number)
                assert database.commit_of(entry.shard, number) == entry.commit
                assert database.event(event.event) == event
                if number > last - SHARDS:
                    assert kept[entry.shard] == shards[0]
                    assert database.holes(entry.shard) == entry.holes
            assert kept[ShardKey("COUNT", "COUNT", 60)] == transaction(last)[0][1]
            assert database.event(f"E{last + 1}") is None


if __name__ == "__main__":
    save_for_ever(Path(sys.argv[1]), int(sys.argv[2]))
