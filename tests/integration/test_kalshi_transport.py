"""The transport over real sockets, against an exchange that answers, refuses, lies, hangs and drops."""

import asyncio
import base64
import gzip
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.clock import SystemClock
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import (
    ClockSkewed,
    DuplicateClientOrderId,
    ExchangeError,
    ExchangeUnavailable,
    InsufficientBalance,
    NoAnswer,
    NoBudget,
    NotConnected,
    NotPermitted,
    ObjectNotFound,
    OutcomeUnknown,
    OutOfTime,
    RateLimited,
    RequestConflict,
    RequestRefused,
    TooExpensive,
    UnexpectedReply,
    WrongKey,
)
from mesh.kalshi.rest.wire import Body, Record, decode
from mesh.kalshi.transport.buckets import Priority, Rate
from mesh.kalshi.transport.limits import Limits
from mesh.kalshi.transport.transport import Transport, connecting

ORDERS = "/portfolio/events/orders"
KEY_ID = "0b1f6f0e-1111-2222-3333-444455556666"


class Thing(Record, frozen=True):
    order_id: str


class Wish(Body, frozen=True, kw_only=True):
    price: str


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Step: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Exchange:
    """Answers each request with the next step, whatever it asks; the last step repeats."""

    port: int = 0
    steps: list[Step] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
                method, path, _ = head[0].split(" ")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("Content-Length", 0)))
                self.requests.append(Request(method, path, headers, body))
                step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                else:
                    await step(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def exchange(*steps: Step) -> AsyncIterator[Exchange]:
    made = Exchange(steps=list(steps))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@pytest.fixture(scope="module")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def key_file(tmp_path: Path, key: Ed25519PrivateKey) -> Path:
    file = tmp_path / "kalshi.key"
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    file.chmod(0o600)
    return file


@asynccontextmanager
async def talking(
    port: int,
    key_file: Path | None = None,
    *,
    limits: Limits | None = None,
    scheme: str = "http",
    name: str = "127.0.0.1",
    **settings: Any,
) -> AsyncIterator[Transport]:
    settings = {"answer_seconds": 5.0, "connect_seconds": 1.0, "read_seconds": 20.0} | settings
    config = KalshiConfig(
        environment="custom",
        host=f"{scheme}://{name}:{port}",
        key_id=KEY_ID if key_file else None,
        private_key_file=key_file,
        **settings,
    )
    limits = limits or Limits(SystemClock(), read=Rate(1000, 1000), write=Rate(1000, 1000))
    async with connecting(config, decode, limits=limits) as transport:
        yield transport


def http(status: int, body: bytes = b"", *headers: str, date: datetime | None = None) -> bytes:
    stamped = format_datetime(date or datetime.now(UTC), usegmt=True)
    lines = [f"HTTP/1.1 {status} Words", f"Date: {stamped}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def drop(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


def then_drop(content: bytes) -> Step:
    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        writer.close()

    return step


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


def oversized(status: int) -> bytes:
    return http(status, gzip.compress(b'"' + b"x" * 5_000_000 + b'"'), "Content-Encoding: gzip")


THING = http(200, b'{"order_id":"a"}')
JUNK = then_drop(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")


async def read(transport: Transport, **more: Any) -> Thing:
    return await transport.get("/portfolio/orders/a", {}, Thing, priority=Priority.SCAN, **more)


async def place(transport: Transport, method: str = "POST", **more: Any) -> Thing | OutcomeUnknown:
    return await transport.write(
        method, ORDERS, {}, Wish(price="0.5000"), Thing, priority=Priority.ENTRY, client_order_id="mine", **more
    )


# Requests


async def test_a_request_is_signed_and_its_reply_read(key: Ed25519PrivateKey, key_file: Path) -> None:
    async with exchange(THING) as server, talking(server.port, key_file) as transport:
        before = time.time() * 1000
        found = await transport.get(
            "/portfolio/orders", {"ticker": ["A", "B"], "limit": 5}, Thing, priority=Priority.SCAN
        )
    assert found == Thing("a")
    (request,) = server.requests
    assert request.path == "/trade-api/v2/portfolio/orders?ticker=A&ticker=B&limit=5"
    assert request.headers["KALSHI-ACCESS-KEY"] == KEY_ID
    stamp = request.headers["KALSHI-ACCESS-TIMESTAMP"]
    assert before - 1 <= int(stamp) <= time.time() * 1000 + 1
    signature = base64.b64decode(request.headers["KALSHI-ACCESS-SIGNATURE"])
    key.public_key().verify(signature, f"{stamp}GET/trade-api/v2/portfolio/orders".encode())
    assert request.headers["User-Agent"].startswith("foremesh/")
    assert request.headers["Accept-Encoding"] == "gzip, deflate"


async def test_a_write_carries_its_body(key_file: Path) -> None:
    async with exchange(http(201, b'{"order_id":"a"}')) as server, talking(server.port, key_file) as transport:
        assert await place(transport) == Thing("a")
    assert server.requests[0].body == b'{"price":"0.5000"}'
    assert server.requests[0].headers["Content-Type"] == "application/json"


async def test_without_a_key_nothing_is_signed() -> None:
    async with exchange(THING) as server, talking(server.port) as transport:
        await read(transport)
    assert not [name for name in server.requests[0].headers if name.startswith("KALSHI")]


async def test_nothing_is_asked_of_an_answer_without_a_body() -> None:
    async with exchange(http(204)) as server, talking(server.port) as transport:
        done = await transport.write("DELETE", ORDERS, {}, None, type(None), priority=Priority.EXIT)
    assert done is None


async def test_compressed_replies_are_read() -> None:
    body = gzip.compress(b'{"order_id":"a"}')
    async with exchange(http(200, body, "Content-Encoding: gzip")) as server, talking(server.port) as transport:
        assert await read(transport) == Thing("a")


async def test_a_reply_that_unpacks_to_more_than_is_allowed_is_refused_before_it_is_all_unpacked() -> None:
    body = gzip.compress(b'{"order_id":"' + bytes(64_000_000), 1)
    tracemalloc.start()
    try:
        async with (
            exchange(http(200, body, "Content-Encoding: gzip")) as server,
            talking(server.port, max_reply_bytes=1_000_000, read_seconds=0.5) as transport,
        ):
            tracemalloc.reset_peak()
            with pytest.raises(UnexpectedReply):
                await read(transport)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with exchange(THING) as server, talking(server.port) as transport:
        assert await read(transport) == Thing("a")


async def test_cookies_are_not_kept() -> None:
    async with (
        exchange(http(200, b'{"order_id":"a"}', "Set-Cookie: a=b")) as server,
        talking(server.port, name="localhost") as transport,  # no jar keeps the cookies of an address
    ):
        await read(transport)
        await read(transport)
    assert "Cookie" not in server.requests[1].headers


async def test_redirects_are_never_followed(key_file: Path) -> None:
    async with exchange(THING) as other:
        redirect = http(307, b"", f"Location: http://127.0.0.1:{other.port}/trade-api/v2/portfolio/orders/a")
        async with exchange(redirect) as server, talking(server.port, key_file) as transport:
            with pytest.raises(UnexpectedReply):
                await read(transport)
            assert isinstance(await place(transport), OutcomeUnknown)
    assert other.requests == []
    assert len(server.requests) == 2


# Reads


@pytest.mark.parametrize(
    "trouble",
    [http(500), http(502, b"<html>"), http(503, b'{"error":"x"}'), drop, reset, hang, JUNK, then_drop(THING[:-3])],
    ids=["500", "502", "503", "drop", "reset", "hang", "junk", "truncated"],
)
async def test_a_read_is_tried_again(trouble: Step) -> None:
    async with (
        exchange(trouble, trouble, THING) as server,
        talking(server.port, answer_seconds=0.5) as transport,
    ):
        assert await read(transport) == Thing("a")
        assert transport.limits.read.usage.failed == 2
    assert len(server.requests) == 3


async def test_a_read_may_be_tried_a_few_times_only_and_slowing_down_does_not_count() -> None:
    slow = http(429, b"", "Retry-After: 0")
    async with exchange(http(503), slow, slow, drop, THING) as server, talking(server.port) as transport:
        with pytest.raises(NoAnswer):
            await read(transport, attempts=2)

    assert len(server.requests) == 4


async def test_a_429_closes_the_bucket_and_the_read_goes_on() -> None:
    busy = http(429, b'{"error":"too many requests"}')
    async with exchange(busy, THING) as server, talking(server.port) as transport:
        began = time.monotonic()
        assert await read(transport) == Thing("a")
        assert time.monotonic() - began >= 0.25
        assert transport.limits.read.usage.throttled == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (http(400, b'{"msg":"Parameter validation failed"}'), RequestRefused),
        (http(401, b'{"error":{"code":"authentication_error","details":"NOT_FOUND"}}'), WrongKey),
        (http(403), NotPermitted),
        (http(404, b'{"error":{"code":"not_found"}}'), ObjectNotFound),
        (http(200, b""), UnexpectedReply),
        (http(200, b"[]"), UnexpectedReply),
        (http(200, b"<html>maintenance</html>"), UnexpectedReply),
        (http(204), UnexpectedReply),
        (oversized(200), UnexpectedReply),
    ],
)
async def test_a_read_that_will_not_change_is_not_repeated(reply: bytes, expected: type[ExchangeError]) -> None:
    async with exchange(reply) as server, talking(server.port, max_reply_bytes=1_000_000) as transport:
        with pytest.raises(expected) as raised:
            await read(transport)
    assert len(server.requests) == 1
    assert "GET /portfolio/orders/a" in raised.value.message


async def test_an_unusable_reply_names_the_field() -> None:
    async with exchange(http(200, b'{"order_id":5}')) as server, talking(server.port) as transport:
        with pytest.raises(UnexpectedReply) as raised:
            await read(transport)
    assert raised.value.field == "$.order_id"


@pytest.mark.parametrize(
    ("trouble", "expected"),  # an attempt that has only just begun is cut short, whatever the others met
    [
        (http(503), (ExchangeUnavailable, OutOfTime)),
        (drop, (NoAnswer, OutOfTime)),
        (hang, OutOfTime),
        (drip, OutOfTime),
    ],
    ids=["503", "drop", "hang", "drip"],
)
async def test_a_read_ends_with_its_deadline(
    trouble: Step, expected: type[ExchangeError] | tuple[type[ExchangeError], ...]
) -> None:
    async with exchange(trouble) as server, talking(server.port, answer_seconds=10.0) as transport:
        began = time.monotonic()
        with pytest.raises(expected):
            await read(transport, deadline=began + 0.8)
        assert time.monotonic() - began < 3


async def test_a_read_whose_deadline_has_passed_is_not_sent() -> None:
    async with exchange(THING) as server, talking(server.port) as transport:
        with pytest.raises(OutOfTime):
            await read(transport, deadline=time.monotonic() - 1)
    assert server.requests == []


async def test_a_status_may_be_an_answer() -> None:
    async with exchange(http(503, b'{"order_id":"a"}')) as server, talking(server.port) as transport:
        assert await read(transport, statuses=(500, 503, 504)) == Thing("a")


# Writes


UNKNOWN = {
    "dropped": drop,
    "reset": reset,
    "hanging": hang,
    "dripping": drip,
    "not HTTP": JUNK,
    "head only": then_drop(THING[:60]),
    "truncated": then_drop(THING[:-3]),
    "408": http(408),
    "500": http(500, b'{"error":{"code":"internal_server_error"}}'),
    "502": http(502, b"<html>"),
    "503": http(503),
    "504": http(504, b'{"error":{"code":"exchange_is_paused"}}'),
    "302": http(302, b"", "Location: /"),
    "201 empty": http(201),
    "201 junk": http(201, b"<html>"),
    "201 other object": http(201, b'{"order":{"order_id":"a"}}'),
    "201 null id": http(201, b'{"order_id":null}'),
    "201 oversized": oversized(201),
    "201 bad gzip": http(201, b"no gzip", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
@pytest.mark.parametrize("trouble", UNKNOWN.values(), ids=UNKNOWN)
async def test_an_unknown_outcome_is_a_result_and_never_sent_twice(trouble: Step, method: str) -> None:
    async with (
        exchange(THING, trouble) as server,
        talking(server.port, max_reply_bytes=1_000_000) as transport,
    ):
        await read(transport)  # so that the write goes out over a connection that was used before
        outcome = await place(transport, method, order_id="theirs", timeout=0.3)
        assert transport.limits.write.usage.failed == 1
    assert isinstance(outcome, OutcomeUnknown)
    assert (outcome.client_order_id, outcome.order_id) == ("mine", "theirs")
    assert outcome.request == f"{method} {ORDERS}"
    assert outcome.why
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (http(400, b'{"error":{"code":"insufficient_balance"}}'), InsufficientBalance),
        (http(400, b'{"code":"bad_request","details":"json: cannot unmarshal number"}'), RequestRefused),
        (http(401), WrongKey),
        (http(404, b'{"error":{"code":"not_found"}}'), ObjectNotFound),
        (http(409, b'{"error":{"code":"order_already_exists"}}'), DuplicateClientOrderId),
        (http(429, b'{"error":"too many requests"}'), RateLimited),
        (then_drop(http(409, b'{"error":{"code":"order_already_exists"}}')[:-9]), RequestConflict),
        (oversized(400), RequestRefused),
    ],
)
async def test_a_refused_write_is_raised_and_never_sent_twice(reply: Step, expected: type[ExchangeError]) -> None:
    async with exchange(reply) as server, talking(server.port) as transport:
        with pytest.raises(expected):
            await place(transport)
    assert len(server.requests) == 1


async def test_a_refused_connection_sent_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with talking(port, read_seconds=0.5) as transport:
        with pytest.raises(NotConnected, match="was not sent"):
            await place(transport)
        with pytest.raises(NotConnected):
            await read(transport)


async def test_a_failed_handshake_sent_nothing() -> None:
    async with exchange(THING) as server, talking(server.port, scheme="https") as transport:
        with pytest.raises(NotConnected):
            await place(transport)


async def test_a_silent_handshake_sent_nothing() -> None:
    async with exchange(hang) as server, talking(server.port, scheme="https", connect_seconds=0.2) as transport:
        with pytest.raises(NotConnected):
            await place(transport, timeout=0.1)


async def test_a_write_without_tokens_in_time_sent_nothing() -> None:
    limits = Limits(SystemClock(), write=Rate(10, 10))
    async with exchange(THING) as server, talking(server.port, limits=limits) as transport:
        await place(transport)
        with pytest.raises(NoBudget):
            await place(transport, deadline=time.monotonic() + 0.1)
        with pytest.raises(TooExpensive):
            await place(transport, items=2)
    assert len(server.requests) == 1


async def test_a_read_without_tokens_for_another_try_says_what_was_wrong_with_the_first() -> None:
    limits = Limits(SystemClock(), read=Rate(1e-3, 10))
    async with exchange(http(503), THING) as server, talking(server.port, limits=limits) as transport:
        with pytest.raises(NoBudget) as raised:
            await read(transport)
    assert len(server.requests) == 1
    first, _, before = raised.value.message.partition("; before that: ")
    assert "for its 10 read tokens" in first
    assert before.startswith("EXCHANGE_UNAVAILABLE: GET /portfolio/orders/a")


async def test_a_path_with_an_empty_id_is_not_sent() -> None:
    async with exchange(THING) as server, talking(server.port) as transport:
        with pytest.raises(RequestRefused):
            await transport.write("DELETE", f"{ORDERS}/", {}, None, Thing, priority=Priority.EXIT)
    assert server.requests == []


async def test_a_cancelled_write_stops() -> None:
    async with exchange(hang) as server, talking(server.port, answer_seconds=20.0) as transport:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await place(transport)
    assert len(server.requests) == 1


# Time


async def test_a_wrong_clock_is_compensated(key_file: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=90)
    async with (
        exchange(http(200, b'{"order_id":"a"}', date=ahead)) as server,
        talking(server.port, key_file) as transport,
    ):
        await read(transport)
        await place(transport)
        assert transport.sender.server_clock.offset_seconds == pytest.approx(90, abs=2)
    stamps = [int(request.headers["KALSHI-ACCESS-TIMESTAMP"]) / 1000 for request in server.requests]
    assert stamps[0] == pytest.approx(time.time(), abs=5)
    assert stamps[1] == pytest.approx(time.time() + 90, abs=5)


async def test_an_expired_timestamp_names_the_offset_and_the_next_call_works(key_file: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=60)
    expired = http(
        401, b'{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}', date=ahead
    )
    async with exchange(THING, expired, THING) as server, talking(server.port, key_file) as transport:
        await read(transport)
        with pytest.raises(ClockSkewed) as raised:
            await place(transport)
        assert raised.value.offset_seconds == pytest.approx(60, abs=2)
        assert "s from the local one" in raised.value.message
        await place(transport)
    assert int(server.requests[2].headers["KALSHI-ACCESS-TIMESTAMP"]) / 1000 == pytest.approx(time.time() + 60, abs=5)


@pytest.mark.parametrize("header", ["Date: junk", "X-Date: none"])
async def test_a_reply_without_a_usable_date_is_still_a_reply(header: str) -> None:
    reply = f'HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 16\r\n\r\n{{"order_id":"a"}}'.encode()
    async with exchange(reply) as server, talking(server.port) as transport:
        assert await read(transport) == Thing("a")
        assert transport.sender.server_clock.offset_seconds is None


async def test_a_cached_reply_says_nothing_about_the_time() -> None:
    old = datetime.now(UTC) - timedelta(seconds=15)
    async with (
        exchange(http(200, b'{"order_id":"a"}', "Age: 15", date=old)) as server,
        talking(server.port) as transport,
    ):
        await read(transport)
        assert transport.sender.server_clock.offset_seconds is None
