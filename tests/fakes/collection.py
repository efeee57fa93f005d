"""A whole collection on this machine: exchange, coordinator and collectors, each a process of its own.

with collection(folder) as mesh:
    mesh.start("a", "b", "c")
    mesh.wait_sealed()
"""

import hashlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc
from foremesh.coordinator.v1 import shard_pb2

from tests.fakes.exchange_process import ExchangeProcess, exchange_process

BIN = Path(sys.executable).parent
PATIENCE = 40.0  # seconds; a test that needs longer hangs
EXCHANGE = """
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[source]
kind = "generated"
series = [{ ticker = "KXHIGHNY", history_hours = 60.0 }, { ticker = "KXHIGHCHI", history_hours = 60.0 }]
[log]
format = "json"
"""
COORDINATOR = """
total_nodes = 3
listing_seconds = 2
series = [{ ticker = "KXHIGHNY" }, { ticker = "KXHIGHCHI" }]
[rpc]
metrics_listen = "off"
[lease]
lease_seconds = 4.0
heartbeat_seconds = 1.5
min_heartbeat_seconds = 0.05
grace_seconds = 1.0
drain_seconds = 2.0
settle_delay_seconds = 0.0
backoff_seconds = 0.2
steal_after_seconds = 0.5
refresh_seconds = 3600.0
[log]
format = "json"
"""
COLLECTOR = """
checks_per_hour = 0
stall_seconds = 0.5
drain_seconds = 4.0
copy_seconds = 0.3
[rpc]
listen = ["127.0.0.1:0"]
metrics_listen = "off"
[log]
format = "json"
"""


