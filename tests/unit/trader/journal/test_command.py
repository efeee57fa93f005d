"""`foremesh journal`, as a person or a script types it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from console.journal import journal
from console.parity import parity
from tests.fakes.trading import NOON, TICKER, Desk, book, contracts, market, signal
from tests.unit.trader.journal.story import JOURNAL, REFUSED_TICKER, round_trip, story, write
from trader.domain.entries import AnyEntry, Decided, OrderSent, Started
from trader.domain.events import Begun, BookCame, ScanBegan, SignalCame
from trader.domain.words import Mode
from trader.journal.codec import kind_of
from trader.journal.store import opened
from trader.journal.verifying import verify

ENTRIES = [entry for _, entries in story() for entry in entries]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(journal, [str(each) for each in arguments])


def document(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def lines(*arguments: object) -> list[Any]:
    return [json.loads(line) for line in run(*arguments, "--json").stdout.splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "journal.sqlite")
    return tmp_path / "journal.sqlite"


def damage(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement)


def test_verify_counts_the_entries_and_says_what_to_note(path: Path) -> None:
    result = run("verify", path)

    end = verify(path).end
    assert result.exit_code == 0
    assert f"{len(ENTRIES)} entries, all as they were written" in result.stdout
    noted = f"--expect-sequence {len(ENTRIES)} --expect-digest {end.digest.hex()}"
    assert noted in result.stdout
    assert run("verify", path, *noted.split()).exit_code == 0
    assert document("verify", path) == {
        "sound": True,
        "journal_id": JOURNAL,
        "mode": "paper",
        "last_sequence": len(ENTRIES),
        "last_digest": end.digest.hex(),
    }


def test_verify_names_the_first_broken_entry_and_fails(path: Path) -> None:
    damage(path, "UPDATE entries SET time = replace(time, '2026', '2025') WHERE sequence = 5")

    result = run("verify", path)

    assert result.exit_code == 1
    assert "entry 5:" in result.stderr
    assert result.stderr.count("\n") == 1
    failed = run("verify", path, "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["first_broken"] == 5


def test_verify_tells_a_cut_journal_by_what_was_noted(path: Path) -> None:
    last = len(ENTRIES)
    damage(path, "DELETE FROM entries WHERE sequence = (SELECT max(sequence) FROM entries)")

    assert run("verify", path).exit_code == 0
    result = run("verify", path, "--expect-sequence", last)
    assert result.exit_code == 1
    assert f"entry {last}: is missing" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify"],
        ["verify", "nowhere.sqlite"],
        ["verify", "FILE", "--expect-digest", "0" * 64],
        ["verify", "FILE", "--expect-sequence", "1", "--expect-digest", "zz"],
        ["verify", "FILE", "--expect-sequence", "0"],
        ["show", "FILE", "--kind", "fun"],
        ["show", "FILE", "--after", "-1"],
        ["export", "FILE"],
        ["export", "FILE", "--to", "log", "--day", "yesterday"],
        ["erase", "FILE"],
    ],
)
def test_wrong_usage_has_its_own_exit_code(path: Path, arguments: list[str]) -> None:
    assert run(*(path if each == "FILE" else each for each in arguments)).exit_code == 2


@pytest.mark.parametrize("command", [["verify"], ["show"], ["replay"], ["export", "--to", "log"]])
def test_a_file_that_is_no_journal_is_one_line_and_exit_code_1(tmp_path: Path, command: list[str]) -> None:
    other = tmp_path / "other.sqlite"
    other.write_text("something else")

    result = run(command[0], other, *command[1:])

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: JOURNAL_DAMAGED: ")
    assert result.stderr.count("\n") == 1


def test_show_says_in_a_line_what_happened(path: Path) -> None:
    shown = run("show", path).stdout.splitlines()

    assert len(shown) == len(ENTRIES)
    assert shown[0].split(maxsplit=4)[:4] == ["1", "2026-11-23", "12:00:00.000", "started"]
    for words in (
        "cash $100.00",
        f"{REFUSED_TICKER} NO: refused by spread (14c; at most 10c)",
        "is to be sent: entry, buy 5 NO at 56c",
        "EXIT take_profit of 5 NO by the trader, trigger 76c, floor 1c",
        "closed by take_profit: 5 NO, cost $2.80, came to $3.80, fees $0.1502, net $0.8498",
        "blocked: all markets (pause: lunch)",
        "Take profit: ?[31mnet",
    ):
        assert sum(words in line for line in shown) == 1, words


def test_show_gives_the_entries_themselves_to_programs(path: Path) -> None:
    found = lines("show", path)

    assert [each["sequence"] for each in found] == list(range(1, len(ENTRIES) + 1))
    assert [each["entry"]["kind"] for each in found] == [kind_of(entry) for entry in ENTRIES]
    assert found[0]["time"] == "2026-11-23T12:00:00Z"


def test_show_chooses_by_sequence_kind_and_market(path: Path) -> None:
    assert [each["sequence"] for each in lines("show", path, "--after", len(ENTRIES) - 2)] == [
        len(ENTRIES) - 1,
        len(ENTRIES),
    ]
    assert {each["entry"]["kind"] for each in lines("show", path, "--kind", "fill", "--kind", "trade")} == {
        "fill",
        "trade",
    }
    assert [each["entry"]["kind"] for each in lines("show", path, "--market", REFUSED_TICKER)] == ["decision"]
    about = [each["entry"]["kind"] for each in lines("show", path, "--market", TICKER)]
    assert about[:2] == ["signal", "decision"]
    assert about[2:] == [kind_of(entry) for _, entries in round_trip(0) for entry in entries]
    late = lines("show", path, "--market", TICKER, "--after", 18)
    assert [each["entry"]["kind"] for each in late] == ["fill", "trade"]


def test_show_ends_where_the_journal_is_broken(path: Path) -> None:
    damage(path, "UPDATE entries SET kind = 'cash' WHERE sequence = 4")

    result = run("show", path)

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    assert "entry 4" in result.stderr


def test_replay_says_what_the_journal_comes_to(path: Path) -> None:
    result = run("replay", path)

    assert result.exit_code == 0
    for words in ("2 (2 filled), 3 fills", "0 open, 1 closed", "$0.8498 ($1.00 before fees of $0.1502)", "1 pause"):
        assert words in result.stdout
    found = document("replay", path)
    assert found["orders"] == {"filled": 2}
    assert found["fills"] == 3
    assert found["positions"] == []
    assert found["net_dollars"] == "0.8498"
    assert [block["kind"] for block in found["blocks"]] == ["pause"]
    assert found["books_digest"] in result.stdout


def test_replay_shows_what_is_held(tmp_path: Path) -> None:
    path = tmp_path / "open.sqlite"
    with opened(path, JOURNAL) as store:
        for time, entries in list(story())[:7]:
            store.append(time, entries)

    assert f"{TICKER}: 2.5 NO, cost $1.40" in run("replay", path).stdout
    (position,) = document("replay", path)["positions"]
    assert (position["contracts"], position["cost_dollars"]) == (2.5, "1.4000")


def decisions(path: Path, change: Callable[[AnyEntry], AnyEntry] = lambda entry: entry) -> Path:
    """Write the journal of a trader that refused two markets, with its entries changed."""
    desk = Desk(begun=False)
    desk.tell(Begun("run-1", Mode.PAPER, version("foremesh"), "0" * 64))
    desk.tell(ScanBegan("s-1", ("KXHIGHNY",), 2))
    for ticker in (TICKER, REFUSED_TICKER):
        desk.tell(BookCame(book(ticker)))
        desk.tell(SignalCame("s-1", market(ticker), signal(), b""))
    with opened(path, desk.state.books.journal_id) as store:
        for time, entry in desk.written:
            store.append(time, [change(entry)])
    return path


def spoilt_count(entry: AnyEntry) -> AnyEntry:
    if not isinstance(entry, Decided) or entry.market.ticker != TICKER or entry.plan is None:
        return entry
    return msgspec.structs.replace(entry, plan=msgspec.structs.replace(entry.plan, count=contracts(4)))


def test_replay_decides_again_and_says_that_it_came_to_the_same(tmp_path: Path) -> None:
    path = decisions(tmp_path / "same.sqlite")

    result = run("replay", path)

    assert result.exit_code == 0
    assert "decisions  2 entries and 0 exits decided again as they were" in result.stdout
    assert document("replay", path)["decisions"] == {
        "same": {"entries": 2, "exits": 0},
        "not_made_again": [],
        "different": [],
    }


def test_replay_names_every_field_of_a_decision_that_differs_and_fails(tmp_path: Path) -> None:
    path = decisions(tmp_path / "spoilt.sqlite", spoilt_count)

    result = run("replay", path)

    assert result.exit_code == 1
    assert "1 entry and 0 exits decided again as they were" in result.stdout
    assert "DIFFERENT now: 1 entry and 0 exits" in result.stdout
    assert f"entry, {TICKER}: plan.count was 400, is 500" in result.stdout
    assert run("replay", path, "--json").exit_code == 1
    (found,) = document("replay", path)["decisions"]["different"]
    assert found["fields"] == [{"field": "plan.count", "written": 400, "made": 500}]
    (shown,) = lines("show", path, "--after", found["sequence"] - 1, "--kind", "decision")[:1]
    assert shown["entry"]["decision_id"] == found["decision_id"]


def test_replay_counts_what_it_cannot_decide_again_with_the_reason(tmp_path: Path) -> None:
    def older(entry: AnyEntry) -> AnyEntry:
        return msgspec.structs.replace(entry, version="0.0.1") if isinstance(entry, Started) else entry

    path = decisions(tmp_path / "older.sqlite", older)

    result = run("replay", path)

    assert result.exit_code == 0
    assert "2 entries not decided again: another version of foremesh decided" in result.stdout
    assert document("replay", path)["decisions"]["not_made_again"] == [
        {"decision": "entry", "reason": "other_version", "count": 2}
    ]


def test_replay_names_an_entry_that_cannot_follow(path: Path) -> None:
    with opened(path) as store:
        store.append(NOON, [OrderSent(client_order_id="nobody's")])

    result = run("replay", path)

    assert result.exit_code == 1
    assert f"entry {len(ENTRIES) + 1}: speaks of" in result.stderr


def test_export_lists_the_files_it_wrote(path: Path, tmp_path: Path) -> None:
    result = run("export", path, "--to", tmp_path / "log")

    file = tmp_path / "log" / "trades_2026-11-23.json"
    assert (result.exit_code, result.stdout) == (0, f"{file}: 1 trade\n")
    (trade,) = json.loads(file.read_text(), parse_float=Decimal)
    assert trade["pnl_dollars"] == Decimal("0.8498")
    other = document("export", path, "--to", tmp_path / "log", "--day", "2026-11-25")
    assert other == {"files": [{"file": str(tmp_path / "log" / "trades_2026-11-25.json"), "trades": 0}]}


def test_export_of_a_journal_without_trades_says_so(tmp_path: Path) -> None:
    with opened(tmp_path / "new.sqlite"):
        pass

    assert "no trade has closed yet" in run("export", tmp_path / "new.sqlite", "--to", tmp_path / "log").stdout
    assert run("replay", tmp_path / "new.sqlite").exit_code == 0
    assert run("verify", tmp_path / "new.sqlite").stdout.startswith("0 entries")


def a_day(path: Path, day: str, *more: str) -> Result:
    return CliRunner().invoke(parity, [day, "--journal", str(path), *more])


def test_parity_decides_one_day_again_and_fails_where_nothing_was_decided(tmp_path: Path) -> None:
    path = decisions(tmp_path / "same.sqlite")

    same, none = a_day(path, f"{NOON:%Y-%m-%d}"), a_day(path, "2026-11-20")

    assert (same.exit_code, same.stdout) == (0, "2 entries and 0 exits decided again as they were\n")
    assert (none.exit_code, none.stderr) == (1, "nothing was decided on 2026-11-20\n")
    assert json.loads(a_day(path, f"{NOON:%Y-%m-%d}", "--json").stdout)["same"] == {"entries": 2, "exits": 0}


def test_parity_lists_what_differs(tmp_path: Path) -> None:
    path = decisions(tmp_path / "spoilt.sqlite", spoilt_count)

    found = a_day(path, f"{NOON:%Y-%m-%d}")

    assert found.exit_code == 1
    assert f"entry, {TICKER}: plan.count was 400, is 500" in found.stdout
