"""Who listens to what becomes of the paper account's orders."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

from trader.domain.events import FillSeen, OrderSeen

_MOST_WAITING = 10_000
Told = OrderSeen | FillSeen | None
"""None: something may have been missed."""


class Listeners:
    """Tells everybody who listens; who does not keep up is told that something was missed."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Told]] = set()

    def tell(self, told: Iterable[Told]) -> None:
        """Tell it to all."""
        events = tuple(told)
        for queue in self._queues:
            if queue.qsize() + len(events) > _MOST_WAITING:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                for event in events:
                    queue.put_nowait(event)

    @contextmanager
    def listening(self) -> Iterator[AsyncIterator[Told]]:
        """Listen from now on; first comes None, since nobody knows what was before."""
        queue: asyncio.Queue[Told] = asyncio.Queue()
        queue.put_nowait(None)
        self._queues.add(queue)
        try:
            yield _each(queue)
        finally:
            self._queues.discard(queue)


async def _each(queue: asyncio.Queue[Told]) -> AsyncIterator[Told]:
    while True:
        yield await queue.get()
