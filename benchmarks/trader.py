"""What the trader adds: to a scan, between a quote and the order that it leads to, at a start, in memory.

Real processes: `foremesh-exchange` with recorded markets, `foremesh-forecast-server` with the random-walk model, and
`foremesh-trader` in mode demo with a key, so with WebSocket and orders, its journal on disk. The trader begins on a
journal with a long history of such scans, and holds positions in other markets than those that are scanned.

    cold, warm  what a scan takes of the trader itself. `wall_seconds` is the time during which its event loop did not
                wait (the clock is read before and after each wait of its selector): the journal's syncs, and all that
                it did besides, are in it. `cpu_seconds` is what its process used, on all cores. Both from the first
                request of the scan, as a tap on the wire saw it, to its last journal entry. The rest of `seconds` is
                waiting: for the exchange, the request budget, the forecast server. `cold` is the first scan of a
                process, which reads all candles; `warm` are the next ones. A third of the markets give a signal
    full_...    the same where every market gives a signal, and so is decided on and written down
    exits       from a quote on its way to the trader to the exit order on its way to the exchange, both as the tap saw
                them: while scans are under way, another member bids what a position is to be sold at.
                `longest_block_ms` is the longest that the event loop did not look at its sockets meanwhile
    start       from the start of the process to the first look at all positions, without books carried forward: the
                whole journal is folded, as after an upgrade. `carried_seconds` is the usual start, from such books
    memory      resident after those scans; `torch` is 1 if it was imported

    python -m benchmarks.trader [--markets 1000] [--rows 100000] [--exits 200] [--warm 10] [--quick] [--json]
"""

import argparse
import asyncio
import json
import math
import os
import platform
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path as Folder
from typing import Any

import aiohttp
import numpy as np
import psutil

from benchmarks import trader_world
from benchmarks.fleet_daemons import Process, free_address, process
from benchmarks.mesh_stages import pairs
from benchmarks.noting import DIARY
from benchmarks.trader_tap import Tap, tapped
from benchmarks.trader_world import SCANNED, World
from mesh.clock import SystemClock
from trader.engine.carrying import carry
from trader.journal.carried import beside, write

HELD = 100
"""Positions that are open at any time; there are as many more as exits are measured."""
PROMISES = {
    ("cold", "wall_seconds"): "under 1",
    ("warm", "wall_seconds"): "under 0.3",
    ("exits", "p99_ms"): "under 50",
    ("start", "seconds"): "under 3",
    ("start", "carried_seconds"): "under 3",
    ("memory", "megabytes"): "under 300",
    ("memory", "torch"): "0",
}
JOURNAL = "trader.journal"
_PATIENCE = 120.0
_LOOK_SECONDS = 0.05
_QUOTES_APART = 0.08, 0.16
"""Seconds: a member of the basic tier may send ten orders a second, and no exit shall wait for that."""
_AGE = re.compile(r"^foremesh_trader_exit_loop_age_seconds (\S+)$", re.MULTILINE)

_FEWEST = 2
"""Exits that a distribution can be made of."""
_NOTHING_BOUGHT = {"sizes.dollars_per_trade": 0.01}
_ALL_SIGNALS = {"rules.min_magnitude_cents": 0.0}

Row = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    markets: int
    rows: int
    exits: int
    warm: int
    held: int = HELD


@dataclass
class Trader:
    """A process of the trader, and what is known of it."""

    daemon: Process
    folder: Folder
    metrics: str
    launched: float = field(default_factory=time.time)

    async def first_look(self) -> float:
        """Wait for the first look at all positions; gives seconds from the launch to it."""
        async with aiohttp.ClientSession() as session, asyncio.timeout(_PATIENCE):
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                try:
                    async with session.get(f"http://{self.metrics}/metrics") as reply:
                        text, now = await reply.text(), time.time()
                except aiohttp.ClientError:
                    assert self.daemon.process.returncode is None, self.daemon.log.read_text()
                    continue
                age = float(_AGE.findall(text)[0])
                if not math.isnan(age):
                    return now - age - self.launched

    def memory_megabytes(self) -> float:
        """Give what it has resident."""
        return float(psutil.Process(self.daemon.process.pid).memory_info().rss / 1e6)

    async def end(self) -> "Diary":
        """Stop it in order, and read what it was busy with."""
        await self.daemon.end()
        assert self.daemon.process.returncode == 0, self.daemon.log.read_text()[-5000:]
        return Diary(json.loads((self.folder / DIARY).read_text()))


