"""Recorded trades come event by event and market by market; what fills nobody is left out and counted."""

from datetime import timedelta
from pathlib import Path

import pytest

from mesh.store.errors import Damaged
from research.tape import ASK, BID, UNKNOWN, trades
from research.types import Defects
from tests.fakes.recorded_stores import BEGIN, EVENT, SERIES, Row, write_trades

FIRST, SECOND, OTHER = f"{EVENT}-B40.5", f"{EVENT}-B42.5", "KXHIGHNY-26JAN06-B40.5"


def trade(market: str, seconds: int, **more: object) -> Row:
    event = market.rpartition("-")[0]
    tickers = {"series_ticker": SERIES, "event_ticker": event, "market_ticker": market}
    return tickers | {"created_time": BEGIN + timedelta(seconds=seconds)} | more


def test_trades_come_by_market_and_time_from_all_files(tmp_path: Path) -> None:
    rows = [
        trade(FIRST, 5, yes_price_micros=310_000, count_hundredths=250, taker_book_side="ask"),
        trade(FIRST, 9, yes_price_micros=320_000, taker_book_side="bid"),
        trade(OTHER, 1),
    ]
    write_trades(tmp_path, rows)
    write_trades(tmp_path, [trade(FIRST, 7), trade(SECOND, 3)], "more.parquet")
    defects = Defects()
    found = trades(tmp_path, SERIES, EVENT, defects)
    assert found is not None
    assert list(found) == [FIRST, SECOND]
    first = found[FIRST]
    begin = int(BEGIN.timestamp()) * 1_000_000
    assert ((first.times - begin) // 1_000_000).tolist() == [5, 7, 9]
    assert first.prices.tolist() == [310_000, 500_000, 320_000]
    assert first.counts.tolist() == [250, 100, 100]
    assert first.takers.tolist() == [ASK, UNKNOWN, BID]
    assert not defects.counts


def test_an_event_without_trades_has_none(tmp_path: Path) -> None:
    assert trades(tmp_path, SERIES, EVENT, Defects()) is None
    write_trades(tmp_path, [trade(OTHER, 1)])
    assert trades(tmp_path, SERIES, EVENT, Defects()) is None


def test_trades_that_fill_nobody_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        trade(FIRST, 1, trade_id="a"),
        trade(FIRST, 2, trade_id="b", is_block_trade=True),
        trade(FIRST, 3, trade_id="c", yes_price_micros=1_000_000),
        trade(FIRST, 4, trade_id="d", count_hundredths=0),
        trade(FIRST, 5),
        trade(FIRST, 5),  # without a name nobody can say that it is the same
    ]
    write_trades(tmp_path, rows)
    write_trades(tmp_path, [rows[0], trade(FIRST, 6, trade_id="e")], "again.parquet")
    defects = Defects()
    found = trades(tmp_path, SERIES, EVENT, defects)
    assert found is not None
    assert ((found[FIRST].times // 1_000_000) - int(BEGIN.timestamp())).tolist() == [1, 5, 5, 6]
    assert defects.counts == {"block_trade": 1, "trade_impossible": 2, "trade_twice": 1}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write_trades(tmp_path, [trade(FIRST, 1)])
    path = tmp_path / "trades" / SERIES / "trades.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Damaged, match=r"trades\.parquet"):
        trades(tmp_path, SERIES, EVENT, Defects())
