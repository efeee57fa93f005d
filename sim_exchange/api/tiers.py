"""What requests cost, and how much each usage tier may spend. The exchange's tables; a test may give others."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

DEFAULT_COST = 10
"""Tokens of a request that is not listed."""


class BucketLimit(Struct, frozen=True):
    """One token bucket: refilled continuously, holding at most its capacity."""

    refill_rate: int
    """Tokens a second."""
    bucket_capacity: int
    """Tokens."""


class Tier(Struct, frozen=True):
    """What an account of one usage tier may do."""

    read: BucketLimit
    write: BucketLimit
    balance_per_second: int
    """Calls of `GET /portfolio/balance`, which has a bucket of its own and no burst."""


def _tier(read: int, write: int, read_seconds: int, write_seconds: int, balance_per_second: int) -> Tier:
    return Tier(BucketLimit(read, read * read_seconds), BucketLimit(write, write * write_seconds), balance_per_second)


TIERS: Mapping[str, Tier] = MappingProxyType(
    {
        "basic": _tier(200, 100, 3, 1, 1),
        "advanced": _tier(300, 300, 3, 3, 1),
        "expert": _tier(600, 600, 1, 3, 5),
        "premier": _tier(1_200, 1_200, 1, 3, 5),
        "paragon": _tier(2_400, 2_400, 1, 3, 5),
        "prime": _tier(4_800, 4_800, 1, 3, 5),
        "prestige": _tier(12_000, 9_600, 1, 3, 5),
        "unlimited": _tier(10**9, 10**9, 1, 1, 10**6),
    }
)
"""By name. `unlimited` is not the exchange's: it is for load tests."""


class EndpointCost(Struct, frozen=True):
    """Tokens of one kind of request."""

    method: str
    path: str
    cost: int


ENDPOINT_COSTS = (
    EndpointCost("POST", "/trade-api/v2/account/api_usage_level/upgrade", 30),
    EndpointCost("GET", "/trade-api/v2/cfbenchmarks", 50),
    EndpointCost("GET", "/trade-api/v2/cfbenchmarks/*endpoint", 50),
    EndpointCost("POST", "/trade-api/v2/communications/quotes", 2),
    EndpointCost("DELETE", "/trade-api/v2/communications/quotes/:quote_id", 2),
    EndpointCost("DELETE", "/trade-api/v2/portfolio/events/orders", 2),
    EndpointCost("DELETE", "/trade-api/v2/portfolio/events/orders/:order_id", 2),
    EndpointCost("DELETE", "/trade-api/v2/portfolio/events/orders/batched", 2),
    EndpointCost("GET", "/trade-api/v2/portfolio/orders/:order_id", 2),
)
"""Every request that does not cost the default, as `GET /account/endpoint_costs` lists them."""
