"""What the mesh's plumbing costs: StreamSignals with a model that costs nothing, against a bare echo.

Both take batches of histories of 512 floats and answer each history with a signal of the same size. The bare side is
grpc.aio and protobuf and nothing else: plain text, one constant signal for everybody, filled in field by field (in
place: from keyword arguments it takes three times as long), the floats not even looked at.
Ours is the real server: mutual TLS, roles, validation, conversion to numpy, checks, digest, judgement by the policy,
accounting, metrics. Each server has a process of its own; client and servers share this machine's cores. The sides are
measured in turn, for a short time each and often, so that whatever else the machine does falls on both.

    python -m benchmarks.rpc [--seconds 1] [--rounds 12] [--json]
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path as Folder

import grpc
import numpy as np
from foremesh.forecast.v1 import (
    forecast_pb2,
    signal_pb2,
)
from foremesh.forecast.v1 import (
    forecast_service_pb2 as pb,
)
from google.protobuf.duration_pb2 import Duration

from forecast_server.app import forecast_server
from forecast_server.config import ForecastRpc, ForecastServerConfig
from forecast_server.models.base import DeviceUse, ModelFacts, Paths, Series
from forecast_server.types import Purpose
from mesh import certs, log
from mesh.daemon import Lifecycle
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig, ServerTls

METHOD = "/foremesh.forecast.v1.ForecastService/StreamSignals"
SERVICE = pb.DESCRIPTOR.services_by_name["ForecastService"]
POINTS, HORIZON = 512, 6
LEVELS = tuple(tenth / 10 for tenth in range(1, 10))
MEAN, QUANTILES = [55.0] * HORIZON, [50.0] * (HORIZON * len(LEVELS))
MODEL, DIGEST, POLICY_VERSION = "zero-cost@" + "0" * 12, "0" * 32, "2026-11-22.1"


class ZeroCost:
    """Answers at once, always the same."""

    def load(self) -> ModelFacts:
        """State the facts."""
        self._quantiles = np.linspace(40, 60, len(LEVELS), dtype=np.float32)
        return ModelFacts(
            name="zero-cost",
            weights_digest="0" * 64,
            licence="Apache-2.0",
            allowed_purposes=frozenset({Purpose.RESEARCH}),
            device="cpu",
            precision="float32",
            compile_mode="numpy",
            max_context_points=POINTS,
            max_horizon_steps=1024,
            max_batch_series=1024,
            quantile_levels=LEVELS,
            cost_points=1,
            batch_tolerance=0.0,
        )

    def warm(self) -> ModelFacts:
        """Nothing needs it."""
        return self.load()

    def device(self) -> DeviceUse:
        """None."""
        return DeviceUse()

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Repeat one row."""
        mean = np.full((len(batch), horizon_steps), 55, dtype=np.float32)
        return Paths(mean, np.broadcast_to(self._quantiles, (len(batch), horizon_steps, len(LEVELS))))


def fill(signal: signal_pb2.Signal) -> None:
    """Fill in the bare side's answer."""
    signal.direction = signal_pb2.DIRECTION_UP
    signal.magnitude_cents = 5.0
    signal.confidence = signal_pb2.CONFIDENCE_MEDIUM
    signal.current_price_cents = 50.0
    signal.forecast_mean_cents = 55.0
    signal.forecast_end_cents = 55.0
    signal.take_profit_cents = 20.0
    signal.stop_loss_cents = 5.0
    path, provenance = signal.path, signal.provenance
    path.horizon_steps = HORIZON
    path.mean_cents.extend(MEAN)
    path.quantile_levels.extend(LEVELS)
    path.quantiles_cents.extend(QUANTILES)
    provenance.model = MODEL
    provenance.input_digest = DIGEST
    provenance.policy_version = POLICY_VERSION
    provenance.degraded.append(forecast_pb2.DEGRADATION_AGE_UNKNOWN)


