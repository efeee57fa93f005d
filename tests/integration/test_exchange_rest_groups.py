"""Order groups over HTTP, positions and settlements of a market's whole life."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mesh.kalshi.terms import Result
from tests.fakes.exchange_world import EVENT, MILD, WARM, Caller, World, exchange_world, order

GROUPS = "/portfolio/order_groups"
ORDERS = "/portfolio/events/orders"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.3800": "10.00"}, {"0.4200": "10.00"})
        yield world


async def create(caller: Caller, **body: Any) -> str:
    answer = await caller.post(f"{GROUPS}/create", body)
    assert answer.status == 201, answer.body
    return str(answer.body["order_group_id"])


async def test_a_group_ends_its_orders_when_too_much_is_matched(world: World) -> None:
    alice = world.member("alice")
    group = await create(alice, contracts_limit=2)
    resting = await alice.post(ORDERS, order(price="0.1000", order_group_id=group))
    row = (await alice.get(f"/portfolio/orders/{resting.body['order_id']}")).body["order"]
    assert row["order_group_id"] == group
    shown = (await alice.get(f"{GROUPS}/{group}")).body
    assert shown == {
        "contracts_limit_fp": "2.00",
        "is_auto_cancel_enabled": True,
        "orders": [resting.body["order_id"]],
        "exchange_index": 0,
    }
    await alice.post(ORDERS, order(price="0.4200", count="3.00", order_group_id=group))
    assert (await alice.get(f"{GROUPS}/{group}")).body["orders"] == []
    assert (await alice.post(ORDERS, order(order_group_id=group))).status == 400
    assert (await alice.put(f"{GROUPS}/{group}/reset")).body == {}
    assert (await alice.post(ORDERS, order(price="0.1000", order_group_id=group))).status == 201
    assert (await alice.put(f"{GROUPS}/{group}/trigger", {})).body == {}
    assert (await alice.get("/portfolio/orders", status="resting")).body["orders"] == []


async def test_groups_are_listed_changed_and_deleted(world: World) -> None:
    alice, bob = world.member("alice"), world.member("bob")
    group = await create(alice, contracts_limit_fp="2.50", exchange_index=2)
    (row,) = (await alice.get(GROUPS)).body["order_groups"]
    assert (row["id"], row["contracts_limit_fp"], row["exchange_index"]) == (group, "2.50", 2)
    assert (await bob.get(GROUPS)).body == {"order_groups": []}
    assert (await bob.get(f"{GROUPS}/{group}")).status == 404
    assert (await alice.put(f"{GROUPS}/{group}/limit", {"contracts_limit": 7})).status == 200
    assert (await alice.get(f"{GROUPS}/{group}")).body["contracts_limit_fp"] == "7.00"
    assert (await alice.delete(f"{GROUPS}/{group}", exchange_index=2)).body == {}
    assert (await alice.delete(f"{GROUPS}/{group}")).status == 404
    assert (await alice.put(f"{GROUPS}/{group}/reset")).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contracts_limit": 0},
        {"contracts_limit": -1},
        {"contracts_limit": 1_000_001},
        {"contracts_limit": "5"},
        {"contracts_limit": 1.5},
        {"contracts_limit_fp": 5},
        {"contracts_limit_fp": "0.00"},
        {"contracts_limit": 5, "contracts_limit_fp": "6.00"},
        {"contracts_limit": 5, "exchange_index": 99},
        {"contracts_limit": 5, "subaccount": 1},
        [],
    ],
)
async def test_senseless_limits_are_refused(world: World, body: Any) -> None:
    alice = world.member("alice")
    assert (await alice.post(f"{GROUPS}/create", body)).status == 400


async def test_positions_net_and_settle(world: World) -> None:
    alice = world.member("alice")
    await alice.post(ORDERS, order(price="0.4200", count="4.00", time_in_force="immediate_or_cancel"))
    await alice.post(ORDERS, order(side="ask", price="0.3800", count="1.00", time_in_force="immediate_or_cancel"))
    world.book(MILD, {"0.2000": "5.00"})
    await alice.post(ORDERS, order(MILD, side="ask", price="0.2000", count="2.00"))
    body = (await alice.get("/portfolio/positions")).body
    rows = {row["ticker"]: row for row in body["market_positions"]}
    assert (rows[WARM]["position_fp"], rows[MILD]["position_fp"]) == ("3.00", "-2.00")
    assert rows[WARM]["market_exposure_dollars"] == "1.260000"
    assert rows[WARM]["realized_pnl_dollars"] == "-0.040000"
    (event,) = body["event_positions"]
    assert (event["event_ticker"], event["event_exposure_dollars"]) == (EVENT, "2.860000")
    paged = (await alice.get("/portfolio/positions", limit=1)).body
    assert [row["ticker"] for row in paged["market_positions"]] == [MILD]
    assert paged["event_positions"] == [event], "an event adds up all its markets"
    rest = (await alice.get("/portfolio/positions", limit=1, cursor=paged["cursor"])).body
    assert ([row["ticker"] for row in rest["market_positions"]], rest["cursor"]) == ([WARM], "")
    assert (await alice.get("/portfolio/positions", ticker=MILD)).body["market_positions"] == [rows[MILD]]
    assert (await alice.get("/portfolio/positions", count_filter="position,total_traded")).status == 200
    assert (await alice.get("/portfolio/positions", count_filter="price")).status == 400
    assert (await alice.get("/portfolio/positions", subaccount=3)).body["market_positions"] == []

    value = (await alice.get("/portfolio/balance")).body["portfolio_value"]
    assert value == 3 * 38 + 2 * 80

    await world.pass_seconds(14 * 3600)
    world.exchange.determine(WARM, Result.YES, None, "85.00", world.now)
    world.exchange.determine(MILD, Result.NO, None, "85.00", world.now)
    await world.pass_seconds(3600)
    assert (await alice.get("/portfolio/positions")).body["market_positions"] == []
    settled = (await alice.get("/portfolio/positions", settlement_status="settled")).body["market_positions"]
    assert {row["ticker"] for row in settled} == {WARM, MILD}
    paid = {row["ticker"]: row for row in (await alice.get("/portfolio/settlements")).body["settlements"]}
    assert (paid[WARM]["revenue"], paid[WARM]["value"], paid[MILD]["revenue"], paid[MILD]["value"]) == (
        300,
        100,
        200,
        0,
    )
    assert (await alice.get("/portfolio/settlements", ticker=MILD)).body["settlements"] == [paid[MILD]]
    assert (await alice.get("/portfolio/settlements", event_ticker="KXNONE-1")).body["settlements"] == []


async def test_fills_are_found_by_order_market_and_time(world: World) -> None:
    alice = world.member("alice")
    first = await alice.post(ORDERS, order(price="0.4200", count="1.00"))
    await world.pass_seconds(60)
    await alice.post(ORDERS, order(price="0.4200", count="2.00"))
    now = int(world.now.timestamp())

    async def counts(**params: Any) -> list[str]:
        return [row["count_fp"] for row in (await alice.get("/portfolio/fills", **params)).body["fills"]]

    assert await counts() == ["2.00", "1.00"]
    assert await counts(order_id=first.body["order_id"]) == ["1.00"]
    assert await counts(ticker=f"{MILD},{WARM}", min_ts=now) == ["2.00"]
    assert await counts(max_ts=now - 1) == ["1.00"]
    assert await counts(ticker=MILD) == []
    assert await counts(limit=1) == ["2.00"]
    assert (await alice.get("/portfolio/fills", ticker=",".join(["A"] * 101))).status == 400
    assert (await alice.get("/portfolio/fills", limit=0)).status == 400
    (fill,) = (await alice.get("/portfolio/fills", limit=1)).body["fills"]
    (trade,) = (await world.anyone.get("/markets/trades", ticker=WARM, limit=1)).body["trades"]
    assert fill["fill_id"] == fill["trade_id"] == trade["trade_id"]
    assert "client_order_id" not in fill
    for path in ("/portfolio/deposits", "/portfolio/withdrawals"):
        assert (await alice.get(path)).body["cursor"] == ""
