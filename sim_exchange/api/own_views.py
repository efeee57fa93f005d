"""A member's own orders, fills, positions and settlements as JSON. Optional fields are absent, never null."""

from collections.abc import Iterable
from operator import attrgetter

from msgspec import UNSET, Struct, UnsetType

from mesh.kalshi.terms import BookSide
from mesh.types import CENT, DOLLAR, Hundredths, count_text
from sim_exchange.api.text import instant, money_text, price_text, unix_seconds
from sim_exchange.domain.types import Fill, Order, Position, Settlement


class OrderBody(Struct, kw_only=True):
    """`Order`."""

    order_id: str
    user_id: str
    client_order_id: str
    ticker: str
    side: str = "yes"
    """Deprecated, with `action`: the leg and direction, and the one book trades the YES leg."""
    action: str
    outcome_side: str
    book_side: str
    type: str = "limit"
    status: str
    yes_price_dollars: str
    no_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    expiration_time: str | UnsetType = UNSET
    created_time: str
    last_update_time: str
    self_trade_prevention_type: str
    order_group_id: str | UnsetType = UNSET
    cancel_order_on_pause: bool | UnsetType = UNSET
    subaccount_number: int
    exchange_index: int


class FillBody(Struct, kw_only=True):
    """`Fill`."""

    fill_id: str
    trade_id: str
    order_id: str
    ticker: str
    market_ticker: str
    side: str
    action: str
    outcome_side: str
    book_side: str
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str
    is_taker: bool
    created_time: str
    fee_cost: str
    subaccount_number: int
    ts: int
    exchange_index: int


class PositionBody(Struct, kw_only=True):
    """`MarketPosition`."""

    ticker: str
    exchange_index: int
    total_traded_dollars: str
    position_fp: str
    market_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    last_updated_ts: str


class EventPositionBody(Struct, kw_only=True):
    """`EventPosition`."""

    event_ticker: str
    total_cost_dollars: str
    total_cost_shares_fp: str
    event_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str


class SettlementBody(Struct, kw_only=True):
    """`Settlement`."""

    ticker: str
    exchange_index: int
    event_ticker: str
    market_result: str
    yes_count_fp: str
    yes_total_cost_dollars: str
    no_count_fp: str
    no_total_cost_dollars: str
    revenue: int
    settled_time: str
    fee_cost: str
    value: int


def _action(side: BookSide) -> str:
    return "buy" if side is BookSide.BID else "sell"


def _outcome(side: BookSide) -> str:
    return "yes" if side is BookSide.BID else "no"


def order_body(order: Order) -> OrderBody:
    """Show an order."""
    return OrderBody(
        order_id=order.order_id,
        user_id=order.account_id,
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        action=_action(order.side),
        outcome_side=_outcome(order.side),
        book_side=order.side.value,
        status=order.status.value,
        yes_price_dollars=price_text(order.price),
        no_price_dollars=price_text(DOLLAR - order.price),
        fill_count_fp=count_text(order.fill_count),
        remaining_count_fp=count_text(order.remaining_count),
        initial_count_fp=count_text(order.initial_count),
        taker_fill_cost_dollars=money_text(order.taker_cost),
        maker_fill_cost_dollars=money_text(order.maker_cost),
        taker_fees_dollars=money_text(order.taker_fees),
        maker_fees_dollars=money_text(order.maker_fees),
        expiration_time=instant(order.expiration_time) if order.expiration_time else UNSET,
        created_time=instant(order.created_time),
        last_update_time=instant(order.updated_time),
        self_trade_prevention_type=order.self_trade_prevention.value,
        order_group_id=order.order_group_id or UNSET,
        cancel_order_on_pause=order.cancel_order_on_pause or UNSET,
        subaccount_number=order.subaccount,
        exchange_index=order.exchange_index,
    )


def fill_body(fill: Fill) -> FillBody:
    """Show a fill."""
    return FillBody(
        fill_id=fill.trade_id,
        trade_id=fill.trade_id,
        order_id=fill.order_id,
        ticker=fill.ticker,
        market_ticker=fill.ticker,
        # Not as on an order, where the deprecated side is the leg: on 1,685 of 1,685 fills of the live exchange, sales
        # too, an independent SDK found it to be the outcome.
        side=_outcome(fill.side),
        action=_action(fill.side),
        outcome_side=_outcome(fill.side),
        book_side=fill.side.value,
        count_fp=count_text(fill.count),
        yes_price_dollars=price_text(fill.price),
        no_price_dollars=price_text(DOLLAR - fill.price),
        is_taker=fill.is_taker,
        created_time=instant(fill.time),
        fee_cost=money_text(fill.fee),
        subaccount_number=fill.subaccount,
        ts=unix_seconds(fill.time),
        exchange_index=fill.exchange_index,
    )


def position_body(position: Position) -> PositionBody:
    """Show a position in one market."""
    return PositionBody(
        ticker=position.ticker,
        exchange_index=position.exchange_index,
        total_traded_dollars=money_text(position.total_traded),
        position_fp=count_text(position.count),
        market_exposure_dollars=money_text(position.open_cost),
        realized_pnl_dollars=money_text(position.realized_pnl),
        fees_paid_dollars=money_text(position.fees_paid),
        last_updated_ts=instant(position.updated_time) if position.updated_time else "0001-01-01T00:00:00Z",
    )


def event_position_body(event_ticker: str, positions: Iterable[Position]) -> EventPositionBody:
    """Show the positions in one event added up."""
    rows = list(positions)

    def total(field: str) -> int:
        return sum(map(attrgetter(field), rows))

    return EventPositionBody(
        event_ticker=event_ticker,
        total_cost_dollars=money_text(total("total_traded")),
        total_cost_shares_fp=count_text(Hundredths(total("yes_bought") + total("no_bought"))),
        event_exposure_dollars=money_text(total("open_cost")),
        realized_pnl_dollars=money_text(total("realized_pnl")),
        fees_paid_dollars=money_text(total("fees_paid")),
    )


def settlement_body(settlement: Settlement) -> SettlementBody:
    """Show a settlement; what it paid and what one contract paid are whole cents."""
    return SettlementBody(
        ticker=settlement.ticker,
        exchange_index=settlement.exchange_index,
        event_ticker=settlement.event_ticker,
        market_result=settlement.result.value,
        yes_count_fp=count_text(settlement.yes_count),
        yes_total_cost_dollars=money_text(settlement.yes_cost),
        no_count_fp=count_text(settlement.no_count),
        no_total_cost_dollars=money_text(settlement.no_cost),
        revenue=settlement.revenue // CENT,
        settled_time=instant(settlement.time),
        fee_cost=money_text(settlement.fees),
        value=settlement.value // CENT,
    )
