"""What a fleet of collectors gets out of its API budgets, and what the death of one of them costs.

A real `foremesh-exchange`, `foremesh-coordinator` and one or three `foremesh-collector`, each a process of its own on
this machine, with generated hourly Bitcoin events of 188 markets that are over, one-minute candles, two calls each. The
exchange's time stands at twenty past the hour when it starts, so nothing becomes due on the way. The events are listed
once, and an untimed pass without a budget makes the exchange think them up; every run begins with a copy of that
listing, with empty collectors that are up already, and with full buckets at the exchange.

    account    one collector with a key of the basic tier (200 tokens a second, 600 at most) against three that share it,
               at the same events: `shared_over_one` is their throughput over its, 1 is all of it
    addresses  one collector without a key against three, each of which calls from an address of its own and begins to
               learn what it bears; three get three times the events, so that all learn for as long.
               `three_over_one` is their throughput over its, 3 is all of it. A forwarder gives each its address
    killed     as three on one account, but one is ended with -9 when half of the events are committed: `delay_seconds`
               is what it took longer than they did, and the lease runs for `--lease` seconds

Throughput is committed events by the time from the first lease to the last commit, as the coordinator's database has it;
`steady` is the same between a tenth and nine tenths of the commits: without start and end. `budget_used` is the tokens
spent over all that the bucket held and was refilled with from the first lease to the last commit.

    python -m benchmarks.fleet [--events 300] [--addressed 80] [--lease 15] [--quick] [--json]
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path as Folder
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb

from benchmarks.exchange_daemon import Daemon, exchange
from benchmarks.fleet_daemons import (
    Coordinator,
    Process,
    addresses,
    collector_settings,
    coordinator,
    free_address,
    process,
)

SERIES, NODES, ACCOUNT, RICH = "KXBTC", 3, "basic", "rich"
REFILL, CAPACITY = 200.0, 600.0
FILL_SECONDS = 3.5
PER_ADDRESS = 4.0
QUICK_EVENTS, QUICK_ADDRESSED = 60, 9
PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.2

Row = dict[str, float]


@dataclass(frozen=True)
class World:
    """What all runs have in common."""

    folder: Folder
    exchange: Daemon
    key_file: Folder
    begins: datetime
    """The exchange's time when it started."""
    lease: float

    def key(self, member: str) -> dict[str, object]:
        """Ask the exchange as a member."""
        return {
            "kalshi.environment": "custom",
            "kalshi.host": self.exchange.url,
            "kalshi.key_id": member,
            "kalshi.private_key_file": self.key_file,
        }

    def coordinator(self, since: datetime) -> dict[str, object]:
        """Configure a coordinator; what it lists itself it lists as a member without a budget, and once."""
        return {
            "total_nodes": NODES,
            "listing_seconds": 86_400,
            "series": f'[{{ ticker = "{SERIES}", steps = ["1m"], since = "{since.isoformat()}" }}]',
            "lease.lease_seconds": self.lease,
            "lease.heartbeat_seconds": self.lease / 6,
            "lease.refresh_seconds": 86_400,
            **self.key("bench"),
        }


@dataclass(frozen=True)
class Listing:
    """A coordinator's state once it has listed some events."""

    folder: Folder
    since: datetime
    events: int


async def listed(world: World, name: str, since: datetime) -> Listing:
    """List the events that closed from then on."""
    folder = world.folder / name
    async with coordinator(folder, free_address(), world.coordinator(since)) as made:
        await made.daemon.logged("listed")
        due = made.database("SELECT count(*) FROM shards WHERE opens < ?", world.begins.isoformat())
        await made.daemon.end()
    return Listing(folder, since, int(due[0][0]))


async def collected(
    world: World,
    name: str,
    listing: Listing,
    collectors: Sequence[Mapping[str, object]],
    *,
    kill: bool = False,
) -> Row:
    """Have these collectors collect all that is listed; gives what it took."""
    folder, address = world.folder / name, free_address()
    shutil.copytree(listing.folder / "state", folder / "state")
    async with AsyncExitStack() as stack:
        started = [
            await stack.enter_async_context(
                process(
                    "collector", folder / f"node-{place}", collector_settings(f"node-{place}", place, address) | said
                )
            )
            for place, said in enumerate(collectors)
        ]
        for daemon in started:
            await daemon.logged("ready")
        await asyncio.sleep(FILL_SECONDS)
        for daemon in started:
            daemon.look()
        before = [daemon.cpu_seconds for daemon in started]
        exchange_before = world.exchange.cpu_seconds()
        made = await stack.enter_async_context(coordinator(folder, address, world.coordinator(listing.since)))
        killed = await _until_done(made, started, listing.events, kill=kill)
        exchange_seconds = world.exchange.cpu_seconds() - exchange_before
        usage = [worker.api_usage for worker in (await made.stub.ListWorkers(pb.ListWorkersRequest())).workers]
        for daemon in (*started, made.daemon):
            daemon.look()
        manifest = await made.manifest()
        row = _timing(made, started, listing.events)
        row |= {
            "throttled": sum(each.throttled_count for each in usage),
            "failed": sum(each.failed_count for each in usage),
            "calls": sum(each.call_count for each in usage),
            "twice": len(manifest)
            - len({(shard.shard_key.event_ticker, str(shard.shard_key)) for shard in manifest})
            + made.database(
                "SELECT count(*) FROM (SELECT 1 FROM commits GROUP BY series, event, step HAVING count(*) > 1)"
            )[0][0],
            "missing": listing.events - sum(shard.HasField("commit") for shard in manifest),
            "rows": made.database("SELECT sum(row_count) FROM commits")[0][0],
            "cpu_collectors": sum(daemon.cpu_seconds for daemon in started) - sum(before),
            "cpu_coordinator": made.daemon.cpu_seconds,
            "cpu_exchange": exchange_seconds,
        }
        if killed is not None:
            row["killed_after_seconds"] = killed - _first_lease(started)
        for daemon in started:
            await daemon.end()
        await made.daemon.end()
    return row


