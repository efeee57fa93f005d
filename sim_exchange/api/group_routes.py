"""Order groups: orders that end together when too much is matched within 15 seconds."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mesh.types import Hundredths, count_text
from sim_exchange.api.bodies import Shape, read_body
from sim_exchange.api.calls import Bill, Call, Route
from sim_exchange.api.order_inputs import invalid, primary, read_count, read_shard
from sim_exchange.api.portfolio_routes import read_subaccount
from sim_exchange.api.replies import EMPTY, Reply, problem, reply
from sim_exchange.domain.types import OrderGroup

_CREATE = Shape(
    "CreateOrderGroupRequest",
    {"subaccount": "int64", "contracts_limit": "int64", "contracts_limit_fp": "string", "exchange_index": "int64"},
)
_LIMIT = Shape("UpdateOrderGroupLimitRequest", {"contracts_limit": "int64", "contracts_limit_fp": "string"})
_MOST_CONTRACTS = 1_000_000


def list_groups(call: Call) -> Reply:
    """`GET /portfolio/order_groups`: all of them, not paged."""
    groups = [] if read_subaccount(call.query) else call.services.exchange.groups_of(call.account_id)
    return reply({"order_groups": [{"id": group.group_id} | _terms(group) for group in groups]})


def get_group(call: Call) -> Reply:
    """`GET /portfolio/order_groups/{order_group_id}`."""
    exchange, group_id = call.services.exchange, call.path["order_group_id"]
    group = exchange.get_group(call.account_id, group_id)
    orders = [order.order_id for order in exchange.group_orders(call.account_id, group_id)]
    return reply(_terms(group) | {"orders": orders})


def create(call: Call) -> Reply:
    """`POST /portfolio/order_groups/create`."""
    fields = read_body(call.body, _CREATE)
    limit, subaccount = _limit(fields), primary(fields.get("subaccount"))
    shard = read_shard(fields.get("exchange_index")) or 0
    call.bill_write(shard=shard)
    group = call.services.exchange.create_group(
        call.account_id, limit, call.now, exchange_index=shard, subaccount=subaccount
    )
    body = {"order_group_id": group.group_id, "subaccount": subaccount, "exchange_index": group.exchange_index}
    return reply(body, 201)


def set_limit(call: Call) -> Reply:
    """`PUT /portfolio/order_groups/{order_group_id}/limit`."""
    limit = _limit(read_body(call.body, _LIMIT))
    _bill(call)
    call.services.exchange.set_group_limit(call.account_id, call.path["order_group_id"], limit, call.now)
    return EMPTY


def _command(name: str) -> Callable[[Call], Reply]:
    """Make a handler of a command that takes nothing but the group; a body is not looked at."""

    def handler(call: Call) -> Reply:
        _bill(call)
        command: Callable[[str, str, datetime], OrderGroup] = getattr(call.services.exchange, name)
        command(call.account_id, call.path["order_group_id"], call.now)
        return EMPTY

    return handler


def _bill(call: Call) -> None:
    primary(read_subaccount(call.query))
    call.bill_write(shard=read_shard(call.query.integer("exchange_index")) or 0)


def _terms(group: OrderGroup) -> dict[str, Any]:
    return {
        "contracts_limit_fp": count_text(group.limit),
        "is_auto_cancel_enabled": not group.triggered,
        "exchange_index": group.exchange_index,
    }


def _limit(fields: dict[str, Any]) -> Hundredths:
    whole, text = fields.get("contracts_limit"), fields.get("contracts_limit_fp")
    if whole is None and not text:
        raise problem(400, "missing_parameters", "missing: contracts_limit")
    given = {Hundredths(whole * 100)} if whole is not None else set()
    given |= {read_count(text, "contracts_limit_fp")} if text else set()
    if len(given) > 1:
        raise invalid("contracts_limit and contracts_limit_fp differ")
    limit = given.pop()
    if not 0 < limit <= _MOST_CONTRACTS * 100:
        raise invalid(f"contracts_limit must be within 1 and {_MOST_CONTRACTS}")
    return limit


_GROUPS = "/portfolio/order_groups"
_GROUP = _GROUPS + "/{order_group_id}"
ROUTES = (
    Route("GET", _GROUPS, "GetOrderGroups", list_groups, "read"),
    Route("POST", _GROUPS + "/create", "CreateOrderGroup", create, "write::trade", Bill.WRITE),
    Route("GET", _GROUP, "GetOrderGroup", get_group, "read"),
    Route("DELETE", _GROUP, "DeleteOrderGroup", _command("delete_group"), "write::trade", Bill.WRITE),
    Route("PUT", _GROUP + "/reset", "ResetOrderGroup", _command("reset_group"), "write::trade", Bill.WRITE),
    Route("PUT", _GROUP + "/trigger", "TriggerOrderGroup", _command("trigger_group"), "write::trade", Bill.WRITE),
    Route("PUT", _GROUP + "/limit", "UpdateOrderGroupLimit", set_limit, "write::trade", Bill.WRITE),
)
