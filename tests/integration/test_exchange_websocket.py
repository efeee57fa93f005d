"""The simulated exchange's WebSocket over a real socket: the door, the heartbeat, bad input, slow readers."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from sim_exchange.domain.events import Listed
from sim_exchange.fault_rules import ClockSkew, DropSocket, Latency, PlainRequestRule, ServerError
from sim_exchange.stream.channels import LIFECYCLE
from sim_exchange.stream.routes import PATH
from sim_exchange.stream.session import StreamLimits
from sim_exchange.stream.streams import Streams
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_stream import Ear, listening, streaming_world
from tests.fakes.exchange_world import WARM, World, market, order


@asynccontextmanager
async def knocking(world: World, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    async with world.session.get(PATH, headers=upgrade | headers) as response:
        yield response


def transport(ear: Ear) -> asyncio.Transport:
    connection = ear.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    return connection.transport


def say_much(world: World) -> None:
    """Let everybody who listens to the life of markets hear of one with very long rules."""
    wordy = market(WARM, world.now, world.now, rules_primary="x" * 100_000)
    world.hub.publish([Listed(wordy, world.now)])


def listened(streams: Streams) -> bool:
    return streams.watchers(LIFECYCLE, "").any_of(WARM)


async def test_nobody_comes_in_without_a_key() -> None:
    async with streaming_world() as world, knocking(world) as response:
        assert response.status == 401
        assert response.content_type == "application/json"
        assert await response.json() == {"code": "token_authentication_failure"}


async def test_a_wrong_key_signature_or_clock_is_named() -> None:
    async with streaming_world() as world:
        signer = Signer.ed25519()
        world.member("alice", signer=signer)
        good = signer.headers("GET", PATH)
        cases: list[tuple[dict[str, str], str, str | None]] = [
            (Signer.rsa().headers("GET", PATH), "authentication_error", "NOT_FOUND"),
            (signer.headers("GET", "/trade-api/v2"), "authentication_error", "INCORRECT_API_KEY_SIGNATURE"),
            (signer.headers("GET", PATH, ahead_seconds=-60), "header_timestamp_expired", None),
            ({**good, "KALSHI-ACCESS-SIGNATURE": ""}, "signature_is_missing_from_headers", None),
        ]
        for headers, code, details in cases:
            async with knocking(world, **headers) as response:
                assert response.status == 401
                error = (await response.json())["error"]
                assert (error["code"], error.get("details")) == (code, details)


async def test_a_key_that_may_not_read_stays_outside() -> None:
    async with streaming_world() as world:
        writer = world.member("alice", scopes=("write",))
        assert writer.signer is not None
        async with knocking(world, **writer.signer.headers("GET", PATH)) as response:
            assert response.status == 403


async def test_a_query_is_not_part_of_the_signature() -> None:
    async with streaming_world() as world:
        alice = world.member("alice", signer=Signer.rsa())
        assert alice.signer is not None
        headers = alice.signer.headers("GET", PATH)
        async with world.session.ws_connect(f"{PATH}?session=1", headers=headers) as socket:
            ear = Ear(socket)
            assert await ear.settled() == []


async def test_a_plain_get_with_a_key_is_no_upgrade() -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        assert alice.signer is not None
        async with world.session.get(PATH, headers=alice.signer.headers("GET", PATH)) as response:
            assert response.status == 400


async def test_the_server_pings_with_its_own_payload() -> None:
    limits = StreamLimits(heartbeat_seconds=0.05)
    async with streaming_world(limits) as world, listening(world, world.member("alice"), autoping=False) as ear:
        for _ in range(3):
            async with asyncio.timeout(5):
                frame = await ear.socket.receive()
            assert (frame.type, bytes(frame.data)) == (WSMsgType.PING, b"heartbeat")
            await ear.socket.pong(frame.data)


def test_the_heartbeat_is_ten_seconds() -> None:
    assert StreamLimits().heartbeat_seconds == 10


async def test_a_ping_is_answered() -> None:
    async with streaming_world() as world, listening(world, world.member("alice"), autoping=False) as ear:
        await ear.socket.ping(b"are you there")
        async with asyncio.timeout(5):
            frame = await ear.socket.receive()
        assert (frame.type, bytes(frame.data)) == (WSMsgType.PONG, b"are you there")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 1),
        ("junk", 1),
        ("[]", 1),
        ("null", 1),
        ("1e400", 1),
        ("[" * 100_000, 1),
        ('{"id": "one", "cmd": "list_subscriptions"}', 1),
        ('{"id": -1, "cmd": "list_subscriptions"}', 1),
        ('{"id": true, "cmd": "list_subscriptions"}', 1),
        ('{"id": 1}', 5),
        ('{"id": 1, "cmd": "dance"}', 5),
        ('{"id": 1, "cmd": ["subscribe"]}', 5),
        ('{"id": 1, "cmd": "subscribe"}', 2),
        ('{"id": 1, "cmd": "subscribe", "params": []}', 1),
        ('{"id": 1, "cmd": "subscribe", "params": {}}', 3),
    ],
)
async def test_junk_is_refused_and_the_connection_goes_on(text: str, code: int) -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.socket.send_str(text)
        assert (await ear.next("error"))["msg"]["code"] == code
        assert await ear.subscribe("trade") == [1]


async def test_a_binary_frame_is_refused() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.socket.send_bytes(b'{"id":1,"cmd":"list_subscriptions"}')
        assert (await ear.next("error"))["msg"] == {"code": 1, "msg": "Unable to process message"}
        assert await ear.settled() == []


async def test_a_huge_frame_closes_the_connection_and_nothing_else() -> None:
    async with streaming_world(StreamLimits(message_bytes=10_000)) as world:
        alice = world.member("alice")
        async with listening(world, alice) as ear, listening(world, alice) as other:
            await ear.socket.send_str("x" * 20_000)
            async with asyncio.timeout(5):
                frame = await ear.socket.receive()
            assert (frame.type, frame.data) == (WSMsgType.CLOSE, 1009)
            assert await other.settled() == []


async def test_text_that_is_not_utf8_closes_the_connection() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.socket.send_frame(b'"\xff\xfe"', WSMsgType.TEXT)
        async with asyncio.timeout(5):
            frame = await ear.socket.receive()
        assert (frame.type, frame.data) == (WSMsgType.CLOSE, 1007)


async def test_more_commands_than_allowed_are_refused() -> None:
    limits = StreamLimits(commands_per_second=50)
    async with streaming_world(limits) as world, listening(world, world.member("alice")) as ear:
        for _ in range(200):
            await ear.command("list_subscriptions")
        answers = [await ear.next() for _ in range(200)]
        assert {answer["type"] for answer in answers[:50]} == {"ok"}
        refused = [answer for answer in answers if answer["type"] == "error"]
        assert {answer["msg"]["code"] for answer in refused} == {27}


async def test_a_reader_that_stands_still_loses_its_subscription_and_nobody_waits() -> None:
    seen: list[Streams] = []
    async with streaming_world(StreamLimits(buffered_messages=20), seen) as world:
        alice, bob = world.member("alice"), world.member("bob")
        async with listening(world, alice) as slow, listening(world, bob) as quick:
            await slow.subscribe("market_lifecycle_v2")
            await quick.subscribe("trade")
            transport(slow).pause_reading()
            for _ in range(1000):
                say_much(world)
                assert await quick.settled() == []  # and the server's writer had its turn
                if not listened(seen[0]):
                    break
            transport(slow).resume_reading()
            seq = 0
            while (message := await slow.next())["type"] == "market_lifecycle_v2":
                seq += 1
                assert message["seq"] == seq
            assert seq >= 20
            assert message["msg"] == {"code": 25, "msg": "Subscription buffer overflow"}
            assert (message["sid"], message["seq"]) == (1, seq + 1)
            assert await slow.settled() == []
            assert await slow.subscribe("market_lifecycle_v2") == [2]
            say_much(world)
            assert (await slow.next("market_lifecycle_v2"))["seq"] == 1


async def test_answers_wait_for_a_reader_without_filling_the_memory() -> None:
    limits = StreamLimits(buffered_answers=50)
    async with streaming_world(limits) as world, listening(world, world.member("alice")) as ear:
        for _ in range(1000):
            await ear.command("list_subscriptions")
        for number in range(1, 1001):
            assert (await ear.next("ok"))["id"] == number


async def test_compression_is_used_where_the_client_asks() -> None:
    async with streaming_world() as world, listening(world, world.member("alice"), compress=15) as ear:
        assert ear.socket.compress
        await ear.subscribe("orderbook_delta", market_tickers=[WARM])
        assert (await ear.next("orderbook_snapshot"))["msg"]["market_ticker"] == WARM


async def test_a_server_that_stops_says_goodbye() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(world.server.close())
            async with asyncio.timeout(10):
                frame = await ear.socket.receive()
        assert (frame.type, frame.data) == (WSMsgType.CLOSE, 1001)


async def test_a_server_that_stops_does_not_wait_for_a_client_that_does_not_read() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.subscribe("market_lifecycle_v2")
        transport(ear).pause_reading()
        for _ in range(300):
            say_much(world)
        await asyncio.sleep(0.2)
        async with asyncio.timeout(8):
            await world.server.close()
        transport(ear).abort()


async def test_a_client_that_vanishes_is_forgotten() -> None:
    seen: list[Streams] = []
    async with streaming_world(seen=seen) as world:
        alice = world.member("alice")
        async with listening(world, alice) as ear:
            await ear.subscribe("market_lifecycle_v2")
            assert listened(seen[0])
            transport(ear).abort()
        async with asyncio.timeout(5):
            while listened(seen[0]):
                await asyncio.sleep(0.01)
        assert (await alice.post("/portfolio/events/orders", order())).status == 201


FAULTS: list[tuple[Any, int]] = [
    (PlainRequestRule(kind="too_many_requests", path=PATH, count=1), 429),
    (ServerError(kind="server_error", path=PATH, status=503, count=1), 503),
    (ClockSkew(kind="clock_skew", path=PATH, seconds=120, count=1), 401),
]


@pytest.mark.parametrize(("rule", "status"), FAULTS)
async def test_faults_strike_the_upgrade(rule: Any, status: int) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        world.faults.add(rule)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with listening(world, alice):
                pass
        assert refused.value.status == status
        assert [found.strikes for found in world.faults.counts()] == [1]
        async with listening(world, alice) as ear:
            assert await ear.settled() == []


async def test_an_upgrade_can_be_cut_or_late() -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        world.faults.add(DropSocket(kind="drop_socket", path=PATH, account="alice"))
        with pytest.raises(aiohttp.ClientConnectionError):  # aiohttp tries a cut GET again by itself
            async with listening(world, alice):
                pass
        assert world.faults.counts()[0].strikes >= 1
        world.faults.clear()
        world.faults.add(Latency(kind="latency", path=PATH, seconds=0.2))
        started = asyncio.get_running_loop().time()
        async with listening(world, alice):
            assert asyncio.get_running_loop().time() - started >= 0.2
