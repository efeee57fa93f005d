"""A committed file gives way to one that was collected anew only where nothing is lost by it."""

from datetime import UTC, datetime

import pytest

from collector.fetching import Collected
from collector.replacing import shortfall
from mesh.shards import Commit, Content, Hole, HoleReason, ShardFile
from tests.fakes.candle_tables import END, candles


def collected(markets: int, *holes: HoleReason) -> Collected:
    named = tuple(Hole(f"KXHIGHNY-26NOV22-B{number:03}", reason) for number, reason in enumerate(holes))
    return Collected(candles(markets=markets), Content.PRICES_AND_QUOTES, END, named)


def held(markets: int, holes: int = 0, *, rows: int = 999, content: Content = Content.PRICES) -> Commit:
    file = ShardFile("0" * 64, 1, rows, markets, None, None, "foremesh.candles", 1, content)
    return Commit(1, 1, file, END, holes, "spark", datetime(2026, 11, 23, tzinfo=UTC))


def test_as_many_markets_with_nothing_left_to_ask_may_replace_it() -> None:
    assert shortfall(held(3), collected(3)) == ""
    assert shortfall(held(3), collected(4, HoleReason.NO_DATA)) == ""


def test_fewer_markets_may_not_replace_it() -> None:
    assert "3 markets, and the new one 2" in shortfall(held(3), collected(2, HoleReason.NO_DATA))
    assert shortfall(held(3), collected(0))


@pytest.mark.parametrize("reason", [reason for reason in HoleReason if reason is not HoleReason.NO_DATA])
def test_a_hole_that_another_try_might_fill_may_not_replace_it(reason: HoleReason) -> None:
    assert reason.value in shortfall(held(3), collected(3, HoleReason.NO_DATA, reason))
    assert reason.value in shortfall(held(1), collected(3, reason))


def test_holes_that_it_has_as_well_do_not_keep_a_file_for_ever() -> None:
    assert shortfall(held(3, holes=1), collected(3, HoleReason.NOT_FOUND)) == ""
    assert shortfall(held(3, holes=1), collected(3, HoleReason.NOT_FOUND, HoleReason.TIMED_OUT))


def test_fewer_rows_of_as_many_markets_may_not_replace_what_was_collected_with_quotes() -> None:
    """Such as half a life of each market, while the exchange moves them to its archive."""
    new = collected(3)
    rows = len(new.table)
    assert shortfall(held(3, rows=rows, content=Content.PRICES_AND_QUOTES), new) == ""
    said = shortfall(held(3, rows=rows + 1, content=Content.PRICES_AND_QUOTES), new)
    assert f"{rows + 1} rows, and the new one {rows}" in said
