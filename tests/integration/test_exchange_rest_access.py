"""Who is let in to the simulated exchange, and how often."""

import base64
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mesh.clock import ManualClock, SystemClock
from sim_exchange.api.auth import authenticate
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_keys import KeyRing, Signer
from tests.fakes.exchange_world import WARM, World, exchange_world, order

BALANCE = "/portfolio/balance"
ROOTED = f"/trade-api/v2{BALANCE}"
WRITES = "/portfolio/events/orders"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        yield world


@pytest.fixture
async def slow_wall() -> AsyncIterator[tuple[World, ManualClock]]:
    """Real time stands still, so that buckets do not refill by themselves; signatures are made for that time."""
    wall = ManualClock(SystemClock().now())
    async with exchange_world(wall=wall, quirks=Quirks(timestamp_newest_seconds=3600)) as world:
        yield world, wall


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_both_kinds_of_keys_are_let_in(world: World, kind: str) -> None:
    signer = Signer.rsa() if kind == "rsa" else Signer.ed25519()
    member = world.member("alice", signer=signer)
    assert (await member.get(BALANCE)).status == 200
    assert (await member.get("/portfolio/orders", limit=5, status="resting")).status == 200


@pytest.mark.parametrize(
    ("without", "code"),
    [
        ("KALSHI-ACCESS-KEY", "token_authentication_failure"),
        ("KALSHI-ACCESS-SIGNATURE", "signature_is_missing_from_headers"),
        ("KALSHI-ACCESS-TIMESTAMP", "timestamp_is_missing_from_headers"),
    ],
)
async def test_a_missing_header_is_named(world: World, without: str, code: str) -> None:
    member = world.member("alice")
    assert member.signer is not None
    headers = member.signer.headers("GET", ROOTED)
    del headers[without]
    answer = await member.call("GET", BALANCE, headers=headers)
    assert (answer.status, answer.error["code"]) == (401, code)
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("ahead", "status"), [(0, 200), (-10, 200), (10, 200), (-30, 401), (60, 401), (-300, 401), (300, 401)]
)
async def test_the_window_of_timestamps_is_as_recorded(world: World, ahead: float, status: int) -> None:
    member = world.member("alice")
    assert member.signer is not None
    answer = await member.call("GET", BALANCE, headers=member.signer.headers("GET", ROOTED, ahead_seconds=ahead))
    assert answer.status == status
    if status == 401:
        assert answer.body == {"error": {"code": "header_timestamp_expired", "message": "header timestamp expired"}}


@pytest.mark.parametrize("stamp", ["", "now", "-5", "1e12", "١٧", "9" * 40, "1703123456"])
async def test_a_timestamp_that_is_no_recent_millisecond_is_refused(world: World, stamp: str) -> None:
    member = world.member("alice")
    assert member.signer is not None
    headers = member.signer.headers("GET", ROOTED) | {"KALSHI-ACCESS-TIMESTAMP": stamp}
    assert (await member.call("GET", BALANCE, headers=headers)).status == 401


def broken_signatures(signer: Signer, stamp: str) -> dict[str, str]:
    assert isinstance(signer.private, rsa.RSAPrivateKey)
    text = f"{stamp}GET{ROOTED}".encode()
    old_padding = signer.private.sign(text, padding.PKCS1v15(), hashes.SHA256())
    longest = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH)
    long_salt = signer.private.sign(text, longest, hashes.SHA256())
    return {
        "PKCS#1 v1.5": base64.b64encode(old_padding).decode(),
        "another salt length": base64.b64encode(long_salt).decode(),
        "with the query": signer.sign(f"{stamp}GET{ROOTED}?limit=1"),
        "without the prefix": signer.sign(f"{stamp}GET{BALANCE}"),
        "another method": signer.sign(f"{stamp}get{ROOTED}"),
        "not base64": "!" * 40,
        "not ASCII": "é" * 40,
        "empty base64": "====",
    }


async def test_signatures_of_anything_else_are_refused(world: World) -> None:
    signer = Signer.rsa()
    member = world.member("alice", signer=signer)
    headers = signer.headers("GET", ROOTED)
    for what, signature in broken_signatures(signer, headers["KALSHI-ACCESS-TIMESTAMP"]).items():
        answer = await member.call("GET", BALANCE, headers=headers | {"KALSHI-ACCESS-SIGNATURE": signature})
        assert answer.status == 401, what
        assert answer.error["details"] == "INCORRECT_API_KEY_SIGNATURE", what


