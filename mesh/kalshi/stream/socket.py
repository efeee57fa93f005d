"""One WebSocket: the door of the exchange, what is written to it and how, and when it counts as dead."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TypeAlias

import aiohttp
import msgspec
from aiohttp import WSMsgType
from yarl import URL

from mesh.clock import Clock
from mesh.kalshi.errors import ClockSkewed, ExchangeError, NoAnswer, NotConnected
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.wire import Command
from mesh.kalshi.transport.refusals import Fault, refusal, retry_seconds
from mesh.kalshi.transport.sender import Sender

Socket: TypeAlias = aiohttp.ClientWebSocketResponse[bool]

TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
_TICK_SECONDS = 0.25
_GOODBYE_SECONDS = 1.0
_TOLERATED_SECONDS = 10.0  # of clock difference, as recorded; more than that may be why a signature is refused
_CONTENT = (WSMsgType.TEXT, WSMsgType.BINARY)


@asynccontextmanager
async def opened(url: URL, sender: Sender, clock: Clock, config: StreamConfig) -> AsyncIterator[Socket]:
    """Connect, and say goodbye in the end. Raises ExchangeError if no connection comes about."""
    request = f"GET {url.raw_path}"
    headers = await sender.sign("GET", url.raw_path)
    sent = clock.monotonic()
    try:
        async with asyncio.timeout(config.answer_seconds):
            socket = await sender.session.ws_connect(
                url,
                headers=headers,
                autoping=False,  # so that pings are seen as signs of life
                decode_text=False,
                max_msg_size=config.message_bytes,
                timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SECONDS),
            )
    except aiohttp.WSServerHandshakeError as error:
        raise _refused(error, request, headers, sender, sent=sent, received=clock.monotonic()) from error
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
        raise NotConnected(f"{request}: {type(error).__name__}: {error}", request=request) from error
    try:
        yield socket
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await socket.close()


class Wire:
    """What goes in and out of one socket."""

    def __init__(self, socket: Socket, clock: Clock, config: StreamConfig) -> None:
        self._socket = socket
        self._clock = clock
        self._silence = config.silence_seconds
        self._heard = clock.monotonic()
        self._asked = False
        self._commands: deque[Command] = deque()
        self._pong: bytes | None = None
        self._ping = False
        self._filled = asyncio.Event()

    def send(self, command: Command) -> None:
        """Leave a command to be written; never waits."""
        self._commands.append(command)
        self._filled.set()

    async def read(self, handle: Callable[[bytes, float], None]) -> None:
        """Give every message and the monotonic time to `handle`, until the connection ends: NoAnswer."""
        while True:
            frame = await self._socket.receive()
            self._heard, self._asked = self._clock.monotonic(), False
            if frame.type in _CONTENT:
                handle(frame.data, self._heard)
            elif frame.type is WSMsgType.PING:
                self._pong = bytes(frame.data)  # only the newest one needs an answer
                self._filled.set()
            elif frame.type is not WSMsgType.PONG:
                raise NoAnswer(f"the stream ended: {_ending(self._socket, frame.type, frame.data)}", request="WS")

    async def write(self) -> None:
        """Write what was left, until the connection ends: NoAnswer."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                await self._write_all()
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"the stream cannot be written to: {error}", request="WS") from error

    async def watch(self, tick: Callable[[float], None]) -> None:
        """Call `tick` several times a second, until nothing is heard for too long: NoAnswer.

        A connection that has been silent for half that time is asked for a sign of life.
        """
        while True:
            await self._clock.sleep(min(_TICK_SECONDS, self._silence / 4))
            now = self._clock.monotonic()
            silent = now - self._heard
            if silent >= self._silence:
                raise NoAnswer(f"the stream was silent for {silent:.1f} s", request="WS")
            if silent >= self._silence / 2 and not self._asked:
                self._ping = self._asked = True
                self._filled.set()
            tick(now)

    async def _write_all(self) -> None:
        if self._pong is not None:
            pong, self._pong = self._pong, None
            await self._socket.pong(pong)
        if self._ping:
            self._ping = False
            await self._socket.ping()
        while self._commands:
            await self._socket.send_frame(msgspec.json.encode(self._commands.popleft()), WSMsgType.TEXT)


def _ending(socket: Socket, kind: WSMsgType, data: object) -> str:
    if kind is WSMsgType.ERROR:
        return f"{type(data).__name__}: {data}"
    return f"closed with {socket.close_code}"


def _refused(
    error: aiohttp.WSServerHandshakeError,
    request: str,
    signed: Mapping[str, str],
    sender: Sender,
    *,
    sent: float,
    received: float,
) -> ExchangeError:
    """Return what a refused upgrade means. Its body is out of reach, so that a clock is wrong is read off its date."""
    headers: Mapping[str, str] = error.headers or {}
    date = headers.get("Date")
    skewed = False
    if error.status == HTTPStatus.UNAUTHORIZED:
        sender.server_clock.observe(date, sent=sent, received=received, decisive=True)
        shown = int(signed[TIMESTAMP_HEADER]) / 1000 + received - sent
        skewed = abs(sender.server_clock.timestamp_ms() / 1000 - shown) > _TOLERATED_SECONDS
    why = error.message if error.status == HTTPStatus.SWITCHING_PROTOCOLS else ""
    fault = Fault("header_timestamp_expired" if skewed else "", why, "")
    problem = refusal(error.status, fault, request, retry_after=retry_seconds(headers.get("Retry-After"), date))
    if isinstance(problem, ClockSkewed):
        problem.measured(sender.server_clock.offset_seconds)
    return problem
