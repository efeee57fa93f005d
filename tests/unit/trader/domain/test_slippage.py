import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.types import CENT, DOLLAR, Price
from tests.fakes.trading import cents
from trader.domain.settings import EntrySettings
from trader.domain.slippage import entry_limit, slippage


@pytest.mark.parametrize(
    ("magnitude", "whole_cents"), [(0, 0), (4.99, 0), (5, 1), (9.99, 1), (10, 2), (14.9, 2), (15, 3), (19, 3), (100, 3)]
)
def test_a_fifth_of_the_move_in_whole_cents_may_be_paid_and_never_more_than_three(
    magnitude: float, whole_cents: int
) -> None:
    assert slippage(magnitude) == whole_cents * CENT


def test_the_owner_sets_the_share_and_the_most() -> None:
    bold = EntrySettings(slippage_share=0.5, max_slippage_cents=8)
    assert [slippage(magnitude, bold) // CENT for magnitude in (5, 12, 40)] == [2, 6, 8]
    assert entry_limit(cents(56), 12, bold) == cents(62)
    assert entry_limit(cents(56), 12, EntrySettings(slippage_share=0)) == cents(56)


@pytest.mark.parametrize("magnitude", [-0.01, 100.01, float("nan"), float("inf")])
def test_what_is_no_magnitude_is_refused(magnitude: float) -> None:
    with pytest.raises(ValueError, match="magnitude"):
        slippage(magnitude)


@given(st.integers(0, DOLLAR).map(Price), st.floats(0, 100))
def test_a_limit_lies_between_the_ask_and_a_dollar(ask: Price, magnitude: float) -> None:
    assert ask <= entry_limit(ask, magnitude) <= min(DOLLAR, ask + 3 * CENT)
