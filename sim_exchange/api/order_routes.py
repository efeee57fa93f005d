"""Order writes of version 2, one at a time, and the refusal of those of version 1."""

from msgspec import UNSET, Struct, UnsetType

from mesh.types import Hundredths, count_text, dollars
from sim_exchange.api.bodies import read_body
from sim_exchange.api.calls import Bill, Call, Route
from sim_exchange.api.inputs import Query
from sim_exchange.api.order_inputs import AMEND, CREATE, DECREASE, amendment, new_order, primary, read_count, read_shard
from sim_exchange.api.replies import NO_CONTENT, Reply, problem, reply
from sim_exchange.api.text import unix_ms
from sim_exchange.domain.results import Filling
from sim_exchange.domain.types import NewOrder

CANCEL_COST = 2
"""Tokens."""


class CreatedBody(Struct, kw_only=True):
    """`CreateOrderV2Response`."""

    order_id: str
    client_order_id: str | UnsetType
    fill_count: str
    remaining_count: str
    average_fill_price: str | UnsetType
    average_fee_paid: str | UnsetType
    ts_ms: int


class AmendedBody(Struct, kw_only=True):
    """`AmendOrderV2Response`."""

    order_id: str
    client_order_id: str | UnsetType
    remaining_count: str | UnsetType
    fill_count: str | UnsetType
    average_fill_price: str | UnsetType
    average_fee_paid: str | UnsetType
    ts_ms: int


class CancelledBody(Struct):
    """`CancelOrderV2Response`; recorded without the client order id."""

    order_id: str
    reduced_by: str
    ts_ms: int


class DecreasedBody(Struct):
    """`DecreaseOrderV2Response`."""

    order_id: str
    client_order_id: str | UnsetType
    remaining_count: str
    ts_ms: int


def create(call: Call) -> Reply:
    """`POST /portfolio/events/orders`."""
    order = new_order(read_body(call.body, CREATE))
    call.bill_write(shard=order.exchange_index)
    return reply(enter(call, order), 201)


def enter(call: Call, order: NewOrder) -> CreatedBody:
    """Place an order. Refused in the engine's words."""
    placed = call.services.exchange.place(call.account_id, order, call.now)
    price, fee = averages(placed.filling)
    return CreatedBody(
        order_id=placed.order.order_id,
        client_order_id=placed.order.client_order_id or UNSET,
        fill_count=count_text(placed.filling.count),
        remaining_count=count_text(placed.order.remaining_count),
        average_fill_price=price,
        average_fee_paid=fee,
        ts_ms=unix_ms(call.now),
    )


def cancel(call: Call) -> Reply:
    """`DELETE /portfolio/events/orders/{order_id}`: dead, strange and unknown orders give the same 404."""
    shard, ticker = _shard_of(call.query), call.query.text("market_ticker")
    subaccount = call.query.integer("subaccount", minimum=0)
    call.bill_write(CANCEL_COST, shard)
    cancelled = call.services.exchange.cancel(
        call.account_id,
        call.path["order_id"],
        call.now,
        exchange_index=shard,
        market_ticker=ticker,
        subaccount=subaccount,
    )
    return reply(CancelledBody(cancelled.order.order_id, count_text(cancelled.reduced_by), unix_ms(call.now)))


def cancel_all(call: Call) -> Reply:
    """`DELETE /portfolio/events/orders`: on all shards."""
    subaccount = call.query.integer("subaccount", minimum=0)
    call.bill_write(CANCEL_COST)
    call.services.exchange.cancel_all(call.account_id, call.now, subaccount)
    return NO_CONTENT


def amend(call: Call) -> Reply:
    """`POST /portfolio/events/orders/{order_id}/amend`."""
    fields = read_body(call.body, AMEND)
    terms = amendment(fields)
    primary(call.query.integer("subaccount", minimum=0))
    call.bill_write(shard=read_shard(fields.get("exchange_index")))
    exchange, order_id = call.services.exchange, call.path["order_id"]
    before = exchange.orders.get(order_id)
    rested = before.remaining_count if before is not None else Hundredths(0)
    amended = exchange.amend(call.account_id, order_id, terms, call.now)
    price, fee = averages(amended.filling)
    changed = amended.filling.count > 0 or amended.order.remaining_count != rested
    return reply(
        AmendedBody(
            order_id=order_id,
            client_order_id=amended.order.client_order_id or UNSET,
            remaining_count=count_text(amended.order.remaining_count) if changed else UNSET,
            fill_count=count_text(amended.filling.count) if changed else UNSET,
            average_fill_price=price,
            average_fee_paid=fee,
            ts_ms=unix_ms(call.now),
        )
    )


def decrease(call: Call) -> Reply:
    """`POST /portfolio/events/orders/{order_id}/decrease`."""
    fields = read_body(call.body, DECREASE)
    counts = {
        name: read_count(fields[name], name, least=least)
        for name, least in (("reduce_by", 1), ("reduce_to", 0))
        if fields.get(name)
    }
    if len(counts) != 1:
        raise problem(400, "invalid_parameters", "exactly one of reduce_by and reduce_to must be provided")
    primary(call.query.integer("subaccount", minimum=0))
    call.bill_write(shard=read_shard(fields.get("exchange_index")))
    order = call.services.exchange.decrease(
        call.account_id,
        call.path["order_id"],
        now=call.now,
        reduce_by=counts.get("reduce_by"),
        reduce_to=counts.get("reduce_to"),
    )
    return reply(
        DecreasedBody(
            order.order_id, order.client_order_id or UNSET, count_text(order.remaining_count), unix_ms(call.now)
        )
    )


def averages(filling: Filling) -> tuple[str | UnsetType, str | UnsetType]:
    """Give average price and fee as text; absent without a fill."""
    price, fee = filling.average_price, filling.average_fee
    return UNSET if price is None else dollars(price), UNSET if fee is None else dollars(fee)


def retired(call: Call) -> Reply:
    """Answer every order write of version 1."""
    raise problem(410, "deprecated_v1_order_endpoint")


def _shard_of(query: Query) -> int | None:
    return read_shard(query.integer("exchange_index"))


_ORDERS = "/portfolio/events/orders"
_RETIRED = (
    ("POST", "/portfolio/orders", "CreateOrder"),
    ("DELETE", "/portfolio/orders/{order_id}", "CancelOrder"),
    ("POST", "/portfolio/orders/{order_id}/amend", "AmendOrder"),
    ("POST", "/portfolio/orders/{order_id}/decrease", "DecreaseOrder"),
    ("POST", "/portfolio/orders/batched", "BatchCreateOrders"),
    ("DELETE", "/portfolio/orders/batched", "BatchCancelOrders"),
)
ROUTES = (
    Route("POST", _ORDERS, "CreateOrderV2", create, "write::trade", Bill.WRITE),
    Route("DELETE", _ORDERS, "CancelAllOrders", cancel_all, "write::trade", Bill.WRITE, CANCEL_COST),
    Route("DELETE", _ORDERS + "/{order_id}", "CancelOrderV2", cancel, "write::trade", Bill.WRITE, CANCEL_COST),
    Route("POST", _ORDERS + "/{order_id}/amend", "AmendOrderV2", amend, "write::trade", Bill.WRITE),
    Route("POST", _ORDERS + "/{order_id}/decrease", "DecreaseOrderV2", decrease, "write::trade", Bill.WRITE),
    *(Route(method, path, name, retired, "write::trade", Bill.WRITE) for method, path, name in _RETIRED),
)
