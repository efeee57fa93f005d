"""Orders in batches: the whole batch must fit the budget at once, then each order stands for itself."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from msgspec import UNSET, Struct, UnsetType

from mesh.types import count_text
from sim_exchange.api.bodies import read_body
from sim_exchange.api.calls import Bill, Call, Route
from sim_exchange.api.order_inputs import (
    BATCH_CANCEL,
    BATCH_CREATE,
    demand_order_id,
    demand_orders,
    new_order,
    primary,
    read_shard,
)
from sim_exchange.api.order_routes import CANCEL_COST, CreatedBody, enter
from sim_exchange.api.replies import Problem, Reply, item_error, reply
from sim_exchange.api.text import unix_ms
from sim_exchange.api.tiers import DEFAULT_COST
from sim_exchange.domain.types import NewOrder, Refused

T = TypeVar("T")


class FailedItem(Struct):
    """An order of a batch that was refused."""

    client_order_id: str | UnsetType
    error: dict[str, str]


class CancelledItem(Struct):
    """One order of a batch of cancels; what was refused has an error and was reduced by nothing."""

    order_id: str
    client_order_id: str | UnsetType
    reduced_by: str
    ts_ms: int | UnsetType
    error: dict[str, str] | UnsetType = UNSET


class _Ref(NamedTuple):
    """Which order an item of a batch of cancels is about."""

    order_id: str
    exchange_index: int | None
    market_ticker: str | None


class _Malformed(NamedTuple):
    """An item that could not be read."""

    fields: Mapping[str, Any]
    error: dict[str, str]


def create(call: Call) -> Reply:
    """`POST /portfolio/events/orders/batched`."""
    items = [_read(call, new_order, fields) for fields in demand_orders(read_body(call.body, BATCH_CREATE))]
    call.bill_write(DEFAULT_COST * max(len(items), 1))
    rows = [_enter(call, item) for item in items]
    return reply({"orders": rows}, 201)


def cancel(call: Call) -> Reply:
    """`DELETE /portfolio/events/orders/batched`, with a body."""
    items = [_read(call, _ref, fields) for fields in demand_orders(read_body(call.body, BATCH_CANCEL))]
    call.bill_write(CANCEL_COST * max(len(items), 1))
    rows = [_cancel(call, item) for item in items]
    return reply({"orders": rows})


def _ref(fields: Mapping[str, Any]) -> _Ref:
    primary(fields.get("subaccount"))
    shard, ticker = read_shard(fields.get("exchange_index")), fields.get("market_ticker") or None
    return _Ref(demand_order_id(fields), shard, ticker)


def _read(call: Call, read: Callable[[Mapping[str, Any]], T], fields: Mapping[str, Any]) -> T | _Malformed:
    """Read one item. Problem (400) if it is malformed and that is to refuse the whole batch."""
    try:
        return read(fields)
    except Problem as malformed:
        if call.services.quirks.malformed_batch_item == "refuses_batch":
            raise
        return _Malformed(fields, item_error(malformed))


def _enter(call: Call, item: NewOrder | _Malformed) -> CreatedBody | FailedItem:
    if isinstance(item, _Malformed):
        return FailedItem(item.fields.get("client_order_id") or UNSET, item.error)
    try:
        return enter(call, item)
    except Refused as refused:
        return FailedItem(item.client_order_id or UNSET, item_error(refused))


def _cancel(call: Call, item: _Ref | _Malformed) -> CancelledItem:
    if isinstance(item, _Malformed):
        return CancelledItem(item.fields.get("order_id") or "", UNSET, "0.00", UNSET, item.error)
    order_id, shard, ticker = item
    try:
        cancelled = call.services.exchange.cancel(
            call.account_id, order_id, call.now, exchange_index=shard, market_ticker=ticker
        )
    except Refused as refused:
        return CancelledItem(order_id, UNSET, "0.00", UNSET, item_error(refused))
    client_order_id = cancelled.order.client_order_id or UNSET
    return CancelledItem(order_id, client_order_id, count_text(cancelled.reduced_by), unix_ms(call.now))


_BATCHED = "/portfolio/events/orders/batched"
ROUTES = (
    Route("POST", _BATCHED, "BatchCreateOrdersV2", create, "write::trade", Bill.WRITE),
    Route("DELETE", _BATCHED, "BatchCancelOrdersV2", cancel, "write::trade", Bill.WRITE, CANCEL_COST),
)
