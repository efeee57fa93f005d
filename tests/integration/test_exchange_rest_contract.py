"""The checks that every answer goes through can fail, and every call that is served exists in the document."""

import copy
import re
from typing import Any

import pytest
from jsonschema.exceptions import ValidationError

from sim_exchange.api.server import PREFIX, ROUTES
from sim_exchange.api.tiers import DEFAULT_COST, ENDPOINT_COSTS
from tests.fakes.exchange_samples import assert_same_shape, needs_samples
from tests.fakes.exchange_world import WARM, exchange_world
from tests.fakes.openapi import Document, check_error_shape

pytestmark = needs_samples

MARKET = f"{PREFIX}/markets/{WARM}"


@pytest.fixture(scope="module")
def contract() -> Document:
    return Document()


@pytest.fixture
async def good() -> dict[str, Any]:
    async with exchange_world() as world:
        return dict((await world.anyone.get(f"/markets/{WARM}")).body)


def spoiled(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    variants = {
        "a number for a string": {"yes_bid_dollars": 0.38},
        "a string for a number": {"cap_strike": "87"},
        "null where nothing may be": {"title": None},
        "an unknown word": {"status": "open"},
        "a time without a zone": {"open_time": "2026-07-10T15:00:00"},
        "a field of our own": {"mood": "good"},
    }
    result = {what: {"market": body["market"] | change} for what, change in variants.items()}
    lacking = copy.deepcopy(body)
    del lacking["market"]["yes_ask_size_fp"]
    return result | {"a missing field": lacking, "another envelope": body["market"]}


async def test_a_reply_that_is_not_as_documented_is_noticed(contract: Document, good: dict[str, Any]) -> None:
    contract.check_reply("GET", MARKET, 200, good)
    for body in spoiled(good).values():
        with pytest.raises(ValidationError):
            contract.check_reply("GET", MARKET, 200, body)
    with pytest.raises(AssertionError):
        contract.check_reply("GET", MARKET, 202, good)


def test_a_request_that_is_not_as_documented_is_noticed(contract: Document) -> None:
    candles = f"{PREFIX}/markets/candlesticks"
    query = [("market_tickers", WARM), ("start_ts", "0"), ("end_ts", "60"), ("period_interval", "1")]
    contract.check_request("GET", candles, query, None)
    with pytest.raises(AssertionError):
        contract.check_request("GET", candles, query[1:], None)
    with pytest.raises(AssertionError):
        contract.check_request("GET", candles, [*query, ("tickers", WARM)], None)
    with pytest.raises(ValidationError):
        contract.check_request("POST", f"{PREFIX}/portfolio/events/orders", [], {"ticker": WARM})


@pytest.mark.parametrize(
    "body", ["not found", {"error": "not found"}, {"error": {"code": 5, "message": "x"}}, {"a": 1}]
)
def test_an_error_of_a_fifth_shape_is_noticed(body: Any) -> None:
    with pytest.raises(AssertionError):
        check_error_shape(body)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"a": "1.00"}, {"a": "1.0000"}),
        ({"a": 1}, {"a": "1"}),
        ({"a": True}, {"a": 1}),
        ({}, {"a": 1}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": "2026-07-10T15:00:00.500Z"}, {"a": "2026-07-10T15:00:00Z"}),
        ({"a": [["0.4"]]}, {"a": [["0.47"]]}),
    ],
)
def test_another_shape_is_noticed(ours: Any, theirs: Any) -> None:
    with pytest.raises(AssertionError):
        assert_same_shape(ours, theirs)


def test_every_route_is_in_the_document_and_named_as_there(contract: Document) -> None:
    retired = {"CreateOrder", "CancelOrder", "AmendOrder", "DecreaseOrder", "BatchCreateOrders", "BatchCancelOrders"}
    for route in ROUTES:
        operation = contract.operation(route.method, PREFIX + re.sub(r"{\w+}", "x", route.path))
        if route.operation in retired:
            assert operation is None, route
            continue
        assert operation is not None, route
        assert operation["operationId"] == route.operation
        assert bool(operation.get("security")) == (route.scope is not None), route


def test_costs_are_told_as_they_are_billed() -> None:
    served = {(route.method, PREFIX + re.sub(r"{(\w+)}", r":\1", route.path)): route.cost for route in ROUTES}
    told = {(row.method, row.path): row.cost for row in ENDPOINT_COSTS}
    assert {call: cost for call, cost in served.items() if cost != DEFAULT_COST} == {
        call: cost for call, cost in told.items() if call in served
    }
