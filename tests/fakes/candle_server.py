"""A server of candles alone, which misbehaves as told.

    server = CandleServer({"A": [candle(60)]}, now=...)
    async with server.talking() as client: ...

It keeps the exchange's protocol: one market, many markets, the archive, and the time. `odd` is asked before every call
for candles and may answer in its place.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from mesh.clock import SystemClock
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Limits
from tests.fakes.kalshi_calls import FAST, serving

PREFIX = "/trade-api/v2"


@dataclass(frozen=True)
class Asked:
    """One call for candles."""

    tickers: tuple[str, ...]
    archive: bool
    start_ts: int
    end_ts: int


Odd = Callable[[Asked], Awaitable[web.StreamResponse | None]]


async def nothing_odd(_: Asked) -> web.StreamResponse | None:
    """Let the server answer."""
    return None


@dataclass
class CandleServer:
    """Serves candles. What is archived is not live."""

    candles: Mapping[str, Sequence[Mapping[str, Any]]]
    """Live form, by market."""
    now: datetime
    archived: frozenset[str] = frozenset()
    odd: Odd = nothing_odd
    asked: list[Asked] = field(default_factory=list)
    times_asked: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def talking(self, rate: Rate = FAST) -> AsyncIterator[KalshiClient]:
        """A client of it without a key."""
        clock = SystemClock()
        async with serving(self._answer) as host:
            config = KalshiConfig(environment="custom", host=host, answer_seconds=20.0)
            async with connect(config, clock, limits=Limits(clock, read=rate)) as client:
                yield client
            self.closing.set()

    async def never(self) -> web.StreamResponse:
        """Do not answer as long as anybody waits."""
        await self.closing.wait()
        return web.Response(status=503)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path, query = request.path.removeprefix(PREFIX), request.query
        if path == "/exchange/user_data_timestamp":
            self.times_asked += 1
            return web.json_response({"as_of_time": self.now.isoformat()})
        batch, archive = path == "/markets/candlesticks", path.startswith("/historical/")
        tickers = tuple(query["market_tickers"].split(",")) if batch else (path.split("/")[-2],)
        asked = Asked(tickers, archive, int(query["start_ts"]), int(query["end_ts"]))
        self.asked.append(asked)
        if (odd := await self.odd(asked)) is not None:
            return odd
        known = [ticker for ticker in tickers if ticker in self.candles and (ticker in self.archived) == archive]
        if batch:
            return web.json_response(
                {
                    "markets": [
                        {"market_ticker": ticker, "candlesticks": self._within(asked, ticker)} for ticker in known
                    ]
                }
            )
        if not known:
            return web.json_response({"error": {"code": "not_found", "message": "not found"}}, status=404)
        found = self._within(asked, *known)
        return web.json_response(
            {"ticker": known[0], "candlesticks": [bare(row) for row in found] if archive else found}
        )

    def _within(self, asked: Asked, ticker: str) -> list[Mapping[str, Any]]:
        return [row for row in self.candles[ticker] if asked.start_ts <= row["end_period_ts"] <= asked.end_ts]


def candle(end: datetime, *, close: str = "0.4100", **changes: Any) -> dict[str, Any]:
    """A live candle without a trade."""
    quote = {f"{name}_dollars": close for name in ("open", "high", "low", "close")}
    return {
        "end_period_ts": int(end.timestamp()),
        "yes_bid": quote,
        "yes_ask": {name: "0.6000" for name in quote},
        "price": {"previous_dollars": "0.5000"},
        "volume_fp": "0.00",
        "open_interest_fp": "7.50",
    } | changes


def bare(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same as the archive writes it."""
    nested = {
        key: {name.removesuffix("_dollars"): value for name, value in row[key].items()}
        for key in ("yes_bid", "yes_ask", "price")
    }
    return {
        "end_period_ts": row["end_period_ts"],
        "volume": row["volume_fp"],
        "open_interest": row["open_interest_fp"],
        **nested,
    }


def minutes(opens: datetime, count: int) -> list[datetime]:
    """Ends of the first candles of a market."""
    return [opens.astimezone(UTC) + timedelta(minutes=number + 1) for number in range(count)]
