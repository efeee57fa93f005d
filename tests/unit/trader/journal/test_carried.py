"""Books carried forward: a start from them knows what a start from the first entry knows."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from mesh.clock import ManualClock
from mesh.types import Micros
from tests.fakes.trading import NOON
from tests.unit.trader.journal.story import decided, started, story, write
from trader.domain.entries import CashSeen
from trader.domain.fold import apply
from trader.domain.settings import Settings
from trader.domain.state import State
from trader.engine.carrying import carry, check, keep_carrying
from trader.engine.recalling import recalled
from trader.journal import carried
from trader.journal.errors import FOLD_DIFFERS, JournalError
from trader.journal.reading import reading
from trader.journal.replaying import folded, replay
from trader.journal.store import opened

TRIPS = 3
LAST = sum(len(entries) for _, entries in story(TRIPS))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    write(tmp_path / "journal.sqlite", trips=TRIPS)
    return tmp_path / "journal.sqlite"


class Hurried(ManualClock):
    """Nobody waits."""

    async def sleep(self, seconds: float) -> None: ...


async def made(journal: Path, last: int) -> carried.Carried:
    return await carry(journal, last, Hurried(NOON))


def begun(journal: Path, found: carried.Carried | None = None) -> tuple[State, datetime | None]:
    """Start on a journal."""
    with opened(journal) as store:
        state, lived = recalled(store, Settings(), found)
    apply(state.books, state.books.sequence + 1, NOON, started())
    return state, lived


async def test_from_books_carried_forward_to_any_entry_a_start_comes_to_the_same_state(journal: Path) -> None:
    wanted = begun(journal)
    with reading(journal) as reader:
        books = folded(reader.journal_id, reader.read())
        apply(books, LAST + 1, NOON, started())
    assert wanted[0].books == books
    for last in range(1, LAST + 1):
        carried.write(journal, await made(journal, last))
        found = carried.find(journal)
        assert found is not None
        assert found.books.sequence == last
        assert begun(journal, found) == wanted


def flipped(content: bytes) -> bytes:
    place = content.index(b'"peak_net":') + len(b'"peak_net":')
    return content[:place] + b"9" + content[place + 1 :]


def of_other_software(content: bytes) -> bytes:
    found = carried.decode(content)
    return carried.encode(msgspec.structs.replace(found, software="foremesh 0.0.1 0123456789abcdef"))


@pytest.mark.parametrize(
    "change",
    [flipped, of_other_software, lambda content: content[:-7], lambda content: b"", lambda content: content + b" "],
    ids=["changed", "other software", "cut", "empty", "longer"],
)
async def test_books_that_are_not_as_this_software_wrote_them_are_left_aside(
    journal: Path, change: Callable[[bytes], bytes]
) -> None:
    carried.write(journal, await made(journal, LAST))
    path = carried.beside(journal)
    path.write_bytes(change(path.read_bytes()))

    assert carried.find(journal) is None


async def test_books_of_a_journal_that_an_older_backup_has_replaced_are_left_aside(
    tmp_path: Path, journal: Path
) -> None:
    carried.write(journal, await made(journal, LAST))
    older = tmp_path / "older.sqlite"
    write(older, trips=1)
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            older.with_name(older.name + ending).rename(journal.with_name(journal.name + ending))

    assert carried.find(journal) is None


async def test_a_journal_by_another_name_has_the_same_books_beside_it(tmp_path: Path, journal: Path) -> None:
    carried.write(journal, await made(journal, LAST))
    link = tmp_path / "elsewhere"
    link.symlink_to(journal)

    assert carried.find(link) is not None


async def test_books_carried_forward_are_for_the_owner_alone(journal: Path) -> None:
    carried.write(journal, await made(journal, LAST))

    assert carried.beside(journal).stat().st_mode & 0o777 == 0o600


async def test_books_are_carried_forward_whenever_enough_was_written(journal: Path) -> None:
    clock = ManualClock(NOON)

    async def reached(sequence: int) -> None:
        while (found := carried.find(journal)) is None or found.books.sequence != sequence:
            await clock.advance(1.0)
            await asyncio.sleep(0.001)

    keeping = asyncio.ensure_future(keep_carrying(journal, clock, every=10))
    try:
        await reached(LAST)
        with opened(journal) as store:
            store.append(NOON, [CashSeen(cash=Micros(number)) for number in range(10)])
            await reached(store.last_sequence)
    finally:
        keeping.cancel()


@pytest.mark.parametrize("damaged", [1, 3])
async def test_a_damaged_entry_that_the_start_did_not_read_is_found_soon_after(journal: Path, damaged: int) -> None:
    carried.write(journal, await made(journal, LAST))
    with sqlite3.connect(journal) as database:
        database.execute(
            "UPDATE entries SET body = CAST(replace(body, 'a', 'b') AS BLOB) WHERE sequence = ?", (damaged,)
        )
    found = carried.find(journal)
    assert found is not None, "the start does not look there"

    with pytest.raises(JournalError, match=f"entry {damaged}:"):
        await check(journal, found.books.sequence, Hurried(NOON))


async def test_a_replay_holds_the_books_carried_forward_against_what_the_journal_folds_to(journal: Path) -> None:
    right = await made(journal, LAST - 4)
    wrong = carried.decode(carried.encode(right))
    wrong.books.trades.pop()
    with reading(journal) as reader:
        assert replay(reader, "1", carried=right).books.sequence == LAST
        with pytest.raises(JournalError, match=rf"carried forward to entry {LAST - 4}") as failure:
            replay(reader, "1", carried=wrong)
    assert failure.value.reason == FOLD_DIFFERS


async def test_a_market_whose_title_reads_like_a_refusal_hides_no_entry(tmp_path: Path) -> None:
    entry = decided(entered=True)
    title = '"entered":false,"findings":[]'
    entry = msgspec.structs.replace(entry, market=msgspec.structs.replace(entry.market, title=title))
    with opened(tmp_path / "journal.sqlite") as store:
        store.append(NOON, [entry, msgspec.structs.replace(entry, entered=False)])

        assert [recorded.entry for recorded in store.read(refusals=False)] == [entry]