async def test_somebody_elses_key_id_does_not_help(world: World) -> None:
    alice, bob = world.member("alice"), world.member("bob")
    assert alice.signer is not None
    assert bob.signer is not None
    headers = alice.signer.headers("GET", ROOTED) | {"KALSHI-ACCESS-KEY": bob.signer.key_id}
    assert (await alice.call("GET", BALANCE, headers=headers)).error["details"] == "INCORRECT_API_KEY_SIGNATURE"


async def test_market_data_is_public_and_a_key_does_no_harm(world: World) -> None:
    alice = world.member("alice")
    for path in ("/markets", f"/markets/{WARM}", "/exchange/status", "/account/endpoint_costs", "/historical/cutoff"):
        assert (await world.anyone.get(path)).status == 200
        assert (await alice.get(path)).status == 200


async def test_scopes_bound_what_a_key_may_do(world: World) -> None:
    reader = world.member("alice", scopes=["read"])
    assert (await reader.get(BALANCE)).status == 200
    refused = await reader.post(WRITES, order())
    assert refused.status == 403
    writer = world.member("alice", scopes=["write"])
    assert (await writer.post(WRITES, order())).status == 201
    assert (await writer.get("/portfolio/orders")).status == 403
    narrow = world.member("alice", scopes=["write::trade", "read::portfolio_balance"])
    assert (await narrow.post(WRITES, order())).status == 201
    assert (await narrow.get(BALANCE)).status == 200
    assert (await narrow.get("/portfolio/orders")).status == 403
    transfer = {"source": "event_contract", "destination": "event_contract", "amount": 1}
    assert (await narrow.post("/portfolio/intra_exchange_instance_transfer", transfer)).status == 403


async def test_the_date_is_the_exchanges_wall_clock() -> None:
    wall = ManualClock(SystemClock().now())
    async with exchange_world(wall=wall) as world:
        answer = await world.anyone.get("/exchange/status")
        assert parsedate_to_datetime(answer.headers["Date"]) == wall.now().replace(microsecond=0)
        await wall.advance(100)
        answer = await world.anyone.get("/exchange/status")
        assert parsedate_to_datetime(answer.headers["Date"]) == wall.now().replace(microsecond=0)


