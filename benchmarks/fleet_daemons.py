"""The daemons of a whole collection for a benchmark, each a process of its own: a coordinator and its collectors."""

import asyncio
import json
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path as Folder
from typing import Any, BinaryIO

import grpc
import psutil
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc

from collector.coordinator.app import DATABASE

_POLL_SECONDS = 0.1
_START_SECONDS = 60.0
_CHUNK = 65_536


@dataclass
class Process:
    """A daemon, with its log in a file."""

    process: asyncio.subprocess.Process
    log: Folder
    cpu_seconds: float = 0.0
    """What it used on all cores, as last looked at."""

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Give what it has logged under that name."""
        lines = self.log.read_text().rpartition("\n")[0].splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in found if entry["event"] == event]

    async def logged(self, event: str, seconds: float = _START_SECONDS) -> dict[str, Any]:
        """Wait until it has logged that."""
        async with asyncio.timeout(seconds):
            while not (found := self.entries(event)):
                if self.process.returncode is not None:
                    raise RuntimeError(f"it did not start: {self.log.read_text()}")
                await asyncio.sleep(_POLL_SECONDS)
        return found[0]

    def look(self) -> float:
        """Give what it has used so far, on all cores; once it has ended, what it had at the last look."""
        with suppress(psutil.Error):
            times = psutil.Process(self.process.pid).cpu_times()
            self.cpu_seconds = times.user + times.system
        return self.cpu_seconds

    async def end(self, *, kill: bool = False) -> None:
        """End it: in order, or as a power cut would."""
        self.look()
        if self.process.returncode is None:
            if kill:
                self.process.kill()
            else:
                self.process.terminate()
        await self.process.wait()


@asynccontextmanager
async def process(module: str, folder: Folder, settings: Mapping[str, object]) -> AsyncIterator[Process]:
    """Run a daemon in the folder with these settings, as `--set` takes them."""
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", module, "--config", "config.toml", "--set", "log.format=json", *words]
    with _prepare(folder) as sink:
        made = Process(await asyncio.create_subprocess_exec(*command, cwd=folder, stderr=sink), folder / "log")
    try:
        yield made
    finally:
        await made.end(kill=True)


def _prepare(folder: Folder) -> BinaryIO:
    """Make the folder, with a configuration to begin from, and open the log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").touch()
    return (folder / "log").open("ab")


@dataclass
class Coordinator:
    """A coordinator's process, and its word on the collection."""

    daemon: Process
    folder: Folder
    stub: "rpc.CoordinatorServiceAsyncStub"

    def database(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask its database, which only this query looks at."""
        with closing(sqlite3.connect(f"file:{self.folder / 'state' / DATABASE}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    async def manifest(self) -> list[Any]:
        """List all shards."""
        request, found, more = pb.ListShardsRequest(), list[Any](), True
        while more:
            page = await self.stub.ListShards(request)
            found += page.shards
            request.page_token = page.next_page_token
            more = bool(request.page_token)
        return found


def free_address() -> str:
    """Find a port that nobody listens on now: collectors are told of it before their coordinator starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@asynccontextmanager
async def coordinator(folder: Folder, address: str, settings: Mapping[str, object]) -> AsyncIterator[Coordinator]:
    """Run a coordinator with its state in `state` under the folder; ready when the context begins."""
    said = {"rpc.listen": f'["{address}"]', "rpc.metrics_listen": "off", "state_folder": "state", **settings}
    async with process("collector.coordinator", folder, said) as daemon:
        await daemon.logged("ready")
        async with grpc.aio.insecure_channel(address) as channel:
            yield Coordinator(daemon, folder, rpc.CoordinatorServiceStub(channel))


@asynccontextmanager
async def collector(
    folder: Folder, place: int, coordinator_address: str, settings: Mapping[str, object]
) -> AsyncIterator[Process]:
    """Run a collector of that place in the split with its files in the folder; the rest is as shipped."""
    said = {
        "worker_id": f"node-{place}",
        "node_index": place,
        "coordinator.targets": f'["{coordinator_address}"]',
        "rpc.listen": '["127.0.0.1:0"]',
        "rpc.metrics_listen": "off",
        "checks_per_hour": 0,
        **settings,
    }
    async with process("collector", folder, said) as daemon:
        yield daemon


@asynccontextmanager
async def addresses(url: str, count: int) -> AsyncIterator[list[str]]:
    """Forward to the exchange from 127.0.0.2, 127.0.0.3 and so on; gives a URL for each.

    The exchange counts callers without a key by their address, and all on one machine would have the same.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    async with AsyncExitStack() as stack:
        servers = [
            await asyncio.start_server(
                partial(_forward, host=host, port=int(port), source=f"127.0.0.{number + 2}"), "127.0.0.1", 0
            )
            for number in range(count)
        ]
        for server in servers:
            stack.callback(server.close)
        yield [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str, port: int, source: str
) -> None:
    there, back = await asyncio.open_connection(host, port, local_addr=(source, 0))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_pump(reader, back))
        tasks.create_task(_pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
