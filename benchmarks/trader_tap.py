"""A wire tap between the trader and the exchange: it passes bytes on and notes when some of them come by."""

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
class Tap:
    """What came by.

    Attributes:
        url: Where the trader is to call.
        listings: Wall time of every request that lists open markets: a scan begins with one for each series.
        requests: Requests so far.
        awaited: Markets whose quote was changed and has not come by yet.
        quotes: When it came by on its way to the trader, by market; seconds of `perf_counter`.
        orders: When the first order after that came by on its way to the exchange, by market; likewise.
    """

    url: str = ""
    listings: list[float] = field(default_factory=list)
    requests: int = 0
    awaited: set[str] = field(default_factory=set)
    quotes: dict[str, float] = field(default_factory=dict)
    orders: dict[str, float] = field(default_factory=dict)


class _Line:
    """One connection."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._stream = False
        self._posts = False
        self._before = b""

    def up(self, data: bytes) -> None:
        """Look at what the trader sends."""
        if data.startswith(_VERBS) and not self._stream:
            self._stream = data.startswith(b"GET /trade-api/ws/")
            self._posts = data.startswith(b"POST ")
            self._tap.requests += 1
            if b"status=open" in data.partition(b"\r\n")[0]:
                self._tap.listings.append(time.time())
        if self._posts:
            for ticker in [name for name in self._tap.quotes if name not in self._tap.orders]:
                if ticker.encode() in data:
                    self._tap.orders[ticker] = time.perf_counter()

    def down(self, data: bytes) -> None:
        """Look at what the exchange says."""
        if self._stream and self._tap.awaited:
            seen = self._before[-_OVERLAP:] + data
            for ticker in [name for name in self._tap.awaited if name.encode() in seen]:
                self._tap.awaited.discard(ticker)
                self._tap.quotes[ticker] = time.perf_counter()
        self._before = data


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[Tap]:
    """Pass everything on to the exchange at a URL while the context lasts."""
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
