"""The market that is looked at: asked for when the cursor comes to rest on it, and again while it is looked at."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from foremesh.trader.v1 import market_view_pb2

from console.desk.calls import Calls
from mesh.errors import MeshError

_REST_SECONDS: Final = 0.15
"""Whoever runs through the list does not ask for every market that he passes."""
_AGAIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Looked:
    """A market, or why there is none."""

    ticker: str = ""
    view: market_view_pb2.MarketView | None = None
    at: float = 0.0
    """When it came, on the screen's clock."""
    problem: str = ""


class Looking:
    """Keeps the last look.

    Args:
        calls: To the trader.
        clock: The screen's.
    """

    def __init__(self, calls: Calls, clock: Callable[[], float]) -> None:
        self.found = Looked()
        self._calls, self._clock = calls, clock
        self._wanted = ""
        self._turn = asyncio.Event()

    def want(self, ticker: str) -> None:
        """Look at another market; what was seen of the one before is gone at once."""
        if ticker != self._wanted:
            self._wanted, self.found = ticker, Looked(ticker)
            self._turn.set()

    def again(self) -> None:
        """Look again now: something may have changed."""
        self._turn.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_AGAIN_SECONDS):
                    await self._turn.wait()
                self._turn.clear()
                await asyncio.sleep(_REST_SECONDS)
            except TimeoutError:
                pass
            ticker = self._wanted
            if not ticker:
                continue
            try:
                view = await self._calls.market(ticker)
            except MeshError as error:
                found = Looked(ticker, problem=self._calls.words(error))
            else:
                found = Looked(ticker, view, self._clock())
            if ticker == self._wanted:
                self.found = found
