"""What the coordinator bears: heartbeats and commits of many workers, with many shards in its database.

A real `foremesh-coordinator` runs in a process of its own with its database on disk, so that syncing is part of the
price; this process plays the workers over loopback. They keep to a timetable, like real workers, whether or not the
coordinator keeps up: a call that waits for its turn is late, and its time counts. Both share this machine's cores.

Every worker holds leases and beats once per interval, with the progress of each of them; half an interval later one of
them is committed, and the next heartbeat brings another. Meanwhile somebody watches the progress, and looks at it and
at the manifest once a second.

    Heartbeat    progress of all leases up; verdicts, a grant and the API budget down
    CommitShard  one file with three holes into the manifest, synced
    GetProgress  all series, 100 leases
    ListShards   a page of 100 by key

    python -m benchmarks.coordinator [--seconds 30] [--interval 5] [--workers 100] [--shards 100000] [--quick] [--json]
"""

import argparse
import asyncio
import hashlib
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path as Folder
from typing import Any, TypeVar

import grpc
import psutil
from foremesh.coordinator.v1 import budget_pb2
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc

from collector import wire
from collector.coordinator.app import DATABASE
from collector.coordinator.database import opened
from collector.coordinator.engine import Coordinator
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow
from collector.types import LeaseKey, LeaseProgress, MarketTask, Phase, Stage
from mesh.clock import SystemClock
from mesh.shards import Content, Hole, HoleReason, ShardFile

SERIES = ("KXHIGHNY", "KXHIGHCHI", "KXHIGHLAX", "KXINX", "KXBTC", "KXETH")
MARKETS, LEASES, CHANNELS, BATCH, PAGE = 6, 16, 8, 500, 100
CLOSED = datetime(2026, 11, 17, 18, tzinfo=UTC)
_START_SECONDS = 120.0

T = TypeVar("T")


@dataclass(frozen=True)
class Daemon:
    """The process, and where it answers."""

    process: psutil.Process
    address: str
    start_seconds: float
    """From the start of the process to its readiness: most of it is reading the database."""

    def cpu_seconds(self) -> float:
        """Give what it has used so far, on all cores."""
        times = self.process.cpu_times()
        return times.user + times.system


