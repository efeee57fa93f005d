"""Numbers of files become exact integers, or are told."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.collection.values import ColumnError, Fault, bounded_times, exact, seconds_as_time, texts
from mesh.types import CENT, DOLLAR

HALF_MICRO = 0.5e-6
UNHURRIED = settings(deadline=None)  # the first example waits for arrow to load


def read(
    values: list[float | None], factor: int, kind: pa.DataType | None = None
) -> tuple[list[int | None], list[Fault]]:
    faults: list[Fault] = []
    column = exact(pa.table({"x": pa.array(values, kind)}), "x", factor, faults)
    return column.to_pylist(), faults


@UNHURRIED
@given(st.lists(st.integers(0, DOLLAR)))
def test_every_price_of_whole_micros_survives_being_a_float_of_dollars(micros: list[int]) -> None:
    assert read([value / DOLLAR for value in micros], DOLLAR, pa.float64()) == (micros, [])


@UNHURRIED
@given(st.lists(st.integers(0, 10_000)))
def test_every_price_on_the_exchanges_grid_survives_being_a_float_of_four_bytes(steps: list[int]) -> None:
    floats = [float(np.float32(step / 10_000)) for step in steps]

    assert read(list(floats), DOLLAR, pa.float32()) == ([step * 100 for step in steps], [])


@UNHURRIED
@given(st.lists(st.integers(0, 100 * CENT)))
def test_every_price_survives_being_a_float_of_cents(micros: list[int]) -> None:
    assert read([value / CENT for value in micros], CENT, pa.float64()) == (micros, [])


@UNHURRIED
@given(st.lists(st.decimals(0, 1, places=6)))
def test_decimals_are_what_they_say(prices: list[Decimal]) -> None:
    faults: list[Fault] = []
    table = pa.table({"x": pa.array(prices, pa.decimal128(9, 6))})

    assert exact(table, "x", DOLLAR, faults).to_pylist() == [int(price * DOLLAR) for price in prices]
    assert not faults


@UNHURRIED
@given(st.lists(st.floats(0, 1) | st.none()))
def test_a_price_is_read_within_a_billionth_of_a_dollar_or_it_is_a_fault(prices: list[float | None]) -> None:
    read_values, faults = read(prices, DOLLAR, pa.float64())

    broken = {fault.row for fault in faults}
    for row, (price, micros) in enumerate(zip(prices, read_values, strict=True), 1):
        if price is None:
            assert micros is None
            assert row not in broken
        elif row in broken:
            assert micros is None
        else:
            assert micros is not None
            assert abs(Decimal(price) - Decimal(micros) / DOLLAR) <= Decimal("1.0001e-9")


@UNHURRIED
@given(st.integers(0, DOLLAR - 1))
def test_half_a_micro_more_is_never_rounded_away(micros: int) -> None:
    values, [fault] = read([micros / DOLLAR + HALF_MICRO], DOLLAR)

    assert (values, fault.row) == ([None], 1)
    assert "x: " in fault.what


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e300, -1e300, 1e16])
def test_what_no_integer_holds_is_a_fault(value: float) -> None:
    values, faults = read([0.5, value], DOLLAR)

    assert values == [500_000, None]
    assert [fault.row for fault in faults] == [2]


def test_null_and_not_a_number_are_nothing_and_so_is_a_column_that_is_not_there() -> None:
    assert read([None, float("nan")], DOLLAR, pa.float64()) == ([None, None], [])
    assert exact(pa.table({"y": [1, 2]}), "x", DOLLAR, []).to_pylist() == [None, None]
    assert exact(pa.table({"x": pa.nulls(2)}), "x", DOLLAR, []).to_pylist() == [None, None]


@pytest.mark.parametrize("column", [["0.47"], [True], [b"x"]])
def test_a_column_of_something_else_is_refused_by_name(column: list[object]) -> None:
    with pytest.raises(ColumnError, match="x: holds "):
        exact(pa.table({"x": column}), "x", DOLLAR, [])


def test_milliseconds_taken_for_seconds_are_a_fault() -> None:
    faults: list[Fault] = []
    times = seconds_as_time(pa.table({"t": [1_700_000_000, 1_700_000_000_000, 0, None]}), "t", 1, faults)

    assert [str(time) for time in times.to_pylist()] == ["2023-11-14 22:13:20+00:00", "None", "None", "None"]
    assert [fault.row for fault in faults] == [2, 3, 4]


def test_microseconds_stay_what_they_are() -> None:
    faults: list[Fault] = []
    times = seconds_as_time(pa.table({"t": [1_700_000_000_000_001]}), "t", 1_000_000, faults)

    assert times.cast(pa.int64()).to_pylist() == [1_700_000_000_000_001]
    assert not faults


def test_instants_beyond_the_contracts_bounds_are_faults() -> None:
    faults: list[Fault] = []
    given_times = pa.array([0, 1_700_000_000_000_000, None], pa.timestamp("us", tz="UTC"))

    assert bounded_times(given_times, "t", faults).null_count == 2
    assert [fault.row for fault in faults] == [1, 3]


def test_texts_may_come_in_any_of_arrows_ways() -> None:
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        assert texts(pa.table({"x": pa.array(["a", "", None], kind)}), "x").to_pylist() == ["a", None, None]
    with pytest.raises(ColumnError, match="not texts"):
        texts(pa.table({"x": [1]}), "x")