class Diary:
    """What a process of the trader wrote down, see `benchmarks.trader_process`."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.torch = bool(found["torch"])
        self._times, self._busy, self._cpu = found["times"], found["busy"], found["cpu"]
        self._long, self.decided = pairs(found["long"]), pairs(found["decided"])

    def between(self, start: float, end: float) -> Row:
        """Give what it did between two instants."""

        def spent(totals: Sequence[float]) -> float:
            first, last = np.interp([start, end], self._times, totals)
            return float(last - first)

        return {"seconds": end - start, "wall_seconds": spent(self._busy), "cpu_seconds": spent(self._cpu)}

    def longest(self, spans: Sequence[tuple[float, float]]) -> float:
        """Give the longest stretch without a wait within spans, in seconds."""
        return max((took for at, took in self._long if _within(at, spans)), default=0.0)


def _within(at: float, spans: Sequence[tuple[float, float]]) -> bool:
    place = bisect_right(spans, (at, float("inf")))
    return place > 0 and at <= spans[place - 1][1]


def finished(journal: Folder, after: int = 0) -> list[float]:
    """Give the times at which scans ended, of entries after a sequence."""
    query = "SELECT time FROM entries WHERE kind = 'scan_finished' AND sequence > ? ORDER BY sequence"
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        return [datetime.fromisoformat(time).timestamp() for (time,) in database.execute(query, (after,))]


def spans(tap: Tap, ends: Sequence[float]) -> list[tuple[float, float]]:
    """Give beginning and end of scans: each begins with the first listing after the one before."""
    found, before = [], 0.0
    for end in ends:
        first = next((at for at in tap.listings if at > before), None)
        if first is not None and first < end:
            found.append((first, end))
        before = end
    return found


@asynccontextmanager
async def trading(folder: Folder, world: World, tap: Tap, forecasts: str, **more: object) -> AsyncIterator[Trader]:
    """Run a trader with the journal of the folder above."""
    metrics = free_address()
    tap.listings.clear()
    settings: dict[str, object] = {
        "mode": "demo",
        "journal_file": folder.parent / JOURNAL,
        "kalshi": f"{{environment = 'custom', host = '{tap.url}', key_id = 'bench', "
        f"private_key_file = '{world.key_file}'}}",
        "series": "[" + ", ".join(f"{{ticker = '{series}'}}" for series in SCANNED) + "]",
        "forecast.targets": f'["{forecasts}"]',
        "rpc.listen": '["127.0.0.1:0"]',
        "rpc.metrics_listen": metrics,
        "scan_seconds": 1,
        # So much is held already that nothing would ever be bought, and every exit loses a little.
        "sizes.max_total_dollars": 10_000,
        "protections.max_daily_loss_dollars": 100_000,
        "protections.max_drawdown_dollars": 100_000,
    }
    settings |= more
    launched = time.time()
    async with process("benchmarks.trader_process", folder, settings) as daemon:
        yield Trader(daemon, folder, metrics, launched)


async def until_finished(trader: Trader, count: int, after: int = 0) -> list[float]:
    """Wait until so many scans have ended."""
    journal = trader.folder.parent / JOURNAL
    async with asyncio.timeout(_PATIENCE):
        while not journal.exists() or len(found := finished(journal, after)) < count:
            assert trader.daemon.process.returncode is None, trader.daemon.log.read_text()[-5000:]
            await asyncio.sleep(_LOOK_SECONDS)
    return found


async def quotes(world: World, tap: Tap, journal: Folder, tickers: Sequence[str]) -> dict[str, float]:
    """Bring quotes, one after the other at any moment of scans; gives their wall times by market."""
    # Looking again and again, because what it looks at is in another process.
    moments, at = random.Random(7), dict[str, float]()  # noqa: S311  # no secrets
    last = length(journal)
    async with asyncio.timeout(_PATIENCE + 5 * len(tickers)):
        for ticker in tickers:
            while not tap.listings or tap.listings[-1] <= max(finished(journal, last), default=0.0):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS / 5)
            await asyncio.sleep(moments.uniform(*_QUOTES_APART))
            tap.awaited.add(ticker)
            at[ticker] = time.time()
            await trader_world.bid(world.maker, ticker)
        while not tap.orders.keys() >= set(tickers):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
    return at


def length(journal: Folder) -> int:
    """Give the sequence of the last entry."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        (last,) = database.execute("SELECT max(sequence) FROM entries").fetchone()
    return int(last)


