"""A wire tap between the trader and a server: it passes bytes on and notes when some of them come by."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 262_144
_OVERLAP = 256
"""Bytes of the piece before that are looked at again: a name may be cut in two."""
_VERBS = (b"GET ", b"POST ", b"DELETE ", b"PUT ")


@dataclass
class Call:
    """A request in plain text that came by, and its answer; wall times."""

    verb: str
    path: str
    began: float
    ended: float
    """When the last piece of the answer came by; as `began` before the first."""


@dataclass
class Tap:
    """What came by.

    Attributes:
        url: Where the trader is to call.
        listings: Wall time of every request that lists open markets: a scan begins with one for each series.
        calls: All requests, oldest first.
        pieces: Wall time of every piece of anything, in either direction.
        awaited: Markets whose quote was changed and has not come by yet.
        quotes: When it came by on its way to the trader, by market; seconds of `perf_counter`.
        orders: When the first order after that came by on its way to the exchange, by market; likewise.
    """

    url: str = ""
    listings: list[float] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    pieces: list[float] = field(default_factory=list)
    awaited: set[str] = field(default_factory=set)
    quotes: dict[str, float] = field(default_factory=dict)
    orders: dict[str, float] = field(default_factory=dict)


class _Line:
    """One connection."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._stream = False
        self._posts = False
        self._call: Call | None = None
        self._before = b""

    def up(self, data: bytes) -> None:
        """Look at what the trader sends."""
        now = time.time()
        self._tap.pieces.append(now)
        if data.startswith(_VERBS) and not self._stream:
            verb, path, *_ = data.partition(b"\r\n")[0].decode().split(" ")
            self._stream = path.startswith("/trade-api/ws/")
            self._posts = verb == "POST"
            if not self._stream:
                self._call = Call(verb, path, now, now)
                self._tap.calls.append(self._call)
            if "status=open" in path:
                self._tap.listings.append(now)
        if self._posts:
            for ticker in [name for name in self._tap.quotes if name not in self._tap.orders]:
                if ticker.encode() in data:
                    self._tap.orders[ticker] = time.perf_counter()

    def down(self, data: bytes) -> None:
        """Look at what the server says."""
        now = time.time()
        self._tap.pieces.append(now)
        if self._call is not None:
            self._call.ended = now
        if self._stream and self._tap.awaited:
            seen = self._before[-_OVERLAP:] + data
            for ticker in [name for name in self._tap.awaited if name.encode() in seen]:
                self._tap.awaited.discard(ticker)
                self._tap.quotes[ticker] = time.perf_counter()
        self._before = data


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[Tap]:
    """Pass everything on to the server at a URL, or an address, while the context lasts."""
    host, _, port = url.removeprefix("http://").partition(":")
    tap = Tap()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        line = _Line(tap)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pump(reader, back, line.up))
            tasks.create_task(_pump(there, writer, line.down))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    tap.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield tap
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            look(data)
            writer.write(data)
            await writer.drain()
    writer.close()
