"""Whatever an exchange says in whatever order, the books hold."""

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesh.kalshi.terms import OrderStatus
from mesh.types import Hundredths
from tests.fakes.account_reads import Till, entry_terms, exit_terms, fact, held, settlement, view
from trader.domain.events import Accepted, Answered, FillSeen, NoOutcome, OrderSeen, Refused, Sending
from trader.domain.facts import Ending
from trader.domain.words import EndReason, ExitKind

ENTRY = entry_terms()
SELL = exit_terms(limit=77, rests=True, kind=ExitKind.TAKE_PROFIT, count=3)
THINGS = (
    Sending("entry"),
    Sending("exit"),
    *(
        Answered(name, answer)
        for name in ("entry", "exit")
        for answer in (
            NoOutcome("lost"),
            Accepted(f"X-{name}", Hundredths(100), Hundredths(400)),
            Accepted(f"X-{name}", Hundredths(100), Hundredths(0)),
            Refused(Ending(reason=EndReason.REFUSED)),
            Refused(Ending(reason=None), never_left=True),
            Refused(Ending(reason=EndReason.REFUSED, code="order_already_exists")),
        )
    ),
    *(
        OrderSeen(view(terms, status, filled))
        for terms in (ENTRY, SELL)
        for status in OrderStatus
        for filled in (0, 1, 3, 5)
    ),
    *(
        FillSeen(fact(f"{terms.action.value}-{n}", terms, 60, 1, seconds=n))
        for terms in (ENTRY, SELL)
        for n in range(5)
    ),
)
reads = st.fixed_dictionaries(
    {
        "orders": st.lists(
            st.sampled_from([thing.order for thing in THINGS if isinstance(thing, OrderSeen)]), max_size=3
        ),
        "fills": st.lists(st.sampled_from([thing.fill for thing in THINGS if isinstance(thing, FillSeen)]), max_size=4),
        "positions": st.lists(
            st.builds(held, st.sampled_from([-5, -3, -1, 0, 2]), st.sampled_from([0.0, 2.85])), max_size=1
        ),
        "settlements": st.lists(st.builds(settlement, no=st.sampled_from([0, 2, 5])), max_size=1),
        "cash": st.sampled_from([97.0, 100.0]),
    }
)


@given(st.lists(st.one_of(st.sampled_from(THINGS), reads, st.just(None)), max_size=25))
@hypothesis_settings(max_examples=150, deadline=None)
def test_nothing_that_an_exchange_may_say_breaks_the_books(news: list[object]) -> None:
    till = Till(ENTRY)
    till.intend(SELL)
    for number, thing in enumerate(news):
        seconds = 1.0 + 7 * number
        if isinstance(thing, dict):
            till.compare(seconds, **thing)
        elif thing is None:
            till.tick(seconds)
        else:
            till.tell(thing, seconds)  # type: ignore[arg-type]  # drawn from events of orders
    assert till.refolded() == till.books
    for order in till.books.orders.values():
        assert order.seen <= order.filled
        assert (order.terms.client_order_id in till.books.working) is order.working
    for position in till.books.positions.values():
        assert position.count >= 0
        assert position.realised - position.proceeds + position.total_cost - position.cost == -(
            position.total_fees - position.entry_fees
        )
