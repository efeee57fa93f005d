"""Orders, fills and trades in the contract's terms. Pure."""

from datetime import datetime

from foremesh.trader.v1 import orders_pb2, trades_pb2

from mesh.kalshi.terms import Result
from mesh.types import Side, cost
from trader.domain.entries import Filled, Settled
from trader.domain.facts import Leg, Patience, Trade
from trader.domain.state import Order
from trader.domain.views import OrderView
from trader.domain.words import OrderState, Purpose
from trader.service import convert_words as w
from trader.service.named import series_of


def order(found: Order) -> orders_pb2.Order:
    """Say what is known of an order of the trader."""
    terms, ending = found.terms, found.ending
    shown = terms.purpose is Purpose.EXIT or found.seen > 0
    message = orders_pb2.Order(
        client_order_id=terms.client_order_id,
        exchange_order_id=found.order_id or None,
        decision_id=terms.decision_id,
        position_id=terms.position_id if shown else None,
        market_ticker=terms.ticker,
        series_ticker=terms.series_ticker,
        side=w.SIDE[terms.side],
        action=w.ACTION[terms.action],
        purpose=w.PURPOSE[terms.purpose],
        exit_kind=None if terms.exit_kind is None else w.EXIT_KIND[terms.exit_kind],
        state=w.ORDER_STATE[found.state],
        end_reason=None if ending is None or ending.reason is None else w.END_REASON[ending.reason],
        exchange_code="" if ending is None else ending.code[:100],
        detail=w.text(found.why if ending is None else ending.detail),
        limit_price_micros=terms.limit,
        time_in_force=w.TIME_IN_FORCE[terms.time_in_force],
        post_only=terms.post_only,
        reduce_only=terms.reduce_only,
        count_hundredths=terms.count,
        filled_hundredths=found.filled,
        fill_value_micros=found.cost,
        fees_micros=found.fees,
        mean_fill_price_cents=w.mean_cents(found.cost, found.seen) if found.seen else None,
        create_time=w.instant(found.intended_time),
        expire_time=None if terms.expire_time is None else w.instant(terms.expire_time),
        end_time=None if found.end_time is None else w.instant(found.end_time),
        sequence=found.sequence,
    )
    if found.state is not OrderState.UNKNOWN:
        message.remaining_hundredths = 0 if found.state.final else max(0, terms.count - found.filled)
    return message


def foreign_order(view: OrderView, found: datetime, sequence: int) -> orders_pb2.Order:
    """Say what is known of a resting order on the account that is not the trader's.

    Args:
        view: As the exchange keeps it.
        found: When the account was read, where the exchange does not say when the order was made.
        sequence: Of the journal, at the time of the answer: the journal has no entry of its changes.
    """
    return orders_pb2.Order(
        client_order_id=view.client_order_id[:128],
        exchange_order_id=view.order_id,
        market_ticker=view.ticker,
        series_ticker=series_of(view.ticker),
        side=w.SIDE[Side.YES],
        action=orders_pb2.ORDER_ACTION_BUY if view.book_buys_yes else orders_pb2.ORDER_ACTION_SELL,
        purpose=orders_pb2.ORDER_PURPOSE_FOREIGN,
        state=orders_pb2.ORDER_STATE_RESTING,
        limit_price_micros=view.yes_price,
        count_hundredths=view.count,
        filled_hundredths=view.filled,
        remaining_hundredths=view.remaining,
        create_time=w.instant(view.created_time or found),
        expire_time=None if view.expire_time is None else w.instant(view.expire_time),
        sequence=sequence,
    )


def fill(entry: Filled) -> orders_pb2.Fill:
    """Say what was filled."""
    facts = entry.fill
    return orders_pb2.Fill(
        fill_id=facts.fill_id,
        client_order_id=entry.client_order_id,
        exchange_order_id=facts.order_id,
        position_id=entry.position_id,
        market_ticker=facts.ticker,
        side=w.SIDE[facts.side],
        action=w.ACTION[facts.action],
        price_micros=facts.price,
        count_hundredths=facts.count,
        fee_micros=facts.fee,
        expected_fee_micros=entry.expected_fee,
        taker=facts.taker,
        fill_time=w.instant(facts.time),
    )


def trade(found: Trade, sequence: int) -> trades_pb2.Trade:
    """Say what became of a position; `sequence` is that of the entry which closed it."""
    return trades_pb2.Trade(
        trade_id=found.position_id,
        market_ticker=found.ticker,
        event_ticker=found.event_ticker,
        series_ticker=found.series_ticker,
        side=w.SIDE[found.side],
        count_hundredths=found.count,
        cost_micros=found.cost,
        proceeds_micros=found.proceeds,
        fees_micros=found.fees,
        net_micros=found.net,
        mean_entry_price_cents=w.mean_cents(found.cost, found.count),
        mean_exit_price_cents=w.mean_cents(found.proceeds, found.count),
        exit_kind=w.EXIT_KIND[found.exit_kind],
        exits=[_leg(leg) for leg in found.legs],
        entry_slippage_micros=found.entry_slippage,
        exit_slippage_micros=sum(
            cost(leg.trigger, leg.count) - leg.proceeds
            for leg in found.legs
            if leg.trigger is not None and leg.client_order_id is not None
        ),
        decision_id=found.decision_id,
        shadow=None if found.patience is None else _shadow(found.patience),
        open_time=w.instant(found.open_time),
        close_time=w.instant(found.close_time),
        sequence=sequence,
    )


def settlement(entry: Settled) -> trades_pb2.Settlement:
    """Say what a market paid."""
    message = trades_pb2.Settlement(
        market_ticker=entry.ticker,
        position_id=entry.position_id,
        side=w.SIDE[entry.side],
        count_hundredths=entry.count,
        yes_value_micros=entry.yes_value,
        revenue_micros=entry.revenue,
        settle_time=w.instant(entry.time),
    )
    if entry.result in {Result.YES, Result.NO}:
        message.result = w.SIDE[Side.YES if entry.result is Result.YES else Side.NO]
    return message


def _shadow(found: Patience) -> trades_pb2.ShadowEntry:
    return trades_pb2.ShadowEntry(price_micros=found.price, filled_hundredths=found.filled, net_micros=found.net)


def _leg(leg: Leg) -> trades_pb2.ExitLeg:
    return trades_pb2.ExitLeg(
        kind=w.EXIT_KIND[leg.kind],
        client_order_id=leg.client_order_id,
        count_hundredths=leg.count,
        proceeds_micros=leg.proceeds,
        fees_micros=leg.fees,
        trigger_price_micros=w.price(leg.trigger),
        exit_time=w.instant(leg.time),
    )
