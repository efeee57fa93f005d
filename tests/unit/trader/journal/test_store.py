"""Writing and reading the journal's file."""

import contextlib
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.fakes.trading import NOON
from tests.unit.trader.journal.story import JOURNAL, started, story, write
from trader.domain.entries import AnyEntry, OrderSent, Stopped
from trader.domain.words import Mode
from trader.journal import reading as reading_module
from trader.journal import schema
from trader.journal.errors import DAMAGED, FOREIGN, FULL, NEWER, REFUSED, TAKEN, UNUSABLE, JournalError
from trader.journal.reading import reading
from trader.journal.schema import VERSIONS
from trader.journal.store import Store, opened
from trader.journal.verifying import verify
from trader.ports import Journal

SENT = OrderSent(client_order_id="c")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


def test_entries_come_back_in_their_order_with_their_times_also_after_a_restart(path: Path) -> None:
    expected = [(time, entry) for time, entries in story() for entry in entries]
    with opened(path, JOURNAL) as store:
        journal: Journal = store
        for time, entries in story():
            journal.append(time, entries)
        assert [(each.time, each.entry) for each in journal.read()] == expected
    with opened(path, "another name") as store:
        assert store.journal_id == JOURNAL
        assert store.mode is Mode.PAPER
        assert store.last_sequence == len(expected)
        assert [each.sequence for each in store.read()] == list(range(1, len(expected) + 1))
        assert [(each.time, each.entry) for each in store.read(7)] == expected[7:]
        assert list(store.read(len(expected))) == []
        assert list(store.read(len(expected) + 5)) == []


def test_a_new_journal_is_empty_private_and_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = set()
    for folder in ("a", "b"):
        with opened(tmp_path / folder / "j.sqlite") as store:
            names.add(store.journal_id)
            assert store.last_sequence == 0
            assert store.mode is None
            assert list(store.read()) == []
        assert stat.S_IMODE((tmp_path / folder / "j.sqlite").stat().st_mode) == 0o600
    assert len(names) == 2