class Bench:
    """The workers, and what they measured."""

    def __init__(self, channels: list[grpc.aio.Channel], interval: float) -> None:
        self._interval = interval
        self._stubs: list[rpc.CoordinatorServiceAsyncStub] = [rpc.CoordinatorServiceStub(each) for each in channels]
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    async def run(self, workers: int, seconds: float) -> None:
        """Let the workers take their leases, then keep to the timetable for so long."""
        await asyncio.gather(*(self._register(number) for number in range(workers)))
        held = await asyncio.gather(*(self._fill(number) for number in range(workers)))
        self._times.clear()
        start = asyncio.get_running_loop().time() + 0.1
        async with asyncio.TaskGroup() as tasks:
            for number in range(workers):
                first = start + self._interval * number / workers
                tasks.create_task(self._work(number, held[number], first, start + seconds))
            tasks.create_task(self._look(start + seconds))

    def rows(self, seconds: float) -> dict[str, dict[str, float]]:
        """Give calls a second and their times."""
        found = {}
        for method, times in sorted(self._times.items()):
            cuts = statistics.quantiles(times, n=100, method="inclusive")
            found[method] = {
                "per_second": len(times) / seconds,
                "p50_ms": cuts[49] * 1e3,
                "p99_ms": cuts[98] * 1e3,
                "worst_ms": max(times) * 1e3,
            }
        return found

    async def _register(self, number: int) -> None:
        worker = f"worker-{number:03}"
        budget = budget_pb2.ApiBudget(kind="API_BUDGET_KIND_PER_IP", budget_id=worker)
        await self._stub(number).RegisterWorker(
            pb.RegisterWorkerRequest(
                request_id="r", worker_id=worker, worker_instance_id="p", software_version="0", api_budget=budget
            )
        )

    async def _fill(self, number: int) -> list[LeaseKey]:
        """Take as many leases as the worker is to hold."""
        held: list[LeaseKey] = []
        sequence = 0
        while len(held) < LEASES:
            sequence += 1
            assert sequence < 100, f"{len(held)} leases after {sequence} heartbeats"
            held += await self._beat(number, sequence, held)
        return held

    async def _work(self, number: int, held: list[LeaseKey], at: float, end: float) -> None:
        """Beat and commit at the appointed times."""
        sequence = 1000
        while at < end:
            await _until(at)
            sequence += 1
            held += await self._timed("Heartbeat", at, self._beat(number, sequence, held))
            at += self._interval / 2
            await _until(at)
            lease = held.pop(0)
            answer = await self._timed("CommitShard", at, self._stub(number).CommitShard(_commit(number, lease)))
            assert not answer.already_committed
            at += self._interval / 2

    async def _look(self, end: float) -> None:
        """Look at progress and manifest once a second, and watch all the time."""
        watch = self._stubs[0].WatchProgress(pb.WatchProgressRequest())
        await watch.read()
        token, at = "", end - int(end - asyncio.get_running_loop().time())
        while at < end:
            await _until(at)
            await self._timed("GetProgress", at, self._stubs[0].GetProgress(pb.GetProgressRequest(max_lease_count=100)))
            at += 0.5
            await _until(at)
            page = pb.ListShardsRequest(page_size=PAGE, page_token=token)
            token = (await self._timed("ListShards", at, self._stubs[0].ListShards(page))).next_page_token
            at += 0.5
        watch.cancel()

    async def _beat(self, number: int, sequence: int, held: list[LeaseKey]) -> list[LeaseKey]:
        progress = [LeaseProgress(lease, Stage.FETCHING, 3, MARKETS, rows=sequence, tokens=30) for lease in held]
        answer = await self._stub(number).Heartbeat(
            pb.HeartbeatRequest(
                request_id="r",
                worker_id=f"worker-{number:03}",
                worker_instance_id="p",
                sequence=sequence,
                intent="WORKER_INTENT_COLLECT",
                leases=map(wire.write_progress, progress),
                wanted_lease_count=LEASES - len(held),
                api_usage=budget_pb2.ApiUsage(call_count=sequence, token_count=10 * sequence, tokens_per_second=30.0),
            )
        )
        assert all(verdict.HasField("renewed") for verdict in answer.lease_verdicts), answer.lease_verdicts
        return [wire.read_lease_key(grant.lease, "lease") for grant in answer.grants]

    async def _timed(self, method: str, at: float, call: Awaitable[T]) -> T:
        """Make a call that was due at that time; what it takes counts from then."""
        answer = await call
        self._times[method].append(asyncio.get_running_loop().time() - at)
        return answer

    def _stub(self, number: int) -> "rpc.CoordinatorServiceAsyncStub":
        return self._stubs[number % len(self._stubs)]


def _commit(number: int, lease: LeaseKey) -> pb.CommitShardRequest:
    digest = hashlib.sha256(str(lease).encode()).hexdigest()
    day, hour = CLOSED - timedelta(days=1), timedelta(hours=1)
    file = ShardFile(digest, 9000, 24, MARKETS, day + hour, CLOSED, "foremesh.candles", 1, Content.PRICES_AND_QUOTES)
    hole = Hole(f"{lease.shard.event}-M0", HoleReason.NO_DATA, "no candles", attempts=1)
    return pb.CommitShardRequest(
        request_id="r",
        worker_id=f"worker-{number:03}",
        shard_key=wire.write_shard_key(lease.shard),
        epoch=lease.epoch,
        file=wire.write_shard_file(file),
        covered_end_time=CLOSED + timedelta(hours=2),
        holes=[wire.write_hole(hole)] * 3,
    )


async def _until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))


def fill(database: Folder, shards: int) -> None:
    """Make a database with so many shards of events that are over, all outstanding: the most to choose from."""
    with opened(database) as store:
        engine = Coordinator(
            store,
            SystemClock(),
            LeasePolicy(),
            steps=dict.fromkeys(SERIES, (3600,)),
            total_nodes=3,
            instance_id="fill",
        )
        for start in range(0, shards, BATCH):
            engine.take_events([_event(number) for number in range(start, min(shards, start + BATCH))])


