"""The WebSocket's door: who may come in, and the three tasks of a connection: reading, writing and the heartbeat."""

import asyncio
from datetime import datetime, timedelta
from email.utils import formatdate

from aiohttp import WSCloseCode, WSMsgType, web

from mesh import log
from mesh.clock import Clock
from sim_exchange.api.auth import KEY_HEADER, Key, Keys, authenticate
from sim_exchange.api.replies import Problem, Reply, problem, reply, too_many_requests
from sim_exchange.api.text import unix_seconds
from sim_exchange.effects import RequestFacts
from sim_exchange.faults import Faults
from sim_exchange.quirks import Quirks
from sim_exchange.stream.session import Session
from sim_exchange.stream.streams import Streams

PATH = "/trade-api/ws/v2"

_HEARTBEAT = b"heartbeat"
_GOODBYE_SECONDS = 2.0  # for a client to answer that it goes too
_log = log.get(__name__)


def add_stream_routes(
    app: web.Application, streams: Streams, *, keys: Keys, quirks: Quirks, wall: Clock, faults: Faults
) -> None:
    """Serve the WebSocket beside what the application has; its shutdown says goodbye to every connection.

    Args:
        app: The REST application, or an empty one.
        streams: Everybody who listens.
        keys: Where API keys are known.
        quirks: How exact a caller's clock must be.
        wall: Real time.
        faults: What goes wrong on purpose.
    """
    door = _Door(streams, keys, quirks, wall, faults)
    app.router.add_get(PATH, door.enter)
    app.on_shutdown.append(door.close)


class _Door:
    def __init__(self, streams: Streams, keys: Keys, quirks: Quirks, wall: Clock, faults: Faults) -> None:
        self._streams = streams
        self._keys = keys
        self._quirks = quirks
        self._wall = wall
        self._faults = faults
        self._inside: dict[web.WebSocketResponse, asyncio.Transport | None] = {}

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """Let a connection in, and keep it until it ends."""
        now = self._wall.now() + timedelta(seconds=self._faults.skew("GET", PATH))
        try:
            key = self._caller(request, now)
            await self._strike(request, key)
        except Problem as refused:
            return web.Response(
                status=refused.reply.status,
                body=refused.reply.body,
                content_type="application/json",
                headers={"Date": formatdate(unix_seconds(now), usegmt=True)},
            )
        # The payload of the pings is ours to choose, so they are not left to aiohttp; it does answer the client's.
        socket = web.WebSocketResponse(max_msg_size=self._streams.limits.message_bytes)
        await socket.prepare(request)
        session = self._streams.open(key.account_id)
        self._inside[socket] = request.transport
        _log.info("a stream begins", account=key.account_id, remote=request.remote)
        try:
            await self._converse(request, socket, session)
        finally:
            session.close()
            del self._inside[socket]
            _log.info("a stream ends", account=key.account_id, remote=request.remote, code=socket.close_code)
        return socket

    async def close(self, _: web.Application) -> None:
        """End every connection, telling it that the server goes away."""
        async with asyncio.TaskGroup() as tasks:
            for socket, transport in self._inside.items():
                tasks.create_task(_part(socket, transport))

    def _caller(self, request: web.Request, now: datetime) -> Key:
        """Verify the signature. Problem (401, 403)."""
        if KEY_HEADER not in request.headers:
            raise Problem(reply({"code": "token_authentication_failure"}, 401))
        key = authenticate(request.headers, "GET", PATH, keys=self._keys, quirks=self._quirks, now=now)
        if not key.allows("read"):
            raise problem(403, "forbidden", "the API key lacks the scope read")
        return key

    async def _strike(self, request: web.Request, key: Key) -> None:
        """Let faults of requests strike the upgrade. Problem for those that answer it."""
        effects = self._faults.before(RequestFacts("GET", PATH, self._streams.name(key.account_id)))
        if effects.delay:
            await self._wall.sleep(effects.delay)
        if (effects.drop_before or effects.drop_after) and request.transport is not None:
            request.transport.abort()
            raise Problem(Reply(503, b""))
        if effects.too_many_requests:
            raise too_many_requests(self._quirks.too_many_requests_body)
        status = effects.error_before or effects.error_after
        if status is not None:
            raise problem(status, "service_unavailable")

    async def _converse(self, request: web.Request, socket: web.WebSocketResponse, session: Session) -> None:
        def cut() -> None:
            if request.transport is not None:
                request.transport.abort()

        async def send(frame: bytes) -> None:
            await socket.send_frame(frame, WSMsgType.TEXT)

        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(session.outbox.write(send, cut))
            beating = tasks.create_task(self._beat(socket))
            try:
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        session.handle(message.data)
                    elif message.type is WSMsgType.BINARY:
                        session.refuse()
                    await session.outbox.room()
            finally:
                writing.cancel()
                beating.cancel()

    async def _beat(self, socket: web.WebSocketResponse) -> None:
        try:
            while True:
                await asyncio.sleep(self._streams.limits.heartbeat_seconds)
                await socket.ping(_HEARTBEAT)
        except ConnectionError:
            return


async def _part(socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
    """Say goodbye, but do not wait for a client that does not read."""
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await socket.close(code=WSCloseCode.GOING_AWAY)
    except (TimeoutError, ConnectionError):
        if transport is not None:
            transport.abort()
