"""A data folder shows what is committed, whole, and nothing else."""

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from mesh.clock import ManualClock
from mesh.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from mesh.shards import Content, Hole, HoleReason, ShardKey
from mesh.store.errors import Damaged, StoreError
from mesh.store.folder import Condition, DataFolder, open_folder
from mesh.store.label import Origin
from tests.fakes.candle_tables import ALONE, BOTH, END, KEY, START, candles, committed

HOLES = (
    Hole("KXHIGHNY-26NOV22-B999", HoleReason.NO_DATA, "asked twice", attempts=2),
    Hole("KXHIGHNY-26NOV22-B001", HoleReason.TIMED_OUT, "é", first=START, last=END),
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    with open_folder(tmp_path / "data", ManualClock(END)) as opened:
        yield opened


def visible(folder: DataFolder) -> list[str]:
    """Everything that a plain glob over the folder sees."""
    return sorted(str(path.relative_to(folder.root)) for path in folder.root.glob("[!.]*/**/*.*"))


def test_a_staged_file_is_seen_by_nobody_until_it_is_published(folder: DataFolder) -> None:
    staged = folder.stage(KEY, 3, candles(), **BOTH, holes=HOLES)
    assert (staged.file.row_count, staged.file.market_count, staged.file.first) == (12, 3, START)
    assert (visible(folder), folder.commit(KEY)) == ([], None)
    commit = committed(staged, 17)
    path = folder.publish(staged, commit)
    assert visible(folder) == ["candles/60m/KXHIGHNY/KXHIGHNY-26NOV22.parquet"]
    assert path == folder.path(KEY)
    assert folder.commit(KEY) == commit
    assert folder.holes(KEY) == HOLES
    assert list(folder.commits()) == [(KEY, commit)]
    assert folder.last_sequence() == 17
    assert folder.read(KEY).equals(candles())
    assert folder.examine(KEY) is Condition.VERIFIED
    assert folder.staged() == []


def test_what_waits_is_found_again_after_a_restart_with_its_facts(tmp_path: Path) -> None:
    with open_folder(tmp_path) as folder:
        staged = folder.stage(KEY, 3, candles(), **BOTH, holes=HOLES)
        empty = folder.stage(replace(KEY, event="KXHIGHNY-26NOV23"), 4, candles().slice(0, 0), **ALONE)
    with open_folder(tmp_path) as folder:
        assert folder.staged() == [staged, empty]
        assert (empty.file.first, empty.file.last, empty.file.row_count) == (None, None, 0)
        folder.publish(folder.staged()[0], committed(staged))
        assert folder.read(KEY).equals(candles())


def test_publishing_twice_changes_nothing_more(folder: DataFolder) -> None:
    staged = folder.stage(KEY, 3, candles(), **BOTH)
    commit = committed(staged)
    assert folder.publish(staged, commit) == folder.publish(staged, commit)
    folder.publish(folder.stage(KEY, 3, candles(), **BOTH), commit)
    assert list(folder.commits()) == [(KEY, commit)]


def test_an_older_epoch_never_replaces_a_newer_one(folder: DataFolder) -> None:
    old, new = (folder.stage(KEY, epoch, candles(seed=epoch), **BOTH) for epoch in (3, 4))
    folder.publish(new, committed(new, 8))
    with pytest.raises(Conflict, match="STALE_EPOCH"):
        folder.publish(old, committed(old, 9))
    assert folder.read(KEY).equals(candles(seed=4))
    folder.discard(old)
    assert folder.staged() == []


def test_one_epoch_has_one_file(folder: DataFolder) -> None:
    first = folder.stage(KEY, 3, candles(), **BOTH)
    folder.publish(first, committed(first))
    other = folder.stage(KEY, 3, candles(seed=1), **BOTH)
    with pytest.raises(Conflict, match="COMMIT_CONFLICT"):
        folder.publish(other, committed(other))
    with pytest.raises(Conflict, match="COMMIT_CONFLICT"):
        folder.publish(other, committed(first))
    assert folder.read(KEY).equals(candles())


def test_a_staged_file_that_changed_on_disk_is_never_published(folder: DataFolder) -> None:
    staged = folder.stage(KEY, 3, candles(), **BOTH)
    with staged.path.open("r+b") as stream:
        stream.seek(100)
        stream.write(b"rot")
    with pytest.raises(Damaged, match=r"e3\.parquet"):
        folder.publish(staged, committed(staged))
    assert visible(folder) == []
    assert len(list((folder.root / ".damaged").iterdir())) == 1
    with pytest.raises(Damaged, match="missing"):
        folder.publish(staged, committed(staged))


def test_rows_that_no_file_may_hold_are_refused_in_words_and_leave_nothing(folder: DataFolder) -> None:
    upside_down = candles().take(pa.array([1, 0]))
    floats = candles().set_column(5, "price_open_micros", pa.nulls(12, pa.float64()))
    for table, more, text in (
        (upside_down, BOTH, "order: 1 rows, first KXHIGHNY-26NOV22-B000"),
        (candles(replace(KEY, event="KXHIGHNY-26NOV23")), BOTH, "another event_ticker: 12 rows"),
        (candles(), ALONE, "quotes among prices alone"),
        (floats, BOTH, "price_open_micros"),
        (pa.table({"a": [1]}), BOTH, "without a schema"),
    ):
        with pytest.raises(InvalidInput, match=text):
            folder.stage(KEY, 3, table, **more)
    with pytest.raises(ValueError, match="epoch 0"):
        folder.stage(KEY, 0, candles(), **BOTH)
    with pytest.raises(ValueError, match="without a zone"):
        folder.stage(KEY, 1, candles(), content=Content.PRICES_AND_QUOTES, covered_end=END.replace(tzinfo=None))
    assert list((folder.root / ".incoming").iterdir()) == []


def test_a_file_without_a_lease_is_a_commit_of_no_epoch_until_the_coordinator_says_more(folder: DataFolder) -> None:
    commit = folder.adopt(KEY, candles(quotes=False), origin=Origin.IMPORT, **ALONE, holes=HOLES)
    assert (commit.epoch, commit.sequence, commit.worker_id, commit.committed) == (0, 0, "", END)
    assert list(folder.unentered()) == [(KEY, commit, Origin.IMPORT)]
    assert folder.adopt(KEY, candles(quotes=False), origin=Origin.IMPORT, **ALONE, holes=HOLES) == commit
    entered = replace(commit, epoch=1, sequence=5, worker_id="spark")
    folder.recommit(KEY, entered)
    assert (folder.commit(KEY), folder.holes(KEY)) == (entered, HOLES)
    assert list(folder.unentered()) == []
    with pytest.raises(Conflict, match="COMMIT_CONFLICT"):
        folder.recommit(KEY, replace(entered, epoch=2, file=replace(entered.file, sha256="0" * 64)))
    with pytest.raises(Conflict, match="STALE_EPOCH"):
        folder.recommit(KEY, commit)
    with pytest.raises(NotFound, match="SHARD_NOT_COMMITTED"):
        folder.recommit(replace(KEY, step_seconds=60), entered)


def test_an_adopted_file_gives_way_to_a_lease_and_never_takes_its_place(folder: DataFolder) -> None:
    folder.adopt(KEY, candles(quotes=False), origin=Origin.IMPORT, **ALONE)
    folder.adopt(KEY, candles(), origin=Origin.STATIC, **BOTH)
    for origin, table, more, text in (
        (Origin.IMPORT, candles(seed=2), BOTH, "collected here"),
        (Origin.STATIC, candles(seed=2, quotes=False), ALONE, "this one has none"),
    ):
        with pytest.raises(AlreadyExists, match=text):
            folder.adopt(KEY, table, origin=origin, **more)
    staged = folder.stage(KEY, 1, candles(seed=1), **BOTH)
    folder.publish(staged, committed(staged))
    with pytest.raises(AlreadyExists, match="epoch 1 is committed"):
        folder.adopt(KEY, candles(), origin=Origin.STATIC, **BOTH)
    assert folder.read(KEY).equals(candles(seed=1))
    assert folder.staged() == []


def test_a_committed_file_that_is_lost_or_damaged_is_found_and_can_be_published_anew(folder: DataFolder) -> None:
    staged = folder.stage(KEY, 3, candles(), **BOTH)
    commit = committed(staged)
    path = folder.publish(staged, commit)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert folder.examine(KEY) is Condition.DAMAGED
    path.unlink()
    assert folder.examine(KEY) is Condition.MISSING
    with pytest.raises(StoreError, match=r"FILE_MISSING: .*KXHIGHNY-26NOV22\.parquet"):
        folder.read(KEY)
    folder.publish(folder.stage(KEY, 3, candles(), **BOTH), commit)
    assert folder.examine(KEY) is Condition.VERIFIED


def test_setting_aside_hides_the_file_and_forgets_its_commit(folder: DataFolder) -> None:
    staged = folder.stage(KEY, 3, candles(), **BOTH)
    commit = committed(staged)
    folder.publish(staged, commit)
    moved = folder.set_aside(KEY, commit)
    assert moved is not None
    assert moved.exists()
    assert (visible(folder), folder.commit(KEY), folder.set_aside(KEY, commit)) == ([], None, None)
    for question in (folder.read, folder.examine):
        with pytest.raises(NotFound, match="SHARD_NOT_COMMITTED"):
            question(KEY)


def test_a_file_that_replaced_the_damaged_one_meanwhile_is_not_set_aside(folder: DataFolder) -> None:
    first, second = (folder.stage(KEY, epoch, candles(seed=epoch), **BOTH) for epoch in (1, 2))
    examined = committed(first)
    folder.publish(first, examined)
    folder.publish(second, committed(second, 2))
    assert folder.set_aside(KEY, examined) is None
    assert folder.read(KEY).equals(candles(seed=2))


def test_a_committed_file_is_lacking_unless_it_is_visible_or_waits_for_its_name(folder: DataFolder) -> None:
    staged = folder.stage(KEY, 3, candles(), **BOTH)
    commit = committed(staged)
    assert not folder.lacks(KEY, commit)
    assert folder.lacks(KEY, replace(commit, epoch=2))
    folder.publish(staged, commit)
    assert not folder.lacks(KEY, commit)
    assert folder.lacks(KEY, replace(commit, file=replace(commit.file, sha256="0" * 64)))
    folder.set_aside(KEY, commit)
    assert folder.lacks(KEY, commit)


def test_what_no_coordinator_entered_is_found_by_the_index(folder: DataFolder) -> None:
    """Reading every entry of a large folder takes seconds."""
    for day in range(10, 14):
        key = replace(KEY, event=f"KXHIGHNY-26NOV{day}")
        staged = folder.stage(key, 1, candles(key), **BOTH)
        folder.publish(staged, committed(staged, sequence=day % 2))
    assert [key.event for key, *_ in folder.unentered()] == ["KXHIGHNY-26NOV10", "KXHIGHNY-26NOV12"]
    looked_up = list[str]()
    with sqlite3.connect(folder.root / ".catalog.sqlite") as database:
        folder._catalog._database.set_trace_callback(looked_up.append)
        list(folder.unentered())
        [statement] = looked_up
        plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}"))
    database.close()
    assert "by_sequence" in plan


