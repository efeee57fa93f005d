from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Conflict
from mesh.kalshi.book import Book, BookError, Books, Change, Level
from mesh.kalshi.sides import Action, Intent
from mesh.kalshi.terms import BookSide
from mesh.types import CENT, Hundredths, Price, Side

prices = st.integers(1, 99).map(lambda cents: Price(cents * CENT))
sizes = st.integers(1, 10**9).map(Hundredths)
ladders = st.dictionaries(prices, sizes, max_size=12)
sides = st.sampled_from([BookSide.BID, BookSide.ASK])


def price(cents: int) -> Price:
    return Price(cents * CENT)


def book(bids: dict[int, int] | None = None, asks: dict[int, int] | None = None) -> Book:
    return Book.from_levels(
        "A",
        [(price(cents), Hundredths(size)) for cents, size in (bids or {}).items()],
        [(price(cents), Hundredths(size)) for cents, size in (asks or {}).items()],
    )


def change(side: BookSide, cents: int, delta: int) -> Change:
    return Change(side, price(cents), Hundredths(delta))


def levels(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    return tuple(Level(price(cents), Hundredths(size)) for cents, size in pairs)


def test_both_sides_can_be_read_from_yes_and_from_no() -> None:
    seen = book({40: 300, 39: 100}, {45: 200, 50: 700})

    assert seen.bids() == levels((40, 300), (39, 100))
    assert seen.asks() == levels((45, 200), (50, 700))
    assert seen.bids(Side.NO) == levels((55, 200), (50, 700))
    assert seen.asks(Side.NO) == levels((60, 300), (61, 100))
    assert (seen.best_bid(), seen.best_ask()) == (Level(price(40), Hundredths(300)), Level(price(45), Hundredths(200)))
    assert seen.best_bid(Side.NO) == Level(price(55), Hundredths(200))
    assert seen.best_ask(Side.NO) == Level(price(60), Hundredths(300))


@pytest.mark.parametrize("side", Side)
def test_an_empty_side_has_no_best_price(side: Side) -> None:
    assert book().best_bid(side) is None
    assert book().best_ask(side) is None
    assert book().bids(side) == book().asks(side) == ()


@given(ladders, ladders)
def test_the_sides_mirror_each_other(bids: dict[Price, Hundredths], asks: dict[Price, Hundredths]) -> None:
    seen = Book.from_levels("A", bids.items(), asks.items())

    for side in Side:
        for bought, sold in zip(seen.bids(side), seen.asks(side.other), strict=True):
            assert (bought.price + sold.price, bought.size) == (1_000_000, sold.size)
        assert seen.best_bid(side) == next(iter(seen.bids(side)), None)
        assert seen.best_ask(side) == next(iter(seen.asks(side)), None)
        assert list(seen.bids(side)) == sorted(seen.bids(side), reverse=True)
        assert list(seen.asks(side)) == sorted(seen.asks(side))


@given(ladders, ladders, sides, prices, st.integers(-(10**9), 10**9).filter(bool))
def test_a_change_moves_one_level_and_nothing_else(
    bids: dict[Price, Hundredths], asks: dict[Price, Hundredths], side: BookSide, at: Price, delta: int
) -> None:
    before = Book.from_levels("A", bids.items(), asks.items(), clock=5)
    touched = bids if side is BookSide.BID else asks
    size = touched.get(at, 0) + delta
    if size < 0:
        with pytest.raises(BookError):
            before.after(Change(side, at, Hundredths(delta)))
        return
    after = before.after(Change(side, at, Hundredths(delta)), clock=6)

    expected = {**touched, at: Hundredths(size)}
    if not size:
        del expected[at]
    assert (after.yes_bids if side is BookSide.BID else after.yes_asks) == expected
    assert (after.yes_asks if side is BookSide.BID else after.yes_bids) == (asks if side is BookSide.BID else bids)
    assert (before.yes_bids, before.yes_asks, before.clock, after.clock) == (bids, asks, 5, 6)


@given(ladders, st.lists(st.tuples(sides, prices, st.integers(1, 1000)), max_size=40))
def test_what_was_added_and_taken_away_again_leaves_the_book_as_it_was(
    bids: dict[Price, Hundredths], more: list[tuple[BookSide, Price, int]]
) -> None:
    start = now = Book.from_levels("A", bids.items(), ())
    for side, at, count in more:
        now = now.after(Change(side, at, Hundredths(count)))
    total: Counter[tuple[BookSide, Price]] = Counter()
    for side, at, count in more:
        total[side, at] += count
    for (side, at), count in total.items():
        now = now.after(Change(side, at, Hundredths(-count)))

    assert (now.yes_bids, now.yes_asks) == (start.yes_bids, start.yes_asks)


def test_depth_is_what_an_order_meets_within_its_limit() -> None:
    seen = book({40: 300, 39: 100}, {45: 200, 50: 700})

    def depth(action: Action, side: Side, cents: int) -> int:
        return seen.depth(Intent(action, side, price(cents)))

    assert [depth(Action.BUY, Side.YES, limit) for limit in (44, 45, 49, 50)] == [0, 200, 200, 900]
    assert [depth(Action.SELL, Side.YES, limit) for limit in (41, 40, 39)] == [0, 300, 400]
    assert [depth(Action.BUY, Side.NO, limit) for limit in (59, 60, 61)] == [0, 300, 400]
    assert [depth(Action.SELL, Side.NO, limit) for limit in (56, 55, 50)] == [0, 200, 900]
    assert seen.within(Intent(Action.BUY, Side.NO, price(61))) == levels((60, 300), (61, 100))


@given(ladders, ladders, st.sampled_from(Action), st.sampled_from(Side), prices)
def test_an_intent_and_its_mirror_image_meet_the_same(
    bids: dict[Price, Hundredths], asks: dict[Price, Hundredths], action: Action, side: Side, limit: Price
) -> None:
    seen = Book.from_levels("A", bids.items(), asks.items())
    intent = Intent(action, side, limit)

    assert seen.depth(intent) == seen.depth(intent.mirrored)


def test_a_snapshot_that_cannot_be_is_refused() -> None:
    twice = [(price(40), Hundredths(1)), (price(40), Hundredths(2))]
    with pytest.raises(BookError, match="twice"):
        Book.from_levels("A", twice, ())
    with pytest.raises(BookError):
        Book.from_levels("A", (), [(price(40), Hundredths(-1))])
    assert Book.from_levels("A", [(price(40), Hundredths(0))], ()).bids() == ()


def test_a_change_on_no_side_that_is_known_is_refused() -> None:
    with pytest.raises(BookError, match="neither"):
        book().after(change(BookSide.UNKNOWN, 40, 1))


def test_who_gets_a_book_error_is_to_load_the_book_again() -> None:
    assert issubclass(BookError, Conflict)


def test_books_are_exact_or_not_there() -> None:
    books = Books()
    with pytest.raises(BookError, match="not known"):
        books.change("A", change(BookSide.BID, 40, 100))

    books.put(book({40: 300}))
    assert "A" in books
    assert books.change("A", change(BookSide.BID, 40, -100)) == book({40: 200}) == books.get("A")
    with pytest.raises(BookError):
        books.change("A", change(BookSide.BID, 40, -201))
    assert books.get("A") is None
    with pytest.raises(BookError, match="not known"):
        books.change("A", change(BookSide.BID, 40, 100))

    books.put(book({40: 300}))
    assert [each.ticker for each in books] == ["A"]
    assert books.lose(["B"]) == ()
    assert books.lose() == ("A",)
    assert list(books) == []
