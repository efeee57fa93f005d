"""What the WebSocket tells an account about its own: fills, orders, positions, order groups. Pure."""

from datetime import datetime

from msgspec import field

from mesh.kalshi.rest.wire import Count, Id, Milliseconds, Money, NetCount, Whole
from mesh.kalshi.stream.channels import Channel, Told, instant
from mesh.kalshi.terms import BookSide, OrderStatus, SelfTradePrevention, UpdateReason, Word
from mesh.types import Price, Side


class GroupEvent(Word):
    """What became of an order group."""

    CREATED = "created"
    TRIGGERED = "triggered"
    RESET = "reset"
    DELETED = "deleted"
    LIMIT_UPDATED = "limit_updated"
    UNKNOWN = "unknown"


class Fill(Told, frozen=True, kw_only=True, gc=False):
    """The account's side of one trade. It may come before or after the public trade with the same id."""

    channel = Channel.FILLS

    trade_id: Id
    order_id: Id
    client_order_id: str | None = None
    ticker: Id = field(name="market_ticker")
    book_side: BookSide
    """The account's side of the YES book."""
    count: Count = field(name="count_fp")
    yes_price: Price = field(name="yes_price_dollars")
    is_taker: bool
    fee: Money = field(name="fee_cost")
    """Net of rebates."""
    position_after: NetCount = field(name="post_position_fp")
    """Positive YES, negative NO."""
    ts_ms: Milliseconds
    subaccount: Whole | None = None
    exchange_index: Whole

    def price(self, side: Side) -> Price:
        """What one contract of that side cost."""
        return self.yes_price if side is Side.YES else self.yes_price.complement

    @property
    def time(self) -> datetime:
        """When it was made."""
        return instant(self.ts_ms)


class OrderUpdate(Told, frozen=True, kw_only=True, gc=False):
    """An order of the account as it is now."""

    channel = Channel.ORDERS

    order_id: Id
    client_order_id: str
    """Empty where the order was placed without one."""
    ticker: Id
    book_side: BookSide
    status: OrderStatus
    yes_price: Price = field(name="yes_price_dollars")
    initial_count: Count = field(name="initial_count_fp")
    fill_count: Count = field(name="fill_count_fp")
    remaining_count: Count = field(name="remaining_count_fp")
    taker_cost: Money = field(name="taker_fill_cost_dollars")
    """What its fills as taker cost, at the price of the outcome bought."""
    maker_cost: Money = field(name="maker_fill_cost_dollars")
    taker_fees: Money = field(name="taker_fees_dollars")
    maker_fees: Money = field(name="maker_fees_dollars")
    created_ts_ms: Milliseconds | None
    last_updated_ts_ms: Milliseconds | None = None
    expiration_ts_ms: Milliseconds | None = None
    last_update_reason: UpdateReason | None = None
    self_trade_prevention: SelfTradePrevention | None = field(name="self_trade_prevention_type", default=None)
    order_group_id: str | None = None
    subaccount: Whole | None = field(name="subaccount_number", default=None)
    exchange_index: Whole


class PositionUpdate(Told, frozen=True, kw_only=True, gc=False):
    """What the account holds in one market now."""

    channel = Channel.POSITIONS

    ticker: Id = field(name="market_ticker")
    count: NetCount = field(name="position_fp")
    """Positive YES, negative NO."""
    cost: Money = field(name="position_cost_dollars")
    """What the open position cost."""
    realized_pnl: Money = field(name="realized_pnl_dollars")
    fees_paid: Money = field(name="fees_paid_dollars")
    position_fees: Money = field(name="position_fee_cost_dollars")
    volume: Count = field(name="volume_fp")
    subaccount: Whole | None = None


class GroupUpdate(Told, frozen=True, kw_only=True):
    """Something became of an order group of the account."""

    channel = Channel.GROUPS

    event: GroupEvent = field(name="event_type")
    order_group_id: Id
    contracts_limit: Count | None = field(name="contracts_limit_fp", default=None)
    """Only with a new group and a new limit."""
    ts_ms: Milliseconds
