"""What resting orders take out of the cash that the exchange calls available. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from mesh.kalshi.terms import OrderStatus
from mesh.types import Micros, cost
from trader.domain.views import HeldView, OrderView

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def locked(orders: Iterable[OrderView], positions: Iterable[HeldView]) -> Micros:
    """Add up what resting orders lock: a bid its price, an ask one dollar less it.

    What closes a position locks nothing; the oldest orders have the first claim on it. Whether the exchange reserves
    the fee as well is not documented; here it does not.
    """
    left = {position.ticker: int(position.net) for position in positions}
    total = 0
    resting = (order for order in orders if order.status is OrderStatus.RESTING)
    for order in sorted(resting, key=lambda order: (order.created_time or _BEFORE_ALL, order.order_id)):
        net = left.get(order.ticker, 0)
        closes = net < 0 if order.book_buys_yes else net > 0
        closing = min(abs(net), order.remaining) if closes else 0
        left[order.ticker] = net + closing if order.book_buys_yes else net - closing
        price = order.yes_price if order.book_buys_yes else order.yes_price.complement
        total += cost(price, type(order.remaining)(order.remaining - closing))
    return Micros(total)
