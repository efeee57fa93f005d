"""Money and prices: exact, within their range, and the same from both sides."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.types import CENT, DOLLAR, Micros, Price, Side, dollars, micros_from_dollars, utc

PRICES = st.integers(0, DOLLAR).map(Price)


@settings(deadline=None)
@given(PRICES)
def test_the_complement_of_the_complement_is_the_price(price: Price) -> None:
    assert price.complement.complement == price
    assert price + price.complement == DOLLAR


def test_buying_no_is_selling_yes_at_the_rest_of_the_dollar() -> None:
    assert Price(470_000).complement == Price(530_000)
    assert Price(0).complement == Price(DOLLAR)
    assert Price(DOLLAR).complement == Price(0)
    assert (Side.YES.other, Side.NO.other) == (Side.NO, Side.YES)


@pytest.mark.parametrize("micros", [-1, DOLLAR + 1, -DOLLAR, 2**63])
def test_a_price_outside_the_dollar_is_refused(micros: int) -> None:
    with pytest.raises(ValueError, match="within 0 and 1000000"):
        Price(micros)


@settings(deadline=None)
@given(PRICES)
def test_a_price_written_and_read_again_is_the_same(price: Price) -> None:
    assert Price.from_dollars(price.dollars()) == price
    assert Decimal(price.dollars()) * DOLLAR == price
    assert price.cents == price / CENT


@settings(deadline=None)
@given(st.integers(-(10**18), 10**18).map(Micros))
def test_any_amount_written_and_read_again_is_the_same(amount: Micros) -> None:
    assert micros_from_dollars(dollars(amount)) == amount


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0.4700", 470_000),
        ("0.47", 470_000),
        ("1", 1_000_000),
        ("0", 0),
        ("0.000001", 1),
        ("0.3333", 333_300),
        ("0.29", 290_000),  # 0.29 * 100 is 28.999… in binary
        ("1.10", 1_100_000),
    ],
)
def test_dollar_texts_are_read_exactly(text: str, micros: int) -> None:
    assert micros_from_dollars(text) == micros


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "0.4.7", "1,00", "$1", "0x10", "NaN", "nan", "sNaN", "Infinity", "-Infinity", "--1", "½"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="dollar"):
        micros_from_dollars(text)


@pytest.mark.parametrize("text", ["0.0000001", "0.47000000000000001", "1e-7", "-0.0000005"])
def test_an_amount_finer_than_a_millionth_is_refused_not_rounded(text: str) -> None:
    with pytest.raises(ValueError, match="finer than a millionth"):
        micros_from_dollars(text)


@pytest.mark.parametrize("text", ["-0.01", "1.000001", "100"])
def test_an_amount_that_is_no_price_is_refused_as_one(text: str) -> None:
    assert isinstance(micros_from_dollars(text), int)
    with pytest.raises(ValueError, match="within 0"):
        Price.from_dollars(text)


def test_amounts_have_four_decimals_and_six_where_they_are_finer() -> None:
    assert dollars(Micros(-1_230_000)) == "-1.2300"
    assert dollars(Micros(1)) == "0.000001"
    assert dollars(Micros(470_000)) == "0.4700"
    assert dollars(Micros(0)) == "0.0000"
    assert dollars(Micros(999_950)) == "0.999950"


def test_instants_are_brought_to_utc_and_naive_ones_refused() -> None:
    berlin = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert utc(berlin) == berlin
    assert utc(berlin).tzinfo is UTC
    assert utc(berlin).hour == 12
    with pytest.raises(ValueError, match="without a zone"):
        utc(datetime(2026, 7, 1))  # noqa: DTZ001  what is refused
