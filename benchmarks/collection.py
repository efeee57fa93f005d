"""What it takes to collect hourly Bitcoin events: by the collector's plan, and as its predecessor did it.

A real `foremesh-exchange` runs in a process of its own, with generated events of 188 markets that are over and still in
the live tier, one-minute candles. An untimed pass without a budget makes it think them up. Then both sides ask it over
HTTP in the same run, list the markets first, and must come to the same candles.

    ours         one listing, then one collector with a key of the basic tier (200 tokens a second, 600 at most), eight
                 leases at a time, in real time
    predecessor  three nodes without a key, of which each lists all markets and then makes one call for each market of
                 the events that are its own (md5 of the event's ticker), 14 calls a second. Its clock runs `--speed`
                 times as fast as real time, which changes its pace only: it waits, we do not have to. The exchange
                 limits no address, so it is never refused.

`budget_used` is the tokens spent, from the end of the listing to the start of the last call, over all that the bucket
held and was refilled with in that time: 1 is a collector that waited for nothing but tokens. `least_seconds` is what a
side's calls take at its pace however fast the machine is; the predecessor is compared by that, not by its `seconds`.

    python -m benchmarks.collection [--events 300] [--speed 4] [--quick] [--json]
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path as Folder
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.exchange_daemon import exchange
from collector.fetching import Collected, Fetcher
from collector.ownership import preferred_node
from collector.types import Grant, LeaseKey, MarketTask, Phase, Purpose
from mesh.clock import ScaledClock, SystemClock
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.rest.candle_plan import life
from mesh.kalshi.rest.filters import MarketQuery
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Limits
from mesh.shards import ShardKey

SERIES, STEP = "KXBTC", 60
NODES, CALLS_PER_SECOND = 3, 14.0
LEASES = 8
QUICK_EVENTS = 3
FAST = Rate(1e9, 1e9)


@dataclass
class Probe:
    """Watches a read bucket: when tokens were last taken."""

    limits: Limits
    started: float = field(default_factory=time.monotonic)
    tokens: float = 0.0
    last: float = 0.0

    async def watch(self) -> None:
        """Look ten times a second, until cancelled."""
        while True:
            spent = self.limits.read.usage.tokens
            if spent > self.tokens:
                self.tokens, self.last = spent, time.monotonic()
            await asyncio.sleep(0.1)


async def listed(client: KalshiClient, events: int) -> dict[str, list[Market]]:
    """List the series' markets, and give those of its latest events that are over."""
    found: dict[str, list[Market]] = defaultdict(list)
    async for page in client.markets.markets(MarketQuery(series_ticker=SERIES)):
        for market in page.items:
            found[market.event_ticker].append(market)
    now = datetime.now(UTC) - timedelta(minutes=5)
    over = [event for event, markets in found.items() if markets[0].close_time < now]
    over.sort(key=lambda event: found[event][0].close_time)
    return {event: found[event] for event in over[-events:]}


def lease(event: str, markets: Sequence[Market]) -> Grant:
    """What the coordinator would grant."""
    tasks = (MarketTask(market.ticker, Phase.CLOSED, market.open_time, market.close_time) for market in markets)
    return Grant(
        lease=LeaseKey(ShardKey(SERIES, event, STEP), 1),
        purpose=Purpose.COLLECT,
        opens=markets[0].open_time,
        closes=markets[0].close_time,
        settled=None,
        fetch_from=None,
        markets=tuple(tasks),
        base=None,
    )


async def ours(url: str, key_file: Folder, events: int, member: str) -> tuple[dict[str, float], list[Collected]]:
    """Collect with a member's key."""
    clock = SystemClock()
    config = KalshiConfig(environment="custom", host=url, key_id=member, private_key_file=key_file)
    async with connect(config, clock) as client:
        await client.account.learn_costs()
        tier = await client.account.learn_limits()
        limits = client.transport.limits
        before = limits.read.usage.calls
        queue = list((await listed(client, events)).items())
        await asyncio.sleep(tier.read.bucket_capacity / tier.read.refill_rate)  # begins with a full bucket
        probe, cpu = Probe(limits, tokens=limits.read.usage.tokens), time.process_time()
        had, spent_before = limits.read.tokens, limits.read.usage.tokens
        fetcher, collected = Fetcher(client, clock), list[Collected]()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(probe.watch())

            async def work() -> None:
                while queue:
                    event, markets = queue.pop(0)
                    collected.append(
                        await fetcher.collect(
                            lease(event, markets),
                            None,
                            cutoff=None,
                            draining=asyncio.Event(),
                            report=lambda _: None,
                        )
                    )

            async with asyncio.TaskGroup() as leases:
                for _ in range(LEASES):
                    leases.create_task(work())
            watching.cancel()
        took = time.monotonic() - probe.started
        spent = limits.read.usage.tokens - spent_before
        calls = limits.read.usage.calls - before
        return {
            "calls": calls,
            "tokens": 10.0 * calls,
            "seconds": took,
            "least_seconds": max(0.0, spent - had) / tier.read.refill_rate,
            "budget_used": spent / (had + tier.read.refill_rate * (probe.last - probe.started)),
            "throttled": limits.read.usage.throttled,
            "failed": limits.read.usage.failed,
            "holes": sum(len(each.holes) for each in collected),
            "candles": sum(len(each.table) for each in collected),
            "cpu_seconds": time.process_time() - cpu,
        }, collected


