"""Order writes and reads over HTTP: statuses, bodies and refusals as on the real exchange."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sim_exchange.domain.results import PauseScope
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_world import FINE, LATER, MILD, WARM, Caller, World, exchange_world, order

ORDERS = "/portfolio/events/orders"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.3800": "10.00"}, {"0.4200": "10.00"})
        yield world


@pytest.fixture
def alice(world: World) -> Caller:
    return world.member("alice", shards={2: "50.00"})


async def place(caller: Caller, **changes: Any) -> dict[str, Any]:
    answer = await caller.post(ORDERS, order(**changes))
    assert answer.status == 201, answer.body
    return dict(answer.body)


async def read(caller: Caller, order_id: str) -> dict[str, Any]:
    return dict((await caller.get(f"/portfolio/orders/{order_id}")).body["order"])


async def test_an_order_without_a_client_id_has_none_in_the_reply(alice: Caller) -> None:
    assert "client_order_id" not in await place(alice, client_order_id=None)


async def test_buying_no_shows_as_an_ask(alice: Caller) -> None:
    created = await place(alice, side="ask", price="0.3800", count="2.50", time_in_force="immediate_or_cancel")
    assert (created["fill_count"], created["average_fill_price"]) == ("2.50", "0.3800")
    row = await read(alice, created["order_id"])
    assert (row["book_side"], row["outcome_side"], row["side"], row["action"]) == ("ask", "no", "yes", "sell")
    assert (row["yes_price_dollars"], row["no_price_dollars"], row["status"]) == ("0.3800", "0.6200", "executed")
    (position,) = (await alice.get("/portfolio/positions")).body["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("-2.50", "1.550000")


REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "off the grid": ({"price": "0.4050"}, 400, "invalid_price"),
    "five decimals": ({"price": "0.40001"}, 400, "invalid_price"),
    "a free contract": ({"price": "0.0000"}, 400, "invalid_price"),
    "a whole dollar": ({"price": "1.0000"}, 400, "invalid_price"),
    "a negative price": ({"price": "-0.4000"}, 400, "invalid_price"),
    "no price": ({"price": "cheap"}, 400, "invalid_parameters"),
    "a price in scientific notation": ({"price": "4e-1"}, 400, "invalid_parameters"),
    "a giant price": ({"price": "9" * 300}, 400, "invalid_parameters"),
    "no contracts": ({"count": "0.00"}, 400, "invalid_parameters"),
    "fewer than none": ({"count": "-1.00"}, 400, "invalid_parameters"),
    "a thousandth": ({"count": "1.001"}, 400, "invalid_parameters"),
    "infinitely many": ({"count": "Infinity"}, 400, "invalid_parameters"),
    "an unknown side": ({"side": "yes"}, 400, "invalid_parameters"),
    "an unknown time in force": ({"time_in_force": "GTT"}, 400, "invalid_parameters"),
    "an unknown prevention": ({"self_trade_prevention_type": "none"}, 400, "invalid_parameters"),
    "no prevention": ({"self_trade_prevention_type": None}, 400, "missing_parameters"),
    "no ticker": ({"ticker": None}, 400, "missing_parameters"),
    "no count": ({"count": None}, 400, "missing_parameters"),
    "an empty price": ({"price": ""}, 400, "missing_parameters"),
    "an odd client id": ({"client_order_id": "a b\n"}, 400, "invalid_parameters"),
    "an endless client id": ({"client_order_id": "x" * 500}, 400, "invalid_parameters"),
    "a subaccount that is not there": ({"subaccount": 7}, 400, "invalid_parameters"),
    "an impossible shard": ({"exchange_index": -2}, 400, "invalid_parameters"),
    "another shard": ({"exchange_index": 2}, 404, "market_not_found"),
    "an unknown market": ({"ticker": "KXNONE-26JUL10-T1"}, 404, "market_not_found"),
    "a market that is not open": ({"ticker": LATER}, 409, "market_inactive"),
    "reduce only that waits": ({"reduce_only": True}, 400, "invalid_order"),
    "expired already": ({"expiration_time": 1_000_000_000}, 400, "invalid_order"),
    "before the epoch": ({"expiration_time": -5}, 400, "invalid_parameters"),
    "after all calendars": ({"expiration_time": 2**62}, 400, "invalid_parameters"),
    "an expiry of an instant order": (
        {"expiration_time": 1_800_000_000, "time_in_force": "immediate_or_cancel"}, 400, "invalid_order",
    ),
    "too little to fill or kill": (
        {"time_in_force": "fill_or_kill", "price": "0.4200", "count": "11.00"},
        409,
        "fill_or_kill_insufficient_resting_volume",
    ),
    "more than there is money for": ({"count": "99999.00"}, 400, "insufficient_balance"),
    "an unknown group": ({"order_group_id": "none"}, 404, "not_found"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
async def test_an_order_is_refused_in_the_exchanges_words(alice: Caller, what: str) -> None:
    changes, status, code = REFUSALS[what]
    answer = await alice.post(ORDERS, order(**changes))
    assert (answer.status, answer.error["code"]) == (status, code), answer.body
    assert (await alice.get("/portfolio/orders")).body["orders"] == []


async def test_money_must_be_on_the_markets_shard(world: World, alice: Caller) -> None:
    assert (await alice.post(ORDERS, order(FINE, count="200.00"))).error["code"] == "insufficient_balance"
    transfer = {
        "source": "event_contract",
        "destination": "event_contract",
        "amount": 600_000,
        "destination_exchange_shard": 2,
        "client_transfer_id": "5f3f2c0e-8a33-4f0e-9d0a-4b6a9b0b7c11",
    }
    moved = await alice.post("/portfolio/intra_exchange_instance_transfer", transfer)
    assert moved.status == 200
    again = await alice.post("/portfolio/intra_exchange_instance_transfer", transfer)
    assert again.status == 409
    shards = (await alice.get("/portfolio/balance")).body["balance_breakdown"]
    assert {row["exchange_index"]: row["balance"] for row in shards} == {
        0: "940.0000", 1: "0.0000", 2: "110.0000", 3: "0.0000",
    }  # fmt: skip
    rows = (await alice.get("/portfolio/subaccounts/balances")).body["subaccount_balances"]
    assert [row["balance"] for row in rows] == [row["balance"] for row in shards]
    assert (await alice.post(ORDERS, order(FINE, count="200.00"))).status == 201
    only = (await alice.get("/portfolio/balance", exchange_index=2)).body
    assert [row["exchange_index"] for row in only["balance_breakdown"]] == [2]
    assert only["balance"] == 3000


async def test_dead_strange_and_unknown_orders_cancel_alike(world: World, alice: Caller) -> None:
    bob = world.member("bob")
    bobs = await place(bob)
    gone = await place(alice)
    await alice.delete(f"{ORDERS}/{gone['order_id']}")
    filled = await place(alice, price="0.4200", time_in_force="immediate_or_cancel")
    bodies = [
        (await alice.delete(f"{ORDERS}/{order_id}"))
        for order_id in (bobs["order_id"], gone["order_id"], filled["order_id"], "none")
    ]
    assert {answer.status for answer in bodies} == {404}
    assert all(answer.body == bodies[0].body for answer in bodies)
    assert (await read(bob, bobs["order_id"]))["status"] == "resting"


async def test_cancel_all_answers_without_a_body(alice: Caller) -> None:
    for price in ("0.1000", "0.2000"):
        await place(alice, price=price)
    answer = await alice.delete(ORDERS)
    assert (answer.status, answer.body) == (204, None)
    rows = (await alice.get("/portfolio/orders", status="canceled")).body["orders"]
    assert [row["remaining_count_fp"] for row in rows] == ["0.00", "0.00"]


async def test_amend_tells_only_what_changed(alice: Caller) -> None:
    created = await place(alice, count="5.00")
    path = f"{ORDERS}/{created['order_id']}/amend"
    same = {"ticker": WARM, "side": "bid", "price": "0.4000", "count": "5.00"}
    until = 1_900_000_000
    only_expiry = await alice.post(path, same | {"expiration_time": until})
    assert set(only_expiry.body) == {"order_id", "client_order_id", "ts_ms"}
    assert (await read(alice, created["order_id"]))["expiration_time"] == "2030-03-17T17:46:40Z"
    removed = await alice.post(path, same | {"expiration_time": 0})
    assert removed.status == 200
    assert "expiration_time" not in await read(alice, created["order_id"])
    smaller = await alice.post(path, same | {"count": "3.00"})
    assert (smaller.body["remaining_count"], smaller.body["fill_count"]) == ("3.00", "0.00")
    crossing = await alice.post(
        path, same | {"price": "0.4200", "count": "3.00", "updated_client_order_id": "renamed-1"}
    )
    assert (crossing.body["fill_count"], crossing.body["average_fill_price"]) == ("3.00", "0.4200")
    assert crossing.body["client_order_id"] == "renamed-1"
    dead = await alice.post(path, same)
    assert (dead.status, dead.error["code"]) == (404, "not_found")


async def test_an_amendment_must_fit_its_order(alice: Caller) -> None:
    created = await place(alice)
    path = f"{ORDERS}/{created['order_id']}/amend"
    fits = {"ticker": WARM, "side": "bid", "price": "0.4000", "count": "1.00"}
    for changes, code in (
        ({"ticker": MILD}, "invalid_order"),
        ({"side": "ask"}, "invalid_order"),
        ({"price": "0.4001"}, "invalid_price"),
        ({"count": "0"}, "invalid_parameters"),
        ({"expiration_time": -1}, "invalid_parameters"),
        ({"price": ""}, "missing_parameters"),
    ):
        answer = await alice.post(path, fits | changes)
        assert (answer.status, answer.error["code"]) == (400, code), changes
    number = await alice.post(path, fits | {"price": 0.4})
    assert number.body["details"] == (
        "json: cannot unmarshal number into Go struct field AmendOrderV2Request.price of type string"
    )


async def test_decrease_takes_exactly_one_of_its_two_fields(alice: Caller) -> None:
    created = await place(alice, count="5.00")
    path = f"{ORDERS}/{created['order_id']}/decrease"
    assert (await alice.post(path, {"reduce_by": "2.00"})).body["remaining_count"] == "3.00"
    assert (await alice.post(path, {"reduce_to": "1.00", "reduce_by": None})).body["remaining_count"] == "1.00"
    for body in ({}, {"reduce_by": "1.00", "reduce_to": "0.00"}, {"reduce_by": "0.00"}, {"reduce_to": "x"}):
        assert (await alice.post(path, body)).status == 400, body
    assert (await alice.post(path, {"reduce_to": "0"})).body["remaining_count"] == "0.00"
    assert (await read(alice, created["order_id"]))["status"] == "canceled"
    assert (await alice.post(path, {"reduce_to": "0"})).status == 404


async def test_each_order_of_a_batch_stands_for_itself(alice: Caller) -> None:
    twin = order(price="0.1000")
    batch = {"orders": [twin, twin, order(price="0.1050"), order(price="0.4200", count="1.00"), order("KXNONE-1-2")]}
    answer = await alice.post(f"{ORDERS}/batched", batch)
    assert answer.status == 201
    rows = answer.body["orders"]
    assert [row.get("error", {}).get("code") for row in rows] == [
        None, "order_already_exists", "invalid_price", None, "market_not_found",
    ]  # fmt: skip
    assert [row.get("client_order_id") for row in rows] == [item["client_order_id"] for item in batch["orders"]]
    assert rows[3]["fill_count"] == "1.00"
    cancels = {"orders": [{"order_id": rows[0]["order_id"], "market_ticker": WARM}, {"order_id": rows[3]["order_id"]}]}
    answer = await alice.delete(f"{ORDERS}/batched", cancels)
    assert answer.status == 200
    first, second = answer.body["orders"]
    assert (first["reduced_by"], second["reduced_by"]) == ("1.00", "0.00")
    assert second["error"] == {"code": "not_found", "message": "not found"}


async def test_a_batch_that_is_malformed_anywhere_is_refused_whole(alice: Caller) -> None:
    good = order(price="0.1000")
    for bad, details in (
        (good | {"count": 1}, "json: cannot unmarshal number into Go struct field CreateOrderV2Request.orders.count"),
        ("order", "json: cannot unmarshal string into Go struct field BatchCreateOrdersV2Request.orders"),
    ):
        answer = await alice.post(f"{ORDERS}/batched", {"orders": [good, bad]})
        assert answer.status == 400
        assert answer.body["details"].startswith(details)
    assert (await alice.post(f"{ORDERS}/batched", {"orders": [good, order(side="sell")]})).status == 400
    assert (await alice.post(f"{ORDERS}/batched", {})).error["code"] == "missing_parameters"
    assert (await alice.post(f"{ORDERS}/batched", {"orders": []})).body == {"orders": []}
    assert (await alice.get("/portfolio/orders")).body["orders"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/portfolio/orders"),
        ("DELETE", "/portfolio/orders/some-id"),
        ("POST", "/portfolio/orders/some-id/amend"),
        ("POST", "/portfolio/orders/some-id/decrease"),
        ("POST", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/batched"),
    ],
)
async def test_writes_of_version_one_are_gone(world: World, alice: Caller, method: str, path: str) -> None:
    answer = await alice.call(method, path, body={"ticker": WARM, "yes_price": 40})
    assert answer.status == 410
    assert answer.body == {"error": {"code": "deprecated_v1_order_endpoint", "message": "deprecated v1 order endpoint"}}
    assert (await world.anyone.call(method, path)).status == 401


async def test_orders_are_listed_newest_first_by_pages_and_filters(world: World, alice: Caller) -> None:
    made = [(await place(alice, price=f"0.{cents}00"))["order_id"] for cents in range(10, 35)]
    await place(alice, ticker=MILD, price="0.1000")
    seen, cursor = [], ""
    while True:
        page = (await alice.get("/portfolio/orders", ticker=WARM, limit=10, cursor=cursor)).body
        seen += [row["order_id"] for row in page["orders"]]
        cursor = page["cursor"]
        if not cursor:
            break
        # What changes between pages neither repeats nor hides a row.
        await place(alice, price="0.0500")
        await alice.delete(f"{ORDERS}/{made[20]}")
    assert seen[:20] == made[:4:-1]
    assert seen[20:] == made[4::-1]
    by_event = await alice.get("/portfolio/orders", event_ticker="KXHIGHNY-26JUL10,KXOTHER", status="resting")
    assert {row["ticker"] for row in by_event.body["orders"]} == {WARM, MILD}
    assert (await alice.get("/portfolio/orders", exchange_index=2)).body["orders"] == []
    assert (await alice.get("/portfolio/orders", status="open")).status == 400
    now = int(world.now.timestamp())
    assert (await alice.get("/portfolio/orders", min_ts=now + 1)).body["orders"] == []
    assert len((await alice.get("/portfolio/orders", min_ts=now, max_ts=now)).body["orders"]) > 20
    assert (await world.member("bob").get(f"/portfolio/orders/{made[0]}")).status == 404


async def test_queue_positions_count_what_trades_before(world: World, alice: Caller) -> None:
    bob = world.member("bob")
    await place(bob, price="0.4100", count="2.00")
    first = await place(alice, price="0.4000", count="3.00")
    second = await place(bob, price="0.4000", count="1.00")
    one = await bob.get(f"/portfolio/orders/{second['order_id']}/queue_position")
    assert one.body == {"queue_position_fp": "5.00"}
    listed = await alice.get("/portfolio/orders/queue_positions", market_tickers=f"{WARM},{MILD}")
    assert listed.body["queue_positions"] == [
        {"order_id": first["order_id"], "market_ticker": WARM, "queue_position_fp": "2.00"}
    ]
    assert (await alice.get("/portfolio/orders/queue_positions", event_ticker="KXBTC-26JUL1012")).body == {
        "queue_positions": []
    }
    assert (await alice.get(f"/portfolio/orders/{second['order_id']}/queue_position")).status == 404


async def test_closed_and_paused_markets_take_no_orders(world: World, alice: Caller) -> None:
    resting = await place(alice, ticker=FINE)
    world.exchange.pause(PauseScope.TRADING, 2, world.now)
    assert (await alice.post(ORDERS, order(FINE))).error["code"] == "trading_is_paused"
    status = (await world.anyone.get("/exchange/status")).body
    assert (status["trading_active"], status["exchange_index_statuses"][2]["trading_active"]) == (True, False)
    world.exchange.pause(PauseScope.EXCHANGE, 2, world.now)
    assert (await alice.delete(f"{ORDERS}/{resting['order_id']}")).error["code"] == "exchange_is_paused"
    for scope in (PauseScope.EXCHANGE, PauseScope.TRADING):
        world.exchange.resume(scope, 2, world.now)
    await world.pass_seconds(3600)
    closed = await alice.post(ORDERS, order(FINE))
    assert (closed.status, closed.error["code"]) == (409, "market_closed")
    assert (await read(alice, resting["order_id"]))["status"] == "canceled"


async def test_what_is_due_happens_before_a_request_is_answered(world: World, alice: Caller) -> None:
    """Nobody else moves the exchange here: a request that comes after the close meets a closed market."""
    soon = int((world.now + timedelta(seconds=30)).timestamp())
    created = await place(alice, ticker=FINE, expiration_time=soon)
    await world.clock.advance(31)
    assert (await read(alice, created["order_id"]))["status"] == "canceled"
    await world.clock.advance(3600)
    assert (await world.anyone.get(f"/markets/{FINE}")).body["market"]["status"] == "closed"


async def test_the_balance_can_count_resting_orders_or_not() -> None:
    for excludes, cents in ((True, 99_960), (False, 100_000)):
        async with exchange_world(quirks=Quirks(balance_excludes_resting=excludes)) as world:
            alice = world.member("alice")
            await place(alice)
            assert (await alice.get("/portfolio/balance")).body["balance"] == cents


async def test_the_same_seed_and_the_same_requests_give_the_same_answers() -> None:
    async def run(seed: int) -> list[Any]:
        async with exchange_world(seed=seed) as world:
            world.book(WARM, {"0.3800": "10.00"}, {"0.4200": "10.00"})
            alice, bob = world.member("alice"), world.member("bob")
            answers = []
            for number in range(12):
                caller = alice if number % 3 else bob
                price, side = (f"0.{38 + number % 5}00", "bid" if number % 2 else "ask")
                body = order(price=price, side=side, count=f"{number}.50", client_order_id=f"id-{number}")
                answers.append((await caller.post(ORDERS, body)).body)
                await world.pass_seconds(0.25)
            for caller in (alice, bob):
                own = [await caller.get(f"/portfolio/{path}") for path in ("orders", "fills", "positions", "balance")]
                answers.extend(answer.body for answer in own)
            return [*answers, (await world.anyone.get("/markets/trades")).body]

    first, again, other = await run(7), await run(7), await run(8)
    assert first == again
    assert first != other
