"""A cable between two processes that can be cut: connections stand and nothing arrives, as in a broken network."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 65_536


class Cable:
    """Forwards TCP to an address. Make it with `cable`."""

    def __init__(self, address: str) -> None:
        self.address = ""
        """Where to connect to."""
        self.ready = threading.Event()
        self.lead_to(address)
        self._whole = threading.Event()
        self._whole.set()

    def lead_to(self, address: str) -> None:
        """Forward connections that come from now on to another address."""
        host, _, port = address.rpartition(":")
        self._target = host, int(port)

    def cut(self) -> None:
        """Let nothing through; what is sent meanwhile arrives after the mending."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self._whole.set()

    def remove(self) -> None:
        """End every connection."""
        self._loop.call_soon_threadsafe(self._over.set)

    async def serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.ready.set()
        await self._over.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await self._pass()
            there, back = await asyncio.open_connection(*self._target)
            try:
                await asyncio.gather(self._forward(reader, back), self._forward(there, writer))
            finally:
                back.close()
        writer.close()

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while data := await source.read(_PIECE):
                    await self._pass()
                    target.write(data)
                    await target.drain()
        finally:
            target.close()

    async def _pass(self) -> None:
        while not self._whole.is_set():
            await asyncio.sleep(0.02)


@contextmanager
def cable(address: str) -> Iterator[Cable]:
    """Lay a cable to an address, in a thread of its own."""
    laid = Cable(address)
    thread = threading.Thread(target=lambda: asyncio.run(laid.serve()), name="cable")
    thread.start()
    assert laid.ready.wait(10)
    try:
        yield laid
    finally:
        laid.mend()
        laid.remove()
        thread.join(10)