def _event(number: int) -> EventRow:
    series = SERIES[number % len(SERIES)]
    event = f"{series}-E{number:06}"
    tasks = (
        MarketTask(f"{event}-M{place}", Phase.SETTLED, CLOSED - timedelta(days=1), CLOSED) for place in range(MARKETS)
    )
    return EventRow(series, event, tuple(tasks), CLOSED + timedelta(hours=1), CLOSED + timedelta(hours=2))


@asynccontextmanager
async def coordinator(folder: Folder) -> AsyncIterator[Daemon]:
    """Start `foremesh-coordinator` with its state in the folder; the exchange that it lists is away."""
    settings = {
        "state_folder": folder,
        "series": "[" + ", ".join(f'{{ ticker = "{name}" }}' for name in SERIES) + "]",
        "kalshi": '{ environment = "custom", host = "http://127.0.0.1:9" }',
        "rpc.listen": '["127.0.0.1:0"]',
        "rpc.metrics_listen": "off",
        "rpc.max_in_flight": 1000,
        "log": '{ format = "json", level = "info" }',
    }
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    log, started = folder / "log", time.perf_counter()
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "collector.coordinator", *words, stderr=sink
        )
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not (said := _said(log)).get("ready"):
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.05)
        address = said["serving"]["addresses"][0]
        yield Daemon(psutil.Process(process.pid), address, time.perf_counter() - started)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _said(log: Folder) -> dict[str, Any]:
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")]
    return {entry["event"]: entry for entry in map(json.loads, lines)}


async def run(folder: Folder, workers: int, shards: int, seconds: float, interval: float) -> dict[str, Any]:
    """Measure; gives facts and rows."""
    fill(folder / DATABASE, shards)
    async with coordinator(folder) as daemon:
        channels = [
            grpc.aio.insecure_channel(daemon.address, options=[("grpc.use_local_subchannel_pool", 1)])
            for _ in range(CHANNELS)
        ]
        bench = Bench(channels, interval)
        before = daemon.cpu_seconds()
        await bench.run(workers, seconds)
        facts = {
            "start_seconds": daemon.start_seconds,
            "cpu_share": (daemon.cpu_seconds() - before) / seconds,
            "memory_megabytes": daemon.process.memory_info().rss / 1e6,
            "database_megabytes": (folder / DATABASE).stat().st_size / 1e6,
        }
        for channel in channels:
            await channel.close()
    return {"facts": facts, "rows": bench.rows(seconds)}


def conditions(folder: Folder, workers: int, shards: int, seconds: float, interval: float) -> dict[str, object]:
    """State what the figures depend on."""
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "grpcio": grpc.__version__,
        "sqlite": sqlite3.sqlite_version,
        "database": f"on disk ({max(mounts, key=lambda part: len(part.mountpoint)).fstype}), synced at every decision",
        "shards": f"{shards:,}, all outstanding, of {MARKETS} markets each",
        "workers": f"{workers}, of {LEASES} leases each, on {CHANNELS} connections",
        "heartbeats": f"one per worker every {interval:g} s; the default is {LeasePolicy().heartbeat:g} s",
        "seconds": seconds,
        "load_average_at_the_start": os.getloadavg()[0],
        "figures": "times from when a call was due; client and server share the cores",
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--interval", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--shards", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="a small run that shows that it works")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.workers, arguments.shards, arguments.interval = 3.0, 10, 2_000, 1.0
    size = (arguments.workers, arguments.shards, arguments.seconds, arguments.interval)
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name).resolve()
        given = conditions(folder, *size)
        result = asyncio.run(run(folder, *size))
    if arguments.json:
        print(json.dumps({"conditions": given, **result}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in given.items()))
    print(", ".join(f"{key} {value:,.4g}" for key, value in result["facts"].items()))
    print(f"{'':>12}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>10}")
    for kind, row in result["rows"].items():
        print(
            f"{kind:>12}{row['per_second']:>12,.1f}{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}{row['worst_ms']:>10.1f}"
        )


if __name__ == "__main__":
    main()
