"""A demo in which nothing was decided says why."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from console.mesh_demo.silence import silence
from tests.fakes.trading import NOON
from tests.unit.trader.journal.story import JOURNAL, started, write
from trader.domain.entries import AnyEntry, ScanFinished
from trader.domain.words import ScanOutcome
from trader.journal.store import opened


def scan(markets: int = 0, unread: tuple[tuple[str, str], ...] = ()) -> ScanFinished:
    counts = {ScanOutcome.NO_SIGNAL: markets, ScanOutcome.FAILED: 0}
    return ScanFinished(
        scan_id="s-1", market_count=markets, counts=counts, others=(), entered=0, seconds=0.25, unread=unread
    )


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ((), "no scan came to its end; let it trade longer"),
        ((scan(), scan()), "2 scans found no open market; name another --day or --series"),
        ((scan(3), scan(4)), "2 scans looked at markets 7 times, and none came to a signal (7 no signal)"),
        ((scan(unread=(("KXHIGHNY", "NO_ANSWER: late"),)),), "KXHIGHNY could not be read: NO_ANSWER: late"),
    ],
)
def test_what_was_in_the_way_is_said(tmp_path: Path, entries: Sequence[AnyEntry], words: str) -> None:
    file = tmp_path / "demo.journal"
    with opened(file, JOURNAL) as journal:
        for entry in (started(), *entries):
            journal.append(NOON, [entry])
    assert (silence(file) or "").startswith(f"nothing was decided: {words}")


def test_one_decision_is_enough(tmp_path: Path) -> None:
    write(tmp_path / "demo.journal")
    assert silence(tmp_path / "demo.journal") is None
