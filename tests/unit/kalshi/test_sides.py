"""Buying and selling YES or NO against the book that trades YES."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.sides import Action, Intent, Quote, from_book, profit, to_book
from mesh.kalshi.terms import BookSide
from mesh.types import DOLLAR, Hundredths, Price, Side

PRICES = st.integers(0, DOLLAR // 100).map(lambda step: Price(step * 100))  # the finest grid
COUNTS = st.integers(0, 10**8).map(Hundredths)
INTENTS = st.builds(Intent, st.sampled_from(Action), st.sampled_from(Side), PRICES)


@pytest.mark.parametrize(
    ("action", "side", "price", "book_side", "book_price"),
    [
        (Action.BUY, Side.YES, "0.4700", BookSide.BID, "0.4700"),
        (Action.SELL, Side.YES, "0.4700", BookSide.ASK, "0.4700"),
        (Action.BUY, Side.NO, "0.4700", BookSide.ASK, "0.5300"),
        (Action.SELL, Side.NO, "0.4700", BookSide.BID, "0.5300"),
        (Action.BUY, Side.NO, "0.0010", BookSide.ASK, "0.9990"),
    ],
)
def test_the_four_intents(action: Action, side: Side, price: str, book_side: BookSide, book_price: str) -> None:
    quote = to_book(Intent(action, side, Price.from_dollars(price)))
    assert quote == Quote(book_side, Price.from_dollars(book_price))


@given(INTENTS)
def test_what_goes_to_the_book_comes_back(intent: Intent) -> None:
    assert from_book(to_book(intent), intent.side) == intent
    assert from_book(to_book(intent), intent.side.other) == intent.mirrored


@given(INTENTS)
def test_a_trade_is_the_same_seen_from_either_side(intent: Intent) -> None:
    assert to_book(intent) == to_book(intent.mirrored)
    assert intent.mirrored.mirrored == intent


@given(PRICES)
def test_buying_no_is_an_ask_at_the_complement(price: Price) -> None:
    assert to_book(Intent(Action.BUY, Side.NO, price)) == Quote(BookSide.ASK, Price(DOLLAR - price))


@given(PRICES, PRICES, COUNTS)
def test_profit_of_no_is_minus_the_profit_of_yes(bought: Price, sold: Price, count: Hundredths) -> None:
    assert profit(bought.complement, sold.complement, count) == -profit(bought, sold, count)


@given(PRICES, COUNTS, st.booleans())
def test_yes_and_no_together_pay_a_dollar(price: Price, count: Hundredths, yes_wins: bool) -> None:
    settled = Price(DOLLAR if yes_wins else 0)
    both = profit(price, settled, count) + profit(price.complement, settled.complement, count)
    assert both == 0


def test_a_book_side_of_the_future_is_no_direction() -> None:
    with pytest.raises(ValueError, match="neither"):
        from_book(Quote(BookSide.UNKNOWN, Price(0)), Side.YES)
