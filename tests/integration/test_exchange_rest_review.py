"""What a member is told of rare things: a position given up before it settled, a batch that is wrong in one place."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mesh.kalshi.terms import Result
from sim_exchange.domain.events import Transferred
from sim_exchange.domain.results import PauseScope
from sim_exchange.fault_rules import EmptyShard
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_stream import listening, streaming_world
from tests.fakes.exchange_world import FINE, WARM, Caller, World, exchange_world, order

ORDERS = "/portfolio/events/orders"
NOW_OR_NEVER = "immediate_or_cancel"
DAY = 86_400


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.3800": "10.00"}, {"0.4200": "10.00"})
        yield world


@pytest.fixture
def alice(world: World) -> Caller:
    return world.member("alice", shards={2: "50.00"})


async def tickers(caller: Caller, path: str = "/portfolio/positions", **query: str) -> list[str]:
    return [row["ticker"] for row in (await caller.get(path, **query)).body["market_positions"]]


async def test_a_position_given_up_before_settles_with_its_market() -> None:
    async with exchange_world(quirks=Quirks(cutoff_days=2)) as world:
        alice = world.member("alice", shards={2: "50.00"})
        world.book(FINE, {"0.3800": "10.00"}, {"0.4200": "10.00"})
        await alice.post(ORDERS, order(FINE, price="0.4200", count="2.00", time_in_force=NOW_OR_NEVER))
        await alice.post(ORDERS, order(FINE, side="ask", price="0.3800", count="2.00", time_in_force=NOW_OR_NEVER))
        assert await tickers(alice) == [FINE]
        await world.pass_seconds(3600)
        world.exchange.determine(FINE, Result.YES, None, "63950", world.now)
        await world.pass_seconds(3600)
        (row,) = (await alice.get("/portfolio/positions", settlement_status="settled")).body["market_positions"]
        assert (row["ticker"], row["position_fp"]) == (FINE, "0.00")
        assert row["last_updated_ts"] == (await world.anyone.get(f"/markets/{FINE}")).body["market"]["settlement_ts"]
        assert await tickers(alice) == []
        assert (await alice.get("/portfolio/settlements")).body["settlements"] == [], "nothing was held, nothing paid"
        await world.pass_seconds(4 * DAY)
        assert await tickers(alice, settlement_status="all") == []
        assert await tickers(alice, "/historical/positions") == [FINE]


async def test_a_transfers_id_counts_once_per_account_and_is_told(world: World, alice: Caller) -> None:
    path = "/portfolio/intra_exchange_instance_transfer"
    body: dict[str, Any] = {
        "source": "event_contract",
        "destination": "event_contract",
        "amount": 10_000,
        "source_exchange_shard": 0,
        "destination_exchange_shard": 2,
        "client_transfer_id": "mine",
    }
    told: list[Transferred] = []
    world.hub.add(lambda happenings: told.extend(one for one in happenings if isinstance(one, Transferred)))
    assert (await alice.post(path, body | {"amount": 10**12})).error["code"] == "insufficient_balance"
    moved = await alice.post(path, body)
    assert moved.status == 200, "a refused transfer does not use its id up"
    again = await alice.post(path, body)
    assert (again.status, again.error["code"]) == (409, "transfer_already_exists")
    assert (await world.member("bob").post(path, body)).status == 200
    assert (await alice.post(path, body | {"client_transfer_id": ""})).status == 200
    assert told[0] == Transferred(str(alice.account_id), "mine", moved.body["transfer_id"], world.now)
    assert [one.client_transfer_id for one in told] == ["mine", "mine"]


MALFORMED: dict[str, dict[str, Any]] = {
    "no side": {"side": None},
    "an unknown side": {"side": "sell"},
    "no number": {"price": "cheap"},
    "a subaccount": {"subaccount": 3},
}


@pytest.mark.parametrize("wrong", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_item_refuses_its_batch_or_itself(wrong: dict[str, Any]) -> None:
    good, bad = order(price="0.1000"), order() | wrong
    for quirks, status, entered in ((Quirks(), 400, 0), (Quirks(malformed_batch_item="refused_alone"), 201, 1)):
        async with exchange_world(quirks=quirks, checked=False) as world:
            alice = world.member("alice")
            answer = await alice.post(f"{ORDERS}/batched", {"orders": [bad, good]})
            assert answer.status == status
            assert len((await alice.get("/portfolio/orders")).body["orders"]) == entered
            alone = (await alice.post(ORDERS, bad)).error
            refused = answer.body["error"] if status == 400 else answer.body["orders"][0]["error"]
            assert refused == alone
            if entered:
                assert answer.body["orders"][0]["client_order_id"] == bad["client_order_id"]
                assert answer.body["orders"][1]["remaining_count"] == "1.00"


async def test_a_malformed_cancel_refuses_its_batch_or_itself() -> None:
    for quirks, reduced in ((Quirks(), None), (Quirks(malformed_batch_item="refused_alone"), ["0.00", "1.00"])):
        async with exchange_world(quirks=quirks) as world:
            alice = world.member("alice")
            placed = (await alice.post(ORDERS, order())).body["order_id"]
            items = [{"order_id": placed, "exchange_index": -2}, {"order_id": placed}]
            answer = await alice.delete(f"{ORDERS}/batched", {"orders": items})
            if reduced is None:
                assert (answer.status, answer.error["code"]) == (400, "invalid_parameters")
            else:
                assert [row["reduced_by"] for row in answer.body["orders"]] == reduced
                assert answer.body["orders"][0]["error"]["code"] == "invalid_parameters"


async def test_a_batch_with_a_wrong_json_type_is_refused_whole_whatever_the_setting() -> None:
    async with exchange_world(quirks=Quirks(malformed_batch_item="refused_alone"), checked=False) as world:
        alice = world.member("alice")
        answer = await alice.post(f"{ORDERS}/batched", {"orders": [order(), order() | {"count": 1}]})
        assert (answer.status, answer.body["code"]) == (400, "bad_request")
        assert (await alice.get("/portfolio/orders")).body["orders"] == []


async def test_an_amendment_names_the_orders_own_client_id_or_none(alice: Caller) -> None:
    placed = (await alice.post(ORDERS, order(client_order_id="mine", count="5.00"))).body["order_id"]
    anonymous = (await alice.post(ORDERS, order(client_order_id=None))).body["order_id"]
    terms = {"ticker": WARM, "side": "bid", "price": "0.4000", "count": "3.00"}
    for order_id, wrong in ((placed, "other"), (placed, "MINE"), (anonymous, "mine")):
        answer = await alice.post(f"{ORDERS}/{order_id}/amend", terms | {"client_order_id": wrong})
        assert (answer.status, answer.error["code"]) == (400, "invalid_order")
        assert "client_order_id" in answer.error["details"]
    path = f"{ORDERS}/{placed}/amend"
    renamed = await alice.post(path, terms | {"client_order_id": "mine", "updated_client_order_id": "yours"})
    assert (renamed.status, renamed.body["client_order_id"]) == (200, "yours")
    assert (await alice.post(path, terms | {"client_order_id": "mine"})).status == 400
    for fits in ({"client_order_id": "yours"}, {"client_order_id": ""}, {}):
        assert (await alice.post(path, terms | fits)).status == 200


async def test_a_refused_decrease_speaks_of_contracts() -> None:
    async with exchange_world(quirks=Quirks(decrease_beyond_remaining="refused")) as world:
        alice = world.member("alice")
        placed = (await alice.post(ORDERS, order(count="6.00"))).body["order_id"]
        for how, told in (
            ({"reduce_to": "100.00"}, "cannot reduce 6.00 to 100.00"),
            ({"reduce_by": "6.01"}, "cannot reduce 6.00 by 6.01"),
        ):
            answer = await alice.post(f"{ORDERS}/{placed}/decrease", how)
            assert (answer.status, answer.error["details"]) == (400, told)


@pytest.mark.parametrize(("scope", "key"), [(PauseScope.TRADING, 0), (PauseScope.MARKET, WARM)])
async def test_decreases_in_a_trading_pause_are_a_setting(scope: PauseScope, key: str | int) -> None:
    for allowed in (True, False):
        async with exchange_world(quirks=Quirks(decrease_in_trading_pause=allowed)) as world:
            alice = world.member("alice")
            placed = (await alice.post(ORDERS, order(count="6.00"))).body["order_id"]
            world.exchange.pause(scope, key, world.now)
            answer = await alice.post(f"{ORDERS}/{placed}/decrease", {"reduce_by": "1.00"})
            if allowed:
                assert answer.body["remaining_count"] == "5.00"
            else:
                assert (answer.status, answer.error["code"]) == (409, "trading_is_paused")
            assert (await alice.delete(f"{ORDERS}/{placed}")).status == 200


async def test_an_emptied_shard_stays_empty_after_the_fault(world: World, alice: Caller) -> None:
    world.faults.add(EmptyShard(kind="empty_shard", moved_to=3, ticker=FINE, count=1))
    for _ in range(2):
        assert (await alice.post(ORDERS, order(FINE))).error["code"] == "insufficient_balance"


async def test_a_fills_side_is_its_outcome_and_an_orders_its_leg() -> None:
    async with streaming_world() as world:
        world.book(WARM, {"0.3800": "10.00"}, {"0.4200": "10.00"})
        alice = world.member("alice")
        async with listening(world, alice) as ear:
            await ear.subscribe("fill", "user_orders")
            for side, price in (("bid", "0.4200"), ("ask", "0.3800")):
                await alice.post(ORDERS, order(side=side, price=price, time_in_force=NOW_OR_NEVER))
            heard = await ear.settled()
        told = [message["msg"] for message in heard if message["type"] == "fill"]
        read = (await alice.get("/portfolio/fills")).body["fills"][::-1]
        for rows in (told, read):
            assert [(row["side"], row["outcome_side"], row["action"]) for row in rows] == [
                ("yes", "yes", "buy"),
                ("no", "no", "sell"),
            ]
        orders = [message["msg"] for message in heard if message["type"] == "user_order"]
        assert {(row["side"], row["outcome_side"]) for row in orders} == {("yes", "yes"), ("yes", "no")}
        rows = (await alice.get("/portfolio/orders")).body["orders"]
        assert [(row["side"], row["outcome_side"]) for row in rows] == [("yes", "no"), ("yes", "yes")]