async def run(folder: Folder, plan: Plan) -> dict[str, Any]:
    """Measure; gives facts and rows."""
    held = trader_world.tickers(trader_world.HELD, plan.held + plan.exits)
    journal = folder / JOURNAL
    settings = {"rpc.listen": '["127.0.0.1:0"]', "rpc.metrics_listen": "off"}
    async with (
        trader_world.world(folder, trader_world.record(folder / "recording", plan.markets, len(held))) as world,
        process("forecast_server", folder / "forecasts", settings) as server,
        tapped(world.daemon.url) as tap,
    ):
        forecasts = (await server.logged("serving"))["addresses"][0]
        await server.logged("ready")
        _say("one scan, for the history of the journal")
        async with trading(folder / "past", world, tap, forecasts, **_NOTHING_BOUGHT) as trader:
            await until_finished(trader, 1)
            await trader.end()
        rows = trader_world.lengthen(journal, plan.rows, held)
        size = journal.stat().st_size
        for ticker in held:
            await trader_world.hold(world.account, ticker)

        starts, memory, scans = list[float](), list[float](), dict[str, Row]()
        for name, more in {"": {}, "full_": _ALL_SIGNALS}.items():
            _say(f"a start on {rows} rows, a cold scan and {plan.warm} warm ones")
            before = length(journal)
            beside(journal).unlink(missing_ok=True)
            async with trading(folder / f"{name}scans", world, tap, forecasts, **more) as trader:
                starts.append(await trader.first_look())
                ends = await until_finished(trader, 1 + plan.warm, before)
                memory.append(trader.memory_megabytes())
                diary = await trader.end()
            cold, *warm = (diary.between(*span) for span in spans(tap, ends))
            scans |= {f"{name}cold": cold, f"{name}warm": _medians(warm)}

        _say(f"{plan.exits} exits while it scans")
        before = length(journal)
        beside(journal).unlink(missing_ok=True)
        async with trading(folder / "exits", world, tap, forecasts, **_NOTHING_BOUGHT) as trader:
            starts.append(await trader.first_look())
            begun = await quotes(world, tap, journal, held[plan.held :])
            ends = await until_finished(trader, len(finished(journal, before)) + 1, before)
            memory.append(trader.memory_megabytes())
            scanning, diary = spans(tap, ends), await trader.end()

        _say("a start from books carried forward")
        write(journal, await carry(journal, length(journal), SystemClock()))
        async with trading(folder / "carried", world, tap, forecasts, **_NOTHING_BOUGHT) as trader:
            carried = await trader.first_look()
            await trader.end()
    took = {name: tap.orders[name] - tap.quotes[name] for name in begun}
    times = [took[name] for name, at in begun.items() if _within(at, scanning)]
    if len(times) < _FEWEST:  # a quick run on a busy machine: then all of them, scan or not
        times = list(took.values())
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {
        "facts": {
            "journal_rows": rows,
            "journal_megabytes": size / 1e6,
            "exits_in_all": len(begun),
        },
        "rows": {
            **scans,
            "exits": {
                "count": len(times),
                "p50_ms": cuts[49] * 1e3,
                "p99_ms": cuts[98] * 1e3,
                "worst_ms": max(times) * 1e3,
                "longest_block_ms": diary.longest(scanning) * 1e3,
            },
            "start": {
                "seconds": statistics.median(starts),
                "worst_seconds": max(starts),
                "carried_seconds": carried,
            },
            "memory": {"megabytes": max(memory), "torch": float(diary.torch)},
        },
    }


def _medians(scans: Sequence[Row]) -> Row:
    return {name: statistics.median(scan[name] for scan in scans) for name in scans[0]}


def conditions(plan: Plan) -> dict[str, object]:
    """State what the figures depend on."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "markets": f"{plan.markets} in {len(SCANNED)} series; a third give a signal, in the full scans all",
        "candles": f"{trader_world.CANDLES} hourly ones a market",
        "positions": f"{plan.held}, and {plan.exits} more that are sold",
        "exchange": "simulated, recorded markets, no request budget of its own, in a process of its own",
        "model": "random-walk, in a process of its own",
        "request_budget": "the basic tier's, kept by the trader; waiting for it is no part of `wall`",
        "load_average_at_the_start": os.getloadavg()[0],
        "figures": f"of warm scans the median of {plan.warm}; exchange, forecast server, trader, tap share the cores",
    }


def table(rows: Mapping[str, Row]) -> str:
    """Lay the rows out for people, with what is promised."""
    lines = []
    for name, row in rows.items():
        for column, value in row.items():
            promise = PROMISES.get((name, column))
            lines.append(f"{name:>10}  {column:<20}{value:>12,.3f}{f'   promised: {promise}' if promise else ''}")
    return "\n".join(lines)


def _say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--exits", type=int, default=200)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="a small run that shows that it works")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    plan = Plan(arguments.markets, arguments.rows, arguments.exits, arguments.warm)
    if arguments.quick:
        plan = Plan(markets=40, rows=1000, exits=8, warm=1, held=4)
    given = conditions(plan)
    with tempfile.TemporaryDirectory() as name:
        result = asyncio.run(run(Folder(name).resolve(), plan))
    if arguments.json:
        print(json.dumps({"conditions": given, **result}, indent=2))
        return
    print("\n".join(f"{key}: {value}" for key, value in given.items()), end="\n\n")
    print(", ".join(f"{key} {value:,.4g}" for key, value in result["facts"].items()))
    print(table(result["rows"]))


if __name__ == "__main__":
    main()
