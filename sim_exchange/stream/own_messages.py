"""Messages about what is an account's own, without their envelope. Optional fields are absent, never null. Pure."""

from msgspec import UNSET, Struct, UnsetType

from mesh.kalshi.terms import BookSide, UpdateReason
from mesh.types import Hundredths, count_text
from sim_exchange.api.text import money_text, price_text, unix_ms, unix_seconds
from sim_exchange.domain.events import GroupChange, GroupChanged
from sim_exchange.domain.types import Fill, Order, Position
from sim_exchange.stream.book_messages import milliseconds, outcome
from sim_exchange.stream.frames import encode


class FillBody(Struct, kw_only=True):
    """`fill`. `side`, `purchased_side` and `action` are deprecated."""

    trade_id: str
    order_id: str
    client_order_id: str | UnsetType = UNSET
    market_ticker: str
    exchange_index: int
    is_taker: bool
    side: str
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    action: str
    ts: int
    ts_ms: int
    post_position_fp: str
    purchased_side: str
    outcome_side: str
    book_side: str
    subaccount: int | UnsetType = UNSET


class OrderBody(Struct, kw_only=True):
    """`user_order`. `side` and `is_yes` are the deprecated leg."""

    order_id: str
    user_id: str
    ticker: str
    exchange_index: int
    status: str
    side: str = "yes"
    is_yes: bool = True
    outcome_side: str
    book_side: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    client_order_id: str
    order_group_id: str | UnsetType = UNSET
    self_trade_prevention_type: str
    created_time: str
    created_ts_ms: int
    last_update_time: str
    last_updated_ts_ms: int
    expiration_time: str | UnsetType = UNSET
    expiration_ts_ms: int | UnsetType = UNSET
    last_update_reason: str | UnsetType = UNSET
    subaccount_number: int


class PositionBody(Struct, kw_only=True):
    """`market_position`."""

    user_id: str
    market_ticker: str
    position_fp: str
    position_cost_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    position_fee_cost_dollars: str
    volume_fp: str
    subaccount: int | UnsetType = UNSET


class GroupBody(Struct, kw_only=True):
    """`order_group_updates`."""

    event_type: str
    order_group_id: str
    contracts_limit_fp: str | UnsetType = UNSET
    ts_ms: int


def fill(done: Fill) -> bytes:
    """Tell an account's side of a trade."""
    return encode(
        FillBody(
            trade_id=done.trade_id,
            order_id=done.order_id,
            client_order_id=done.client_order_id or UNSET,
            market_ticker=done.ticker,
            exchange_index=done.exchange_index,
            is_taker=done.is_taker,
            # Not as on an order, where it is the leg: on the live exchange a fill's side is its outcome, sales too.
            side=outcome(done.side),
            yes_price_dollars=price_text(done.price),
            count_fp=count_text(done.count),
            fee_cost=money_text(done.fee),
            action="buy" if done.side is BookSide.BID else "sell",
            ts=unix_seconds(done.time),
            ts_ms=unix_ms(done.time),
            post_position_fp=count_text(done.position_after),
            purchased_side=outcome(done.side),
            outcome_side=outcome(done.side),
            book_side=done.side.value,
            subaccount=done.subaccount or UNSET,
        )
    )


def order(now: Order) -> bytes:
    """Tell an order as it is now."""
    expires = now.expiration_time
    return encode(
        OrderBody(
            order_id=now.order_id,
            user_id=now.account_id,
            ticker=now.ticker,
            exchange_index=now.exchange_index,
            status=now.status.value,
            outcome_side=outcome(now.side),
            book_side=now.side.value,
            yes_price_dollars=price_text(now.price),
            fill_count_fp=count_text(now.fill_count),
            remaining_count_fp=count_text(now.remaining_count),
            initial_count_fp=count_text(now.initial_count),
            taker_fill_cost_dollars=money_text(now.taker_cost),
            maker_fill_cost_dollars=money_text(now.maker_cost),
            taker_fees_dollars=money_text(now.taker_fees),
            maker_fees_dollars=money_text(now.maker_fees),
            client_order_id=now.client_order_id,
            order_group_id=now.order_group_id or UNSET,
            self_trade_prevention_type=now.self_trade_prevention.value,
            created_time=milliseconds(now.created_time),
            created_ts_ms=unix_ms(now.created_time),
            last_update_time=milliseconds(now.updated_time),
            last_updated_ts_ms=unix_ms(now.updated_time),
            expiration_time=milliseconds(expires) if expires else UNSET,
            expiration_ts_ms=unix_ms(expires) if expires else UNSET,
            last_update_reason=UNSET if now.reason is UpdateReason.NONE else now.reason.value,
            subaccount_number=now.subaccount,
        )
    )


def position(now: Position) -> bytes:
    """Tell a position. The fees of a position are all that were paid on its market, while it is open."""
    return encode(
        PositionBody(
            user_id=now.account_id,
            market_ticker=now.ticker,
            position_fp=count_text(now.count),
            position_cost_dollars=money_text(now.open_cost),
            realized_pnl_dollars=money_text(now.realized_pnl),
            fees_paid_dollars=money_text(now.fees_paid),
            position_fee_cost_dollars=money_text(now.fees_paid if now.count else 0),
            volume_fp=count_text(Hundredths(now.yes_bought + now.no_bought)),
            subaccount=now.subaccount or UNSET,
        )
    )


def group(changed: GroupChanged) -> bytes:
    """Tell what happened to an order group; its limit only where that is new."""
    new = changed.change in (GroupChange.CREATED, GroupChange.LIMIT_UPDATED)
    return encode(
        GroupBody(
            event_type=changed.change.value,
            order_group_id=changed.group.group_id,
            contracts_limit_fp=count_text(changed.group.limit) if new else UNSET,
            ts_ms=unix_ms(changed.time),
        )
    )
