"""What the exchange tells by itself: books and trades, and what becomes of our orders."""

import asyncio

from mesh.errors import Unavailable
from trader.domain.events import BooksLost
from trader.engine.core import Core
from trader.engine.looping import Looping
from trader.engine.reconciling import Reconciler
from trader.ports import Exchange, Markets

_PASS = 64
"""After so many events without a pause others get their turn."""


class Streams:
    """Feeds what is told, and begins anew where a stream ends."""

    def __init__(
        self, core: Core, exchange: Exchange, markets: Markets, reconciler: Reconciler, looping: Looping
    ) -> None:
        self._core = core
        self._exchange = exchange
        self._markets = markets
        self._reconciler = reconciler
        self._looping = looping
        self._count = 0

    async def market_data(self) -> None:
        """Follow the books for ever."""
        await self._looping.again("market data", self._books)

    async def own_orders(self) -> None:
        """Follow our orders for ever."""
        await self._looping.again("own orders", self._orders)

    async def _books(self) -> None:
        core = self._core
        try:
            async with self._markets.told() as told:
                async for event in told:
                    await self._breath()
                    core.handle(event)
        finally:
            if not core.failed:
                core.handle(BooksLost(None))
        raise Unavailable("the stream of market data ended")

    async def _orders(self) -> None:
        async with self._exchange.own() as told:
            self._reconciler.ask()  # what came before the stream began is in no stream
            async for event in told:
                await self._breath()
                if event is None:
                    self._reconciler.ask()
                else:
                    self._core.handle(event)
        raise Unavailable("the stream of our orders ended")

    async def _breath(self) -> None:
        """Let others have their turn now and then: a stream may always have one more event ready."""
        self._count += 1
        if self._count % _PASS == 0:
            await asyncio.sleep(0)
