"""What a fleet of collectors gets out of its API budgets, and what the death of one of them costs.

A real `foremesh-exchange`, `foremesh-coordinator` and one or three `foremesh-collector`, each a process of its own on
this machine, with generated hourly Bitcoin events of 188 markets, one-minute candles, two calls each. By the exchange's
time it is twenty past the hour at the start, so nothing becomes due on the way. The events are listed once, and an
untimed pass with a large budget makes the exchange think them up. Every run begins with a copy of that listing, with
full buckets, and with collectors that are up and wait for their coordinator.

    account    one collector with a key of the basic tier (200 tokens a second, 600 at most) against three that share
               it, at the same events
    killed     as the three, but one is ended with -9 when half of the events are committed
    addresses  one collector without a key against three, each of which calls from an address of its own and learns for
               itself what that bears. Three get three times the events, so all learn for as long. A forwarder gives
               each its address

Times are from the first lease to the last commit, as the coordinator's database has it. `steady` is committed events a
second between a fifth and nine tenths of the commits: without the saved-up tokens of the start, the joining, and the
end. `budget_used` is tokens spent over all that the account had in that time; refusals by the exchange are `throttled`.
`start_spread` is the time from the first collector's first lease to the last one's; `twice` counts shards that the
manifest lists, or the database has committed, more than once.

    account_three_over_one    throughput of three on one budget over that of one: 1 is all of it; also `..._steady`
    addresses_three_over_one  the same on budgets of their own: 3 is all of it
    killed_delay_seconds      what the run with the kill took longer than the one without; a lease runs for `--lease`

    python -m benchmarks.fleet [--events 300] [--addressed 80] [--lease 15] [--only PART ...] [--quick] [--json]
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path as Folder
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb

from benchmarks.exchange_daemon import Daemon, exchange
from benchmarks.fleet_daemons import Coordinator, Process, addresses, collector, coordinator, free_address

SERIES, NODES = "KXBTC", 3
PARTS = ("account", "killed", "addresses")
REFILL, CAPACITY = 200.0, 600.0
"""Tokens of the basic tier."""
PER_ADDRESS = 4.0
"""Calls a second that the exchange bears from one address."""
QUICK_EVENTS, QUICK_ADDRESSED = 60, 10
_FILL_SECONDS = 3.5
_LAST_BEAT_SECONDS = 1.5
_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 200.0
_EARLY, _LATE = 0.2, 0.9

Row = dict[str, float]
Settings = Mapping[str, object]


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
        """Configure a coordinator, which lists as a member without a budget; its terms are a quarter of the usual."""
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
    """A coordinator's folder once it has listed the events that closed since then."""

    folder: Folder
    since: datetime
    events: int
    """Those that are over, and the one that trades."""


async def listed(world: World, hours: int) -> Listing:
    """List the events of the last hours."""
    folder, since = world.folder / f"listing-{hours}", world.begins - timedelta(hours=hours)
    async with coordinator(folder, free_address(), world.coordinator(since)) as made:
        await made.daemon.logged("listed")
        [[events]] = made.database("SELECT count(*) FROM shards WHERE opens < ?", world.begins.isoformat())
        await made.daemon.end()
    return Listing(folder, since, int(events))


async def collected(
    world: World, name: str, listing: Listing, collectors: Sequence[Settings], *, kill: bool = False
) -> Row:
    """Have these collectors collect all that is listed; gives what it took."""
    folder, address = world.folder / name.replace(" ", "-"), free_address()
    shutil.copytree(listing.folder / "state", folder / "state")
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(collector(folder / f"node-{place}", place, address, settings))
            for place, settings in enumerate(collectors)
        ]
        for node in nodes:
            await node.logged("ready")
        await asyncio.sleep(_FILL_SECONDS)
        cpu = [sum(node.look() for node in nodes), world.exchange.cpu_seconds()]
        made = await stack.enter_async_context(coordinator(folder, address, world.coordinator(listing.since)))
        killed = await _until_done(made, listing.events, victim=nodes[-1] if kill else None)
        row = _timing(made, nodes)
        if killed is not None:
            row["killed_after"] = killed - _first_leases(nodes)[0]
        row |= await _outcome(made, listing.events)
        if "kalshi.key_id" in collectors[0]:
            row["budget_used"] = row["calls"] * 10 / (CAPACITY + REFILL * row["seconds"])
        row["cpu_collectors"] = sum(node.look() for node in nodes) - cpu[0]
        row["cpu_coordinator"] = made.daemon.look()
        row["cpu_exchange"] = world.exchange.cpu_seconds() - cpu[1]
    return row


async def _until_done(made: Coordinator, events: int, victim: Process | None) -> float | None:
    """Wait until everything is committed; gives the wall time at which the victim was killed."""
    killed = None
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (done := made.database("SELECT count(*) FROM commits")[0][0]) < events:
            if victim is not None and killed is None and done >= events / 2:
                killed = time.time()
                await victim.end(kill=True)
            await asyncio.sleep(_POLL_SECONDS)
    await asyncio.sleep(_LAST_BEAT_SECONDS)
    return killed


async def _outcome(made: Coordinator, events: int) -> Row:
    """Look at the manifest, and at what the collectors said last."""
    manifest = await made.manifest()
    keys = Counter(shard.shard_key.SerializeToString() for shard in manifest if shard.HasField("commit"))
    [[again]] = made.database(
        "SELECT count(*) FROM (SELECT 1 FROM commits GROUP BY series, event, step HAVING count(*) > 1)"
    )
    [[candles]] = made.database("SELECT sum(row_count) FROM commits JOIN shards USING (series, event, step)")
    usage = [worker.api_usage for worker in (await made.stub.ListWorkers(pb.ListWorkersRequest())).workers]
    return {
        "missing": events - len(keys),
        "twice": sum(count > 1 for count in keys.values()) + again,
        "holes": sum(shard.commit.hole_count for shard in manifest),
        "candles": candles,
        "calls": sum(each.call_count for each in usage),
        "throttled": sum(each.throttled_count for each in usage),
    }


