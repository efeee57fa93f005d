"""Entries are found in a journal's file by what they say, and only sound ones are given."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.trading import NOON, TICKER, market, signal
from trader.domain.entries import AnyEntry, SignalSeen, Stopped
from trader.journal.errors import JournalError
from trader.journal.finding import Finder
from trader.journal.store import opened

OTHER = f"{TICKER}0"  # one ticker begins with the other


def seen(ticker: str) -> SignalSeen:
    return SignalSeen(
        scan_id="s-1",
        ticker=ticker,
        series_ticker=market(ticker).series_ticker,
        signal=signal(),
        wire=f'"ticker":"{TICKER}"'.encode(),
    )


ENTRIES: tuple[AnyEntry, ...] = (
    Stopped(run_id="r-1"),
    seen(TICKER),
    seen(OTHER),
    Stopped(run_id=f'"ticker":"{TICKER}"'),
    seen(TICKER),
)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    with opened(path) as store:
        for number, entry in enumerate(ENTRIES):
            store.append(NOON + timedelta(seconds=number), [entry])
    return path


def test_entries_are_found_by_a_text_that_no_other_field_can_hold(journal: Path) -> None:
    finder, text = Finder(journal), f'"ticker":"{TICKER}"'
    assert [row.sequence for row in finder.found(1, 5, [text])] == [2, 5]
    assert [row.entry for row in finder.found(3, 9, [text])] == [ENTRIES[4]]
    assert finder.found(1, 5, [text], ("stopped",)) == []
    assert [row.sequence for row in finder.found(1, 5, [text, '"r-1"'], ("stopped", "signal"))] == [1, 2, 5]


def test_entries_come_by_sequence_in_the_order_asked_for(journal: Path) -> None:
    assert [(row.sequence, row.entry) for row in Finder(journal).at([4, 1, 99])] == [(4, ENTRIES[3]), (1, ENTRIES[0])]


@pytest.mark.parametrize(("seconds", "sequence"), [(-1, 0), (0, 0), (0.5, 1), (3, 3), (4.5, 5), (99, 5)])
def test_an_instant_has_a_place_in_the_journal(journal: Path, seconds: float, sequence: int) -> None:
    assert Finder(journal).reached(NOON + timedelta(seconds=seconds)) == sequence


def test_an_entry_that_was_changed_is_not_given(journal: Path) -> None:
    with sqlite3.connect(journal) as database:
        changed = "CAST(replace(CAST(body AS TEXT), 's-1', 's-2') AS BLOB)"
        database.execute(f"UPDATE entries SET body = {changed} WHERE sequence = 2")  # noqa: S608  # our own words
    finder = Finder(journal)
    with pytest.raises(JournalError, match="entry 2"):
        finder.at([2])
    assert [row.sequence for row in finder.at([1, 5])] == [1, 5]


def test_the_trader_may_write_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as store:
        finder = Finder(path)
        store.append(NOON, [Stopped(run_id="r-1")])
        assert [row.sequence for row in finder.found(1, 10, ['"r-1"'])] == [1]