async def predecessor(url: str, events: int, speed: float) -> dict[str, float]:
    """Collect as three nodes of the predecessor."""
    clock = ScaledClock(speed, datetime.now(UTC))
    real = SystemClock()
    candles, most = 0, 0
    async with connect(KalshiConfig(environment="custom", host=url), real, limits=Limits(real, read=FAST)) as client:
        started = clock.monotonic()

        async def node(number: int) -> None:
            nonlocal most
            mine = [
                market
                for event, markets in (await listed(client, events)).items()
                if preferred_node(event, NODES) == number
                for market in markets
            ]
            most, begun = max(most, len(mine)), clock.monotonic()
            async with asyncio.TaskGroup() as tasks:
                for place, market in enumerate(mine):
                    await clock.sleep(begun + place / CALLS_PER_SECOND - clock.monotonic())
                    tasks.create_task(ask(market))

        async def ask(market: Market) -> None:
            nonlocal candles
            span = life(market.ticker, market.open_time, market.close_time, STEP // 60)
            first, last = (datetime.fromtimestamp(second, UTC) for second in (span.first, span.last))
            found = await client.candles.of_market(market.ticker, first, last, STEP // 60)
            candles += len(found)

        async with asyncio.TaskGroup() as nodes:
            for number in range(NODES):
                nodes.create_task(node(number))
        seconds = clock.monotonic() - started
        usage = client.transport.limits.read.usage
    return {
        "calls": usage.calls,
        "tokens": 10.0 * usage.calls,
        "seconds": seconds,
        "least_seconds": most / CALLS_PER_SECOND,
        "throttled": usage.throttled,
        "failed": usage.failed,
        "candles": candles,
    }


async def run(folder: Folder, events: int, speed: float) -> dict[str, Any]:
    """Measure; gives facts and rows."""
    key = Ed25519PrivateKey.generate()
    key_file = folder / "basic.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    source = (
        f'kind = "generated"\nseries = [{{ ticker = "{SERIES}", history_hours = {events + 2} }}]\n'
        # A member of the basic tier, beside the one without a budget that every benchmark has.
        '[[accounts]]\nname = "basic"\nkey_id = "basic"\npublic_key_file = "bench.pem"\ntier = "basic"\n'
    )
    async with exchange(folder, key, source) as daemon:
        await ours(daemon.url, key_file, events, "bench")  # makes the exchange think up what it serves
        mine, collected = await ours(daemon.url, key_file, events, "basic")
        theirs = await predecessor(daemon.url, events, speed)
    assert mine["candles"] == theirs["candles"], "the sides do not do the same work"
    return {
        "facts": {
            "events": len(collected),
            "exchange_start_seconds": daemon.start_seconds,
            "fewer_calls": theirs["calls"] / mine["calls"],
            "faster": theirs["least_seconds"] / mine["seconds"],
        },
        "rows": {"ours": mine, "predecessor": theirs},
    }


def conditions(events: int, speed: float) -> dict[str, object]:
    """State what the figures depend on."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "exchange": "simulated, generated KXBTC, in a process of its own on this machine",
        "events_asked_for": events,
        "candles": f"{STEP // 60} minute",
        "ours": f"one process, basic tier, {LEASES} leases at a time, real time",
        "predecessor": f"{NODES} nodes, {CALLS_PER_SECOND:g} calls a second each, clock {speed:g} times real time",
        "load_average_at_the_start": os.getloadavg()[0],
    }


def table(rows: Mapping[str, Mapping[str, float]]) -> Iterable[str]:
    """Lay the rows out for people."""
    columns = list(rows["ours"])
    yield f"{'':>12}" + "".join(f"{column:>14}" for column in columns)
    for name, row in rows.items():
        cells = (f"{row[column]:>14,.4g}" if column in row else f"{'':>14}" for column in columns)
        yield f"{name:>12}" + "".join(cells)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--speed", type=float, default=4.0)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_EVENTS} events")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    events = QUICK_EVENTS if arguments.quick else arguments.events
    given = conditions(events, arguments.speed)
    with tempfile.TemporaryDirectory() as name:
        result = asyncio.run(run(Folder(name).resolve(), events, arguments.speed))
    if arguments.json:
        print(json.dumps({"conditions": given, **result}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in given.items()))
    print(", ".join(f"{key} {value:,.4g}" for key, value in result["facts"].items()))
    print("\n".join(table(result["rows"])))


if __name__ == "__main__":
    main()
