"""Where the histories of a forecast come from: a file, or the exchange."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from console.histories import read
from console.markets import OpenMarkets, Wanted
from console.recorded import Recording
from console.scan import step_text
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig


class Source(Protocol):
    """Gives histories whenever it is asked."""

    async def read(self) -> Recording:
        """Return them as they are now. Raises HistoryError, ExchangeError."""
        ...

    def heading(self) -> str:
        """Say what was read, for people; empty where there is nothing to add."""
        ...

    def document(self) -> dict[str, Any]:
        """Say the same to programs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A recording."""

    file: Path
    step: timedelta | None
    market_prefix: str
    limit: int | None

    async def read(self) -> Recording:
        """Read the file."""
        return read(self.file, step=self.step, market_prefix=self.market_prefix, limit=self.limit)

    def heading(self) -> str:
        """Nothing to add."""
        return ""

    def document(self) -> dict[str, Any]:
        """Name the file."""
        return {"file": str(self.file)}


class SeriesSource:
    """The open markets of a series."""

    def __init__(self, markets: OpenMarkets, wanted: Wanted, exchange: KalshiConfig) -> None:
        self._markets, self._wanted, self._exchange = markets, wanted, exchange

    async def read(self) -> Recording:
        """Ask the exchange."""
        return await self._markets.read()

    def heading(self) -> str:
        """Say which markets, from where, and what their histories are."""
        wanted, listed = self._wanted, self._markets.listed
        what = "last trade" if wanted.price == "trade" else "middle of bid and ask"
        return (
            f"{wanted.series_ticker}: {listed} open market{'' if listed == 1 else 's'} at {self._exchange.rest_url}\n"
            f"histories: {what} of each candle of {step_text(wanted.step)}, {wanted.points} at most"
        )

    def document(self) -> dict[str, Any]:
        """Say the same to programs."""
        return {
            "series": self._wanted.series_ticker,
            "exchange": self._exchange.rest_url,
            "open_markets": self._markets.listed,
            "price": self._wanted.price,
            "points": self._wanted.points,
        }


@asynccontextmanager
async def series_source(wanted: Wanted, exchange: KalshiConfig) -> AsyncIterator[SeriesSource]:
    """Talk to the exchange while the context lasts. Raises ConfigError if its key cannot be used."""
    async with connect(exchange) as kalshi:
        yield SeriesSource(OpenMarkets(kalshi, wanted), wanted, exchange)
