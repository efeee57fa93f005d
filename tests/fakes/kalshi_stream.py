"""Consumers of the client's stream, and an exchange that does on its WebSocket exactly what a test says.

async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
    stream.subscribe(Channel.BOOK, ["A"])
    peer = await exchange.connection()
    await peer.confirm("subscribe", sid=1)
    await peer.book(sid=1, seq=1, ticker="A", bids={"0.4000": "3.00"})
    await ear.next(BookSnapshot)
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from mesh.clock import Clock, SystemClock
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.events import Event
from mesh.kalshi.stream.queue import Events
from mesh.kalshi.stream.streaming import Stream, streaming
from mesh.kalshi.transport.transport import connecting
from tests.fakes.exchange_keys import Signer

PATH = "/trade-api/ws/v2"
QUICK = StreamConfig(first_pause_seconds=0.02, longest_pause_seconds=0.2, answer_seconds=2.0)
PATIENCE = 10.0  # seconds; an event that does not come within them does not come

E = TypeVar("E", bound=Event)


class Ear:
    """Reads what one consumer is told."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.heard: list[Event] = []

    async def any(self) -> Event:
        """The next event, whatever it is."""
        async with asyncio.timeout(PATIENCE):
            event = await anext(self.events)
        self.heard.append(event)
        return event

    async def next(self, kind: type[E], **fields: Any) -> E:
        """Wait for an event of this kind with these values; what comes before it is kept in `heard`."""
        while True:
            event = await self.any()
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items()):
                return event


@asynccontextmanager
async def listening_to(
    url: str,
    folder: Path,
    *,
    signer: Signer | None = None,
    settings: StreamConfig = QUICK,
    clock: Clock | None = None,
) -> AsyncIterator[tuple[Stream, Ear]]:
    """A stream from an exchange, and one consumer of everything."""
    signer = signer or Signer.ed25519()
    pem = signer.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{signer.key_id}.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    config = KalshiConfig(environment="custom", host=url, key_id=signer.key_id, private_key_file=path)
    clock = clock or SystemClock()
    async with (
        connecting(config, decode, clock=clock) as transport,
        streaming(config, transport.sender, clock=clock, settings=settings) as stream,
    ):
        yield stream, Ear(stream.events())


class Peer:
    """One connection, as the exchange sees it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.headers = request.headers
        self.transport = request.transport
        self.over = asyncio.Event()
        """Set by a test that lets the connection end; set by itself where the client has gone."""
        self.deaf = False
        """Does not answer pings."""
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self._commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def command(self, cmd: str = "") -> dict[str, Any]:
        """The next command, which must be this one."""
        async with asyncio.timeout(PATIENCE):
            command = await self._commands.get()
        assert cmd in ("", command["cmd"]), command
        return command

    @property
    def commands_waiting(self) -> int:
        return self._commands.qsize()

    async def send(self, kind: str, msg: Any = None, **fields: Any) -> None:
        """Send a message; what is None is left out."""
        message = {"type": kind, "msg": msg, "sending_ts_ms": 1, **fields}
        await self.socket.send_str(json.dumps({name: value for name, value in message.items() if value is not None}))

    async def confirm(self, cmd: str, sid: int, seq: int | None = None) -> dict[str, Any]:
        """Take the next command, which must be this one, and confirm it."""
        command = await self.command(cmd)
        if cmd == "subscribe":
            channel = command["params"]["channels"][0]
            await self.send("subscribed", {"channel": channel, "sid": sid}, id=command["id"])
        else:
            await self.send("unsubscribed" if cmd == "unsubscribe" else "ok", id=command["id"], sid=sid, seq=seq)
        return command

    async def book(
        self,
        sid: int,
        seq: int,
        *,
        ticker: str = "A",
        bids: Mapping[str, str] = {},
        asks: Mapping[str, str] = {},
        command_id: int | None = None,
    ) -> None:
        """Send a snapshot, at YES prices."""
        msg: dict[str, Any] = {"market_ticker": ticker, "market_id": f"id of {ticker}", "clock": seq}
        msg |= {"yes_dollars_fp": list(bids.items())} if bids else {}
        msg |= {"no_dollars_fp": list(asks.items())} if asks else {}
        await self.send("orderbook_snapshot", msg, sid=sid, seq=seq, id=command_id)

    async def delta(self, sid: int, seq: int, price: str, delta: str, *, side: str = "yes", ticker: str = "A") -> None:
        """Send a change of a book."""
        msg = {
            "market_ticker": ticker, "market_id": f"id of {ticker}", "clock": seq, "price_dollars": price,
            "delta_fp": delta, "side": side, "ts_ms": 1_783_692_000_000,
        }  # fmt: skip
        await self.send("orderbook_delta", msg, sid=sid, seq=seq)

    async def listen(self) -> None:
        """Read until the client goes."""
        async for frame in self.socket:
            if frame.type is aiohttp.WSMsgType.PING:
                self.pings.append(bytes(frame.data))
                if not self.deaf:
                    await self.socket.pong(frame.data)
            elif frame.type is aiohttp.WSMsgType.PONG:
                self.pongs.append(bytes(frame.data))
            elif frame.type is aiohttp.WSMsgType.TEXT:
                self._commands.put_nowait(json.loads(frame.data))
        self.over.set()


class ScriptedExchange:
    """An exchange that says nothing by itself."""

    def __init__(self) -> None:
        self.url = ""
        self.refusals: list[web.Response] = []
        """Answers to the next upgrades."""
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def connection(self) -> Peer:
        """The next connection."""
        async with asyncio.timeout(PATIENCE):
            return await self._peers.get()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.refusals:
            return self.refusals.pop(0)
        socket = web.WebSocketResponse(autoping=False, timeout=0.5)
        await socket.prepare(request)
        peer = Peer(socket, request)
        self._peers.put_nowait(peer)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(peer.listen())
            await peer.over.wait()
            listening.cancel()
        return socket


@asynccontextmanager
async def scripted_exchange() -> AsyncIterator[ScriptedExchange]:
    """Serve on a free port of loopback."""
    exchange = ScriptedExchange()
    app = web.Application()
    app.router.add_get(PATH, exchange.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        exchange.url = f"http://{host}:{port}"
        yield exchange
    finally:
        await runner.cleanup()
