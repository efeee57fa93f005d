"""Rows in the wrong place, order or range are found, in whole columns."""

import itertools

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.records import CANDLES
from mesh.shards import Content, ShardKey
from mesh.store.checks import check_order, check_sense, check_shard
from mesh.store.compare import Difference, compare
from tests.fakes.candle_tables import KEY, candles


def changed(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table.column(column).to_pylist()
    values[row] = value
    return table.set_column(
        CANDLES.get_field_index(column), CANDLES.field(column), pa.array(values, CANDLES.field(column).type)
    )


@given(st.lists(st.integers(0, 11), max_size=24))
def test_order_and_duplicates_are_found_exactly_where_they_are(rows: list[int]) -> None:
    table = candles().take(pa.array(rows, pa.int64()))
    pairs = list(itertools.pairwise(rows))
    expected = {"order": sum(b < a for a, b in pairs), "duplicate": sum(a == b for a, b in pairs)}
    assert {flaw.rule: flaw.count for flaw in check_order(table)} == {
        rule: count for rule, count in expected.items() if count
    }


def test_a_flaw_names_its_first_row() -> None:
    (flaw,) = check_order(candles().take(pa.array([0, 1, 1, 2])))
    assert str(flaw) == "duplicate: 1 rows, first KXHIGHNY-26NOV22-B000 at 2026-11-22T07:00:00+00:00"


def test_sensible_candles_have_no_flaw() -> None:
    for table in (candles(), candles(quotes=False), CANDLES.empty_table()):
        assert check_sense(table, 3600) == []
        assert check_shard(table, KEY, Content.PRICES_AND_QUOTES) == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("price_high_micros", 1_000_001, "price_high_micros not within a dollar"),
        ("price_low_micros", -1, "price_low_micros not within a dollar"),
        ("price_previous_micros", 2_000_000, "price_previous_micros not within a dollar"),
        ("price_low_micros", 990_000, "price low above high"),
        ("price_open_micros", 990_000, "price open outside low and high"),
        ("price_mean_micros", 0, "price mean outside low and high"),
        ("yes_bid_close_micros", 0, "yes_bid close outside low and high"),
        ("yes_bid_close_micros", 990_000, "bid above ask at the close"),
        ("volume_hundredths", -1, "volume_hundredths below zero"),
        ("price_close_micros", None, "contracts traded at no price"),
        ("end_time", candles().column("end_time")[1].as_py().replace(second=1), "end off the step"),
    ],
)
def test_a_candle_that_cannot_be_is_found(column: str, value: object, rule: str) -> None:
    flaws = check_sense(changed(candles(), column, 1, value), 3600)
    assert {flaw.rule: flaw.count for flaw in flaws}[rule] == 1
    assert all("B000 at 2026-11-22T07:00:0" in flaw.example for flaw in flaws)


def test_rows_of_another_shard_and_quotes_among_prices_are_found() -> None:
    other = ShardKey("KXHIGHNY", "KXHIGHNY-26NOV23", 60)
    assert {flaw.rule for flaw in check_shard(candles(), other, Content.PRICES)} == {
        "another event_ticker",
        "another step_seconds",
        "quotes among prices alone",
    }


@given(st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_two_tables_differ_exactly_where_they_do(first: set[int], second: set[int], other: set[int]) -> None:
    whole = candles()
    one = whole.take(pa.array(sorted(first), pa.int64()))
    interest = pa.array(
        [value + (row in other) for row, value in enumerate(whole.column("open_interest_hundredths").to_pylist())]
    )
    moved = whole.set_column(len(CANDLES) - 1, CANDLES.field("open_interest_hundredths"), interest)
    two = moved.take(pa.array(sorted(second, reverse=True), pa.int64()))
    found = compare(one, two)
    counts = (len(first - second), len(second - first), len(first & second & other))
    assert (found.only_first, found.only_second, found.changed) == counts
    assert found.none == (sum(counts) == 0)
    assert bool(found.example) == (sum(counts) > 0)


def test_null_is_another_value_than_any_number() -> None:
    table = candles()
    assert pc.is_null(table.column("price_open_micros")[0]).as_py()
    found = compare(table, changed(changed(table, "price_open_micros", 0, 0), "price_open_micros", 1, None))
    assert found == Difference(0, 0, 2, ("price_open_micros",), "KXHIGHNY-26NOV22-B000 at 2026-11-22T06:00:00+00:00")
