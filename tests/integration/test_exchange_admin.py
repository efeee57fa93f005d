"""The simulated exchange's own controls over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from mesh.types import Hundredths
from sim_exchange.admin import admin
from tests.fakes.exchange_world import FINE, MILD, WARM, World, exchange_world, order

ORDERS = "/portfolio/events/orders"
Client = TestClient[Any, Any]


@asynccontextmanager
async def controlled() -> AsyncIterator[tuple[World, Client]]:
    async with exchange_world() as world:
        app = admin(
            exchange=world.exchange,
            archive=world.archive,
            faults=world.faults,
            clock=world.clock,
            publish=world.publish,
            remember=lambda cutoffs: None,
        )
        async with TestClient(TestServer(app)) as client:
            yield world, client


async def test_it_is_healthy() -> None:
    async with controlled() as (world, client):
        answer = await client.get("/healthz")
        assert answer.status == 200
        body = await answer.json()
        assert (body["status"], body["markets"]) == ("ok", len(world.exchange.markets))


async def test_faults_are_added_struck_counted_and_ended() -> None:
    async with controlled() as (world, client):
        alice = world.member("alice")
        answer = await client.post(
            "/faults", json={"kind": "server_error", "status": 503, "method": "POST", "count": 1}
        )
        assert (answer.status, await answer.json()) == (201, {"name": "server_error-1"})
        assert [(await alice.post(ORDERS, order())).status for _ in range(2)] == [503, 201]
        [row] = (await (await client.get("/faults")).json())["faults"]
        assert (row["rule"]["kind"], row["rule"]["status"], row["matches"], row["strikes"]) == (
            "server_error",
            503,
            2,
            1,
        )
        assert (await client.delete("/faults/server_error-1")).status == 204
        assert (await client.delete("/faults/server_error-1")).status == 404
        await client.post("/faults", json={"kind": "latency", "seconds": 0.001, "name": "slow"})
        again = await client.post("/faults", json={"kind": "latency", "seconds": 0.001, "name": "slow"})
        assert (again.status, "slow" in await again.text()) == (400, True)
        assert (await client.delete("/faults")).status == 204
        assert (await (await client.get("/faults")).json())["faults"] == []


BAD: list[tuple[str, Any, str]] = [
    ("/faults", {"kind": "earthquake"}, "earthquake"),
    ("/faults", {"kind": "latency"}, "seconds"),
    ("/faults", {"kind": "reply_lost", "chance": 1}, "chance"),
    ("/faults", [], "object"),
    (f"/markets/{WARM}/determine", {}, "result"),
    (f"/markets/{WARM}/determine", {"result": "maybe"}, "result"),
    (f"/markets/{WARM}/determine", {"result": "scalar"}, "value_dollars"),
    (f"/markets/{WARM}/determine", {"result": "yes", "value_dollars": "1"}, "value_dollars"),
    (f"/markets/{WARM}/determine", {"result": "scalar", "value_dollars": "1.5"}, "within"),
    (f"/markets/{WARM}/close", {"close_time": "tomorrow"}, "close_time"),
    (f"/markets/{WARM}/close", {"close_time": "2026-07-10T16:00:00"}, "zone"),
    ("/pause", {"scope": "market"}, "ticker"),
    ("/pause", {"scope": "trading", "ticker": WARM}, "ticker"),
    ("/pause", {"scope": "trading", "shard": -1}, "shard"),
    ("/resume", {"scope": "world"}, "scope"),
    ("/cutoff", {"markets": "2026-01-01T00:00:00Z"}, "markets"),
]


@pytest.mark.parametrize(("path", "body", "names"), BAD)
async def test_a_wrong_body_is_refused_in_words(path: str, body: Any, names: str) -> None:
    async with controlled() as (_, client):
        answer = await client.post(path, json=body)
        assert (answer.status, answer.content_type) == (400, "text/plain")
        assert names in await answer.text()


async def test_junk_and_strangers_are_refused() -> None:
    async with controlled() as (_, client):
        json = {"Content-Type": "application/json"}
        assert (await client.post("/faults", data=b"{junk", headers=json)).status == 400
        assert (await client.post("/faults", data=b"{}", headers={"Content-Type": "text/plain"})).status == 415
        assert (await client.get("/healthz", headers={"Host": "evil.example"})).status == 403
        assert (await client.get("/healthz", headers={"Host": "[::1]:9104"})).status == 200
        assert (await client.get("/nothing")).status == 404


async def test_a_market_is_determined_and_paid() -> None:
    async with controlled() as (world, client):
        alice, bob = (world.member(name, shards={2: "100.00"}) for name in ("alice", "bob"))
        for member, side in ((alice, "bid"), (bob, "ask")):
            assert (await member.post(ORDERS, order(FINE, side=side))).status == 201
        answer = await client.post(f"/markets/{FINE}/determine", json={"result": "yes", "expiration_value": "63950"})
        assert answer.status == 204
        assert (await alice.get(f"/markets/{FINE}")).body["market"]["result"] == "yes"
        await world.pass_seconds(61)
        market = (await alice.get(f"/markets/{FINE}")).body["market"]
        assert (market["status"], market["expiration_value"]) == ("finalized", "63950")
        [paid] = (await alice.get("/portfolio/settlements")).body["settlements"]
        assert paid["revenue"] == 100
        assert (await client.post(f"/markets/{FINE}/determine", json={"result": "no"})).status == 409
        assert (await client.post("/markets/KX-NO/determine", json={"result": "no"})).status == 404


async def test_a_market_is_closed_now_or_later() -> None:
    async with controlled() as (world, client):
        alice = world.member("alice")
        later = (world.now + timedelta(minutes=10)).isoformat()
        assert (await client.post(f"/markets/{MILD}/close", json={"close_time": later})).status == 204
        assert (await client.post(f"/markets/{WARM}/close", json={})).status == 204
        await world.pass_seconds(1)
        assert (await alice.post(ORDERS, order(MILD))).status == 201
        assert (await alice.post(ORDERS, order(WARM))).status == 409
        await world.pass_seconds(600)
        assert (await alice.post(ORDERS, order(MILD))).status == 409


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ({"scope": "trading"}, "trading_is_paused"),
        ({"scope": "exchange"}, "exchange_is_paused"),
        ({"scope": "market", "ticker": WARM}, None),
    ],
)
async def test_what_is_paused_goes_on_when_resumed(scope: dict[str, Any], code: str | None) -> None:
    async with controlled() as (world, client):
        alice = world.member("alice")
        assert (await client.post("/pause", json=scope)).status == 204
        refused = await alice.post(ORDERS, order(WARM))
        assert refused.status == 409
        assert code in (None, refused.error["code"])
        assert (await client.post("/resume", json=scope)).status == 204
        assert (await alice.post(ORDERS, order(WARM))).status == 201


async def test_the_cutoff_moves() -> None:
    async with controlled() as (world, client):
        answer = await client.post("/cutoff", json={"trades_created": "2026-07-10T14:00:00Z"})
        assert (await answer.json())["trades_created"] == "2026-07-10T14:00:00Z"
        assert (await world.anyone.get("/historical/cutoff")).body["trades_created_ts"] == "2026-07-10T14:00:00Z"


async def test_invariants_hold_and_their_breach_is_seen() -> None:
    async with controlled() as (world, client):
        alice, bob = world.member("alice"), world.member("bob")
        world.book(WARM, bids={"0.4500": "5.00"})
        await alice.post(ORDERS, order(side="ask", count="3.00"))
        await bob.post(ORDERS, order(price="0.5000"))
        found = await (await client.get("/invariants")).json()
        assert found["hold"] is True
        assert found["deposited_micros"] == found["held_micros"] > 0
        position = world.exchange.positions_of(alice.account_id)[0]
        position.count = Hundredths(position.count + 1)
        book = world.exchange.books[WARM]
        stray = next(iter(book.bids))
        book.asks.add(type(stray)(**{name: getattr(stray, name) for name in stray.__struct_fields__}))
        found = await (await client.get("/invariants")).json()
        assert found["hold"] is False
        assert found["unbalanced"] == {WARM: 1}
        assert set(found["crossed"]) == {WARM}