def test_names_of_waiting_files_never_collide(folder: DataFolder) -> None:
    tricky = [
        ShardKey("A", "B.C", 60),
        ShardKey("A.B", "C", 60),
        ShardKey("A", "B.C", 3600),
        ShardKey("A_B", "C-1.E3", 60),
    ]
    staged = [folder.stage(key, epoch, candles(key), **BOTH) for key in tricky for epoch in (1, 11)]
    assert sorted(folder.staged(), key=lambda one: one.path) == sorted(staged, key=lambda one: one.path)
    assert len({one.path for one in staged}) == 8


def test_threads_that_publish_at_once_leave_every_shard_at_its_newest_epoch(folder: DataFolder) -> None:
    keys = [replace(KEY, event=f"KXHIGHNY-26NOV{day}") for day in range(10, 14)]

    def collect(number: int) -> None:
        key, epoch = keys[number % 4], 1 + number // 4
        staged = folder.stage(key, epoch, candles(key, seed=epoch), **BOTH)
        try:
            folder.publish(staged, committed(staged, number + 1))
        except Conflict:
            folder.discard(staged)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(collect, range(32)))
    assert {key: commit.epoch for key, commit in folder.commits()} == dict.fromkeys(keys, 8)
    assert all(folder.examine(key) is Condition.VERIFIED for key in keys)
    assert all(folder.read(key).equals(candles(key, seed=8)) for key in keys)
    assert folder.staged() == []


def test_times_in_another_zone_are_kept_as_the_same_instant(folder: DataFolder) -> None:
    zoned = datetime.fromisoformat("2026-11-23T00:00:00-05:00")
    staged = folder.stage(KEY, 1, candles(), content=Content.PRICES_AND_QUOTES, covered_end=zoned)
    assert folder.staged()[0].covered_end == staged.covered_end == END
    assert folder.staged()[0].covered_end.tzinfo == UTC


def test_the_space_left_is_that_of_the_folders_disk(folder: DataFolder) -> None:
    assert 0 < folder.free_bytes() <= os.statvfs(folder.root).f_blocks * os.statvfs(folder.root).f_frsize