async def _until_done(made: Coordinator, collectors: Sequence[Process], events: int, *, kill: bool) -> float | None:
    """Wait until everything is committed; gives the wall time at which the last collector was killed."""
    killed = None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (done := made.database("SELECT count(*) FROM commits")[0][0]) < events:
            if kill and killed is None and done >= events / 2:
                killed = time.time()
                await collectors[-1].end(kill=True)
            if os.environ.get("TRACE"):
                for w in (await made.stub.ListWorkers(pb.ListWorkersRequest())).workers:
                    u, sh = w.api_usage, w.api_budget_share
                    print(
                        f"  {time.time():.1f} {done} {w.worker_id} share {sh.tokens_per_second:.0f} burst {sh.burst_tokens:.0f} used {u.tokens_per_second:.0f} wanted {u.wanted_tokens_per_second:.0f} tokens {u.token_count} leases {w.lease_count} age {w.heartbeat_age.ToMilliseconds()}"
                    )
            await asyncio.sleep(_POLL_SECONDS)
        await asyncio.sleep(1.0)  # a last heartbeat tells what was spent
    return killed


def _first_lease(collectors: Sequence[Process]) -> float:
    return min(_instant(entry["timestamp"]) for daemon in collectors for entry in daemon.entries("leased")[:1])


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _timing(made: Coordinator, collectors: Sequence[Process], events: int) -> Row:
    commits = sorted(_instant(text) for (text,) in made.database("SELECT committed FROM commits"))
    start = _first_lease(collectors)
    seconds = commits[-1] - start
    low, high = len(commits) // 10, len(commits) * 9 // 10
    firsts = [_instant(daemon.entries("leased")[0]["timestamp"]) - start for daemon in collectors]
    lasts = [_instant(daemon.entries("committed")[-1]["timestamp"]) - start for daemon in collectors]
    return {
        "events": events,
        "seconds": seconds,
        "events_per_second": events / seconds,
        "steady": (high - low) / (commits[high] - commits[low]),
        "last_starts": max(firsts),
        "first_ends": min(lasts),
    }


async def run(folder: Folder, events: int, addressed: int, lease: float) -> dict[str, Any]:
    """Measure; gives facts and rows."""
    key, key_file = Ed25519PrivateKey.generate(), folder / "member.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    begins = datetime.now(UTC).replace(minute=20, second=0, microsecond=0) - timedelta(hours=1)
    source = (
        f'kind = "generated"\ncached_events = {events + 50}\n'
        f'series = [{{ ticker = "{SERIES}", history_hours = {events + 2} }}]\n'
        f"[quirks]\nunauthenticated_per_second = {PER_ADDRESS}\n"
        + _member(ACCOUNT, "basic")
        + _member(RICH, "prestige")
    )
    home = folder / "exchange"
    home.mkdir()
    async with exchange(home, key, source, f'start = "{begins.isoformat()}"') as daemon:
        world = World(folder, daemon, key_file, begins, lease)
        every, few, many = [
            await listed(world, f"listing-{count}", begins - timedelta(hours=count))
            for count in (events, addressed, NODES * addressed)
        ]
        rows = dict[str, Row]()

        async def measure(name: str, *given: Any, **more: Any) -> None:
            rows[name] = await collected(world, name.replace(" ", "-"), *given, **more)
            print(time.strftime("%X"), name, {k: round(v, 2) for k, v in rows[name].items()}, flush=True)

        keyed = world.key(ACCOUNT)
        await measure("warm", every, [world.key(RICH)])
        if "a" in parts:
            await measure("account one", every, [keyed])
            await measure("account three", every, [keyed] * NODES)
        if "c" in parts:
            await measure("account killed", every, [keyed] * NODES, kill=True)
        if "b" in parts:
            async with addresses(daemon.url, NODES) as given:
                free = [{"kalshi.environment": "custom", "kalshi.host": url} for url in given.urls]
                await measure("addresses one", few, free[:1])
                await measure("addresses three", many, free)
    return {"facts": {}, "rows": rows}


def _member(name: str, tier: str) -> str:
    return f'[[accounts]]\nname = "{name}"\nkey_id = "{name}"\npublic_key_file = "bench.pem"\ntier = "{tier}"\n'


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", default="")
    parser.add_argument("--parts", default="abc")
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--addressed", type=int, default=9)
    a = parser.parse_args()
    parts = a.parts
    f = Folder(a.keep or tempfile.mkdtemp()).resolve()
    f.mkdir(exist_ok=True, parents=True)
    result = asyncio.run(run(f, a.events, a.addressed, 15.0))
