"""The paper account as the exchange would report it. Pure."""

from datetime import datetime

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import Result
from mesh.types import DOLLAR, Hundredths, Price, Side
from trader.domain.facts import FillFacts
from trader.domain.views import HeldView, OrderView, SettlementView, Snapshot
from trader.paper.account import Account
from trader.paper.records import Fill, Order, Settlement


def order_view(order: Order) -> OrderView:
    """Report an order."""
    return OrderView(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        book_buys_yes=order.buys_yes,
        yes_price=Price(order.price),
        status=order.status,
        count=order.count,
        filled=order.filled,
        remaining=order.remaining,
        expire_time=order.expire_time,
        created_time=order.created_time,
    )


def fill_facts(fill: Fill) -> FillFacts:
    """Report a fill, in the terms of the book."""
    return FillFacts(
        fill_id=fill.fill_id,
        order_id=fill.order_id,
        ticker=fill.ticker,
        side=Side.YES,
        action=Action.BUY if fill.buys_yes else Action.SELL,
        price=Price(fill.price),
        count=fill.count,
        fee=fill.fee,
        taker=fill.taker,
        time=fill.time,
    )


def settlement_view(settlement: Settlement) -> SettlementView:
    """Report a settlement."""
    value = settlement.yes_value
    return SettlementView(
        ticker=settlement.ticker,
        result={DOLLAR: Result.YES, 0: Result.NO}.get(value, Result.SCALAR),
        yes_count=Hundredths(max(0, settlement.net)),
        no_count=Hundredths(max(0, -settlement.net)),
        yes_value=value,
        revenue=settlement.revenue,
        fees=settlement.fees,
        time=settlement.time,
        exact=True,
    )


def snapshot(account: Account, since: datetime, now: datetime, seconds: float) -> Snapshot:
    """Report everything: what rests and is held, and what happened since an instant."""
    fills = [fill for fills in account.fills.values() for fill in fills if fill.time >= since]
    return Snapshot(
        as_of=now,
        began=seconds,
        orders=tuple(
            order_view(order) for order in account.orders.values() if order.remaining or order.updated_time >= since
        ),
        orders_since=since,
        fills=tuple(fill_facts(fill) for fill in sorted(fills, key=lambda fill: fill.number)),
        positions=tuple(
            HeldView(one.ticker, one.net, one.cost, one.realised, one.fees)
            for one in account.holdings.values()
            if not one.settled
        ),
        settlements=tuple(settlement_view(one) for one in account.settlements if one.time >= since),
        cash=account.purse.cash,
        available=account.available,
    )
