"""Orders in batches: the whole batch must fit the budget at once, then each order stands for itself."""

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
from sim_exchange.api.replies import Reply, item_error, reply
from sim_exchange.api.text import unix_ms
from sim_exchange.api.tiers import DEFAULT_COST
from sim_exchange.domain.types import NewOrder, Refused


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


def create(call: Call) -> Reply:
    """`POST /portfolio/events/orders/batched`."""
    orders = [new_order(fields) for fields in demand_orders(read_body(call.body, BATCH_CREATE))]
    call.bill_write(DEFAULT_COST * max(len(orders), 1))
    rows = [_enter(call, order) for order in orders]
    return reply({"orders": rows}, 201)


def cancel(call: Call) -> Reply:
    """`DELETE /portfolio/events/orders/batched`, with a body."""
    items = [
        (demand_order_id(fields), read_shard(fields.get("exchange_index")), fields.get("market_ticker") or None)
        for fields in demand_orders(read_body(call.body, BATCH_CANCEL))
        if primary(fields.get("subaccount")) == 0
    ]
    call.bill_write(CANCEL_COST * max(len(items), 1))
    rows = [_cancel(call, *item) for item in items]
    return reply({"orders": rows})


def _enter(call: Call, order: NewOrder) -> CreatedBody | FailedItem:
    try:
        return enter(call, order)
    except Refused as refused:
        return FailedItem(order.client_order_id or UNSET, item_error(refused))


def _cancel(call: Call, order_id: str, shard: int | None, ticker: str | None) -> CancelledItem:
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
