"""A scan as the design that foremesh replaces does it: one thing after the other, each waited for.

Open markets series by series; candles market by market, kept until the process ends; one `POST /signal` with all
markets; then the filters, and for every signal that passes them the book, for its depth at the limit, and the order.

It has advantages that its model had not: connections to the exchange stay open, replies are read by our own client,
nothing is written down and nobody told, it does not wait for orders to fill, and no tap is between it and the exchange.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import predecessor
from benchmarks.markets import Market
from benchmarks.mesh_world import SERIES
from benchmarks.sides import HORIZON
from benchmarks.trader_world import buy
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.pasts import on_grid
from mesh.kalshi.rest import market_wire
from mesh.kalshi.rest.filters import MarketQuery
from mesh.kalshi.terms import MarketFilter, TimeInForce
from mesh.types import Hundredths
from trader.scanning.asking import price_cents

_LEAST_MAGNITUDE_CENTS = 5.0
_TRADES_PER_SERIES = 3
_PRICES_CENTS = 20, 95
_SPREAD_CENTS = 10
_TRADE_CENTS = 300
_MOST_CONTRACTS = 100
_SLIPPAGE_SHARE, _MOST_SLIPPAGE_CENTS = 0.2, 3


@dataclass(frozen=True)
class Scanned:
    """A scan that is over."""

    seconds: float
    stages: dict[str, float]
    """Seconds by stage; what is in none of them is not here."""
    counts: dict[str, float]
    means_cents: dict[str, float]
    """Mean forecast of every signal, by market."""


class Trader:
    """Scans, buys, and remembers what it holds.

    Args:
        client: Of the exchange.
        server: Forecasts.
        until: Candles that end later are not read: in an hour that ends meanwhile, what the other side bought stands.
    """

    def __init__(self, client: KalshiClient, server: predecessor.Client, until: datetime) -> None:
        self._client, self._server, self._until = client, server, until
        self._closes: dict[str, NDArray[np.float32]] = {}
        self._held: set[str] = set()
        self._stages = defaultdict[str, float](float)
        self._requests = 0

    async def scan(self) -> Scanned:
        """Scan once."""
        began = time.perf_counter()
        self._stages.clear()
        self._requests = 0
        listed = {market.ticker: market for series in SERIES for market in await self._open(series)}
        for market in listed.values():
            if market.ticker not in self._closes:
                await self._read(market)
        with self._timed("trader"):
            rows = [row for market in listed.values() if (row := self._row(market)) is not None]
            body = predecessor.request(rows, HORIZON, _LEAST_MAGNITUDE_CENTS)
        answer = await self._ask(body)
        with self._timed("decisions"):
            chosen = list(self._chosen(answer["signals"], listed))
        for ticker, limit_cents, count in chosen:
            with self._timed("orders"):
                await self._client.markets.order_book(ticker)
                await buy(self._client, ticker, limit_cents, TimeInForce.GOOD_TILL_CANCELED, count)
            self._requests += 2
            self._held.add(ticker)
        took = time.perf_counter() - began
        # Within 0 and 100, as our server gives paths: it does not clip, and only answers are to be compared here.
        means = {
            signal["ticker"]: float(np.clip(signal["point_forecast"], 0, 100).mean()) for signal in answer["signals"]
        }
        counts = {"requests": self._requests, "orders": len(chosen), "forecasts": len(rows), "signals": len(means)}
        return Scanned(took, dict(self._stages), {name: float(count) for name, count in counts.items()}, means)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages[stage] += time.perf_counter() - began

    async def _open(self, series: str) -> list[market_wire.Market]:
        found = list[market_wire.Market]()
        with self._timed("exchange"):
            async for page in self._client.markets.markets(MarketQuery(series_ticker=series, status=MarketFilter.OPEN)):
                found += page.items
                self._requests += 1
        return found

    async def _read(self, market: market_wire.Market) -> None:
        """Read the candles of one market, as one history without gaps."""
        with self._timed("exchange"):
            candles = await self._client.candles.of_market(market.ticker, market.open_time, self._until, 60)
        self._requests += 1
        with self._timed("trader"):
            prices = [candle.trades.close if candle.volume else None for candle in candles]
            cents = [float("nan") if price is None else price.cents for price in prices]
            closes = on_grid({candle.end_ts: price for candle, price in zip(candles, cents, strict=True)}, 3600)
            known = np.flatnonzero(np.isfinite(closes))
            if len(known):
                past = Market(market.ticker, market.series_ticker, closes[known[0] :], price=0.0)
                self._closes[market.ticker] = past.filled()

    def _row(self, market: market_wire.Market) -> dict[str, Any] | None:
        closes, price = self._closes.get(market.ticker), price_cents(market)
        if closes is None or price is None:
            return None
        return Market(market.ticker, market.series_ticker, closes, price).row()

    async def _ask(self, body: bytes) -> dict[str, Any]:
        """Wait for the server: what the model needs of that is its word, the rest is transport."""
        began = time.perf_counter()
        answer = await asyncio.to_thread(self._server.post, body)
        took, model = time.perf_counter() - began, answer["model_ms"] / 1e3
        self._stages["model"] += model
        self._stages["transport"] += took - model
        return answer

    def _chosen(
        self, signals: list[dict[str, Any]], listed: dict[str, market_wire.Market]
    ) -> Iterator[tuple[str, int, Hundredths]]:
        """Filter signals; gives market, limit in cents of NO, and contracts."""
        bought: Counter[str] = Counter()
        for signal in signals:
            ticker, series, magnitude = signal["ticker"], signal["series_ticker"], signal["magnitude"]
            market = listed[ticker]
            if market.bid is None or market.ask is None or ticker in self._held or bought[series] >= _TRADES_PER_SERIES:
                continue
            ask, spread = 100 - market.bid.cents, market.ask.cents - market.bid.cents
            low, high = _PRICES_CENTS
            if signal["side"] != "no" or not low <= ask <= high or spread > _SPREAD_CENTS:
                continue
            limit = round(ask) + min(int(magnitude * _SLIPPAGE_SHARE), _MOST_SLIPPAGE_CENTS)
            bought[series] += 1
            yield ticker, limit, Hundredths(100 * min(_MOST_CONTRACTS, _TRADE_CENTS // limit))
