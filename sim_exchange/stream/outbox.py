"""A connection's way out: whoever has something to send leaves it here at once, one task writes it to the socket."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sim_exchange.stream.subscriptions import Subscription


class _Item(NamedTuple):
    frame: bytes | None
    """None cuts the connection."""
    subscription: Subscription | None
    """Whose count of waiting messages it is in."""
    delay: float


class Outbox:
    """Frames in the order in which they were left.

    Args:
        answers: How many frames that were asked for (replies, snapshots) may wait before `room` makes the reader of
            commands wait too. What the exchange sends on its own is bounded by the subscription that it belongs to.
    """

    def __init__(self, answers: int) -> None:
        self._limit = answers
        self._items: deque[_Item] = deque()
        self._answers = 0
        self._over = False
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def put(self, frame: bytes, subscription: Subscription | None = None, delay: float = 0.0) -> None:
        """Leave a frame; `delay` holds it, and all that follows, back for some real seconds."""
        if self._over:
            return
        if subscription is None:
            self._answers += 1
        else:
            subscription.waiting += 1
        self._items.append(_Item(frame, subscription, delay))
        self._filled.set()

    def cut(self) -> None:
        """Cut the connection after what was left so far."""
        self._items.append(_Item(None, None, 0.0))
        self._filled.set()

    async def room(self) -> None:
        """Wait until there is room for the answers of another command."""
        while self._answers >= self._limit and not self._over:
            self._emptied.clear()
            await self._emptied.wait()

    async def write(self, send: Callable[[bytes], Awaitable[None]], cut: Callable[[], None]) -> None:
        """Send frames until the connection is to be cut, or is lost."""
        try:
            while await self._write_next(send):
                pass
            cut()
        except ConnectionError:
            return
        finally:
            self._over = True
            self._items.clear()
            self._emptied.set()

    async def _write_next(self, send: Callable[[bytes], Awaitable[None]]) -> bool:
        """Send one frame; tells whether the connection is to go on."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        frame, subscription, delay = self._items.popleft()
        if delay:
            await asyncio.sleep(delay)
        if frame is None:
            return False
        await send(frame)
        if subscription is not None:
            subscription.waiting -= 1
        else:
            self._answers -= 1
            self._emptied.set()
        return True
