"""The two servers that are measured against each other, each in a process of its own, and what calls them."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path as Folder
from typing import Literal, Protocol

import numpy as np
from foremesh.forecast.v1 import forecast_pb2
from google.protobuf.duration_pb2 import Duration

from benchmarks import predecessor
from benchmarks.markets import Market
from mesh import certs
from mesh.forecasts import ForecastClient, forecasting
from mesh.rpc.config import ClientConfig

HORIZON = 6
START_SECONDS = 900.0
SCAN_SECONDS = 3600.0
URGENT = 100
_POLL_SECONDS = 0.05
_CONFIG = """\
[rpc]
listen = ["127.0.0.1:0"]
metrics_listen = "off"

[rpc.tls]
certificate_file = "server.crt"
private_key_file = "server.key"
client_ca_file = "ca.crt"

[model]
name = "timesfm-2.5"
checkpoint = "{checkpoint}"
device = "{device}"
precision = "{precision}"

[log]
format = "json"
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """A scan that is over."""

    seconds: float
    first_seconds: float
    """Until the first signal."""
    means_cents: dict[str, float]
    """Mean of each market's point path, within 0 and 100, by ticker."""


class Caller(Protocol):
    """Somebody with a connection to one of the servers."""

    async def scan(self, markets: Sequence[Market], *, urgent: bool = False) -> Answered:
        """Ask about markets, and wait for all answers."""
        ...


Device = Literal["auto", "cuda", "mps", "cpu"]
Precision = Literal["auto", "float32", "bfloat16"]


class MeshCaller:
    """A caller of ours, through ForecastClient."""

    def __init__(self, client: ForecastClient, step: timedelta) -> None:
        self.client = client
        # Answers that are given out again would be the fastest of all: every scan is computed anew.
        self._forecast = forecast_pb2.ForecastOptions(
            horizon_steps=HORIZON, step=_duration(step), purpose=forecast_pb2.PURPOSE_RESEARCH, bypass_cache=True
        )

    async def scan(self, markets: Sequence[Market], *, urgent: bool = False) -> Answered:
        """Stream a scan; whatever is neither a signal nor a reason not to have one ends the benchmark."""
        messages = [market.message(URGENT if urgent else 0) for market in markets]
        means: dict[str, float] = {}
        started, first = time.perf_counter(), 0.0
        async for result in self.client.scan(messages, self._forecast, timeout=SCAN_SECONDS):
            first = first or time.perf_counter() - started
            kind = result.WhichOneof("outcome")
            assert kind in {"signal", "no_signal"}, result
            path = result.signal.path if kind == "signal" else result.no_signal.path
            means[result.market_ticker] = _mean(path.mean_cents)
        return Answered(time.perf_counter() - started, first, means)


class PredecessorCaller:
    """A caller of the predecessor's design: a thread that waits."""

    def __init__(self, client: predecessor.Client) -> None:
        self.client = client

    async def scan(self, markets: Sequence[Market], *, urgent: bool = False) -> Answered:
        """Post a request; it knows no urgency."""
        body = predecessor.request([market.row() for market in markets], HORIZON)
        started = time.perf_counter()
        signals = await asyncio.to_thread(self.client.ask, body)
        took = time.perf_counter() - started
        assert len(signals) == len(markets)
        return Answered(took, took, {signal["ticker"]: _mean(signal["point_forecast"]) for signal in signals})


@asynccontextmanager
async def mesh_server(
    folder: Folder, checkpoint: Folder, *, device: Device, precision: Precision, step: timedelta
) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[MeshCaller]]]:
    """Run `foremesh-forecast-server` with a configuration file and mutual TLS; gives what connects a caller.

    Args:
        folder: Existing; certificates, configuration and log go there.
        checkpoint: Folder of the weights.
        device: As in the configuration.
        precision: As in the configuration.
        step: Of the histories that will be asked about.
    """
    certs.init(folder)
    certs.issue(folder, "server", hosts=["127.0.0.1"])
    certs.issue(folder, "trader", role="trader")
    config = _CONFIG.format(checkpoint=checkpoint, device=device, precision=precision)
    (folder / "server.toml").write_text(config)
    words = ("forecast_server", "--config", str(folder / "server.toml"))
    async with _process(folder / "mesh.log", words, _serving) as address:
        client_config = ClientConfig(
            targets=(address,),
            ca_file=folder / "ca.crt",
            certificate_file=folder / "trader.crt",
            private_key_file=folder / "trader.key",
        )

        @asynccontextmanager
        async def connected() -> AsyncIterator[MeshCaller]:
            async with forecasting(client_config) as client:
                yield MeshCaller(client, step)

        yield connected


@asynccontextmanager
async def predecessor_server(
    folder: Folder, checkpoint: Folder | None, *, device: Device, compiled: bool
) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[PredecessorCaller]]]:
    """Run the predecessor's design; gives what connects a caller.

    Arguments as those of `mesh_server`; without a checkpoint it serves Fracast-0.
    """
    words = ["benchmarks.predecessor", "--device", device]
    words += ["--checkpoint", str(checkpoint)] if checkpoint else []
    words += ["--compile"] if compiled else []
    async with _process(folder / "predecessor.log", words, _last_line) as address:

        @asynccontextmanager
        async def connected() -> AsyncIterator[PredecessorCaller]:
            client = predecessor.Client(address)
            try:
                yield PredecessorCaller(client)
            finally:
                client.close()

        yield connected


@asynccontextmanager
async def _process(log: Folder, words: Sequence[str], ready: Callable[[Folder], str]) -> AsyncIterator[str]:
    """Run a module until the end of the context; `ready` reads the address off its log, or gives an empty text."""
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *words, stdin=asyncio.subprocess.PIPE, stdout=sink, stderr=sink
        )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not (address := ready(log)):
                if process.returncode is not None:
                    raise RuntimeError(f"{words[0]} did not start: {_lines(log)[-15:]}")
                await asyncio.sleep(_POLL_SECONDS)
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _serving(log: Folder) -> str:
    written = (line for line in _lines(log) if line.startswith("{"))  # what libraries print is not JSON
    entries = {entry["event"]: entry for entry in map(json.loads, written)}
    return str(entries["serving"]["addresses"][0]) if "ready" in entries else ""


def _last_line(log: Folder) -> str:
    *_, last = ["", *_lines(log)]
    return last if last.startswith("127.0.0.1:") else ""


def _lines(log: Folder) -> list[str]:
    """Read its whole lines."""
    return log.read_text().rpartition("\n")[0].splitlines()


def _mean(path: Sequence[float]) -> float:
    return float(np.clip(path, 0.0, 100.0).mean())


def _duration(step: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(step)
    return duration
