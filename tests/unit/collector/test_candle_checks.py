"""The rules that candles obey."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.candle_checks import Checked, checked
from collector.candle_table import candle_table
from mesh.kalshi.rest.price_wire import Asks, Bids, Candle, Prints
from mesh.shards import ShardKey
from mesh.types import DOLLAR, Hundredths, Price

SHARD = ShardKey("KXBTC", "KXBTC-26JUL1012", 60)
BOUNDS = {"A": (60, 600), "B": (60, 600)}


def candle(end: int = 120, **changes: Any) -> Candle:
    fields: dict[str, Any] = {
        "bid": Bids(Price(400_000), Price(420_000), Price(390_000), Price(410_000)),
        "ask": Asks(Price(450_000), Price(470_000), Price(440_000), Price(460_000)),
        "trades": Prints(*map(Price, (430_000, 450_000, 420_000, 440_000, 435_000, 410_000))),
        "volume": Hundredths(100),
        "open_interest": Hundredths(1_000),
    }
    return Candle(end, **(fields | changes))


def check(**found: Sequence[Candle]) -> Checked:
    return checked(candle_table(SHARD, found), BOUNDS, 60)


def altered(column: str, value: int | None) -> pa.Table:
    table = candle_table(SHARD, {"A": [candle()]})
    kind = table.schema.field(column).type
    return table.set_column(table.schema.get_field_index(column), column, pa.array([value], kind))


def test_good_candles_stay_as_they_came() -> None:
    table = candle_table(SHARD, {"A": [candle(60), candle(600)], "B": [candle(60)]})

    assert checked(table, BOUNDS, 60) == Checked(table, {}, 0)


def test_an_empty_answer_is_good() -> None:
    result = check(A=[])

    assert (len(result.table), result.broken, result.repeated) == (0, {}, 0)


QUIET = candle(
    bid=Bids(Price(0), Price(30_000), Price(0), Price(0)),
    ask=Asks(Price(20_000), Price(DOLLAR), Price(10_000), Price(DOLLAR)),
    trades=Prints(previous=Price(20_000)),
    volume=Hundredths(0),
)


def test_sides_that_nobody_quotes_for_a_while_break_no_rule() -> None:
    assert check(A=[QUIET]).broken == {}


@pytest.mark.parametrize(
    ("candles", "rule"),
    [
        ([candle(0)], "outside the span"),
        ([candle(660)], "outside the span"),
        ([candle(90)], "not at the end of a period"),
        ([candle(180), candle(120)], "out of order"),
        ([candle(120), candle(120, open_interest=Hundredths(1))], "two different candles"),
        ([candle(trades=Prints(*map(Price, (460_000, 450_000, 420_000, 440_000, 435_000))))], "price opens or closes"),
        ([candle(trades=Prints(*map(Price, (430_000, 450_000, 420_000, 410_000, 435_000))))], "price opens or closes"),
        ([candle(trades=Prints(*map(Price, (430_000, 450_000, 420_000, 440_000, 455_000))))], "mean"),
        ([candle(bid=Bids(*map(Price, (400_000, 390_000, 390_000, 390_000))))], "yes_bid opens or closes"),
        ([candle(ask=Asks(*map(Price, (450_000, 470_000, 460_000, 460_000))))], "yes_ask opens or closes"),
        ([candle(bid=Bids(*map(Price, (400_000, 470_000, 390_000, 470_000))))], "bid above ask at the close"),
        ([candle(bid=Bids(*map(Price, (460_000, 470_000, 390_000, 400_000))))], "bid above ask at the open"),
    ],
)
def test_a_market_that_breaks_a_rule_is_named_and_left_out(candles: list[Candle], rule: str) -> None:
    result = check(A=candles, B=[candle()])

    assert list(result.broken) == ["A"]
    assert rule in result.broken["A"]
    assert "T00:" in result.broken["A"]  # when
    assert result.table["market_ticker"].to_pylist() == ["B"]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("price_previous_micros", DOLLAR + 1, "price_previous_micros outside 0 to 1 dollar"),
        ("price_previous_micros", -1, "price_previous_micros outside 0 to 1 dollar"),
        ("yes_bid_high_micros", DOLLAR + 1, "yes_bid_high_micros outside"),
        ("volume_hundredths", -1, "volume_hundredths negative"),
        ("open_interest_hundredths", None, "open_interest_hundredths negative or missing"),
        ("price_high_micros", None, "price opens or closes outside"),
    ],
)
def test_numbers_out_of_range_are_refused(column: str, value: int | None, rule: str) -> None:
    assert rule in checked(altered(column, value), BOUNDS, 60).broken["A"]


def test_the_same_candle_twice_is_stored_once_and_counted() -> None:
    result = check(A=[candle(120), candle(120), candle(120), candle(180)])

    assert result.broken == {}
    assert result.repeated == 2
    assert result.table.equals(candle_table(SHARD, {"A": [candle(120), candle(180)]}))


def test_the_same_end_in_two_markets_is_no_repetition() -> None:
    assert check(A=[candle(120)], B=[candle(120)]).repeated == 0


@pytest.mark.parametrize(("end", "good"), [(1_783_656_000, True), (1_783_659_600, True), (1_783_641_600, False)])
def test_days_end_at_four_or_five_in_the_morning_utc(end: int, good: bool) -> None:
    table = candle_table(ShardKey("KXBTC", "KXBTC-26JUL1012", 86_400), {"A": [candle(end)]})

    assert (checked(table, {"A": (0, 1 << 40)}, 86_400).broken == {}) is good


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 12), st.integers(0, 1)), max_size=12))
def test_what_is_left_is_in_order_and_unique_whatever_comes(drawn: list[tuple[str, int, int]]) -> None:
    found = {
        ticker: [
            candle(60 * minute, open_interest=Hundredths(interest)) for one, minute, interest in drawn if one == ticker
        ]
        for ticker in "AB"
    }
    result = check(**found)

    for ticker, candles in found.items():
        ends = [each.end_ts for each in candles]
        fine = all(60 <= end <= 600 for end in ends) and all(
            before.end_ts < after.end_ts or before == after for before, after in pairwise(candles)
        )
        kept = [row for row in result.table.to_pylist() if row["market_ticker"] == ticker]
        assert (ticker in result.broken) == (not fine)
        assert [int(row["end_time"].timestamp()) for row in kept] == (sorted(set(ends)) if fine else [])
