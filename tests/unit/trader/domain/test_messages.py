"""Money, prices, counts and spans for people are exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.types import Hundredths, Micros, Price, micros_from_dollars
from trader.domain import messages


@given(st.integers(-(10**12), 10**12))
def test_money_is_exact(amount: int) -> None:
    text = messages.money(amount)
    assert micros_from_dollars(text.replace("$", "")) == amount
    assert len(text.partition(".")[2]) != 1


@given(st.integers(0, 1_000_000))
def test_prices_are_exact(micros: int) -> None:
    text = messages.price(Price(micros))
    assert micros_from_dollars(text.removesuffix("c")) == micros * 100
    assert text == "0c" or not text.startswith("0c")


@given(st.integers(1, 10**9))
def test_counts_are_exact(count: int) -> None:
    assert float(messages.contracts(Hundredths(count))) == count / 100


@pytest.mark.parametrize(
    ("amount", "text"),
    [(75_000_000, "$75"), (3_420_000, "$3.42"), (3_400_000, "$3.40"), (-17_500, "-$0.0175"), (0, "$0")],
)
def test_money_reads_as_people_write_it(amount: int, text: str) -> None:
    assert messages.money(amount) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.9, "59s"), (3907, "1h 5m"), (86_405, "1d 5s"), (-3, "0s")]
)
def test_spans_are_told_in_their_two_largest_units(seconds: float, text: str) -> None:
    assert messages.span(seconds) == text


def test_the_mean_of_nothing_is_nothing() -> None:
    assert messages.mean(Micros(0), Hundredths(0)) == "nothing"
