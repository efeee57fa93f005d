"""Faults on demand, and reads that lag, as a caller of the REST API meets them."""

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
from pydantic import TypeAdapter

from mesh.clock import ManualClock, SystemClock
from sim_exchange.faults import FaultRule
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_world import FINE, WARM, Caller, World, exchange_world, order

ORDERS = "/portfolio/events/orders"
PATIENT = Quirks(timestamp_newest_seconds=3600, timestamp_oldest_seconds=3600)
"""For a wall clock that stands still while signatures go by the real one."""
ANY_RULE: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.3800": "10.00"}, {"0.4200": "3.00", "0.4300": "9.00"})
        yield world


@pytest.fixture
def alice(world: World) -> Caller:
    return world.member("alice")


def fault(world: World, kind: str, **settings: Any) -> None:
    world.faults.add(ANY_RULE.validate_python({"kind": kind, **settings}))


async def orders(caller: Caller) -> list[dict[str, Any]]:
    return list((await caller.get("/portfolio/orders")).body["orders"])


async def test_a_lost_reply_hides_an_order_that_stands(world: World, alice: Caller) -> None:
    fault(world, "reply_lost", method="POST", count=1)
    body = order()
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await alice.post(ORDERS, body)
    (row,) = await orders(alice)
    assert row["client_order_id"] == body["client_order_id"]
    assert (await alice.post(ORDERS, body)).error["code"] == "order_already_exists", "the same id is a safe retry"


async def test_a_cut_connection_leaves_no_order(world: World, alice: Caller) -> None:
    fault(world, "drop_socket", path="*/orders", method="POST", count=1)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await alice.post(ORDERS, order())
    assert await orders(alice) == []


@pytest.mark.parametrize("status", [500, 503, 504])
@pytest.mark.parametrize("executed", [True, False])
async def test_a_server_error_tells_nothing_about_the_outcome(
    world: World, alice: Caller, status: int, *, executed: bool
) -> None:
    fault(world, "server_error", status=status, executed=executed, method="POST")
    answer = await alice.post(ORDERS, order())
    assert answer.status == status
    assert len(await orders(alice)) == executed


async def test_a_success_may_lack_its_object(world: World) -> None:
    async with exchange_world(checked=False) as unchecked:
        alice = unchecked.member("alice")
        fault(unchecked, "no_body_object", method="POST")
        answer = await alice.post(ORDERS, order())
        assert (answer.status, answer.body) == (201, {})
        assert len(await orders(alice)) == 1


