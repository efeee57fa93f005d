"""Whatever is sent over HTTP gets a documented answer or refusal; nothing crashes and nothing is lost."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from sim_exchange.api.calls import Route
from sim_exchange.api.server import MOST_BODY_BYTES, PREFIX, ROUTES
from tests.fakes.exchange_world import EVENT, FINE, WARM, Answer, Caller, World, exchange_world, order
from tests.fakes.openapi import check_error_shape, document

ORDERS = "/portfolio/events/orders"
READS = [route for route in ROUTES if route.method == "GET"]
WRITES = [route for route in ROUTES if route.method != "GET"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.3800": "100.00"}, {"0.4200": "100.00"})
        yield world


async def for_any(strategy: Any, holds: Callable[[Any], Coroutine[Any, Any, None]], *, examples: int) -> None:
    """Let hypothesis, in a thread of its own, look for a value for which it does not hold."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def search(value: Any) -> None:
        asyncio.run_coroutine_threadsafe(holds(value), loop).result(30)

    await asyncio.to_thread(search)


@asynccontextmanager
async def money_kept(world: World) -> AsyncIterator[None]:
    """At the end no cent is missing and the exchange still takes an order."""
    yield
    assert world.exchange.money_held() == world.exchange.deposited
    answer = await world.member("last").post(ORDERS, order())
    assert answer.status == 201


WORDS = st.sampled_from(
    f"{WARM} {FINE} {EVENT} KXHIGHNY open settled resting all true 1 0 -1 60 1440 100 1001 1783695600 1783699200 bid "
    "taker_at_cross 0.4000 1.00 , 99999999999999999999".split(" ")
) | st.text(max_size=20)
NAMES = st.sampled_from(
    [
        "limit",
        "cursor",
        "ticker",
        "tickers",
        "status",
        "event_ticker",
        "series_ticker",
        "min_ts",
        "max_ts",
        "depth",
        "start_ts",
        "end_ts",
        "period_interval",
        "market_tickers",
        "with_nested_markets",
        "subaccount",
        "mve_filter",
        "exchange_index",
        "count_filter",
        "settlement_status",
        "order_id",
        "min_close_ts",
        "min_settled_ts",
        "category",
    ]
) | st.text(max_size=10)


def filled(route: Route, value: str) -> str:
    """The route's path with the same text for every variable part."""
    parts = [quote(value, safe="") or "x" if part.startswith("{") else part for part in route.path.split("/")]
    return PREFIX + "/".join(parts)


async def send(caller: Caller, method: str, target: str, data: bytes | None = None) -> Answer:
    """Send a target exactly as it is written, and check the answer."""
    url = URL(f"{str(caller.session._base_url).rstrip('/')}{target}", encoded=True)
    headers = caller.signer.headers(method, target) if caller.signer is not None else {}
    async with caller.session.request(method, url, data=data, headers=headers) as response:
        raw = await response.read()
        is_json = response.content_type == "application/json"
        body = json.loads(raw) if is_json else raw.decode() or None
        answer = Answer(response.status, body, response.headers)
    assert answer.status < 500, (method, target, data, answer)
    if answer.status >= 400 and is_json:
        check_error_shape(answer.body)
    elif is_json and (contract := document()) is not None:
        contract.check_reply(method, target.partition("?")[0], answer.status, answer.body)
    return answer


async def test_any_query_of_any_read_is_answered(world: World) -> None:
    alice = world.member("alice")
    reached = set()

    async def holds(case: tuple[Route, str, list[tuple[str, str]]]) -> None:
        route, value, query = case
        answer = await send(alice, "GET", f"{filled(route, value)}?{urlencode(query, errors='surrogatepass')}")
        reached.add(answer.status)

    async with money_kept(world):
        cases = st.tuples(st.sampled_from(READS), WORDS, st.lists(st.tuples(NAMES, WORDS), max_size=6))
        await for_any(cases, holds, examples=400)
    assert {200, 400, 404} <= reached


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*order(), "orders", "order_id", "reduce_by", "reduce_to", "contracts_limit", "amount"])
NEARLY = st.dictionaries(FIELDS, JSON, max_size=4).map(lambda changes: order() | changes)
NEARLY_BATCH = st.lists(NEARLY | JSON, max_size=3).map(lambda items: {"orders": items})
BODIES = (
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | NEARLY.map(lambda value: json.dumps(value).encode())
    | NEARLY_BATCH.map(lambda value: json.dumps(value).encode())
)


