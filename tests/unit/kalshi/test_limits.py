"""What requests cost, and which bucket pays."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mesh.clock import ManualClock
from mesh.kalshi.errors import NoBudget
from mesh.kalshi.transport.buckets import Priority, Rate
from mesh.kalshi.transport.limits import Costs, Limits

RECORDED = Path(__file__).parents[4] / "shared" / "reference" / "samples" / "demo-2026-06__account__endpoint_costs.json"
LISTED = [
    ("DELETE", "/trade-api/v2/portfolio/events/orders/:order_id", 2),
    ("DELETE", "/trade-api/v2/portfolio/events/orders/batched", 3),
    ("GET", "/trade-api/v2/cfbenchmarks", 50),
    ("GET", "/trade-api/v2/cfbenchmarks/*endpoint", 51),
    ("POST", "/trade-api/v2/portfolio/orders/:order_id/amend", 20),
    ("GET", "/trade-api/v2/a.b/:id", 7),
]


def limits() -> Limits:
    made = Limits(ManualClock(datetime(2026, 11, 22, tzinfo=UTC)))
    made.costs = Costs(10, LISTED)
    return made


@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("DELETE", "/portfolio/events/orders/0ef50cc6-49b9", 2),
        ("DELETE", "/portfolio/events/orders/batched", 3),
        ("DELETE", "/portfolio/events/orders", 10),
        ("DELETE", "/portfolio/events/orders/a/b", 10),
        ("POST", "/portfolio/events/orders/batched", 10),
        ("GET", "/cfbenchmarks", 50),
        ("GET", "/cfbenchmarks/values/BRTI", 51),
        ("POST", "/portfolio/orders/x/amend", 20),
        ("GET", "/a.b/1", 7),
        ("GET", "/aXb/1", 10),
        ("GET", "/markets", 10),
    ],
)
def test_costs_by_pattern(method: str, path: str, cost: float) -> None:
    assert Costs(10, LISTED).of(method, path) == cost
    assert Costs(10, reversed(LISTED)).of(method, path) == cost


@pytest.mark.skipif(not RECORDED.is_file(), reason="needs the recorded replies in ../shared")
def test_the_recorded_list() -> None:
    reply = json.loads(RECORDED.read_bytes())["response"]
    listed = [(entry["method"], entry["path"], entry["cost"]) for entry in reply["endpoint_costs"]]
    costs = Costs(reply["default_cost"], listed)
    assert costs.of("DELETE", "/portfolio/events/orders/some-id") == 2
    assert costs.of("GET", "/portfolio/orders/some-id") == 2
    assert costs.of("POST", "/portfolio/events/orders") == 10
    assert costs.of("GET", "/cfbenchmarks/anything/at/all") == 150


def test_who_pays() -> None:
    made = limits()
    assert made.price("GET", "/markets") == (made.read, 10)
    assert made.price("POST", "/portfolio/events/orders") == (made.write, 10)
    assert made.price("PUT", "/portfolio/order_groups/x/reset") == (made.write, 10)
    assert made.price("DELETE", "/portfolio/events/orders/batched", 7) == (made.write, 21)
    assert made.price("GET", "/portfolio/balance") == (made.balance, 1)


def test_until_told_otherwise_the_account_is_the_smallest() -> None:
    made = limits()
    assert (made.read.rate, made.write.rate, made.balance.rate) == (Rate(200, 200), Rate(100, 100), Rate(1, 1))


@pytest.mark.parametrize(("tier", "balance"), [("basic", 1), ("advanced", 1), ("premier", 5), ("of the future", 5)])
def test_the_account_as_the_exchange_states_it(tier: str, balance: float) -> None:
    made = limits()
    made.set_account(tier, Rate(300, 600), Rate(250, 500))
    assert (made.read.rate, made.write.rate, made.balance.rate) == (Rate(300, 600), Rate(250, 500), Rate(balance, 1))


def test_a_budget_from_outside() -> None:
    made = limits()
    made.set_budget(read=Rate(50, 40), write=None)
    assert (made.read.rate, made.write.rate) == (Rate(50, 40), Rate(100, 100))
    made.set_budget(read=None, write=None)
    assert made.read.rate == Rate(200, 200)


def test_without_a_key_a_dear_call_is_one_request() -> None:
    made = Limits.without_key(ManualClock(datetime(2026, 11, 22, tzinfo=UTC)), per_second=4)
    made.costs = Costs(30, LISTED)
    assert made.price("GET", "/cfbenchmarks") == made.price("GET", "/markets") == (made.read, 10)


async def test_without_a_key_requests_are_evenly_paced() -> None:
    made = Limits.without_key(ManualClock(datetime(2026, 11, 22, tzinfo=UTC)), per_second=4)
    bucket, cost = made.price("GET", "/markets")
    await bucket.take(cost, Priority.SCAN)
    with pytest.raises(NoBudget) as refused:
        await bucket.take(cost, Priority.SCAN, deadline=0.2, request="GET /markets")
    assert refused.value.retry_after == pytest.approx(0.25)
