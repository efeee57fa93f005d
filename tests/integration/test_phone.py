"""The phone's gateway over real sockets, in front of a real trader."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from foremesh.trader.v1 import trader_service_pb2 as pb
from structlog.testing import capture_logs

from console.phone.api import ACTS, LOOKS, said
from console.phone.app import phone
from console.phone.config import PhoneConfig
from console.phone.site import Site
from mesh.daemon import Lifecycle
from mesh.rpc.config import ClientConfig
from tests.conftest import Certificates
from tests.fakes.trading import TICKER
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import Served, served
from trader.domain.words import Mode

SERVICE = "foremesh.trader.v1.TraderService"
JSON = {"Content-Type": "application/json"}


class Browser:
    """Calls the gateway."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def call(self, method: str, body: str = "{}", **headers: str) -> tuple[int, Any]:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"{self.url}{SERVICE}/{method}"
        async with self.session.post(path, data=body, headers=JSON | said) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[aiohttp.StreamReader]:
        request = pb.WatchStateRequest(max_hz=20).SerializeToString()
        body = struct.pack(">BI", 0, len(request)) + request
        headers = {"Content-Type": "application/connect+proto", "Connect-Protocol-Version": "1"}
        async with self.session.post(f"{self.url}{SERVICE}/WatchState", data=body, headers=headers) as answer:
            assert answer.status == 200
            yield answer.content


async def message(stream: aiohttp.StreamReader) -> tuple[int, bytes]:
    """Read one message of a stream, with its flags; 2 is its end."""
    async with asyncio.timeout(20):
        flags, size = struct.unpack(">BI", await stream.readexactly(5))
        return flags, await stream.readexactly(size)


@asynccontextmanager
async def gateway(client: ClientConfig) -> AsyncIterator[Browser]:
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        lifecycle = Lifecycle(tasks)
        url = await stack.enter_async_context(phone(PhoneConfig(listen="127.0.0.1:0", trader=client), lifecycle))
        yield Browser(await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False)), url)


@asynccontextmanager
async def both(**more: Any) -> AsyncIterator[tuple[Served, Browser]]:
    async with (
        served(Rig(), **more) as trader,
        gateway(ClientConfig(targets=(trader.server.addresses[0],))) as browser,
    ):
        yield trader, browser


async def test_it_lets_through_what_is_named_and_nothing_else() -> None:
    async with both() as (_, browser):
        status, answer = await browser.call("GetStatus")
        assert (status, answer["status"]["mode"]) == (200, "TRADING_MODE_PAPER")
        for name in (each for each in LOOKS if each != "WatchState"):
            assert (await browser.call(name))[0] in {200, 400}, name
        for method in pb.DESCRIPTOR.services_by_name["TraderService"].methods:
            if method.name not in LOOKS + ACTS:
                assert (await browser.call(method.name))[0] == 404, method.name
        for name in ("foremesh.forecast.v1.ForecastService/GetModel", f"{SERVICE}/../GetStatus", f"{SERVICE}/"):
            async with browser.session.post(browser.url + name, data="{}", headers=JSON) as found:
                assert found.status in {404, 405}


async def test_bad_input_keeps_its_code_and_names_its_field() -> None:
    async with both() as (_, browser):
        status, answer = await browser.call("PauseTrading")
        assert (status, answer["code"]) == (400, "invalid_argument")
        assert "request_id" in answer["message"]
        status, answer = await browser.call("GetMarketView", '{"market_ticker": "KXNOWHERE-1"}')
        assert (status, answer["code"]) == (404, "not_found")
        assert (await browser.call("GetStatus", "no json"))[0] == 400
        assert (await browser.call("GetStatus", json.dumps({"x": "y" * 70_000})))[0] in {400, 413, 429}


async def test_entries_are_stopped_and_a_position_sold_once() -> None:
    async with both() as (trader, browser):
        await trader.enter(TICKER)
        wish = json.dumps({"request_id": "r-1", "market_tickers": [TICKER], "floor_price_micros": "10000"})
        for _ in range(3):
            status, answer = await browser.call("FlattenPositions", wish)
            assert status == 200
            assert answer["outcomes"][0]["accepted"]["floorPriceMicros"] == "10000"
        for _ in range(20):
            await trader.rig.clock.advance(0.5)
        orders = trader.engine.state.books.orders.values()
        assert sum(order.terms.exit_kind is not None for order in orders) == 1
        status, answer = await browser.call("PauseTrading", '{"request_id": "r-2"}')
        assert (status, answer["state"]) == (200, "TRADING_STATE_PAUSED")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1"}, 421),
    ],
)
async def test_another_site_is_refused_before_anything_is_read(headers: dict[str, str], status: int) -> None:
    async with both() as (trader, browser):
        assert (await browser.call("PauseTrading", '{"request_id": "r-1"}', **headers))[0] == status
        assert "r-1" not in trader.engine.state.books.replies