@asynccontextmanager
async def bare_server() -> AsyncIterator[str]:
    """grpc.aio as it comes: every history is answered with the same signal."""

    async def echo(requests: AsyncIterator[pb.StreamSignalsRequest], _: object) -> AsyncIterator[object]:
        async for request in requests:
            response = pb.StreamSignalsResponse()
            for index in range(len(request.batch.histories)):
                fill(response.results.results.add(input_index=index, market_ticker="KXBENCH-26NOV22-B0").signal)
            yield response

    handler = grpc.stream_stream_rpc_method_handler(
        echo,
        request_deserializer=pb.StreamSignalsRequest.FromString,
        response_serializer=pb.StreamSignalsResponse.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE.full_name, {"StreamSignals": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@asynccontextmanager
async def mesh_server(folder: Folder) -> AsyncIterator[str]:
    """The real server over mutual TLS."""
    tls = ServerTls(
        certificate_file=folder / "server.crt",
        private_key_file=folder / "server.key",
        client_ca_file=folder / "ca.crt",
    )
    config = ForecastServerConfig(
        cache_mebibytes=0, rpc=ForecastRpc(listen=("127.0.0.1:0",), metrics_listen="off", tls=tls)
    )
    async with asyncio.TaskGroup() as tasks, forecast_server(config, Lifecycle(tasks), ZeroCost()) as server:
        yield server.addresses[0]


async def serve(kind: str, folder: Folder) -> None:
    """Serve until standard input closes; prints the address."""
    log.configure(level="warning")
    async with bare_server() if kind == "bare" else mesh_server(folder) as address:
        print(address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def options() -> forecast_pb2.ForecastOptions:
    """What every scan of the benchmark asks."""
    return forecast_pb2.ForecastOptions(
        horizon_steps=HORIZON, step=Duration(seconds=3600), purpose=forecast_pb2.PURPOSE_RESEARCH
    )


async def measure(channel: grpc.aio.Channel, batch: pb.StreamSignalsRequest, seconds: float) -> float:
    """Return series per second of one stream that is never short of work."""
    end, counted, started = 0.0, 0, 0.0
    header = pb.StreamSignalsRequest(header=pb.ScanHeader(scan_id="bench", forecast=options()))

    async def requests() -> AsyncIterator[pb.StreamSignalsRequest]:
        yield header
        while not end or time.perf_counter() < end:
            yield batch

    call = channel.stream_stream(
        METHOD,
        request_serializer=pb.StreamSignalsRequest.SerializeToString,
        response_deserializer=pb.StreamSignalsResponse.FromString,
    )(requests(), timeout=seconds + 60)
    async for response in call:
        answered = len(response.results.results)
        if not answered:
            continue
        if not end:  # the first answer pays for the connection
            started = time.perf_counter()
            end = started + seconds
        else:
            counted += answered
        last = time.perf_counter()
    return counted / (last - started)


async def compare(folder: Folder, sizes: Sequence[int], seconds: float, rounds: int) -> list[dict[str, float]]:
    """Measure both sides in turn, for each batch size."""
    async with AsyncExitStack() as stack:
        addresses = {}
        for kind in ("bare", "mesh"):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "benchmarks.rpc",
                "--serve",
                kind,
                "--certs",
                str(folder),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            stack.push_async_callback(process.wait)
            assert process.stdin is not None
            assert process.stdout is not None
            stack.callback(process.stdin.close)
            addresses[kind] = (await process.stdout.readline()).decode().strip()
        bare = await stack.enter_async_context(grpc.aio.insecure_channel(addresses["bare"]))
        config = ClientConfig(
            targets=(addresses["mesh"],),
            ca_file=folder / "ca.crt",
            certificate_file=folder / "trader.crt",
            private_key_file=folder / "trader.key",
        )
        mesh = await stack.enter_async_context(connect(config, SERVICE.full_name))
        return [await _row(bare, mesh, size, seconds, rounds) for size in sizes]


async def _row(
    bare: grpc.aio.Channel, mesh: grpc.aio.Channel, size: int, seconds: float, rounds: int
) -> dict[str, float]:
    random = np.random.default_rng(7)
    walks = np.clip(50 + random.normal(size=(size, POINTS)).cumsum(axis=1), 1, 99).astype(np.float32)
    histories = [
        forecast_pb2.MarketHistory(
            market_ticker=f"KXBENCH-26NOV22-B{number}", closes_cents=walk, current_price_cents=50
        )
        for number, walk in enumerate(walks)
    ]
    batch = pb.StreamSignalsRequest(batch=pb.HistoryBatch(histories=histories))
    pairs = [(await measure(bare, batch, seconds), await measure(mesh, batch, seconds)) for _ in range(rounds)]
    return {
        "series_per_message": size,
        "message_bytes": batch.ByteSize(),
        "bare_series_per_second": statistics.median(pair[0] for pair in pairs),
        "mesh_series_per_second": statistics.median(pair[1] for pair in pairs),
        "ratio": statistics.median(pair[1] / pair[0] for pair in pairs),
    }


def conditions(seconds: float, rounds: int) -> dict[str, object]:
    """State what the figures depend on."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "grpcio": grpc.__version__,
        "points_per_series": POINTS,
        "horizon_steps": HORIZON,
        "seconds_per_measurement": seconds,
        "rounds": rounds,
        "figures": "medians; client and both servers share the cores",
    }


def main() -> None:
    """Run, or serve for a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", choices=("bare", "mesh"), help=argparse.SUPPRESS)
    parser.add_argument("--certs", type=Folder, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.serve, arguments.certs))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name) / "certs"
        certs.init(folder)
        certs.issue(folder, "server", hosts=["127.0.0.1"])
        certs.issue(folder, "trader", role="trader")
        rows = asyncio.run(compare(folder, (64, 128, 256), arguments.seconds, arguments.rounds))
    if arguments.json:
        print(json.dumps({"conditions": conditions(arguments.seconds, arguments.rounds), "rows": rows}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in conditions(arguments.seconds, arguments.rounds).items()))
    print(f"{'per message':>12}{'bytes':>10}{'bare /s':>12}{'mesh /s':>12}{'ratio':>8}")
    for row in rows:
        print(
            f"{row['series_per_message']:>12.0f}{row['message_bytes']:>10.0f}{row['bare_series_per_second']:>12,.0f}"
            f"{row['mesh_series_per_second']:>12,.0f}{row['ratio']:>8.2f}"
        )


if __name__ == "__main__":
    main()