async def test_any_body_of_any_write_is_answered(world: World) -> None:
    alice = world.member("alice", "1000000.00")
    reached = set()

    async def holds(case: tuple[Route, str, bytes]) -> None:
        route, value, body = case
        answer = await send(alice, route.method, filled(route, value), body)
        reached.add(answer.status)

    async with money_kept(world):
        await for_any(st.tuples(st.sampled_from(WRITES), WORDS, BODIES), holds, examples=250)
    assert {400, 404, 410} <= reached


async def test_any_change_of_an_order_is_taken_or_refused(world: World) -> None:
    alice = world.member("alice", "1000000.00")
    reached = set()

    async def holds(body: dict[str, Any]) -> None:
        answer = await send(alice, "POST", PREFIX + ORDERS, json.dumps(body | {"client_order_id": None}).encode())
        reached.add(answer.status)

    changes = st.fixed_dictionaries(
        {},
        optional={
            "price": st.integers(-10, 110).map(lambda cents: f"{cents / 100:.4f}") | WORDS,
            "count": st.integers(0, 3000).map(lambda count: f"{count / 100:.2f}") | WORDS,
            "side": st.sampled_from(["bid", "ask", "yes"]),
            "time_in_force": st.sampled_from(["good_till_canceled", "immediate_or_cancel", "fill_or_kill", "gtt"]),
            "post_only": st.booleans(),
            "reduce_only": st.booleans(),
            "self_trade_prevention_type": st.sampled_from(["maker", "taker_at_cross"]),
            "exchange_index": st.sampled_from([-1, 0, 1, 7]),
            "expiration_time": st.sampled_from([0, 1, 1_783_695_601, 4_000_000_000]),
        },
    )
    async with money_kept(world):
        await for_any(changes.map(lambda change: order() | change), holds, examples=200)
    assert {201, 400, 404} <= reached


NO_JSON = {
    "nothing": (b"", "EOF"),
    "blanks": (b"  \n", "EOF"),
    "half an object": (b'{"ticker": "A', "unexpected EOF"),
    "two objects": (b"{} {}", None),
    "not UTF-8": (b'{"ticker": "\xff\xfe"}', None),
    "a lone surrogate": (b'{"ticker": "\\ud800"}', None),
    "a string": (b'"order"', "json: cannot unmarshal string into Go value of type CreateOrderV2Request"),
    "a list": (b"[1]", "json: cannot unmarshal array into Go value of type CreateOrderV2Request"),
    "a number": (b"1", "json: cannot unmarshal number into Go value of type CreateOrderV2Request"),
    "a flag in words": (
        json.dumps(order(post_only="true")).encode(),
        "json: cannot unmarshal string into Go struct field CreateOrderV2Request.post_only of type bool",
    ),
    "half a second": (
        json.dumps(order(expiration_time=1.5)).encode(),
        "json: cannot unmarshal number 1.5 into Go struct field CreateOrderV2Request.expiration_time of type int64",
    ),
    "an endless integer": (b'{"expiration_time": ' + b"9" * 4200 + b"}", None),
    "an endless number": (b'{"expiration_time": 1e999}', None),
    "deep nesting": (b"[" * 200_000, None),
    "deep nesting in a field": (b'{"ticker": ' + b"[" * 900 + b"]" * 900 + b"}", None),
}


@pytest.mark.parametrize("what", NO_JSON)
async def test_a_body_that_is_no_order_is_refused_in_the_decoders_words(world: World, what: str) -> None:
    raw, details = NO_JSON[what]
    alice = world.member("alice")
    answer = await alice.call("POST", ORDERS, data=raw)
    assert answer.status == 400
    assert (answer.body["code"], answer.body["message"]) == ("bad_request", "bad request")
    if details is not None:
        assert answer.body["details"] == details


async def test_null_and_unknown_fields_count_as_absent(world: World) -> None:
    alice = replace(world.member("alice"), checked=False)
    answer = await alice.post(ORDERS, order() | {"post_only": None, "subaccount": None, "shoe_size": [1, {"a": 2}]})
    assert answer.status == 201
    missing = await alice.post(ORDERS, order() | {"price": None})
    assert missing.error["code"] == "missing_parameters"
    assert (await alice.call("POST", ORDERS, data=b"null")).error["code"] == "missing_parameters"