async def test_calls_are_not_made_by_get() -> None:
    async with both() as (_, browser):
        query = "?connect=v1&encoding=json&message=%7B%7D"
        async with browser.session.get(f"{browser.url}{SERVICE}/GetStatus{query}") as found:
            assert found.status in {404, 405}
        async with browser.session.delete(browser.url) as found:
            assert found.status == 405


async def test_while_the_money_is_real_every_call_is_refused() -> None:
    async with both(mode=Mode.LIVE) as (trader, browser):
        for name in ("GetStatus", "PauseTrading", "FlattenPositions"):
            status, answer = await browser.call(name, '{"request_id": "r-1"}' if name in ACTS else "{}")
            assert (status, answer["code"]) == (400, "failed_precondition"), name
            assert "signing in" in answer["message"]
        async with browser.stream() as stream:
            flags, end = await message(stream)
            assert (flags, json.loads(end)["error"]["code"]) == (2, "failed_precondition")
        assert trader.engine.state.books.replies == {}


async def test_a_stream_tells_the_state_and_ends_at_the_trader_when_the_page_goes() -> None:
    with capture_logs() as lines:
        async with both() as (trader, browser):
            async with browser.stream() as stream:
                flags, first = await message(stream)
                assert flags == 0
                assert pb.WatchStateResponse.FromString(first).HasField("snapshot")
                await trader.enter(TICKER)
                held = False
                while not held:
                    told = pb.WatchStateResponse.FromString((await message(stream))[1])
                    held = any(each.market_ticker == TICKER for each in told.delta.positions)
            async with asyncio.timeout(5):
                while not [line for line in lines if "WatchState" in str(line.get("method"))]:
                    await asyncio.sleep(0.02)
    (ended,) = [line for line in lines if "WatchState" in str(line.get("method"))]
    assert ended["code"] == "CANCELLED"


async def test_without_a_trader_it_says_so_and_comes_back_by_itself() -> None:
    rig = Rig()
    async with served(rig) as trader:
        address = trader.server.addresses[0]
    async with gateway(ClientConfig(targets=(address,), timeout_seconds=1.0)) as browser:
        status, answer = await browser.call("GetStatus")
        assert (status, answer["code"]) in {(503, "unavailable"), (504, "deadline_exceeded")}
        async with browser.session.get(browser.url) as page:
            assert page.status == 200


async def test_an_operators_certificate_sells_and_a_viewers_does_not(certificates: Certificates) -> None:
    async with served(Rig(), tls=certificates.server()) as trader:
        for role, status in (("operator", 200), ("viewer", 403)):
            async with gateway(certificates.client(trader.server.addresses[0], role)) as browser:
                assert (await browser.call("GetStatus"))[0] == 200
                assert (await browser.call("PauseTrading", f'{{"request_id": "{role}"}}'))[0] == status


async def test_the_page_comes_packed_and_may_load_nothing_from_elsewhere() -> None:
    async with both() as (_, browser):
        async with browser.session.get(browser.url, headers={"Accept-Encoding": "br, gzip"}) as page:
            assert page.status == 200
            assert page.headers["Content-Encoding"] == "br"
            assert page.headers["Cache-Control"] == "no-cache"
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert not any(name.lower().startswith("access-control") for name in page.headers)
        async with browser.session.get(browser.url, headers={"Accept-Encoding": "identity"}) as page:
            text = await page.text()
            assert "Content-Encoding" not in page.headers
        assets = [part for part in text.split('"') if part.startswith("/assets/")]
        assert assets
        for asset in assets:
            async with browser.session.get(browser.url + asset[1:]) as found:
                assert found.status == 200
                assert "immutable" in found.headers["Cache-Control"]
        for name in ("assets/../api.py", "%2e%2e/api.py", "api.py", "index.html.br"):
            async with browser.session.get(browser.url + name) as found:
                assert found.status == 404


async def test_a_page_that_is_not_built_says_so(tmp_path: Path) -> None:
    sent: list[Any] = []

    async def send(part: Any) -> None:
        sent.append(part)

    await Site(tmp_path)({"path": "/", "method": "GET", "headers": []}, send, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 404
    assert b"not built" in sent[1]["body"]


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_code_of_the_trader_has_one_for_the_browser(code: grpc.StatusCode) -> None:
    found = said(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "words"))
    assert found.code.name.replace("CANCELED", "CANCELLED") == code.name
    assert found.message == "words"


@pytest.mark.parametrize("listen", ["0.0.0.0:8794", "192.168.1.5:8794", "foremesh.example:8794", "[::]:8794"])
def test_it_does_not_listen_beyond_this_machine(listen: str) -> None:
    with pytest.raises(ValueError, match="signing in"):
        PhoneConfig(listen=listen)
