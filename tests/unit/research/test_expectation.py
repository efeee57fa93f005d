from pathlib import Path

import pytest

from research.expectation import NoPromise, promises, write
from research.statistics import bootstrap
from research.statistics.clusters import of_rows
from tests.fakes.trade_rows import row
from trader.reporting.expectation import read

DIGEST = "0123456789abcdef" * 4
ENOUGH = [row((day * 37 % 41) - 18, event=day, contracts=1 + day % 3) for day in range(60)]
FEW = [row(3, event=day, series="KXB.C-1") for day in range(5)]


def test_the_trader_reads_what_research_writes(tmp_path: Path) -> None:
    write(
        tmp_path / "expectation.toml", promises([*ENOUGH, *FEW], DIGEST, {"KXA": 'an "A"', "KXB.C-1": "B"}, level=0.9)
    )
    found = read(tmp_path / "expectation.toml")
    sums = of_rows(ENOUGH)
    assert sums is not None
    expected = bootstrap.mean(sums, level=0.9)
    promise = found.series["KXA"]
    assert (promise.net_cents, promise.low_cents, promise.high_cents) == (expected.mean, expected.low, expected.high)
    assert (found.backtest_digest, found.confidence_level) == (DIGEST, 0.9)
    assert list(found.series) == ["KXA"]
    assert found.underlyings == {"KXA": 'an "A"'}


def test_a_series_name_with_a_dot_is_one_name(tmp_path: Path) -> None:
    write(tmp_path / "e.toml", promises([row(day % 7, event=day, series="KXB.C-1") for day in range(60)], DIGEST))
    found = read(tmp_path / "e.toml")
    assert (list(found.series), found.underlyings) == (["KXB.C-1"], {})


def test_series_of_one_underlying_that_settle_together_are_one_cluster_of_the_promise() -> None:
    twice = [row((day * 37 % 41) - 18, event=day // 2, market=day) for day in range(40)]
    with pytest.raises(NoPromise, match="NOT_ENOUGH_DATA"):
        promises(twice, DIGEST)


def test_a_promise_lies_within_what_a_contract_can_come_to(tmp_path: Path) -> None:
    wide = [row(96 if day % 2 else -99, event=day, price_cents=99) for day in range(31)]
    write(tmp_path / "e.toml", promises(wide, DIGEST, level=0.999))
    assert read(tmp_path / "e.toml").series["KXA"].low_cents >= -100


def test_nothing_is_promised_from_nothing() -> None:
    with pytest.raises(NoPromise):
        promises(FEW, DIGEST)
    with pytest.raises(NoPromise):
        promises([], DIGEST)
