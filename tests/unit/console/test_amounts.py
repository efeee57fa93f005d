import pytest
from foremesh.trader.v1 import rules_pb2
from hypothesis import given
from hypothesis import strategies as st

from console.amounts import dollars, gain
from console.trading_words import figure


@pytest.mark.parametrize(
    ("micros", "amount", "result"),
    [
        (0, "$0.00", "$0.00"),
        (1, "<$0.01", "<+$0.01"),
        (-4_999, ">-$0.01", ">-$0.01"),
        (5_000, "$0.01", "+$0.01"),
        (3_369_791, "$3.37", "+$3.37"),
        (-9_999_999, "-$10.00", "-$10.00"),
        (1_234_567_890_000, "$1,234,567.89", "+$1,234,567.89"),
    ],
)
def test_amounts_for_people_are_rounded_to_cents(micros: int, amount: str, result: str) -> None:
    assert (dollars(micros), gain(micros)) == (amount, result)


@given(st.integers(-(10**15), 10**15))
def test_no_amount_but_nothing_is_shown_as_nothing(micros: int) -> None:
    assert (dollars(micros) == "$0.00") == (gain(micros) == "$0.00") == (micros == 0)


@pytest.mark.parametrize(("micros", "said"), [(-9_999_999, "-$10.00"), (565_000, "$0.565"), (24_999_999, "$25.00")])
def test_a_limit_that_leaves_out_its_end_is_shown_as_that_end_and_a_price_as_it_is(micros: int, said: str) -> None:
    assert figure(rules_pb2.Figure(micros=micros)) == said
