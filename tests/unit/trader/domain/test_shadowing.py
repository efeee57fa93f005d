from hypothesis import given
from hypothesis import strategies as st

from mesh.types import Side
from tests.fakes.trading import TICKER, book, cents, contracts, moment
from trader.domain.entries import AnyEntry, ShadowFilled, ShadowPlaced
from trader.domain.events import Traded
from trader.domain.fold import apply
from trader.domain.settings import Settings
from trader.domain.shadowing import book_came, timed, traded
from trader.domain.state import Books, State


def write(state: State, *entries: AnyEntry, seconds: float = 0.0) -> None:
    for entry in entries:
        apply(state.books, state.books.sequence + 1, moment(seconds).now, entry)


def waiting(*, side: Side = Side.NO, ahead: float = 10, count: float = 5, name: str = "d-1") -> State:
    """A virtual order to buy at 54 cents, for a minute."""
    state = State(Books("journal-1"), Settings())
    write(
        state,
        ShadowPlaced(
            decision_id=name,
            position_id="p-1",
            ticker=TICKER,
            side=side,
            price=cents(54),
            count=contracts(count),
            ahead=contracts(ahead),
            until=moment(60).now,
        ),
    )
    return state


def trade(
    state: State, price: float, count: float, *, side: Side = Side.NO, sells: bool = True, seconds: float = 0.0
) -> list[AnyEntry]:
    """A public trade in which the taker sells contracts of a side, or buys them; folded in."""
    yes_price = cents(price) if side is Side.YES else cents(price).complement
    event = Traded(TICKER, yes_price, contracts(count), taker_buys_yes=sells is (side is Side.NO))
    entries = traded(state, event, moment(seconds))
    write(state, *entries, seconds=seconds)
    return entries


def filled(count: float) -> ShadowFilled:
    return ShadowFilled(decision_id="d-1", filled=contracts(count))


def test_what_waited_before_it_is_filled_first() -> None:
    state = waiting(ahead=10)
    (shorter,) = trade(state, 54, 4)
    assert isinstance(shorter, ShadowPlaced)
    assert shorter.ahead == contracts(6)
    assert trade(state, 54, 8) == [filled(2)]
    assert trade(state, 54, 1) == [filled(3)]
    assert trade(state, 54, 50) == [filled(5)]
    assert trade(state, 54, 50) == []
    assert state.books.shadows == {}


def test_a_queue_that_is_just_used_up_leaves_the_next_trade_to_it() -> None:
    state = waiting(ahead=10)
    (shorter,) = trade(state, 54, 10)
    assert isinstance(shorter, ShadowPlaced)
    assert shorter.ahead == 0
    assert trade(state, 54, 1) == [filled(1)]


def test_a_seller_below_its_price_had_taken_the_queue_before() -> None:
    assert trade(waiting(ahead=1000), 53, 2) == [filled(2)]


def test_trades_above_its_price_are_others() -> None:
    assert trade(waiting(ahead=0), 55, 100) == []


def test_buyers_fill_nobody_who_wants_to_buy() -> None:
    assert trade(waiting(ahead=0), 54, 100, sells=False) == []
    assert trade(waiting(ahead=0, side=Side.YES), 54, 100, side=Side.YES, sells=False) == []


def test_other_markets_do_not_matter() -> None:
    state = waiting(ahead=0)
    assert traded(state, Traded("KXETH-26NOV2317-B1", cents(46), contracts(9), True), moment()) == []
    assert book_came(state, book("KXETH-26NOV2317-B1", no_asks=[(50, 9)]), moment()) == []


def test_an_ask_at_its_price_or_below_fills_it() -> None:
    assert book_came(waiting(), book(no_asks=[(54, 1)]), moment()) == [filled(5)]
    assert book_came(waiting(), book(no_bids=[(40, 1)], no_asks=[(45, 1)]), moment()) == [filled(5)]
    assert book_came(waiting(), book(no_asks=[(55, 1)]), moment()) == []
    assert book_came(waiting(), book(no_asks=[]), moment()) == []


def test_when_its_time_is_over_it_is_filled_by_nothing_and_goes() -> None:
    state = waiting(ahead=0)
    trade(state, 54, 2, seconds=59.0)
    assert timed(state, moment(59.9)) == []
    assert trade(state, 54, 2, seconds=60.0) == []
    assert book_came(state, book(no_asks=[(50, 9)]), moment(60)) == []
    over = timed(state, moment(60))
    assert over == [filled(2)]
    write(state, *over, seconds=60)
    assert state.books.shadows == {}
    assert timed(state, moment(61)) == []


def test_two_virtual_orders_are_each_looked_at_alone() -> None:
    state = waiting(ahead=0)
    other = waiting(ahead=0, name="d-2")
    state.books.shadows |= other.books.shadows
    assert trade(state, 54, 3) == [filled(3), ShadowFilled(decision_id="d-2", filled=contracts(3))]


trades = st.lists(st.tuples(st.integers(50, 58), st.integers(0, 12), st.booleans()), max_size=20)


@given(trades, st.integers(0, 20), st.integers(1, 9))
def test_it_is_never_filled_by_more_than_was_sold_to_its_price_after_the_queue(
    steps: list[tuple[int, int, bool]], ahead: int, count: int
) -> None:
    state, mirror = waiting(ahead=ahead, count=count), waiting(side=Side.YES, ahead=ahead, count=count)
    at_price = below = 0
    for price, size, sells in steps:
        entries = trade(state, price, size, sells=sells)
        twins = trade(mirror, price, size, side=Side.YES, sells=sells)
        assert [entry for entry in entries if isinstance(entry, ShadowFilled)] == [
            entry for entry in twins if isinstance(entry, ShadowFilled)
        ]
        at_price += size if sells and price == 54 else 0
        below += size if sells and price < 54 else 0
        got = state.books.shadows["d-1"].filled if "d-1" in state.books.shadows else contracts(count)
        if below:
            assert got <= contracts(at_price + below)
        else:
            assert got == contracts(min(count, max(0, at_price - ahead)))
