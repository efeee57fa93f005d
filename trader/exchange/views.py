"""The exchange's records of the account, as the trader's facts. Pure.

Ids of fills are those of their trades: records and stream both carry them, so that a fill is the same from either.
"""

from datetime import datetime

from mesh.kalshi.errors import UnexpectedReply
from mesh.kalshi.rest import portfolio_wire as read
from mesh.kalshi.rest.order_wire import Order
from mesh.kalshi.sides import Action
from mesh.kalshi.stream import own as told
from mesh.kalshi.stream.channels import instant
from mesh.kalshi.terms import BookSide, Result
from mesh.types import DOLLAR, Micros, Side
from trader.domain.facts import FillFacts
from trader.domain.views import HeldView, OrderView, SettlementView


def order_read(order: Order) -> OrderView:
    """Show an order from a read. UnexpectedReply where it is neither a bid nor an ask."""
    return OrderView(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        book_buys_yes=buys_yes(order.book_side),
        yes_price=order.yes_price,
        status=order.status,
        count=order.initial_count,
        filled=order.fill_count,
        remaining=order.remaining_count,
        expire_time=order.expiration_time,
        created_time=order.created_time,
    )


def order_told(order: told.OrderUpdate) -> OrderView:
    """Show an order from the stream. UnexpectedReply where it is neither a bid nor an ask."""
    return OrderView(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        book_buys_yes=buys_yes(order.book_side),
        yes_price=order.yes_price,
        status=order.status,
        count=order.initial_count,
        filled=order.fill_count,
        remaining=order.remaining_count,
        expire_time=None if order.expiration_ts_ms is None else instant(order.expiration_ts_ms),
        created_time=None if order.created_ts_ms is None else instant(order.created_ts_ms),
        reason=order.last_update_reason,
    )


def fill_read(fill: read.Fill, read_time: datetime) -> FillFacts:
    """Show a fill from a read. UnexpectedReply where it is neither a bid nor an ask.

    Args:
        fill: The record.
        read_time: When it was read, by the exchange's clock: the latest that a fill without a time can be.
    """
    return FillFacts(
        fill_id=fill.trade_id,
        order_id=fill.order_id,
        ticker=fill.ticker,
        side=Side.YES,
        action=_action(fill.book_side),
        price=fill.yes_price,
        count=fill.count,
        fee=fill.fee,
        taker=fill.is_taker,
        time=fill.created_time or read_time,
    )


def fill_told(fill: told.Fill) -> FillFacts:
    """Show a fill from the stream. UnexpectedReply where it is neither a bid nor an ask."""
    return FillFacts(
        fill_id=fill.trade_id,
        order_id=fill.order_id,
        ticker=fill.ticker,
        side=Side.YES,
        action=_action(fill.book_side),
        price=fill.yes_price,
        count=fill.count,
        fee=fill.fee,
        taker=fill.is_taker,
        time=fill.time,
    )


def held(position: read.MarketPosition) -> HeldView:
    """Show a position."""
    return HeldView(
        ticker=position.ticker,
        net=position.count,
        exposure=position.exposure,
        realised=position.realized_pnl,
        fees=position.fees_paid,
    )


def settled(settlement: read.Settlement, yes_value: Micros) -> SettlementView:
    """Show a settlement; `yes_value` is what one YES contract paid."""
    return SettlementView(
        ticker=settlement.ticker,
        result=settlement.result,
        yes_count=settlement.yes_count,
        no_count=settlement.no_count,
        yes_value=yes_value,
        revenue=settlement.revenue,
        fees=settlement.fees,
        time=settlement.settled_time,
    )


def yes_value(settlement: read.Settlement) -> Micros | None:
    """What one YES contract paid; None where the record leaves it open."""
    if settlement.value is not None:
        return settlement.value
    return {Result.YES: DOLLAR, Result.NO: Micros(0)}.get(settlement.result)


def buys_yes(side: BookSide) -> bool:
    """Tell a bid from an ask. UnexpectedReply for neither."""
    if side is BookSide.UNKNOWN:
        raise UnexpectedReply("something of the account is neither a bid nor an ask")
    return side is BookSide.BID


def _action(side: BookSide) -> Action:
    return Action.BUY if buys_yes(side) else Action.SELL