def _timing(made: Coordinator, nodes: Sequence[Process]) -> Row:
    commits = sorted(_second(text) for (text,) in made.database("SELECT committed FROM commits"))
    leases = _first_leases(nodes)
    early, late = int(_EARLY * len(commits)), int(_LATE * len(commits))
    return {
        "events": len(commits),
        "seconds": commits[-1] - leases[0],
        "per_second": len(commits) / (commits[-1] - leases[0]),
        "steady": (late - early) / (commits[late] - commits[early]),
        "start_spread": leases[-1] - leases[0],
    }


def _first_leases(nodes: Sequence[Process]) -> list[float]:
    return sorted(_second(node.entries("leased")[0]["timestamp"]) for node in nodes)


def _second(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def run(folder: Folder, events: int, addressed: int, lease: float, parts: Collection[str]) -> dict[str, Any]:
    """Measure; gives facts and rows."""
    key, key_file, home = Ed25519PrivateKey.generate(), folder / "member.key", folder / "exchange"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    home.mkdir()
    begins = datetime.now(UTC).replace(minute=20, second=0, microsecond=0) - timedelta(hours=1)
    hours = max(events, NODES * addressed) if "addresses" in parts else events
    source = (
        f'kind = "generated"\ncached_events = {hours + 50}\n'
        f'series = [{{ ticker = "{SERIES}", history_hours = {hours + 2} }}]\n'
        f"[quirks]\nunauthenticated_per_second = {PER_ADDRESS}\n" + _member("basic") + _member("prestige")
    )
    rows: dict[str, Row] = {}
    async with exchange(home, key, source, f'start = "{begins.isoformat()}"') as daemon:
        world = World(folder, daemon, key_file, begins, lease)
        every = await listed(world, events)
        all_of_it = every if hours == events else await listed(world, hours)
        rows["warm-up"] = await collected(world, "warm-up", all_of_it, [world.key("prestige")])
        keyed = world.key("basic")
        if "account" in parts or "killed" in parts:
            rows["account one"] = await collected(world, "account one", every, [keyed])
            rows["account three"] = await collected(world, "account three", every, [keyed] * NODES)
        if "killed" in parts:
            rows["killed"] = await collected(world, "killed", every, [keyed] * NODES, kill=True)
        if "addresses" in parts:
            one, three = await listed(world, addressed), await listed(world, NODES * addressed)
            async with addresses(daemon.url, NODES) as urls:
                free = [{"kalshi.environment": "custom", "kalshi.host": url} for url in urls]
                rows["addresses one"] = await collected(world, "addresses one", one, free[:1])
                rows["addresses three"] = await collected(world, "addresses three", three, free)
    for name, row in rows.items():
        assert not row["missing"], f"{name}: not everything was committed"
    return {"facts": _facts(rows), "rows": rows}


def _member(tier: str) -> str:
    return f'[[accounts]]\nname = "{tier}"\nkey_id = "{tier}"\npublic_key_file = "bench.pem"\ntier = "{tier}"\n'


def _facts(rows: Mapping[str, Row]) -> Row:
    found = {"twice": sum(row["twice"] for row in rows.values())}
    for part in ("account", "addresses"):
        if (one := rows.get(f"{part} one")) and (three := rows.get(f"{part} three")):
            found[f"{part}_three_over_one"] = three["per_second"] / one["per_second"]
            found[f"{part}_three_over_one_steady"] = three["steady"] / one["steady"]
    if "killed" in rows:
        found["killed_delay_seconds"] = rows["killed"]["seconds"] - rows["account three"]["seconds"]
    return found


def conditions(events: int, addressed: int, lease: float) -> dict[str, object]:
    """State what the figures depend on."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "processes": "exchange, coordinator, one or three collectors, all on this machine in real time",
        "exchange": f"simulated, generated {SERIES}, 188 markets an event, 1 minute candles",
        "account": f"{events} events, basic tier: {REFILL:g} tokens a second, {CAPACITY:g} at most",
        "addresses": f"{addressed} events a collector, an address bears {PER_ADDRESS:g} calls a second",
        "lease_seconds": lease,
        "heartbeat_seconds": lease / 6,
        "load_average_at_the_start": os.getloadavg()[0],
    }


def table(rows: Mapping[str, Mapping[str, float]]) -> Iterable[str]:
    """Lay the rows out for people: a column for each run."""
    names = dict.fromkeys(name for row in rows.values() for name in row)
    yield f"{'':>16}" + "".join(f"{name:>17}" for name in rows)
    for name in names:
        cells = (f"{row[name]:>17,.4g}" if name in row else f"{'':>17}" for row in rows.values())
        yield f"{name:>16}" + "".join(cells)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--addressed", type=int, default=80, help="events without a key, for each collector")
    parser.add_argument("--lease", type=float, default=15.0, help="seconds; a heartbeat comes every sixth of it")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_EVENTS} and {QUICK_ADDRESSED} events")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    events = QUICK_EVENTS if arguments.quick else arguments.events
    addressed = QUICK_ADDRESSED if arguments.quick else arguments.addressed
    given = conditions(events, addressed, arguments.lease)
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name).resolve()
        result = asyncio.run(run(folder, events, addressed, arguments.lease, arguments.only))
    if arguments.json:
        print(json.dumps({"conditions": given, **result}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in given.items()))
    print(", ".join(f"{key} {value:,.4g}" for key, value in result["facts"].items()))
    print("\n".join(table(result["rows"])))


if __name__ == "__main__":
    main()
