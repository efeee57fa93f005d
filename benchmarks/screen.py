"""What screens cost the trader: WatchState while prices change.

A real engine and the real service on loopback, in the clear; exchange, forecasts and journal are in memory, so that
what is counted is the screens' work. The watchers are a process of their own, which reads as fast as it can. Some of
the markets have a position. Prices change one after the other, evenly; each change is a new book, and comes to the
engine as from its stream, of all markets (a trader follows only the books that it has to do with). The engine's clock
is moved by hand at the pace of the wall clock.

    loop_percent      of one core: CPU time of the thread that the trader's event loop runs in, above what it is with
                      the same changes and no watcher; gRPC's own threads are not in it
    process_percent   the same of the whole process
    ms_per_message    loop CPU time above no watcher, by message sent
    bytes_per_second  of the messages, for each watcher, before HTTP/2
    longest_block_ms  longest time between two turns of the loop, which others would wait for; with no watcher it is
                      the engine's own, and the machine's

    python -m benchmarks.screen [--seconds 10] [--changes 50] [--json]
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import count

import grpc
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc

from tests.fakes.trading import book, market
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import Served, served
from trader.domain.events import BookCame
from trader.domain.settings import EntrySettings, ProtectionSettings, RuleSettings, Settings, SizeSettings

MARKETS = (200, 1000)
SETUPS = ((0, 4.0), (1, 4.0), (4, 4.0), (4, 20.0))
"""Watchers and the rate that each asks for."""
POSITIONS = 100
SETTINGS = Settings(
    rules=RuleSettings(min_edge_cents=-50.0, max_trades_per_series_per_scan=1000),
    sizes=SizeSettings(
        max_series_dollars=1000.0, max_event_dollars=1000.0, max_total_dollars=1000.0, max_settlement_dollars=1000.0
    ),
    protections=ProtectionSettings(max_daily_loss_dollars=1000.0, max_drawdown_dollars=1000.0),
    entries=EntrySettings(shadow=False),
)
_STEP_SECONDS = 0.02
_NUMBERS = count()
_WARM_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What a while took."""

    loop: float
    process: float
    longest_block: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the result."""

    markets: int
    positions: int
    watchers: int
    hz: float
    loop_percent: float
    process_percent: float
    ms_per_message: float
    messages_per_second: float
    bytes_per_second: float
    snapshot_bytes: int
    longest_block_ms: float


async def watch(address: str, watchers: int, hz: float, seconds: float) -> None:
    """Read as a screen does, in a process of its own; prints messages and bytes after the first ones."""
    counts = {"messages": 0, "bytes": 0, "snapshot": 0}
    began = time.monotonic() + _WARM_SECONDS / 2

    async def one(stub: "rpc.TraderServiceAsyncStub") -> None:
        async for response in stub.WatchState(pb.WatchStateRequest(max_hz=hz)):
            size = response.ByteSize()
            if response.HasField("snapshot"):
                counts["snapshot"] = size
            elif began <= time.monotonic() < began + seconds:
                counts["messages"] += 1
                counts["bytes"] += size

    async with grpc.aio.insecure_channel(address) as channel, asyncio.timeout(seconds + _WARM_SECONDS):
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(watchers):
                    group.create_task(one(rpc.TraderServiceStub(channel)))
        finally:
            print(json.dumps(counts))


@contextlib.asynccontextmanager
async def watching(
    trader: Served, watchers: int, hz: float, seconds: float
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the watchers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.screen", "--watch", trader.server.addresses[0],
        "--watchers", str(watchers), "--hz", str(hz), "--seconds", str(seconds),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    yield process


async def live(trader: Served, tickers: list[str], changes: float, seconds: float) -> Spent:
    """Let prices change for a while."""
    loop, process, began = time.thread_time(), time.process_time(), time.monotonic()
    done, longest, last = 0, 0.0, began
    beating = True

    async def beat() -> None:
        nonlocal longest
        while beating:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before - 0.001)

    async with asyncio.TaskGroup() as group:
        group.create_task(beat())
        while (now := time.monotonic()) < began + seconds:
            while done < (now - began) * changes:
                number = next(_NUMBERS)
                bid = 51.0 + (number // len(tickers) + number) % 4
                ticker = tickers[number * 7919 % len(tickers)]
                came = book(ticker, no_bids=[(bid, 100.0)], no_asks=[(bid + 2, 100.0)])
                trader.engine.handle(BookCame(came))
                done += 1
            await trader.rig.clock.advance(now - last)
            last = now
            await asyncio.sleep(_STEP_SECONDS)
        beating = False
    return Spent(time.thread_time() - loop, time.process_time() - process, longest)


async def measure(markets: int, changes: float, seconds: float) -> list[Row]:
    """Measure all setups with so many markets."""
    tickers = [f"KXHIGHNY-26NOV23-T{number}" for number in range(markets)]
    rig = Rig(settings=SETTINGS, markets=[market(ticker, closes=timedelta(days=2)) for ticker in tickers])
    rows: list[Row] = []
    async with served(rig) as trader:
        await trader.enter(*tickers[:POSITIONS])
        gc.freeze()  # as the trader does once it has started
        base: Spent | None = None
        for watchers, hz in SETUPS:
            async with watching(trader, watchers, hz, seconds) as process:
                await live(trader, tickers, changes, _WARM_SECONDS)
                spent = await live(trader, tickers, changes, seconds)
                out, _ = await process.communicate()
            counts = json.loads(out)
            base = base or spent
            rate = counts["messages"] / seconds
            above = spent.loop - base.loop
            rows.append(
                Row(
                    markets=markets,
                    positions=len(trader.engine.state.books.positions),
                    watchers=watchers,
                    hz=hz,
                    loop_percent=100 * above / seconds,
                    process_percent=100 * (spent.process - base.process) / seconds,
                    ms_per_message=1e3 * above / counts["messages"] if counts["messages"] else 0.0,
                    messages_per_second=rate,
                    bytes_per_second=counts["bytes"] / seconds / max(1, watchers),
                    snapshot_bytes=counts["snapshot"],
                    longest_block_ms=1e3 * spent.longest_block,
                )
            )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--changes", type=float, default=50.0, help="of prices, a second")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    parser.add_argument("--watchers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--hz", type=float, default=4.0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.watch:
        with contextlib.suppress(TimeoutError):
            asyncio.run(watch(asked.watch, asked.watchers, asked.hz, asked.seconds))
        return
    rows = [row for markets in MARKETS for row in asyncio.run(measure(markets, asked.changes, asked.seconds))]
    load = os.getloadavg()[0]
    conditions = f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"
    if asked.json:
        print(json.dumps({"conditions": conditions, "rows": [asdict(row) for row in rows]}))
        return
    print(f"{asked.changes:g} changes a second; {conditions}")
    for row in rows:
        print("  ".join(f"{name} {value:.4g}" for name, value in asdict(row).items()))


if __name__ == "__main__":
    main()