async def test_reads_stop_when_the_bucket_is_empty_and_go_on_as_it_refills(
    slow_wall: tuple[World, ManualClock],
) -> None:
    world, wall = slow_wall
    basic = world.member("alice", tier="basic")
    statuses = [(await basic.get("/portfolio/fills")).status for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    refused = await basic.get("/portfolio/fills")
    assert refused.body == {"error": {"code": "too_many_requests", "message": "too many requests"}}
    assert not {"Retry-After", "X-RateLimit-Remaining"} & set(refused.headers)
    await wall.advance(0.05)
    assert [(await basic.get("/portfolio/fills")).status for _ in range(2)] == [200, 429]
    assert (await basic.post(WRITES, order())).status == 201, "writes have a bucket of their own"


async def test_writes_cost_what_the_table_says(slow_wall: tuple[World, ManualClock]) -> None:
    world, wall = slow_wall
    basic = world.member("alice", tier="basic")
    placed = [await basic.post(WRITES, order(price=f"0.{cents:02d}00")) for cents in range(10, 21)]
    assert [answer.status for answer in placed] == [201] * 10 + [429]
    await wall.advance(0.1)  # ten tokens
    cancels = [await basic.delete(f"{WRITES}/{answer.body['order_id']}") for answer in placed[:6]]
    assert [answer.status for answer in cancels] == [200] * 5 + [429]


async def test_a_batch_passes_whole_or_not_at_all(slow_wall: tuple[World, ManualClock]) -> None:
    world, wall = slow_wall
    basic = world.member("alice", tier="basic")
    batch = {"orders": [order(price="0.1000") for _ in range(11)]}
    assert (await basic.post(f"{WRITES}/batched", batch)).status == 429
    assert (await basic.get("/portfolio/orders")).body["orders"] == []
    batch["orders"].pop()
    answer = await basic.post(f"{WRITES}/batched", batch)
    assert answer.status == 201
    await wall.advance(0.2)
    cancels = {"orders": [{"order_id": row["order_id"]} for row in answer.body["orders"]]}
    assert (await basic.delete(f"{WRITES}/batched", cancels)).status == 200


async def test_the_balance_has_a_bucket_without_burst(slow_wall: tuple[World, ManualClock]) -> None:
    world, wall = slow_wall
    basic, expert = world.member("alice", tier="basic"), world.member("bob", tier="expert")
    assert [(await basic.get(BALANCE)).status for _ in range(2)] == [200, 429]
    assert [(await expert.get(BALANCE)).status for _ in range(2)] == [200, 429]
    await wall.advance(0.2)
    assert ((await basic.get(BALANCE)).status, (await expert.get(BALANCE)).status) == (429, 200)
    await wall.advance(0.8)
    assert (await basic.get(BALANCE)).status == 200


async def test_shards_have_write_buckets_of_their_own(slow_wall: tuple[World, ManualClock]) -> None:
    world, _ = slow_wall
    basic = world.member("alice", tier="basic")
    on_zero = [(await basic.post(WRITES, order(exchange_index=0, price="0.1000"))).status for _ in range(11)]
    assert on_zero == [201] * 10 + [429]
    group = {"contracts_limit": 5, "exchange_index": 2}
    assert (await basic.post("/portfolio/order_groups/create", group)).status == 201
    assert (await basic.post(WRITES, order(price="0.1000"))).status == 429, "routed by the exchange: bills every shard"


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("object", {"error": {"code": "too_many_requests", "message": "too many requests"}}),
        ("string", {"error": "too many requests"}),
        ("flat", {"code": "too_many_requests", "message": "too many requests"}),
    ],
)
async def test_addresses_without_a_key_are_limited_where_asked_for(shape: str, body: object) -> None:
    wall = ManualClock(SystemClock().now())
    quirks = Quirks.model_validate({"unauthenticated_per_second": 3, "too_many_requests_body": shape})
    async with exchange_world(quirks=quirks, wall=wall) as world:
        answers = [await world.anyone.get("/exchange/status") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].body == body
        await wall.advance(0.34)
        assert (await world.anyone.get("/exchange/status")).status == 200


async def test_a_junk_body_costs_as_much_as_an_order(slow_wall: tuple[World, ManualClock]) -> None:
    world, _ = slow_wall
    basic = world.member("alice", tier="basic")
    answers = [await basic.call("POST", WRITES, data=b"{") for _ in range(11)]
    assert [answer.status for answer in answers] == [400] * 10 + [429]


async def test_limits_and_costs_are_told_and_an_upgrade_raises_them(world: World) -> None:
    basic = world.member("alice", tier="basic")
    limits = await basic.get("/account/limits")
    assert limits.body["write"] == {"refill_rate": 100, "bucket_capacity": 100}
    assert limits.body["grants"] == []
    refused = await basic.post("/account/api_usage_level/upgrade")
    assert refused.status == 403, "no order was placed by this API yet"
    assert (await basic.post(WRITES, order())).status == 201
    upgraded = await basic.post("/account/api_usage_level/upgrade")
    assert (upgraded.status, upgraded.body) == (201, None)
    limits = await basic.get("/account/limits")
    assert (limits.body["usage_tier"], limits.body["write"]["refill_rate"]) == ("advanced", 300)
    costs = (await world.anyone.get("/account/endpoint_costs")).body
    listed = {(row["method"], row["path"]): row["cost"] for row in costs["endpoint_costs"]}
    assert costs["default_cost"] == 10
    assert listed["DELETE", "/trade-api/v2/portfolio/events/orders/:order_id"] == 2
    assert listed["POST", "/trade-api/v2/account/api_usage_level/upgrade"] == 30


def test_the_websocket_signs_its_own_path() -> None:
    keys, signer = KeyRing(), Signer.ed25519()
    keys.add(signer, "somebody")
    headers = signer.headers("GET", "/trade-api/ws/v2")
    now = SystemClock().now()
    key = authenticate(headers, "GET", "/trade-api/ws/v2", keys=keys, quirks=Quirks(), now=now)
    assert key.account_id == "somebody"