async def test_too_many_requests_comes_whatever_the_budget(world: World, alice: Caller) -> None:
    fault(world, "too_many_requests", account="alice", count=2)
    answers = [await alice.get("/portfolio/fills") for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert (await world.member("bob").get("/portfolio/fills")).status == 200


async def test_latency_holds_up_one_caller_and_nobody_else(world: World, alice: Caller) -> None:
    fault(world, "latency", seconds=0.3, ticker=WARM)
    started = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(alice.post(ORDERS, order()))
        await alice.get("/portfolio/fills")
        assert time.monotonic() - started < 0.3
    assert time.monotonic() - started >= 0.3
    assert slow.result().status == 201


async def test_a_wrong_clock_refuses_good_signatures_and_shows_in_the_date(world: World, alice: Caller) -> None:
    fault(world, "clock_skew", seconds=120)
    answer = await alice.get("/portfolio/balance")
    assert (answer.status, answer.error["code"]) == (401, "header_timestamp_expired")
    date = parsedate_to_datetime(answer.headers["Date"])
    assert 110 < (date - SystemClock().now()).total_seconds() < 130


@pytest.mark.parametrize(("scope", "code"), [("trading", "trading_is_paused"), ("exchange", "exchange_is_paused")])
async def test_a_pause_lasts_for_one_request(world: World, alice: Caller, scope: str, code: str) -> None:
    fault(world, "pause", scope=scope, method="POST", count=1)
    assert (await alice.post(ORDERS, order())).error["code"] == code
    assert (await alice.post(ORDERS, order())).status == 201
    status = (await world.anyone.get("/exchange/status")).body
    assert status["trading_active"]
    assert status["exchange_active"]


async def test_liquidity_may_be_gone_when_an_order_arrives(world: World, alice: Caller) -> None:
    fault(world, "partial_fill", contracts="4.00", count=1)
    answer = await alice.post(ORDERS, order(price="0.5000", count="8.00", time_in_force="immediate_or_cancel"))
    assert (answer.body["fill_count"], answer.body["remaining_count"]) == ("4.00", "0.00")
    book = (await alice.get(f"/markets/{WARM}/orderbook")).body["orderbook_fp"]
    assert book == {"yes_dollars": [["0.3800", "10.00"]], "no_dollars": []}, "the order's own side is left alone"


async def test_liquidity_is_gone_for_orders_that_do_not_tell_their_side(world: World, alice: Caller) -> None:
    created = await alice.post(ORDERS, order(side="ask", price="0.4400", count="5.00"))
    fault(world, "partial_fill", contracts="2.00", count=1)
    path = f"{ORDERS}/{created.body['order_id']}"
    await alice.post(f"{path}/decrease", {"reduce_by": "1.00"})
    book = (await alice.get(f"/markets/{WARM}/orderbook")).body["orderbook_fp"]
    assert book["yes_dollars"] == [["0.3800", "2.00"]], "it rests to sell, and would take bids"
    assert book["no_dollars"] == [["0.5600", "4.00"], ["0.5700", "9.00"], ["0.5800", "3.00"]]
    fault(world, "partial_fill", contracts="1.00", count=1, ticker=WARM)
    batch = {"orders": [order(side="bid", price="0.4400"), order(side="ask", price="0.3700", count="4.00")]}
    answer = await alice.post(f"{ORDERS}/batched", batch)
    assert answer.status == 201
    book = (await alice.get(f"/markets/{WARM}/orderbook")).body["orderbook_fp"]
    assert book["yes_dollars"] == []


async def test_cash_may_be_on_another_shard(world: World) -> None:
    alice = world.member("alice", shards={2: "50.00"})
    fault(world, "empty_shard", moved_to=3, ticker=FINE)
    answer = await alice.post(ORDERS, order(FINE))
    assert answer.error["code"] == "insufficient_balance"
    shards = (await alice.get("/portfolio/balance")).body["balance_breakdown"]
    assert [row["balance"] for row in shards] == ["1000.0000", "0.0000", "0.0000", "50.0000"]


async def test_stale_reads_show_what_was() -> None:
    wall = ManualClock(SystemClock().now())
    async with exchange_world(wall=wall, quirks=PATIENT) as world:
        world.book(WARM, {}, {"0.4200": "3.00"})
        alice = world.member("alice")
        created = await alice.post(ORDERS, order())
        path = f"/portfolio/orders/{created.body['order_id']}"
        await wall.advance(10)
        await alice.delete(f"{ORDERS}/{created.body['order_id']}")
        await alice.post(ORDERS, order(price="0.4200", count="2.00"))
        fault(world, "stale_reads", seconds=5)
        assert (await alice.get(path)).body["order"]["status"] == "resting"
        assert [row["status"] for row in await orders(alice)] == ["resting"]
        assert (await alice.get("/portfolio/fills")).body["fills"] == []
        assert (await alice.get("/portfolio/positions")).body["market_positions"] == []
        assert (await alice.get("/portfolio/balance")).body["balance_dollars"] == "999.6000"
        again = await alice.delete(f"{ORDERS}/{created.body['order_id']}")
        assert again.status == 404, "the engine itself is not behind"
        world.faults.clear()
        assert (await alice.get(path)).body["order"]["status"] == "canceled"
        assert len((await alice.get("/portfolio/fills")).body["fills"]) == 1


async def test_reads_may_lag_all_the_time() -> None:
    wall = ManualClock(SystemClock().now())
    async with exchange_world(wall=wall, quirks=PATIENT.model_copy(update={"read_lag_seconds": 0.3})) as world:
        alice = world.member("alice")
        created = await alice.post(ORDERS, order())
        path = f"/portfolio/orders/{created.body['order_id']}"
        assert (await alice.get(path)).status == 404
        assert await orders(alice) == []
        as_of = (await world.anyone.get("/exchange/user_data_timestamp")).body
        assert as_of == {"as_of_time": "2026-07-10T14:59:59.7Z"}
        await wall.advance(0.31)
        assert (await alice.get(path)).body["order"]["status"] == "resting"


async def test_what_changed_long_ago_is_read_as_it_was_then() -> None:
    """The memory of earlier states is bounded, and within the bound exact."""
    wall = ManualClock(SystemClock().now())
    async with exchange_world(wall=wall, quirks=PATIENT.model_copy(update={"read_lag_seconds": 59})) as world:
        alice = world.member("alice")
        created = await alice.post(ORDERS, order(count="50.00"))
        seen = []
        for _ in range(40):
            await wall.advance(10)
            await alice.post(f"{ORDERS}/{created.body['order_id']}/decrease", {"reduce_by": "1.00"})
            row = (await alice.get(f"/portfolio/orders/{created.body['order_id']}")).body.get("order")
            seen.append(row and float(row["remaining_count_fp"]))
        assert seen == [None] * 5 + [float(left) for left in range(50, 15, -1)]
