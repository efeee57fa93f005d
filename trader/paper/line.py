"""A resting order's place in the line at its price: who is ahead, and what leaves from there. Pure.

A book and the trades that change it come on two ways, in either order. What the book loses ahead of an order is
therefore held against the trades of the next moments, so that the same contracts never leave twice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import ceil

from mesh.types import Hundredths
from trader.paper.records import NOTHING, Order

TELLS_WITHIN = timedelta(seconds=2)
"""So long after the book changed may a trade explain it."""


def queue(order: Order, shown: Hundredths, share: float) -> None:
    """Let an order wait behind what is shown at its price, or behind a share of it."""
    order.ahead = Hundredths(ceil(shown * share))


def shrink(order: Order, shown: Hundredths, now: datetime) -> bool:
    """Take in what a new book shows at the order's price; no more than that can be ahead. Tells whether it moved up."""
    if order.ahead is None or shown >= order.ahead:
        return False
    order.untold = Hundredths(_untold(order, now) + order.ahead - shown)
    order.untold_until = now + TELLS_WITHIN
    order.ahead = shown
    return True


def pass_trade(
    orders: Iterable[Order], price: int, count: Hundredths, *, taker_buys_yes: bool, now: datetime
) -> Iterator[tuple[Order, Hundredths]]:
    """Let a public trade pass orders of one market, and yield what each of them is filled by, best price first.

    At an order's price the trade passes those ahead first. Through its price, all of it would have met the order
    before. No contract of the trade fills two orders. An order whose place is not known is left out.
    """
    met = [
        order
        for order in orders
        if order.buys_yes is not taker_buys_yes
        and order.ahead is not None
        and (order.price <= price if taker_buys_yes else order.price >= price)
    ]
    left = int(count)
    for order in sorted(met, key=lambda order: (order.price if taker_buys_yes else -order.price, order.number)):
        if order.price != price:
            order.ahead, order.untold = NOTHING, NOTHING
        told = min(left, _untold(order, now))
        order.untold = Hundredths(_untold(order, now) - told)
        passed = min(left - told, order.ahead or NOTHING)
        order.ahead = Hundredths((order.ahead or NOTHING) - passed)
        filled = Hundredths(min(left - told - passed, order.remaining))
        left -= filled
        yield order, filled


def _untold(order: Order, now: datetime) -> Hundredths:
    return order.untold if order.untold_until is not None and now < order.untold_until else NOTHING