def wait_for(what: Callable[[], Any], seconds: float = PATIENCE, *, why: str = "") -> Any:
    """Ask until the answer is true, and give it."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, why or "waited in vain"
        time.sleep(0.02)
    return found


@dataclass
class Daemon:
    """A process with its log in a file."""

    command: list[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it, once more if it has ended."""
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=stream)

    def said(self) -> str:
        """Everything that it wrote."""
        return self.log.read_text()

    def entries(self, event: str = "") -> list[dict[str, Any]]:
        """Its log so far: all of it, or every entry of that name."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in found if not event or entry["event"] == event]

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """Wait until it has logged that for the nth time."""
        wait_for(lambda: len(self.entries(event)) >= count or self.ended, why=f"no {event!r} in {self.log}")
        found = self.entries(event)
        assert len(found) >= count, self.log.read_text()
        return found[-1]

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.process is None or self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, seconds: float = 20.0) -> int:
        """End it in order; gives the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = 20.0) -> int:
        """Wait for its end; gives the exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)


@dataclass
class Collection:
    """The processes, and the coordinator's word on them."""

    folder: Path
    exchange: ExchangeProcess
    coordinator: Daemon
    address: str
    stub: Any
    collectors: dict[str, Daemon] = field(default_factory=dict)

    def start(self, *names: str, **settings: object) -> None:
        """Start collectors of these names; `settings` are of their configuration, as `--set` takes them."""
        for name in names:
            if name not in self.collectors:
                self.collectors[name] = self.collector(name, settings)
            self.collectors[name].start()

    def data(self, name: str) -> Path:
        """The data folder of a collector."""
        return self.folder / name / "data"

    def files(self, name: str) -> list[Path]:
        """Its visible candle files."""
        return sorted(self.data(name).glob("candles/*/*/*.parquet"))

    def incoming(self, name: str) -> list[Path]:
        """Its files that are on their way."""
        return sorted((self.data(name) / ".incoming").glob("*"))

    def daemons(self) -> list[Daemon]:
        """The collectors' processes."""
        return list(self.collectors.values())

    def slow_down(self, seconds: float) -> None:
        """Let every call for candles take so much longer; 0 is as fast as the exchange is."""
        self.exchange.admin("DELETE", "/faults")
        if seconds:
            rule = {"kind": "latency", "path": "*candlesticks*", "seconds": seconds}
            status, body = self.exchange.admin("POST", "/faults", rule)
            assert status < 300, body

    @staticmethod
    def sha256(path: Path) -> str:
        """Hash of a file."""
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def committed(self) -> list[shard_pb2.Shard]:
        """The shards that have a commit."""
        return [shard for shard in self.shards() if shard.HasField("commit")]

    def shards(self) -> list[shard_pb2.Shard]:
        """The manifest; empty while the coordinator is away."""
        found: list[shard_pb2.Shard] = []
        request, more = pb.ListShardsRequest(include_holes=True), True
        try:
            while more:
                page = self.stub.ListShards(request, timeout=5)
                found += page.shards
                request.page_token = page.next_page_token
                more = bool(request.page_token)
        except grpc.RpcError:
            return []
        return found

    def wait_collected(self, seconds: float = PATIENCE) -> list[shard_pb2.Shard]:
        """Wait until every shard of the exchange that can have a candle is committed and nobody holds a lease."""

        def done() -> list[shard_pb2.Shard]:
            shards = self.shards()
            ready = shards and all(shard.HasField("commit") or shard.due_after.ToSeconds() > 0 for shard in shards)
            return shards if ready and not any(shard.HasField("lease") for shard in shards) else []

        found: list[shard_pb2.Shard] = wait_for(done, seconds, why="not everything is committed")
        return found

    def collector(self, name: str, settings: dict[str, object]) -> Daemon:
        """Make a collector of that name; it is not started."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        (home / "collector.toml").write_text(COLLECTOR)
        said = {
            "worker_id": name,
            "node_index": len(self.collectors),
            "coordinator.targets": f'["{self.address}"]',
            "kalshi.environment": "custom",
            "kalshi.host": self.exchange.url,
            "kalshi.unauthenticated_per_second": 20,
            **settings,
        }
        words = [word for key, value in said.items() for word in ("--set", f"{key}={value}")]
        command = [str(BIN / "foremesh-collector"), "--config", str(home / "collector.toml"), *words]
        return Daemon(command, home / "log")


def free_port() -> int:
    """A port that nobody listens on now: a coordinator that is started again must come back to the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def collection(folder: Path, *settings: str, exchange: str = EXCHANGE) -> Iterator[Collection]:
    """Start exchange and coordinator; `settings` are the coordinator's, as `--set` takes them."""
    with exchange_process(folder, exchange) as market, collecting_from(market, folder, *settings) as mesh:
        yield mesh


def coordinator_of(market: ExchangeProcess, folder: Path, *settings: str) -> Daemon:
    """Make a coordinator for an exchange; it is not started."""
    (folder / "coordinator.toml").write_text(COORDINATOR)
    own = ("kalshi.environment=custom", f"kalshi.host={market.url}")
    words = [word for setting in (*own, *settings) for word in ("--set", setting)]
    command = [str(BIN / "foremesh-coordinator"), "--config", str(folder / "coordinator.toml"), *words]
    return Daemon(command, folder / "coordinator.log")


@contextmanager
def collecting_from(market: ExchangeProcess, folder: Path, *settings: str) -> Iterator[Collection]:
    """Start a coordinator for an exchange that runs; `settings` as above. At the end the exchange is fast again."""
    address = f"127.0.0.1:{free_port()}"
    coordinator = coordinator_of(market, folder, f'rpc.listen=["{address}"]', *settings)
    coordinator.start()
    with grpc.insecure_channel(address) as channel:
        mesh = Collection(folder, market, coordinator, address, rpc.CoordinatorServiceStub(channel))
        try:
            coordinator.wait_for("ready")
            yield mesh
        finally:
            for daemon in (*mesh.collectors.values(), coordinator):
                daemon.kill()
            if market.process.poll() is None:
                mesh.slow_down(0.0)
