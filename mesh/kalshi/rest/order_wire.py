"""Orders and order groups: what is sent, what is answered, what can be read. Pure."""

from msgspec import field

from mesh.kalshi.rest.price_wire import check_pair
from mesh.kalshi.rest.wire import Body, Count, Id, Instant, Milliseconds, Money, Record, Whole
from mesh.kalshi.terms import BookSide, OrderStatus, SelfTradePrevention
from mesh.types import Hundredths, Price, Side


class Order(Record, frozen=True, kw_only=True):
    """An order as the exchange keeps it."""

    order_id: Id
    client_order_id: str
    """Empty where the order was placed without one."""
    ticker: Id
    book_side: BookSide
    """Side of the YES book."""
    status: OrderStatus
    yes_price: Price = field(name="yes_price_dollars")
    no_price: Price = field(name="no_price_dollars")
    initial_count: Count = field(name="initial_count_fp")
    fill_count: Count = field(name="fill_count_fp")
    remaining_count: Count = field(name="remaining_count_fp")
    taker_cost: Money = field(name="taker_fill_cost_dollars")
    """What its fills as taker cost, at the price of the outcome bought."""
    maker_cost: Money = field(name="maker_fill_cost_dollars")
    taker_fees: Money = field(name="taker_fees_dollars")
    maker_fees: Money = field(name="maker_fees_dollars")
    expiration_time: Instant | None = None
    created_time: Instant | None = None
    last_updated_time: Instant | None = field(name="last_update_time", default=None)
    self_trade_prevention: SelfTradePrevention | None = field(name="self_trade_prevention_type", default=None)
    order_group_id: str | None = None
    cancel_order_on_pause: bool | None = None
    subaccount: Whole | None = field(name="subaccount_number", default=None)
    exchange_index: Whole | None = None

    def __post_init__(self) -> None:
        """Refuse prices that contradict each other."""
        check_pair(self.yes_price, self.no_price)

    def price(self, side: Side) -> Price:
        """The limit, as a price of that side."""
        return self.yes_price if side is Side.YES else self.no_price


class OrderReply(Record, frozen=True):
    """Body of one order."""

    order: Order


class OrdersPage(Record, frozen=True):
    """A page of orders, live or archived."""

    items: tuple[Order, ...] = field(name="orders")
    cursor: str


class PlaceRequest(Body, frozen=True):
    """A new order; count and price are the exchange's text."""

    ticker: str
    side: BookSide
    count: str
    price: str
    time_in_force: str
    self_trade_prevention_type: SelfTradePrevention
    client_order_id: str
    expiration_time: int | None = None
    """Unix seconds."""
    post_only: bool | None = None
    reduce_only: bool | None = None
    cancel_order_on_pause: bool | None = None
    subaccount: int | None = None
    order_group_id: str | None = None
    exchange_index: int | None = None


class Placed(Record, frozen=True, kw_only=True):
    """A new order was accepted."""

    order_id: Id
    client_order_id: str | None = None
    fill_count: Count
    remaining_count: Count
    """What rests; zero with an unfilled immediate-or-cancel order."""
    average_fill_price: Price | None = None
    """YES price; None without a fill."""
    average_fee: Money | None = field(name="average_fee_paid", default=None)
    """A contract; None without a fill."""
    ts_ms: Milliseconds

    def __post_init__(self) -> None:
        """Refuse a fill without its price."""
        check_fill(self.fill_count, self.average_fill_price)


class Cancelled(Record, frozen=True, kw_only=True):
    """An order was cancelled."""

    order_id: Id
    client_order_id: str | None = None
    reduced_by: Count
    """What was resting."""
    ts_ms: Milliseconds


class AmendRequest(Body, frozen=True):
    """New terms of an order."""

    ticker: str
    side: BookSide
    price: str
    count: str
    """Filled plus what shall rest."""
    client_order_id: str | None = None
    updated_client_order_id: str | None = None
    expiration_time: int | None = None
    """Unix seconds; 0 takes it away, leaving it out keeps it."""
    exchange_index: int | None = None


class Amended(Record, frozen=True, kw_only=True):
    """An order has new terms."""

    order_id: Id
    client_order_id: str | None = None
    remaining_count: Count | None = None
    fill_count: Count | None = None
    """Filled at once by the amendment."""
    average_fill_price: Price | None = None
    average_fee: Money | None = field(name="average_fee_paid", default=None)
    ts_ms: Milliseconds

    def __post_init__(self) -> None:
        """Refuse a fill without its price."""
        check_fill(self.fill_count, self.average_fill_price)


class DecreaseRequest(Body, frozen=True):
    """A smaller count; exactly one of the first two."""

    reduce_by: str | None = None
    reduce_to: str | None = None
    exchange_index: int | None = None
    market_ticker: str | None = None


class Decreased(Record, frozen=True, kw_only=True):
    """An order is smaller."""

    order_id: Id
    client_order_id: str | None = None
    remaining_count: Count
    ts_ms: Milliseconds


class QueuePosition(Record, frozen=True):
    """How much is ahead of a resting order."""

    order_id: Id
    market_ticker: Id
    count: Count = field(name="queue_position_fp")


class QueuePositions(Record, frozen=True):
    """Body of the queue positions."""

    positions: tuple[QueuePosition, ...] = field(name="queue_positions")


class QueuePositionReply(Record, frozen=True):
    """Body of one order's queue position."""

    count: Count = field(name="queue_position_fp")


def check_fill(filled: Hundredths | None, price: Price | None) -> None:
    """ValueError where something was filled at no price."""
    if filled and not price:
        raise ValueError("contracts were filled, at no price")
