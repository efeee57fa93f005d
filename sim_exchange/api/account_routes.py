"""What an account may spend on requests, and its money's way between shards."""

from itertools import islice

from msgspec.structs import replace

from mesh.types import Micros
from sim_exchange.api.bodies import Shape, read_body
from sim_exchange.api.calls import Bill, Call, Route
from sim_exchange.api.order_inputs import invalid, primary
from sim_exchange.api.replies import Reply, problem, reply
from sim_exchange.api.tiers import DEFAULT_COST, ENDPOINT_COSTS

_TRANSFER = Shape(
    "IntraExchangeInstanceTransferRequest",
    {
        "client_transfer_id": "string",
        "source": "string",
        "destination": "string",
        "amount": "int64",
        "source_exchange_shard": "int64",
        "destination_exchange_shard": "int64",
        "source_subaccount": "int64",
        "destination_subaccount": "int64",
    },
)
_CENTICENT = 100  # micros
_BASIC = "basic"
_UPGRADED = "advanced"
_UPGRADE_COST = 30


def get_limits(call: Call) -> Reply:
    """`GET /account/limits`."""
    tier = call.services.budgets.tiers[call.tier]
    grants = (
        [] if call.tier == _BASIC else [{"exchange_instance": "event_contract", "level": call.tier, "source": "manual"}]
    )
    return reply({"usage_tier": call.tier, "read": tier.read, "write": tier.write, "grants": grants})


def get_endpoint_costs(call: Call) -> Reply:
    """`GET /account/endpoint_costs`: public."""
    return reply({"default_cost": DEFAULT_COST, "endpoint_costs": ENDPOINT_COSTS})


def upgrade(call: Call) -> Reply:
    """`POST /account/api_usage_level/upgrade`: for who has placed an order, all of which come by this API."""
    call.bill_write(_UPGRADE_COST)
    exchange = call.services.exchange
    if not any(True for _ in islice(exchange.orders_of(call.account_id), 1)):
        raise problem(403, "forbidden", "no API-created order among the latest 100")
    if call.tier == _BASIC:
        exchange.open_account(replace(exchange.accounts[call.account_id], usage_tier=_UPGRADED), {})
    return Reply(201, b"")


def transfer(call: Call) -> Reply:
    """`POST /portfolio/intra_exchange_instance_transfer`: between shards; done at once."""
    fields = read_body(call.body, _TRANSFER)
    if missing := [name for name in ("source", "destination", "amount") if fields.get(name) is None]:
        raise problem(400, "missing_parameters", f"missing: {', '.join(missing)}")
    if (fields["source"], fields["destination"]) != ("event_contract", "event_contract"):
        raise invalid("source and destination must be event_contract")
    primary(fields.get("source_subaccount"))
    primary(fields.get("destination_subaccount"))
    source, destination = fields.get("source_exchange_shard", 0), fields.get("destination_exchange_shard", 0)
    call.bill_write()
    transfer_id = call.services.exchange.transfer(
        call.account_id,
        source,
        destination,
        Micros(fields["amount"] * _CENTICENT),
        call.now,
        client_transfer_id=fields.get("client_transfer_id"),
    )
    return reply({"transfer_id": transfer_id})


ROUTES = (
    Route("GET", "/account/limits", "GetAccountApiLimits", get_limits, "read"),
    Route("GET", "/account/endpoint_costs", "GetAccountEndpointCosts", get_endpoint_costs),
    Route(
        "POST",
        "/account/api_usage_level/upgrade",
        "UpgradeAccountApiUsageLevel",
        upgrade,
        "write",
        Bill.WRITE,
        _UPGRADE_COST,
    ),
    Route(
        "POST",
        "/portfolio/intra_exchange_instance_transfer",
        "IntraExchangeInstanceTransfer",
        transfer,
        "write::transfer",
        Bill.WRITE,
    ),
)
