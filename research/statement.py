"""What a paper account tells of itself when markets are paid out: what is open, and what was paid. Pure.

All that it ever did would be told by `trader.paper.views.snapshot`: over years that is most of the work.
"""

from collections.abc import Iterable
from datetime import datetime

from trader.domain.views import HeldView, Snapshot
from trader.paper import views
from trader.paper.account import Account
from trader.paper.records import Settlement


def statement(account: Account, settlements: Iterable[Settlement], now: datetime) -> Snapshot:
    """Report what rests and is held, with some settlements.

    Args:
        account: The account.
        settlements: Of markets that were just paid.
        now: Of the report.
    """
    return Snapshot(
        as_of=now,
        began=now.timestamp(),
        orders=tuple(views.order_view(order) for orders in account.resting.values() for order in orders),
        orders_since=now,
        fills=(),
        positions=tuple(
            HeldView(one.ticker, one.net, one.cost, one.realised, one.fees)
            for one in account.holdings.values()
            if one.net
        ),
        settlements=tuple(views.settlement_view(paid) for paid in settlements),
        cash=account.purse.cash,
        available=account.available,
    )
