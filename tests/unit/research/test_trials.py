"""The trial ledger: nothing that was tried can be taken out of it unseen."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from research.trials import Kind, Ledger, LedgerDamaged, Trial, sharpes

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "research" / "trials.jsonl", lambda: NOW)


def ran(ledger: Ledger, sharpe: float | None, **parameters: Any) -> int:
    """Write a run and its result."""
    begun = ledger.append(Kind.BEGUN, {"command": "backtest", "series": "KXA", **parameters})
    ledger.append(Kind.ENDED, {"begun": begun.number, "data": "d", "sharpe": sharpe})
    return begun.number


def test_a_ledger_that_is_not_there_is_empty(ledger: Ledger) -> None:
    assert ledger.entries() == []
    assert ledger.trials() == []


def test_entries_are_read_as_they_were_written(ledger: Ledger) -> None:
    first = ledger.append(Kind.BEGUN, {"series": "KXÄ", "limit": 0.1, "none": None})
    second = ledger.append(Kind.ENDED, {"begun": 1})

    assert ledger.entries() == [first, second]
    assert (first.number, second.number) == (1, 2)
    assert first.time == NOW


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_entry_that_was_changed_is_named(ledger: Ledger, place: int) -> None:
    for net in range(3):
        ledger.append(Kind.ENDED, {"begun": 0, "net_micros": net})
    lines = ledger.path.read_text().splitlines()
    said = json.loads(lines[place])
    said["body"]["net_micros"] = 1_000_000
    lines[place] = json.dumps(said)
    ledger.path.write_text("\n".join(lines) + "\n")

    with pytest.raises(LedgerDamaged, match=f"entry {place + 1} "):
        ledger.entries()


@pytest.mark.parametrize("kept", [(1, 2), (0, 2), (1, 0, 2), (0, 0, 1, 2)])
def test_an_entry_that_was_left_out_moved_or_doubled_is_seen(ledger: Ledger, kept: tuple[int, ...]) -> None:
    for _ in range(3):
        ran(ledger, 0.0)
    lines = ledger.path.read_text().splitlines()
    ledger.path.write_text("".join(f"{lines[place]}\n" for place in kept))

    with pytest.raises(LedgerDamaged):
        ledger.entries()


def test_nothing_is_added_to_a_damaged_ledger(ledger: Ledger) -> None:
    ran(ledger, 0.0)
    content = ledger.path.read_bytes().replace(b"KXA", b"KXB")
    ledger.path.write_bytes(content)

    with pytest.raises(LedgerDamaged):
        ran(ledger, 0.0)

    assert ledger.path.read_bytes() == content


def test_a_last_line_that_a_power_cut_tore_never_counted(ledger: Ledger) -> None:
    ran(ledger, 0.5)
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + whole.splitlines()[0][:40])

    assert len(ledger.entries()) == 2
    ran(ledger, 0.7)
    assert [entry.number for entry in ledger.entries()] == [1, 2, 3, 4]


def test_several_runs_may_write_at_once(ledger: Ledger) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ran(Ledger(ledger.path), 0.0, number=number), range(12)))

    assert [entry.number for entry in ledger.entries()] == list(range(1, 25))
    assert all(trial.result is not None for trial in ledger.trials())


def test_what_is_not_allowed_is_not_written(ledger: Ledger) -> None:
    def allowed(entries: object) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        ledger.append(Kind.SEALED, {}, allowed)

    assert ledger.entries() == []


def test_a_run_without_a_result_is_a_trial_without_a_score(ledger: Ledger) -> None:
    ledger.append(Kind.BEGUN, {"series": "KXA"})
    ran(ledger, 0.25)

    interrupted, ended = ledger.trials()

    assert interrupted.result is None
    assert ended.result is not None
    assert sharpes([interrupted, ended]) == [0.25]


def test_a_repeated_run_is_no_other_trial_and_one_that_never_traded_counts_as_nothing(ledger: Ledger) -> None:
    ran(ledger, 0.25, horizon=6)
    ran(ledger, 0.25, horizon=6)
    ran(ledger, None, horizon=12)

    assert sorted(sharpes(ledger.trials())) == [0.0, 0.25]


def test_the_same_parameters_on_other_data_are_another_trial() -> None:
    one, other = (Trial(number=1, time=NOW, run={"series": "KXA"}, result={"data": data}) for data in ("a", "b"))

    assert one.identity != other.identity
