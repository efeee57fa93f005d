"""A market that refuses an exit as closed: it is left in peace, but not for ever on that word alone."""

import pytest

from mesh.types import Micros, Side
from tests.fakes.trading import TICKER, Desk, book, cents, contracts, market
from trader.domain.entries import OrderIntended
from trader.domain.events import Adopt, Answered, BookCame, MarketSeen, Refused, Sending, Tick
from trader.domain.facts import Actor, Ending, ExitPlan
from trader.domain.words import ActorKind, EndReason

OWNER = Actor(kind=ActorKind.CALLER, name="owner", role="operator")
PLAN = ExitPlan(stop_loss=cents(47), floor=cents(1))


def sales(desk: Desk, seconds: float) -> int:
    """Let the exit loop look; count the orders to sell that it makes."""
    written = desk.tell(BookCame(book(no_bids=[(40, 100)])), seconds) + desk.tell(Tick(), seconds)
    return sum(isinstance(entry, OrderIntended) for entry in written)


def refused() -> Desk:
    """Return a desk whose stop was refused as closed after 25 seconds."""
    desk = Desk()
    desk.tell(Adopt("a", OWNER, market(), Side.NO, contracts(10), Micros(5_500_000), PLAN))
    for seconds in (20, 25):
        desk.tell(BookCame(book(no_bids=[(40, 100)])), seconds)
    (order,) = (entry.order for _, entry in desk.written if isinstance(entry, OrderIntended))
    desk.tell(Sending(order.client_order_id), 25)
    ending = Ending(reason=EndReason.MARKET_CLOSED, code="market_inactive")
    desk.tell(Answered(order.client_order_id, Refused(ending)), 25)
    assert desk.state.watch.halted == {TICKER}
    return desk


def test_a_market_of_which_nothing_more_is_heard_is_tried_again() -> None:
    desk = refused()
    assert [sales(desk, seconds) for seconds in (28, 40, 54.9)] == [0, 0, 0]
    assert sales(desk, 55) == 1


@pytest.mark.parametrize(("trading", "sold"), [(True, 1), (False, 0)])
def test_what_is_seen_of_the_market_counts_and_not_the_refusal_before(trading: bool, sold: int) -> None:
    desk = refused()
    desk.tell(MarketSeen(market(), trading=trading), 30)
    assert sales(desk, 31) == sold
    if not trading:
        assert sales(desk, 9999) == 0
