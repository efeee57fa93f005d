"""The hash of what was read changes with whatever was read, and with nothing else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from research.digest import DataDigest, digest
from research.loading import load
from research.prints import with_prints
from research.tape import BID, MarketTrades
from research.types import Defects, RecordedEvent
from tests.fakes.recorded_stores import (
    CLOSE,
    EVENT,
    SERIES,
    Row,
    candle,
    hour,
    ladder,
    write_candles,
    write_highs,
    write_markets,
)

MARKETS = [f"{EVENT}-B40.5", f"{EVENT}-B42.5"]
ROWS = [candle(each, hour(number), volume_hundredths=100) for each in MARKETS for number in range(3)]


def hashed(root: Path, rows: list[Row], listed: list[Row], **asked: Any) -> str:
    write_candles(root, rows)
    write_markets(root, listed)
    return digest(load(root, SERIES, step_seconds=3600, **asked, defects=Defects()))


def test_the_same_rows_in_other_files_hash_the_same(tmp_path: Path) -> None:
    one = hashed(tmp_path / "one", ROWS, ladder())
    shuffled = hashed(tmp_path / "two", ROWS[::-1], ladder()[::-1])
    assert one == shuffled
    again = write_highs(tmp_path / "highs", [("2026-01-05", 41, "station")])
    assert hashed(tmp_path / "one", ROWS, ladder(), observed=again) == one  # unproven: nothing of it is used


def test_whatever_changes_a_result_changes_the_hash(tmp_path: Path) -> None:
    seen = {hashed(tmp_path, ROWS, ladder())}
    for change in (
        {"yes_bid_close_micros": 290_000},
        {"yes_ask_high_micros": 330_000},
        {"price_close_micros": 310_000},
        {"volume_hundredths": None},
        {"end_time": hour(2) + timedelta(hours=1)},
    ):
        seen.add(hashed(tmp_path, [*ROWS[:-1], ROWS[-1] | change], ladder()))
    for listed in (
        ladder(close_time=CLOSE + timedelta(hours=1)),
        ladder(result="scalar", settlement_value_micros=1),
        ladder(result="scalar", settlement_value_micros=2),
        ladder(open_time=hour(-9)),
        ladder(event_title="Tomorrow"),
        ladder(cap_strike=60.0),
    ):
        seen.add(hashed(tmp_path, ROWS, listed))
    assert len(seen) == 1 + 5 + 6


def test_events_hash_the_same_in_any_order_and_as_they_stream(tmp_path: Path) -> None:
    write_candles(tmp_path, ROWS)
    write_candles(tmp_path, [candle("KXHIGHNY-26JAN06-B40.5", hour(5))])
    events = list(load(tmp_path, SERIES, step_seconds=3600, defects=Defects()))
    taken = DataDigest()
    for event in reversed(events):
        taken.add(event)
    assert taken.hexdigest() == digest(events)
    assert taken.hexdigest() != digest(events[:1])


def test_the_trades_that_fill_resting_orders_are_in_the_hash(tmp_path: Path) -> None:
    write_candles(tmp_path, ROWS)
    (bare,) = load(tmp_path, SERIES, step_seconds=3600, defects=Defects())
    ticker = bare.markets[0].terms.ticker

    def traded(price: int) -> RecordedEvent:
        one = MarketTrades(
            times=np.array([1]), prices=np.array([price]), counts=np.array([100]), takers=np.array([BID], np.int8)
        )
        return with_prints(bare, {ticker: one}, Defects())

    assert len({digest([bare]), digest([traded(500_000)]), digest([traded(510_000)])}) == 3
