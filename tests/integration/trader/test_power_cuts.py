"""The journal and the paper account after a power cut, on every disk that one may leave (docs/journal.md)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mesh.kalshi.sides import Action
from tests.fakes.power.cuts import cuts, put_back
from tests.fakes.power.disk import Disk
from tests.fakes.power.host import checkpoint_often, host, set_pragma
from tests.fakes.power.recorder import Recorder, recording
from tests.fakes.trading import NOON, market
from tests.unit.trader.paper.bench import IOC, order_terms, yes_book
from trader.domain.entries import AnyEntry, OrderSent
from trader.journal import store as journal_store
from trader.journal.errors import JournalError
from trader.journal.verifying import verify
from trader.paper.account import Account
from trader.paper.config import PaperConfig
from trader.paper.matching import Matching
from trader.paper.store import opened as paper_opened

PIECE = 8192
"""Half of a page of the journal; `make sim` tries the 512 bytes that any disk writes whole."""
Known = tuple[int, int]
"""Of a paper account: its orders, its cash."""


@pytest.fixture
def root() -> Iterator[Path]:
    with host() as folder:
        yield folder


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_often(monkeypatch)


def entry(number: int) -> AnyEntry:
    """A large one at times, so that a transaction is of several pages."""
    return OrderSent(client_order_id=f"{number}" * (9000 if number % 5 == 0 else 900))


def written(recorder: Recorder, root: Path) -> None:
    """Two processes, one after the other, write transactions of three entries."""
    for _ in range(2):
        with journal_store.opened(root / "state" / "trader" / "j.sqlite", "journal-1") as journal:
            for _ in range(3):
                first = journal.last_sequence + 1
                journal.append(NOON, [entry(number) for number in range(first, first + 3)])
                recorder.tell(journal.last_sequence)


def check_journal(root: Path, told: int | None) -> None:
    """A trader that starts here finds what was written, whole transactions from the first on, and can go on."""
    path = root / "state" / "trader" / "j.sqlite"
    with journal_store.opened(path, "journal-1") as journal:
        found = [recorded.entry for recorded in journal.read()]
        assert len(found) >= (told or 0), f"{told} were on disk, and {len(found)} are there"
        assert len(found) % 3 == 0, "half a transaction"
        assert found == [entry(number) for number in range(1, len(found) + 1)]
        journal.append(NOON, [entry(len(found) + 1)])
    assert verify(path).end.sequence == len(found) + 1


def traded(recorder: Recorder, config: PaperConfig) -> list[Known]:
    """Two processes, one after the other, trade on paper; returns what the account was after each step."""
    steps: list[Known] = []
    for _ in range(2):
        with paper_opened(config) as store:
            account = store.load()
            steps.append(known(account))
            recorder.tell(steps[-1])
            for _ in range(4):
                matching, book = Matching(account), yes_book(asks=((42, 3 + len(steps)),))
                matching.book_came(book, NOON)
                terms = order_terms(f"c-{len(steps)}", Action.BUY, 42, 4, tif=IOC)
                matching.place(terms, market(), book, NOON)
                _, records = account.take()
                store.save(records)
                steps.append(known(account))
                recorder.tell(steps[-1])
    return steps


def known(account: Account) -> Known:
    return (len(account.orders), account.purse.cash)


def check_paper(root: Path, told: Known | None, steps: Sequence[Known]) -> Known:
    """A paper account that is opened here is one that it was, and no older than what was told; returns it."""
    with paper_opened(PaperConfig(file=root / "state" / "paper.sqlite")) as store:
        found = known(store.load())
    assert found in steps
    assert told is None or steps.index(found) >= steps.index(told), f"{told} was on disk, and {found} is there"
    return found


def tried(recorder: Recorder, root: Path, sector: int) -> int:
    """Start a trader on every disk; returns how many there were."""
    count = 0
    for told, files in cuts(recorder, sector):
        put_back(files, root)
        check_journal(root, told)
        count += 1
    return count


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("sector", [PIECE, pytest.param(512, marks=pytest.mark.sim)])
def test_what_append_returned_from_is_there_after_any_power_cut(root: Path, sector: int) -> None:
    with recording(root) as recorder:
        written(recorder, root)
    assert tried(recorder, root, sector) > 100


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("number", [1, 0])
def test_a_journal_that_syncs_less_would_be_caught(root: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    set_pragma(monkeypatch, "synchronous", number)
    with recording(root) as recorder:
        written(recorder, root)
    with pytest.raises((AssertionError, JournalError)):
        tried(recorder, root, PIECE)


@pytest.mark.parametrize("sector", [PIECE, pytest.param(512, marks=pytest.mark.sim)])
def test_the_paper_account_is_what_was_told_of_it_after_any_power_cut(root: Path, sector: int) -> None:
    with recording(root) as recorder:
        steps = traded(recorder, PaperConfig(file=root / "state" / "paper.sqlite"))
    found = set()
    for told, files in cuts(recorder, sector):
        put_back(files, root)
        found.add(check_paper(root, told, steps))
    assert found == set(steps)


def test_what_a_restarted_paper_account_tells_is_there_after_a_power_cut_too(root: Path) -> None:
    """The process is killed in the middle of a write, the next one reads what that left, and then the power goes."""
    with recording(root) as recorder:
        steps = traded(recorder, PaperConfig(file=root / "state" / "paper.sqlite"))
    syncs = [place for place, op in enumerate(recorder.ops) if op.kind == "sync"]
    for place in syncs[: len(syncs) // 2]:
        before, disk = recorder.ops[:place], Disk(PIECE)
        for each in before:
            disk.apply(each)
        put_back(disk.whole(), root)
        with recording(root) as again, paper_opened(PaperConfig(file=root / "state" / "paper.sqlite")) as store:
            again.tell(known(store.load()))
        for told, files in cuts(again, PIECE, before=before):
            put_back(files, root)
            check_paper(root, told, [*steps])