async def test_giant_bodies_are_refused_and_the_connection_of_others_lives_on(world: World) -> None:
    alice = replace(world.member("alice"), checked=False)
    answer = await alice.call("POST", ORDERS, data=io.BytesIO(b" " * (MOST_BODY_BYTES + 1)))
    assert answer.status == 413
    batch = {"orders": [order(price="0.1000") for _ in range(2000)]}
    assert len((await alice.post(f"{ORDERS}/batched", batch)).body["orders"]) == 2000
    assert len((await alice.get("/portfolio/orders", limit=1000)).body["orders"]) == 1000


_PARSING = "Invalid format for parameter limit: error binding string parameter: strconv.ParseInt: parsing"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=ten", f'{_PARSING} "ten": invalid syntax'),
        ("limit=99999999999999999999", f'{_PARSING} "99999999999999999999": value out of range'),
        (
            "status=open&status=open",
            "Invalid format for parameter status: multiple values for single value parameter 'status'",
        ),
    ],
)
async def test_query_parameters_are_refused_in_the_binders_words(world: World, query: str, message: str) -> None:
    answer = await send(world.anyone, "GET", f"{PREFIX}/markets?{query}")
    assert (answer.status, answer.body) == (400, {"msg": message})


async def test_absurdly_many_parameters_are_refused(world: World) -> None:
    query = "&".join(f"p{number}=1" for number in range(1001))
    assert (await send(world.anyone, "GET", f"{PREFIX}/markets?{query}")).status == 400


_HEAD = b"/trade-api/v2%b HTTP/1.1\r\nHost: x\r\n%b\r\n"
RAW = [
    b"GET " + _HEAD % (b"/markets", b""),
    b"GET http://elsewhere" + _HEAD % (b"/exchange/status", b""),
    b"GET " + _HEAD % (b"/markets/%ff%fe%00", b""),
    b"GET " + _HEAD % (b"/markets?status=%ff&cursor=%00", b""),
    b"GET " + _HEAD % (b"/markets/../../etc/passwd", b""),
    b"POST " + _HEAD % (b"/portfolio/events/orders", b"Content-Length: 5\r\n") + b"{\xff\xfe\x00}",
    b"POST " + _HEAD % (b"/portfolio/events/orders", b"Content-Encoding: gzip\r\nContent-Length: 2\r\n") + b"{}",
    b"GET "
    + _HEAD
    % (
        b"/portfolio/balance",
        b"KALSHI-ACCESS-KEY: \xff\r\nKALSHI-ACCESS-SIGNATURE: \xe9\r\nKALSHI-ACCESS-TIMESTAMP: 1\r\n",
    ),
    b"NONSENSE\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
]


@pytest.mark.parametrize("raw", RAW)
async def test_raw_bytes_on_the_socket_do_no_harm(world: World, raw: bytes) -> None:
    async with money_kept(world):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
        writer.write(raw)
        writer.write_eof()
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.split(b" ", 2)[1:2] != [b"500"]


async def test_a_broken_compressed_body_is_refused(world: World) -> None:
    alice = world.member("alice")
    assert alice.signer is not None
    headers = alice.signer.headers("POST", PREFIX + ORDERS) | {"Content-Encoding": "gzip"}
    answer = await alice.call("POST", ORDERS, data=b"not gzip", headers=headers)
    assert answer.status == 400


async def test_a_caller_that_leaves_early_harms_nobody(world: World) -> None:
    alice = world.member("alice")
    async with money_kept(world):
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.000_1):
                    await alice.get("/markets", limit=1000)
        assert (await alice.get("/exchange/status")).status == 200
        assert isinstance(alice.session, aiohttp.ClientSession)


async def test_a_bug_inside_is_answered_and_logged_and_the_exchange_goes_on(world: World) -> None:
    alice = world.member("alice")
    broken = True

    def listener(_: object) -> None:
        if broken:
            raise OSError("the disk is full")

    world.hub.add(listener)
    answer = await alice.post(ORDERS, order())
    assert (answer.status, answer.error["code"]) == (500, "internal_server_error")
    assert "disk" not in str(answer.body)
    broken = False
    assert (await alice.post(ORDERS, order())).status == 201
