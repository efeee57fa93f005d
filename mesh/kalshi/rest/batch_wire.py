"""Several orders in one call, each with its own answer. Pure."""

from msgspec import field

from mesh.kalshi.rest.order_wire import PlaceRequest
from mesh.kalshi.rest.wire import Body, Count, Id, Milliseconds, Money, Record
from mesh.types import Price


class ItemError(Record, frozen=True):
    """Why one order of a batch was refused."""

    code: str | None = None
    message: str | None = None
    details: str | None = None


class PlaceBatchRequest(Body, frozen=True):
    """Several new orders."""

    orders: tuple[PlaceRequest, ...]


class PlacedItem(Record, frozen=True, kw_only=True):
    """One order of a batch: accepted, or refused with an error, or, where fields are missing, neither."""

    order_id: str | None = None
    client_order_id: str | None = None
    fill_count: Count | None = None
    remaining_count: Count | None = None
    average_fill_price: Price | None = None
    average_fee: Money | None = field(name="average_fee_paid", default=None)
    ts_ms: Milliseconds | None = None
    error: ItemError | None = None


class PlacedBatch(Record, frozen=True):
    """Answers to several new orders, in the order they were asked."""

    orders: tuple[PlacedItem, ...]


class CancelItemRequest(Body, frozen=True):
    """One order to cancel."""

    order_id: str
    subaccount: int | None = None
    exchange_index: int | None = None
    market_ticker: str | None = None


class CancelBatchRequest(Body, frozen=True):
    """Several orders to cancel."""

    orders: tuple[CancelItemRequest, ...]


class CancelledItem(Record, frozen=True, kw_only=True):
    """One cancellation of a batch: done, or refused with an error."""

    order_id: Id
    client_order_id: str | None = None
    reduced_by: Count
    ts_ms: Milliseconds | None = None
    error: ItemError | None = None


class CancelledBatch(Record, frozen=True):
    """Answers to several cancellations."""

    orders: tuple[CancelledItem, ...]
