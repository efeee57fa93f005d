"""Minutes of load on a real daemon: memory and handlers stay where they were. `make soak` runs this."""

import asyncio
import re
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from foremesh.forecast.v1 import forecast_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration

from mesh.forecasts import SERVICE
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from tests.conftest import Certificates

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
BIN = Path(sys.executable).parent
ROUNDS, UNARY, CANCELLED, AT_ONCE = 4, 10_000, 3_000, 16
GROWTH_BYTES = 8 * 1024 * 1024
"""Allocator noise, and the 140 bytes that gRPC is known to keep of every cancelled stream (grpc/grpc#43360)."""
IDLE_SECONDS = 150
OPTIONS = forecast_pb2.ForecastOptions(
    horizon_steps=3, step=Duration(seconds=3600), purpose=forecast_pb2.PURPOSE_RESEARCH
)
HISTORY = forecast_pb2.MarketHistory(market_ticker="KX-1", closes_cents=range(30, 60), current_price_cents=50)
HEADER = pb.StreamSignalsRequest(header=pb.ScanHeader(scan_id="soak", forecast=OPTIONS))
BATCH = pb.StreamSignalsRequest(batch=pb.HistoryBatch(histories=[HISTORY] * 64))


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running forecast server."""

    process: psutil.Process
    client: ClientConfig
    metrics_port: int

    def rss(self) -> int:
        """Resident memory, bytes."""
        return int(self.process.memory_info().rss)

    def in_flight(self) -> float:
        """Calls in progress, as Prometheus sees them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(r"^foremesh_rpc_in_flight{.*} (.+)$", text, re.MULTILINE))


@asynccontextmanager
async def daemon(certificates: Certificates, metrics_port: int) -> AsyncIterator[Daemon]:
    files = certificates.folder
    settings = [
        'rpc.listen=["127.0.0.1:0"]',
        f"rpc.metrics_listen=127.0.0.1:{metrics_port}",
        f"rpc.tls.certificate_file={files / 'server.crt'}",
        f"rpc.tls.private_key_file={files / 'server.key'}",
        f"rpc.tls.client_ca_file={files / 'ca.crt'}",
        "log.format=json",
    ]
    overrides = [word for setting in settings for word in ("--set", setting)]
    process = await asyncio.create_subprocess_exec(
        BIN / "foremesh-forecast-server", *overrides, stderr=asyncio.subprocess.PIPE, limit=2**22
    )
    assert process.stderr is not None
    address = ""
    while not address:
        line = (await process.stderr.readline()).decode()
        found = re.search(r'"addresses": \["(.+?)"\]', line)
        address = found[1] if found else ""
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(process.stderr.read())
        try:
            yield Daemon(psutil.Process(process.pid), certificates.client(address, seconds=300), metrics_port)
        finally:
            process.terminate()
            assert await process.wait() == 0
            await reading


@pytest.fixture
def free_port() -> int:
    """A port that nobody uses."""
    used = {one.laddr.port for one in psutil.net_connections(kind="tcp") if one.laddr}
    return next(port for port in range(19_101, 19_999) if port not in used)


async def test_memory_and_handlers_stay_flat(certificates: Certificates, free_port: int) -> None:
    async with daemon(certificates, free_port) as server, connect(server.client, SERVICE) as channel:
        stub = rpc.ForecastServiceStub(channel)
        request = pb.GenerateSignalsRequest(forecast=OPTIONS, histories=[HISTORY] * 8)

        async def ask(times: int) -> None:
            for _ in range(times):
                await stub.GenerateSignals(request)

        async def walk_away(times: int) -> None:
            for _ in range(times):
                call = stub.StreamSignals()
                await call.write(HEADER)
                await call.write(BATCH)
                await call.read()
                call.cancel()

        async def load(unary: int, cancelled: int) -> None:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    tasks.create_task(ask(unary // AT_ONCE))
                    tasks.create_task(walk_away(cancelled // AT_ONCE))

        await load(UNARY // 5, CANCELLED // 5)  # allocators and caches settle
        sizes = [server.rss()]
        for _ in range(ROUNDS):
            await load(UNARY, CANCELLED)
            await asyncio.sleep(1)
            sizes.append(server.rss())
            print(f"{UNARY} unary and {CANCELLED} cancelled calls: {sizes[-1] / 2**20:.1f} MiB", flush=True)
            assert server.in_flight() == 0
        assert server.process.num_threads() < 50
        assert sizes[-1] - sizes[0] < GROWTH_BYTES


async def test_a_silent_stream_outlives_keepalive(certificates: Certificates, free_port: int) -> None:
    async with daemon(certificates, free_port) as server, connect(server.client, SERVICE) as channel:
        call = rpc.ForecastServiceStub(channel).StreamSignals()
        await call.write(HEADER)
        first = await call.read()
        assert isinstance(first, pb.StreamSignalsResponse)
        assert first.WhichOneof("frame") == "accepted"
        await asyncio.sleep(IDLE_SECONDS)
        await call.write(BATCH)
        await call.done_writing()
        frames = []
        for _ in range(2):  # the stream was read this way before, and gRPC lets nobody mix
            message = await call.read()
            assert isinstance(message, pb.StreamSignalsResponse)
            frames.append(message.WhichOneof("frame"))
        assert frames == ["results", "summary"]
