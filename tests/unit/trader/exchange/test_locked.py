"""What resting orders lock, against the simulated exchange's own books."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.terms import BookSide, SelfTradePrevention, TimeInForce
from mesh.types import DOLLAR, Hundredths, Micros, Price
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Account, NewOrder, Order, Refused
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_world import MILD, NOW, WARM, listing
from trader.domain.views import HeldView, OrderView
from trader.exchange.locked import locked

ME = "00000000-0000-4000-8000-000000000001"
ORDERS = st.lists(
    st.tuples(
        st.sampled_from([WARM, MILD]),
        st.sampled_from([BookSide.BID, BookSide.ASK]),
        st.integers(30, 60),
        st.integers(1, 500),
    ),
    max_size=12,
)


def view(order: Order) -> OrderView:
    return OrderView(
        order_id=order.order_id,
        client_order_id=order.client_order_id or "",
        ticker=order.ticker,
        book_buys_yes=order.side is BookSide.BID,
        yes_price=Price(order.price),
        status=order.status,
        count=order.initial_count,
        filled=order.fill_count,
        remaining=order.remaining_count,
        created_time=order.created_time,
    )


@given(ORDERS)
def test_available_and_locked_together_are_the_cash(wanted: list[tuple[str, BookSide, int, int]]) -> None:
    exchange = Exchange(seed=1, quirks=Quirks())
    for item in listing():
        exchange.list(item, NOW)
    exchange.open_account(Account(account_id=ME, name="me", usage_tier="basic"), {0: Micros(500 * DOLLAR)})
    for ticker in (WARM, MILD):  # somebody to trade with, so that there are positions to close
        exchange.set_book(ticker, [(400_000, Hundredths(300))], [(450_000, Hundredths(300))], NOW)
    for number, (ticker, side, cents, count) in enumerate(wanted, 1):
        new = NewOrder(
            ticker=ticker,
            side=side,
            price=Micros(cents * 10_000),
            count=Hundredths(count),
            time_in_force=TimeInForce.GOOD_TILL_CANCELED,
            self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
        )
        with suppress(Refused):
            exchange.place(ME, new, NOW + timedelta(seconds=number))
    orders = [view(order) for order in exchange.orders_of(ME)]
    positions = [
        HeldView(position.ticker, position.count, position.open_cost, position.realized_pnl, position.fees_paid)
        for position in exchange.positions_of(ME)
    ]
    assert exchange.available(ME, 0) + locked(orders, positions) == exchange.cash(ME, 0)
