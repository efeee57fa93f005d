"""A journal that somebody has laid hands on: verification names the first entry that is not as it was written."""

import contextlib
import hashlib
import itertools
import shutil
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.trading import NOON
from tests.unit.trader.journal.any_entry import ENTRIES
from tests.unit.trader.journal.story import started, write
from trader.domain.entries import AnyEntry, OrderSent, Started
from trader.domain.words import Mode
from trader.journal import chain
from trader.journal.codec import encode
from trader.journal.errors import DAMAGED, JournalError
from trader.journal.reading import reading
from trader.journal.store import opened
from trader.journal.verifying import verify
from trader.ports import Recorded

_NAMES = itertools.count()


@contextlib.contextmanager
def laid_open(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        yield database


def broken(path: Path) -> JournalError:
    with pytest.raises(JournalError) as caught:
        verify(path)
    return caught.value


@given(
    entries=st.lists(ENTRIES.filter(lambda entry: not isinstance(entry, Started)), min_size=1, max_size=4),
    field=st.sampled_from(["sequence", "time", "kind", "body", "digest"]),
    data=st.data(),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_of_any_field_of_any_row_is_found(
    tmp_path: Path, entries: Sequence[AnyEntry], field: str, data: st.DataObject
) -> None:
    path = tmp_path / f"{next(_NAMES)}.sqlite"
    with opened(path) as store:
        store.append(NOON, entries)
    assert verify(path).end.sequence == len(entries)
    row = data.draw(st.integers(1, len(entries)), label="row")
    with laid_open(path) as database:
        (value,) = database.execute(f"SELECT {field} FROM entries WHERE sequence = ?", (row,)).fetchone()  # noqa: S608
        old = (
            value.to_bytes(8, "big") if field == "sequence" else bytes(value, "utf-8") if type(value) is str else value
        )
        place = data.draw(st.integers(0, len(old) - 1), label="byte")
        new = bytearray(old)
        new[place] ^= data.draw(st.integers(1, 255), label="change")
        if field == "sequence":
            changed = int.from_bytes(new, "big", signed=True)
            if 1 <= changed <= len(entries):
                return  # another row's: the file itself does not take it
            database.execute("UPDATE entries SET sequence = ? WHERE sequence = ?", (changed, row))
        else:
            kind = "BLOB" if type(value) is bytes else "TEXT"
            database.execute(f"UPDATE entries SET {field} = CAST(? AS {kind}) WHERE sequence = ?", (bytes(new), row))  # noqa: S608

    found = broken(path)

    assert found.reason == DAMAGED
    assert found.sequence == (1 if field == "sequence" and changed < 1 else row)


_SHIFT = (
    "UPDATE entries SET sequence = -sequence - 1 WHERE sequence >= 4",
    "UPDATE entries SET sequence = -sequence WHERE sequence < 0",
)
_COPY = "INSERT INTO entries SELECT 4, time, kind, body, digest FROM entries WHERE sequence = 3"


@pytest.mark.parametrize(
    ("statements", "first"),
    [
        (["DELETE FROM entries WHERE sequence = 4"], 4),
        (["DELETE FROM entries WHERE sequence = 1"], 1),
        (["DELETE FROM entries WHERE sequence IN (4, 5, 6)"], 4),
        (
            [
                "DELETE FROM entries WHERE sequence = 4",
                "UPDATE entries SET sequence = -sequence WHERE sequence > 4",
                "UPDATE entries SET sequence = -sequence - 1 WHERE sequence < 0",
            ],
            4,
        ),
        ([*_SHIFT, _COPY], 4),
        (
            [
                "UPDATE entries SET sequence = -4 WHERE sequence = 4",
                "UPDATE entries SET sequence = 4 WHERE sequence = 5",
                "UPDATE entries SET sequence = 5 WHERE sequence = -4",
            ],
            4,
        ),
        (["UPDATE entries SET kind = 'order_sent' WHERE sequence = 4"], 4),
        (["INSERT INTO entries SELECT 0, time, kind, body, digest FROM entries WHERE sequence = 3"], 1),
        (["UPDATE meta SET value = 'j-other' WHERE name = 'journal_id'"], 1),
        (["UPDATE meta SET value = 'live' WHERE name = 'mode'"], None),
        (["DELETE FROM meta WHERE name = 'mode'"], None),
    ],
)
def test_rows_left_out_put_in_or_exchanged_are_found(
    tmp_path: Path, statements: Sequence[str], first: int | None
) -> None:
    write(tmp_path / "j.sqlite")
    with laid_open(tmp_path / "j.sqlite") as database:
        for statement in statements:
            database.execute(statement)

    assert broken(tmp_path / "j.sqlite").sequence == first


def test_a_journal_that_was_cut_or_written_anew_is_found_by_who_noted_its_end(tmp_path: Path) -> None:
    path, anew = tmp_path / "j.sqlite", tmp_path / "anew.sqlite"
    last = write(path)
    noted = verify(path).end
    shutil.copy(path, anew)
    with opened(path) as store:
        store.append(NOON, [OrderSent(client_order_id="c")])
    assert verify(path, noted.sequence, noted.digest).end.sequence == last + 1
    with laid_open(path) as database:
        database.execute("DELETE FROM entries WHERE sequence > ?", (last - 2,))
    assert verify(path).end.sequence == last - 2
    with pytest.raises(JournalError, match=f"entry {last - 1}: is missing"):
        verify(path, noted.sequence, noted.digest)
    with laid_open(anew) as database:
        database.execute("DELETE FROM entries WHERE sequence = ?", (last,))
    with opened(anew) as store:
        store.append(NOON, [OrderSent(client_order_id="another")])
    with pytest.raises(JournalError, match="is not the one that was expected") as caught:
        verify(anew, noted.sequence, noted.digest)
    assert caught.value.sequence == last


def test_a_start_in_another_mode_is_found_even_where_somebody_forged_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with opened(path) as store:
        store.append(NOON, [started(Mode.PAPER)])
    body, time = encode(started(Mode.LIVE)), chain.written(NOON)
    forged = chain.link(verify(path).end.digest, 2, time.encode(), body)
    with laid_open(path) as database:
        database.execute("INSERT INTO entries VALUES (2, ?, 'started', ?, ?)", (time, body, forged))

    assert broken(path).sequence == 2


def test_a_flipped_bit_anywhere_in_the_file_is_never_read_as_another_entry(tmp_path: Path) -> None:
    path, damaged = tmp_path / "j.sqlite", tmp_path / "damaged.sqlite"
    write(path)
    with reading(path) as reader:
        true = list(reader.read())
    content = path.read_bytes()
    found = 0
    for place in range(0, len(content), 97):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        damaged.write_bytes(flipped)
        got: list[Recorded] = []
        try:
            with reading(damaged) as reader:
                got += reader.read()
        except JournalError:
            found += 1
        assert got == true[: len(got)]
    assert found > 50


def test_a_file_whose_own_order_is_broken_is_found_where_every_entry_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    write(path)
    with path.open("r+b") as file:
        file.seek(36)  # count of free pages
        file.write((7).to_bytes(4, "big"))

    with reading(path) as reader:
        assert list(reader.read())
    assert "the file is damaged" in str(broken(path))


def test_the_chain_can_be_checked_with_nothing_but_sqlite_and_sha256(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    write(path)
    with laid_open(path) as database:
        (name,) = database.execute("SELECT value FROM meta WHERE name = 'journal_id'").fetchone()
        digest = hashlib.sha256(name.encode()).digest()
        for sequence, time, body, written in database.execute("SELECT sequence, time, body, digest FROM entries"):
            digest = hashlib.sha256(digest + struct.pack(">q", sequence) + time.encode() + body).digest()
            assert digest == written


@pytest.mark.parametrize("kept", [0, 31, 32, 500, 4096, 9000, 0.5, 0.9, 0.999])
def test_a_torn_log_leaves_whole_transactions(tmp_path: Path, kept: float) -> None:
    whole, torn = tmp_path / "j.sqlite", tmp_path / "torn.sqlite"
    ends = [0]
    with opened(whole) as store:
        for number in range(20):
            first = [started()] if number == 0 else []
            store.append(NOON, [*first, *[OrderSent(client_order_id=f"{number}" * 200)] * 3])
            ends.append(store.last_sequence)
        log = whole.with_name("j.sqlite-wal").read_bytes()
        shutil.copy(whole, torn)
    torn.with_name("torn.sqlite-wal").write_bytes(log[: int(kept if kept > 1 else kept * len(log))])

    with opened(torn) as store:
        assert store.last_sequence in ends
        store.append(NOON, [OrderSent(client_order_id="and on")])
        end = store.last_sequence

    assert verify(torn).end.sequence == end