def test_what_was_appended_survives_a_power_cut_as_far_as_sqlite_can_promise(path: Path) -> None:
    with opened(path) as store:
        settings = {name: store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_an_append_is_seen_whole_or_not_at_all(path: Path) -> None:
    broken = OrderSent(client_order_id="\ud800")
    with opened(path) as store:
        store.append(NOON, [started()])
        with pytest.raises(JournalError) as caught:
            store.append(NOON, [SENT, SENT, broken])
        assert caught.value.reason == REFUSED
        assert [each.entry for each in store.read()] == [started()]


def test_nothing_to_append_is_no_entry(path: Path) -> None:
    with opened(path) as store:
        store.append(NOON, [])
        assert store.last_sequence == 0


def test_times_are_kept_to_the_microsecond_in_utc_and_a_naive_one_is_refused(path: Path) -> None:
    east = NOON.astimezone(timezone(timedelta(hours=5))) + timedelta(microseconds=1)
    with opened(path) as store:
        store.append(east, [started()])
        (found,) = store.read()
        assert found.time == east
        assert found.time.utcoffset() == timedelta(0)
        with pytest.raises(JournalError, match="zone"):
            store.append(datetime(2026, 11, 23), [SENT])  # noqa: DTZ001


def test_the_mode_is_fixed_by_the_first_start(path: Path) -> None:
    with opened(path) as store:
        store.append(NOON, [started(Mode.PAPER)])
        assert store.mode is Mode.PAPER
    with opened(path) as store:
        with pytest.raises(JournalError) as caught:
            store.append(NOON, [SENT, started(Mode.LIVE)])
        assert caught.value.reason == FOREIGN
        assert "paper journal takes no start in mode live" in str(caught.value)
    with opened(path) as store:
        store.append(NOON, [started(Mode.PAPER)])
        assert store.last_sequence == 2


def test_two_starts_of_different_modes_in_one_transaction_are_refused(path: Path) -> None:
    with opened(path) as store, pytest.raises(JournalError):
        store.append(NOON, [started(Mode.PAPER), started(Mode.LIVE)])


def test_a_second_writer_is_refused_by_name_and_gets_in_when_the_first_is_gone(path: Path) -> None:
    with opened(path) as first:
        first.append(NOON, [started()])
        with pytest.raises(JournalError) as caught, opened(path):
            pass
        assert caught.value.reason == TAKEN
        assert f"process {os.getpid()}" in str(caught.value)
        first.append(NOON, [SENT])
    with opened(path) as second:
        assert second.last_sequence == 2


def test_a_link_to_a_journal_is_the_same_journal(path: Path) -> None:
    with opened(path):
        link = path.parent / "other.sqlite"
        link.symlink_to(path)
        with pytest.raises(JournalError) as caught, opened(link):
            pass
    assert caught.value.reason == TAKEN


def test_readers_see_whole_transactions_while_the_trader_writes(path: Path) -> None:
    counts: list[int] = []
    with opened(path) as store:
        store.append(NOON, [started()])
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                with reading(path) as reader:
                    counts.append(sum(1 for _ in reader.read()))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for _ in range(40):
                store.append(NOON, [SENT, SENT, SENT])
        finally:
            stop.set()
            watcher.join()
    assert counts == sorted(counts)
    assert {count % 3 for count in counts} == {1}


def test_a_reader_that_stays_sees_what_comes_and_holds_nothing_up(path: Path) -> None:
    with opened(path) as store:
        store.append(NOON, [started()] + [SENT] * 1500)
        entries = store.read()
        assert next(entries).entry == started()  # and stays where it is, in the midst of reading
        (blocked, *_) = store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert blocked == 0
        store.append(NOON, [Stopped(run_id="r")])
        assert [each.entry for each in entries][-1] == Stopped(run_id="r")


def test_reading_changes_nothing_and_leaves_nothing_behind(path: Path) -> None:
    write(path)
    before = (path.read_bytes(), sorted(each.name for each in path.parent.iterdir()))
    with reading(path) as reader:
        assert list(reader.read())
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._db.execute("DELETE FROM entries")
    assert path.read_bytes() == before[0]


@contextlib.contextmanager
def no_room(store: Store) -> Iterator[None]:
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count={pages}")
    yield


@contextlib.contextmanager
def held_elsewhere(store: Store) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(store._path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextlib.contextmanager
def read_only(store: Store) -> Iterator[None]:
    store._db.execute("PRAGMA query_only=ON")
    yield


@pytest.mark.parametrize(
    ("trouble", "reason", "words"),
    [
        (no_room, FULL, "no room left"),
        (held_elsewhere, UNUSABLE, "another program holds it locked"),
        (read_only, UNUSABLE, "may not be written"),
    ],
)
def test_a_write_that_fails_leaves_nothing_and_ends_the_use_of_the_journal(
    path: Path, trouble: object, reason: str, words: str
) -> None:
    many: list[AnyEntry] = [OrderSent(client_order_id="x" * 500)] * 100
    with opened(path) as store:
        store.append(NOON, [started()])
        with trouble(store), pytest.raises(JournalError, match=words) as caught:  # type: ignore[operator]  # one of the above
            store.append(NOON, many)
        assert caught.value.reason == reason
        assert store.last_sequence == 1
        assert len(list(store.read())) == 1
        with pytest.raises(JournalError, match="an earlier write failed"):
            store.append(NOON, [SENT])
    with opened(path) as store:
        store.append(NOON, [SENT])
    assert verify(path).end.sequence == 2


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO entries SELECT sequence + 1, time, kind, body, digest FROM entries ORDER BY sequence DESC LIMIT 1",
        "DELETE FROM entries WHERE sequence = (SELECT max(sequence) FROM entries)",
    ],
)
def test_who_writes_past_the_lock_is_noticed_before_anything_is_added(path: Path, change: str) -> None:
    with opened(path) as store:
        store.append(NOON, [started(), SENT])
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute(change)
        with pytest.raises(JournalError, match="somebody else has written"):
            store.append(NOON, [SENT])


