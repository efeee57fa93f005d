"""Rows of recorded quotes: of which markets there are any."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.recording.files import QuoteFiles
from collector.recording.rows import QuoteRows, table_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_rows_lie_under_their_series(tmp_path: Path) -> None:
    rows = QuoteRows()
    rows.gap(["KXHIGHNY-26NOV23-B52.5", "KXINX"], NOON, "c-1")
    taken = rows.take()
    assert sorted(taken) == ["KXHIGHNY", "KXINX"]
    path = QuoteFiles(tmp_path / "data", "mini").write("KXHIGHNY", table_of(taken["KXHIGHNY"]))
    assert path.parent.parent == tmp_path / "data" / "quotes" / "KXHIGHNY"


@pytest.mark.parametrize("ticker", ["../../../outside-1", "/outside-1", "..-1", ".-1", "-1", "kx\x1b[2J-1", "A" * 65])
def test_a_market_whose_name_is_no_ticker_never_names_a_folder(ticker: str) -> None:
    rows = QuoteRows()
    rows.gap([ticker, "KXHIGHNY-26NOV23-B52.5"], NOON, "c-1")
    assert rows.nameless == 1
    assert list(rows.take()) == ["KXHIGHNY"]
    assert rows.nameless == 0
