"""The coordinator's database on real files: what is saved is there, what fails leaves nothing, faults are named."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.coordinator.calls import Listing
from collector.coordinator.database import Database, opened
from collector.coordinator.rows import EventRow, LeaseRow, ShardRow, ShardState, WorkerRow
from collector.coordinator.store import Entry, Loaded, Store
from collector.types import ApiBudget, BudgetKind, MarketTask, Phase, Purpose
from mesh.daemon import Fatal
from mesh.errors import Unavailable
from mesh.shards import Commit, Content, Hole, HoleReason, ShardFile, ShardKey

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = ShardKey("KXHIGHNY", "KXHIGHNY-26NOV22", 3600)
ROW = ShardRow(KEY, ShardState.OPEN, NOW, NOW + timedelta(hours=14))
WORKER = WorkerRow("spark", "i1", (), "0.1", 0, "spark:8788", ApiBudget(BudgetKind.PER_IP, "home"), NOW)
EVENT = EventRow("KXHIGHNY", KEY.event, (MarketTask(f"{KEY.event}-T50", Phase.OPEN, NOW, NOW),), None, NOW)
LISTING = Listing("KXHIGHNY", (3600,), NOW, {KEY.event: 1})


def committed(row: ShardRow, sequence: int, *holes: Hole) -> tuple[ShardRow, Entry]:
    """The row after its next commit, and the entry for the history."""
    file = ShardFile("ab" * 32, 4096, 0, 0, None, None, "foremesh.candles", 1, Content.PRICES_AND_QUOTES)
    commit = Commit(row.epoch + 1, sequence, file, NOW, len(holes), "spark", NOW)
    return replace(row, epoch=commit.epoch, commit=commit), Entry(row.key, commit, holes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "coordinator.sqlite"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with opened(path) as database:
        yield database


def nothing(loaded: Loaded) -> bool:
    return loaded == Loaded([], [], {}, {}, 0)


def test_it_keeps_the_protocol_of_a_store_and_begins_empty(database: Database) -> None:
    store: Store = database
    assert nothing(store.load())
    assert store.commit_of(KEY, 1) is None
    assert store.holes(KEY) == ()
    assert store.event("NONE") is None


def test_what_was_saved_is_there_after_a_restart(path: Path) -> None:
    row, entry = committed(ROW, 1, Hole("A", HoleReason.TIMED_OUT, "no answer"))
    with opened(path) as database:
        database.save(shards=[row], workers=[WORKER], events=[EVENT], commit=entry, listing=LISTING)
    with opened(path) as database:
        loaded = database.load()
        assert loaded == Loaded([row], [WORKER], {"KXHIGHNY": LISTING}, {"spark": 1}, 1)
        assert database.event(EVENT.event) == EVENT
        assert database.holes(KEY) == entry.holes


def test_a_row_replaces_the_one_of_its_key(database: Database) -> None:
    lease = LeaseRow(1, "spark", "i1", Purpose.COLLECT, NOW)
    database.save(shards=[replace(ROW, epoch=1, granted_to="spark", lease=lease)], workers=[WORKER], listing=LISTING)
    freed, elsewhere = replace(ROW, epoch=1), replace(ROW, key=replace(KEY, step_seconds=60))
    gone = replace(WORKER, left=True, superseded=("i0",))
    database.save(shards=[freed, elsewhere], workers=[gone], listing=replace(LISTING, events={}))
    loaded = database.load()
    assert loaded.shards == [elsewhere, freed]
    assert loaded.workers == [gone]
    assert loaded.listings == {"KXHIGHNY": replace(LISTING, events={})}


def test_the_history_keeps_commits_that_are_no_longer_in_force(database: Database) -> None:
    first, entry = committed(ROW, 1, Hole("A", HoleReason.NO_DATA))
    second, later = committed(first, 2, Hole("B", HoleReason.NO_DATA), Hole("C", HoleReason.REFUSED))
    database.save(shards=[first], commit=entry)
    database.save(shards=[second], commit=later)
    assert database.commit_of(KEY, 1) == entry.commit
    assert database.commit_of(KEY, 2) == later.commit
    assert database.commit_of(replace(KEY, step_seconds=60), 2) is None
    assert database.holes(KEY) == later.holes
    assert database.load() == Loaded([second], [], {}, {"spark": 2}, 2)


@pytest.mark.parametrize("broken", ["epoch", "sequence", "unknown commit"])
def test_a_history_that_contradicts_itself_is_refused_as_a_bug(database: Database, broken: str) -> None:
    row, entry = committed(ROW, 1)
    database.save(shards=[row], commit=entry)
    other, later = committed(row, 2)
    wrong = {
        "epoch": replace(later, commit=replace(later.commit, epoch=1)),
        "sequence": replace(later, commit=replace(later.commit, sequence=1)),
        "unknown commit": None,
    }[broken]
    with pytest.raises(sqlite3.IntegrityError):
        database.save(shards=[other], workers=[WORKER], commit=wrong)
    assert database.load() == Loaded([row], [], {}, {"spark": 1}, 1)


@contextlib.contextmanager
def a_lock_held_elsewhere(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def no_room(database: Database) -> Iterator[None]:
    connection = database._db
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    yield
    connection.execute("PRAGMA max_page_count=1000000")


@contextlib.contextmanager
def no_writing(database: Database) -> Iterator[None]:
    database._db.execute("PRAGMA query_only=ON")
    yield
    database._db.execute("PRAGMA query_only=OFF")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("locked", "another program holds it locked"), ("full", "no room left"), ("read only", "may not be written")],
)
def test_a_save_that_fails_leaves_nothing_and_the_next_one_works(
    database: Database, path: Path, trouble: str, words: str
) -> None:
    row, entry = committed(ROW, 1, Hole("A", HoleReason.NO_DATA))
    many = [replace(EVENT, event=f"E{number}", markets=EVENT.markets * 200) for number in range(20)]

    def save() -> None:
        database.save(shards=[row], workers=[WORKER], events=many, commit=entry, listing=LISTING)

    troubles = {"locked": a_lock_held_elsewhere(path), "full": no_room(database), "read only": no_writing(database)}
    with troubles[trouble]:
        for _ in range(2):
            with pytest.raises(Unavailable, match=words) as caught:
                save()
            assert caught.value.reason == "DATABASE_UNAVAILABLE"
            assert caught.value.retry_after
            assert nothing(database.load())
            assert database.event("E0") is None
    save()
    assert database.load().shards == [row]
    assert database.event("E19") == many[19]


def test_a_row_that_cannot_be_written_takes_its_transaction_with_it(database: Database) -> None:
    with pytest.raises(ValueError, match="zone"):
        database.save(shards=[ROW, replace(ROW, opens=datetime(2026, 1, 1))], workers=[WORKER])  # noqa: DTZ001
    assert nothing(database.load())
    database.save(shards=[ROW])
    assert database.load().shards == [ROW]


def test_it_is_private_and_so_are_the_files_beside_it(database: Database, path: Path) -> None:
    database.save(shards=[ROW])
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir() if file.suffix != ".lock"}
    assert modes == {path.name + end: 0o600 for end in ("", "-wal", "-shm")}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_every_commit_is_synced(database: Database) -> None:
    pragmas = {name: database._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_a_second_process_is_refused_by_the_name_of_the_first(database: Database, path: Path) -> None:
    again = (
        "import pathlib, sys, collector.coordinator.database as it; it.opened(pathlib.Path(sys.argv[1])).__enter__()"
    )
    done = subprocess.run([sys.executable, "-c", again, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Fatal: {path}: " in done.stderr
    assert f"process {os.getpid()} " in done.stderr


def test_it_can_be_opened_again_once_it_was_closed(path: Path) -> None:
    with pytest.raises(KeyError), opened(path):
        raise KeyError
    with opened(path) as database:
        assert nothing(database.load())


def test_a_newer_version_is_refused_untouched(path: Path) -> None:
    with opened(path) as database:
        database._db.execute("PRAGMA user_version=7")
    before = path.read_bytes()
    with pytest.raises(Fatal, match=r"newer foremesh \(version 7; this one knows 1\)"), opened(path):
        pass
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(Fatal, match="of something else"), opened(path):
        pass
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"shopping list\n" * 500)
    with pytest.raises(Fatal, match=r"no database at all.*put a backup in its place"), opened(path):
        pass
    assert path.read_bytes() == b"shopping list\n" * 500


@pytest.mark.parametrize("kind", ["torn", "cut"])
def test_a_damaged_file_is_named_with_what_to_do(path: Path, kind: str) -> None:
    with opened(path) as database:
        database.save(events=[replace(EVENT, event=f"E{number}", markets=EVENT.markets * 99) for number in range(99)])
    whole = path.read_bytes()
    half = len(whole) // 2 // 4096 * 4096
    path.write_bytes(whole[:half] + (b"\xff" * 8192 + whole[half + 8192 :] if kind == "torn" else b""))
    with pytest.raises(Fatal, match=r"damaged.*put a backup in its place") as caught, opened(path):
        pass
    assert str(path) in str(caught.value)


def test_a_file_that_is_damaged_while_it_is_open_makes_calls_unavailable(database: Database, path: Path) -> None:
    more_than_is_cached = [replace(EVENT, event=f"E{number}", markets=EVENT.markets * 99) for number in range(500)]
    database.save(events=more_than_is_cached)
    database._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(Unavailable, match="damaged"):
        list(map(database.event, [event.event for event in more_than_is_cached]))


def test_a_row_changed_by_hand_into_nonsense_is_named(database: Database, path: Path) -> None:
    database.save(shards=[ROW])
    with contextlib.closing(sqlite3.connect(path)) as shell:
        shell.execute("UPDATE shards SET state = 'lost'")
        shell.commit()
    with pytest.raises(Unavailable, match="cannot be read: 'lost'"):
        database.load()


@pytest.mark.parametrize("place", ["folder", "under a file"])
def test_a_path_that_cannot_be_a_database_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path if place == "folder" else tmp_path / "file" / "coordinator.sqlite"
    with pytest.raises(Fatal, match=str(tmp_path)), opened(path):
        pass


def test_a_backup_is_a_whole_database_of_that_moment(database: Database, path: Path, tmp_path: Path) -> None:
    row, entry = committed(ROW, 1, Hole("A", HoleReason.NO_DATA))
    database.save(shards=[row], commit=entry)
    copy = tmp_path / "backup.sqlite"
    for _ in range(2):  # the second replaces the first
        database.backup(copy)
    database.save(shards=[ROW])
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["backup.sqlite"]
    with opened(copy) as restored:
        assert restored.load().shards == [replace(row, epoch=row.epoch + 1_000_000)]
        assert restored.holes(KEY) == entry.holes


def test_in_a_backup_nothing_is_leased_and_epochs_go_on_above_all_that_were_granted_since(
    database: Database, tmp_path: Path
) -> None:
    lease = LeaseRow(3, "spark", "p1", Purpose.REFRESH, NOW)
    leased = replace(ROW, epoch=3, granted_to="spark", lease=lease, due=None, due_for=Purpose.COLLECT)
    never = replace(ROW, key=replace(KEY, event="KXHIGHNY-NEVER"), epoch=0)
    database.save(shards=[leased, never])
    database.backup(tmp_path / "backup.sqlite")
    with opened(tmp_path / "backup.sqlite") as restored:
        rows = {row.key: row for row in restored.load().shards}
    assert rows[KEY] == replace(leased, epoch=1_000_003, lease=None, due=NOW, due_for=Purpose.REFRESH)
    assert rows[never.key] == never


async def test_a_backup_may_be_made_while_the_coordinator_goes_on(database: Database, tmp_path: Path) -> None:
    database.save(events=[replace(EVENT, event=f"E{number}", markets=EVENT.markets * 99) for number in range(200)])
    copying = asyncio.ensure_future(asyncio.to_thread(database.backup, tmp_path / "backup.sqlite"))
    row, sequence = ROW, 0
    while not copying.done():
        sequence += 1
        row, entry = committed(row, sequence)
        database.save(shards=[row], commit=entry)
        await asyncio.sleep(0)
    await copying
    with opened(tmp_path / "backup.sqlite") as restored:
        loaded = restored.load()
        assert loaded.last_sequence <= sequence
        assert [shard.commit and shard.commit.sequence for shard in loaded.shards] in ([], [loaded.last_sequence])
        assert restored.event("E199") is not None


def test_a_backup_that_cannot_be_written_says_so_and_harms_nothing(database: Database, tmp_path: Path) -> None:
    database.save(shards=[ROW])
    with pytest.raises(Unavailable, match=r"no backup at .*: No such file or directory"):
        database.backup(tmp_path / "absent" / "backup.sqlite")
    assert database.load().shards == [ROW]


def test_people_read_it_with_plain_sql(database: Database, path: Path) -> None:
    row, entry = committed(replace(ROW, holders=("spark",)), 1, Hole("A", HoleReason.NO_DATA, "no candles"))
    database.save(shards=[row], commit=entry, events=[EVENT])
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as shell:
        question = """
          SELECT event, step, state, sha256, committed, market, reason
          FROM shards JOIN commits USING (series, event, step) JOIN holes USING (sequence)
          WHERE commits.epoch = committed_epoch AND closes > '2026-11-23'"""
        answer = shell.execute(question).fetchall()
        assert answer == [(KEY.event, "60m", "open", "ab" * 32, "2026-11-22T12:00:00.000000Z", "A", "no_data")]
        tickers = "SELECT json_extract(value, '$[0]') FROM events, json_each(markets)"
        assert shell.execute(tickers).fetchall() == [(f"{KEY.event}-T50",)]