def altered(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (f"PRAGMA user_version={len(VERSIONS) + 1}", NEWER),
        ("PRAGMA user_version=0", FOREIGN),
        ("PRAGMA application_id=7", FOREIGN),
        ("DELETE FROM meta WHERE name = 'journal_id'", DAMAGED),
        ("UPDATE meta SET value = 'j-other' WHERE name = 'journal_id'", DAMAGED),
        ("UPDATE meta SET value = 'fun' WHERE name = 'mode'", DAMAGED),
        ("UPDATE meta SET value = CAST(x'ff' AS TEXT) WHERE name = 'mode'", DAMAGED),
        ("UPDATE entries SET digest = x'00' WHERE sequence = (SELECT max(sequence) FROM entries)", DAMAGED),
        ("UPDATE entries SET body = CAST(replace(body, 'run-1', 'run-2') AS BLOB)", DAMAGED),
        ("DELETE FROM entries WHERE sequence = 3", DAMAGED),
        ("UPDATE entries SET sequence = -1 WHERE sequence = 1", DAMAGED),
        ("DELETE FROM entries WHERE sequence < 5", DAMAGED),
        ("DROP TABLE entries", UNUSABLE),
        ("DROP TABLE meta", UNUSABLE),
    ],
)
def test_a_journal_that_is_not_as_it_was_left_is_not_opened(path: Path, statement: str, reason: str) -> None:
    write(path)
    altered(path, statement)
    with pytest.raises(JournalError) as caught, opened(path):
        pass
    assert caught.value.reason == reason
    assert "journal.sqlite" in str(caught.value) or caught.value.sequence is not None


def test_an_older_file_is_brought_up_to_date_by_a_trader_and_by_nobody_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = write(path)
    newer = (*VERSIONS, ("ALTER TABLE meta ADD COLUMN note TEXT",))
    for module in (schema, reading_module):
        monkeypatch.setattr(module, "VERSIONS", newer)
    with pytest.raises(JournalError, match="older version"), reading(path):
        pass
    with opened(path) as store:
        store.append(NOON, [SENT])
    with reading(path) as reader:
        assert len(list(reader.read())) == count + 1
    monkeypatch.undo()
    with pytest.raises(JournalError, match="newer foremesh"), opened(path):
        pass


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + bytes(4080)])
def test_another_file_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalError), opened(path):
        pass
    with pytest.raises(JournalError), reading(path):
        pass
    assert path.read_bytes() == content


def test_a_journal_whose_file_is_gone_is_not_begun_anew_over_what_is_left_of_it(path: Path) -> None:
    with opened(path) as store:
        store.append(NOON, [started()])
        path.unlink()
        left = path.with_name("journal.sqlite-wal").read_bytes()
    path.with_name("journal.sqlite-wal").write_bytes(left)
    path.unlink(missing_ok=True)
    with pytest.raises(JournalError, match="put both back"), opened(path):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file"), opened(tmp_path / "file" / "journal.sqlite"):
        pass


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no such file"), reading(tmp_path / "j.sqlite"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_backup_in_a_folder_that_takes_nothing_can_be_read(path: Path) -> None:
    count = write(path)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert verify(path).end.sequence == count
    finally:
        path.parent.chmod(0o700)


def test_a_backup_made_while_the_trader_writes_is_a_journal(path: Path) -> None:
    with opened(path, JOURNAL) as store:
        for time, entries in story():
            store.append(time, entries)
        copy = path.with_name("backup.sqlite")
        with (
            contextlib.closing(sqlite3.connect(path)) as live,
            contextlib.closing(sqlite3.connect(copy)) as written,
        ):
            live.backup(written)
        end = store.last_sequence
    assert verify(copy).journal_id == JOURNAL
    assert verify(copy).end == verify(path).end
    with opened(copy) as store:
        assert store.last_sequence == end
