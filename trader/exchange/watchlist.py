"""Which markets are watched, and their terms, read beside what is streamed so that no book ever waits for a read."""

import asyncio
from collections.abc import Iterable

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.errors import ExchangeError
from trader.exchange.known_markets import KnownMarkets

_RETRY_SECONDS = 5.0
_REFRESH_SECONDS = 60.0

_log = log.get(__name__)


class Watchlist:
    """Watched markets.

    Attributes:
        tickers: All of them now.
    """

    def __init__(self, known: KnownMarkets, clock: Clock) -> None:
        self.tickers: frozenset[str] = frozenset()
        self._known = known
        self._clock = clock
        self._asked: set[str] = set()
        self._some = asyncio.Event()

    def change(self, tickers: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Watch these and no others; returns those that are new and those that are watched no more."""
        before, self.tickers = self.tickers, frozenset(tickers)
        new = self.tickers - before
        self._known.again(new)
        self.ask(new)
        return new, before - self.tickers

    def ask(self, tickers: Iterable[str]) -> None:
        """Have markets read, those that are watched."""
        self._asked |= self.tickers & frozenset(tickers)
        if self._asked:
            self._some.set()

    async def run(self) -> None:
        """Read what is asked for, and everything every minute, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_REFRESH_SECONDS):
                    await self._some.wait()
            except TimeoutError:
                self.ask(self.tickers)
            self._some.clear()
            asked, self._asked = sorted(self._asked & self.tickers), set()
            if not asked:
                continue
            try:
                await self._known.read(asked)
            except ExchangeError as error:
                _log.warning("watched markets cannot be read", markets=len(asked), problem=str(error))
                await self._clock.sleep(_RETRY_SECONDS)
                self.ask(asked)
