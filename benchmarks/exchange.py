"""What the simulated exchange bears: orders, batches of candlesticks, market lists, book changes to subscribers.

A real `foremesh-exchange` runs in a process of its own, its state on disk as by default, so that durability is part of
the price; this process signs, sends, checks and counts over a few keep-alive connections. Both share this machine's
cores, and other work on them lowers what is done a second; CPU time per operation is what stays.

    orders    a cycle of create, amend, decrease and cancel of a resting order and one order that takes, all single
              calls: a fifth each, every one answered 2xx
    hours     `GET /markets/candlesticks`: 100 markets, 24 periods of 60 minutes
    minutes   the same with periods of one minute; a minute without a trade or a new quote has no candle
    markets   `GET /markets?limit=1000`
    deltas    `orderbook_delta` messages that 10 WebSocket subscribers receive together, while orders come and go in
              batches of 20; numbers checked for gaps

    python -m benchmarks.exchange [--seconds 2] [--rounds 5] [--connections 8] [--json]
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path as Folder
from typing import Any

import aiohttp
import msgspec
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.exchange_daemon import Caller, Daemon, exchange

NOW = datetime(2026, 11, 17, 18, tzinfo=UTC)
SERIES = ("KXHIGHNY", "KXHIGHCHI", "KXHIGHLAX", "KXINX")
LIVELY = "markets = 40, noise_cents = 8.0, volatility = 8.0, overround = 0.5"
"""Restless enough that 100 markets have a candle for each of 24 hours."""
SOURCE = 'kind = "generated"\nseries = [' + ", ".join(f'{{ ticker = "{name}", {LIVELY} }}' for name in SERIES) + "]"
CLOCK = f'start = "{NOW.isoformat()}"'
MARKETS, PERIODS, PAGE = 100, 24, 1000
TRADED, SUBSCRIBERS, BATCH = 50, 10, 20
ORDERS = "/portfolio/events/orders"

Step = Callable[[int], Awaitable[None]]
"""What one connection, told its number, does again and again."""


class Head(msgspec.Struct):
    """What every subscriber looks at in a message."""

    type: str
    seq: int = 0


class Bench:
    """One exchange under load from one process."""

    def __init__(self, daemon: Daemon, caller: Caller, connections: int) -> None:
        self._daemon = daemon
        self._caller = caller
        self._connections = connections
        self._latencies: list[float] = []
        self._done = 0

    async def prepare(self) -> None:
        """Choose the markets: those far from both ends for orders, those with most candles for candlesticks."""
        listed = json.loads(await self._caller.call("GET", "/markets", query="status=open&limit=1000"))["markets"]
        by_distance = sorted(listed, key=lambda market: abs(0.5 - float(market["yes_ask_dollars"])))
        self._traded = [market["ticker"] for market in by_distance[:TRADED]]
        tickers = [market["ticker"] for market in listed]
        self._queries = {minutes: await self._fullest(tickers, minutes) for minutes in (60, 1)}

    async def _fullest(self, tickers: Sequence[str], minutes: int) -> tuple[str, int]:
        end = NOW - timedelta(hours=2)
        start = end - timedelta(minutes=minutes * (PERIODS - 1))
        period = f"start_ts={start.timestamp():.0f}&end_ts={end.timestamp():.0f}&period_interval={minutes}"
        found: list[tuple[int, str]] = []
        for chunk in itertools.zip_longest(*[iter(tickers)] * MARKETS):
            query = f"market_tickers={','.join(filter(None, chunk))}&{period}"
            reply = json.loads(await self._caller.call("GET", "/markets/candlesticks", query=query))
            found += [(len(market["candlesticks"]), market["market_ticker"]) for market in reply["markets"]]
        best = sorted(found, reverse=True)[:MARKETS]
        return f"market_tickers={','.join(ticker for _, ticker in best)}&{period}", sum(count for count, _ in best)

    async def measure(self, step: Step, seconds: float) -> dict[str, float]:
        """Let every connection repeat a step, and give what came of it a second and what it cost."""

        async def work(number: int) -> None:
            while time.perf_counter() < end:
                await step(number)

        self._latencies.clear()
        self._done = 0
        server, client, started = self._daemon.cpu_seconds(), time.process_time(), time.perf_counter()
        end = started + seconds
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._connections):
                tasks.create_task(work(number))
        took = time.perf_counter() - started
        cuts = statistics.quantiles(self._latencies, n=100)
        return {
            "per_second": self._done / took,
            "server_cpu_micros": (self._daemon.cpu_seconds() - server) / self._done * 1e6,
            "client_cpu_micros": (time.process_time() - client) / self._done * 1e6,
            "p50_ms": cuts[49] * 1e3,
            "p99_ms": cuts[98] * 1e3,
        }

    async def orders(self, number: int) -> None:
        """Take one order through its life, and let another one take."""
        ticker = self._traded[number % TRADED]
        resting = _order(ticker, "bid", "0.0100", "10.00", "good_till_canceled")
        order_id = json.loads(await self._timed("POST", ORDERS, resting))["order_id"]
        terms = {"ticker": ticker, "side": "bid", "price": "0.0200", "count": "12.00"}
        await self._timed("POST", f"{ORDERS}/{order_id}/amend", terms)
        await self._timed("POST", f"{ORDERS}/{order_id}/decrease", {"reduce_by": "5.00"})
        await self._timed("DELETE", f"{ORDERS}/{order_id}")
        side, price = ("bid", "0.9500") if number % 2 else ("ask", "0.0500")
        await self._timed("POST", ORDERS, _order(ticker, side, price, "0.10", "immediate_or_cancel"))
        self._done += 5

    async def candles(self, minutes: int) -> None:
        """Ask for one batch of candlesticks."""
        query, expected = self._queries[minutes]
        text = await self._timed("GET", "/markets/candlesticks", query=query)
        assert (found := text.count(b'"end_period_ts"')) == expected, f"{found} candles, {expected} before"
        self._done += 1

    async def markets(self, _: int) -> None:
        """Ask for one page of markets."""
        text = await self._timed("GET", "/markets", query=f"limit={PAGE}")
        assert text.count(b'"rules_primary"') == PAGE
        self._done += 1

    async def deltas(self, seconds: float) -> dict[str, float]:
        """Let subscribers count while orders come and go."""
        sockets = [await self._subscriber() for _ in range(SUBSCRIBERS)]
        async with asyncio.TaskGroup() as tasks:
            for socket in sockets:
                tasks.create_task(self._hear(socket))
            row = await self.measure(self._churn, seconds)
            for socket in sockets:
                await socket.close()
        return row

    async def _subscriber(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self._caller.listen()
        params = {"channels": ["orderbook_delta"], "market_tickers": self._traded}
        await socket.send_json({"id": 1, "cmd": "subscribe", "params": params})
        return socket

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        last, decode = 0, msgspec.json.Decoder(Head).decode
        async for message in socket:
            head = decode(message.data)
            if head.type == "subscribed":
                continue
            assert head.seq == last + 1, f"{head.type} {head.seq} after {last}"
            last = head.seq
            self._done += head.type == "orderbook_delta"

    async def _churn(self, number: int) -> None:
        order = _order(self._traded[number % TRADED], "bid", "0.0100", "1.00", "good_till_canceled")
        placed = await self._timed("POST", f"{ORDERS}/batched", {"orders": [order] * BATCH})
        cancels = [{"order_id": row["order_id"]} for row in json.loads(placed)["orders"]]
        await self._timed("DELETE", f"{ORDERS}/batched", {"orders": cancels})

    async def _timed(self, method: str, path: str, body: Any = None, query: str = "") -> bytes:
        started = time.perf_counter()
        text = await self._caller.call(method, path, body, query)
        self._latencies.append(time.perf_counter() - started)
        return text

    async def round(self, seconds: float) -> dict[str, dict[str, float]]:
        """Measure everything once."""
        return {
            "orders": await self.measure(self.orders, seconds),
            "hours": await self.measure(lambda _: self.candles(60), seconds),
            "minutes": await self.measure(lambda _: self.candles(1), seconds),
            "markets": await self.measure(self.markets, seconds),
            "deltas": await self.deltas(seconds),
        }

    @property
    def candle_counts(self) -> dict[str, int]:
        """How many candles a reply has."""
        return {"candles_in_hours": self._queries[60][1], "candles_in_minutes": self._queries[1][1]}


def _order(ticker: str, side: str, price: str, count: str, time_in_force: str) -> dict[str, str]:
    return {
        "ticker": ticker,
        "side": side,
        "price": price,
        "count": count,
        "time_in_force": time_in_force,
        "self_trade_prevention_type": "taker_at_cross",
    }


async def run(folder: Folder, seconds: float, rounds: int, connections: int) -> dict[str, Any]:
    """Measure; gives facts and rows."""
    key = Ed25519PrivateKey.generate()
    (folder / "default").mkdir()
    async with exchange(folder / "default", key) as daemon:
        facts: dict[str, Any] = {
            "default_start_seconds": daemon.start_seconds,
            "default_start_cpu_seconds": daemon.cpu_seconds(),
            "default_memory_megabytes": daemon.memory_bytes() / 1e6,
        }
    (folder / "bench").mkdir()
    connector = aiohttp.TCPConnector(limit=connections + SUBSCRIBERS)
    async with (
        exchange(folder / "bench", key, SOURCE, CLOCK) as daemon,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        bench = Bench(daemon, Caller(session, daemon.url, key), connections)
        await bench.prepare()
        results = [await bench.round(seconds) for _ in range(rounds)]
        facts |= bench.candle_counts
        facts["memory_megabytes_at_the_end"] = daemon.memory_bytes() / 1e6
    rows = {
        name: {column: statistics.median(result[name][column] for result in results) for column in first}
        for name, first in results[0].items()
    }
    return {"facts": facts, "rows": rows}


def conditions(folder: Folder, seconds: float, rounds: int, connections: int) -> dict[str, object]:
    """State what the figures depend on."""
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "aiohttp": aiohttp.__version__,
        "connections": connections,
        "key": "Ed25519",
        "source": f"generated, {len(SERIES)} series of 40 markets an event, real-time speed",
        "state": f"on disk ({max(mounts, key=lambda part: len(part.mountpoint)).fstype})",
        "seconds_per_measurement": seconds,
        "rounds": rounds,
        "load_average_at_the_start": os.getloadavg()[0],
        "figures": "medians; client and server share the cores",
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name).resolve()
        given = conditions(folder, arguments.seconds, arguments.rounds, arguments.connections)
        result = asyncio.run(run(folder, arguments.seconds, arguments.rounds, arguments.connections))
    if arguments.json:
        print(json.dumps({"conditions": given, **result}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in given.items()))
    print(", ".join(f"{key} {value:,.4g}" for key, value in result["facts"].items()))
    print(f"{'':>8}{'per second':>12}{'server CPU us':>15}{'client CPU us':>15}{'p50 ms':>9}{'p99 ms':>9}")
    for kind, row in result["rows"].items():
        print(
            f"{kind:>8}{row['per_second']:>12,.1f}{row['server_cpu_micros']:>15,.0f}{row['client_cpu_micros']:>15,.0f}"
            f"{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}"
        )


if __name__ == "__main__":
    main()
