"""Whole scans, written and read side by side, and the law that all of them keep: every input is answered once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from forecast_server.app import forecast_server
from forecast_server.config import ForecastServerConfig
from forecast_server.models.base import Model
from mesh.daemon import Lifecycle
from mesh.rpc.server import Server
from tests.fakes.questions import answer, batch, header, history, stub

KINDS = ("signal", "no_signal", "rejected", "expired", "failed")
PER_MESSAGE = 128


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scan that came to its end."""

    results: list[signal_pb2.SignalResult]
    """In the order in which they came."""
    kinds: Counter[str]

    def expired(self) -> Counter[int]:
        """Count the reasons why inputs were not computed."""
        return Counter(result.expired.reason for result in self.results if result.HasField("expired"))

    @property
    def indices(self) -> list[int]:
        """Inputs in the order in which they were answered."""
        return [result.input_index for result in self.results]


def accounted(results: Iterable[signal_pb2.SignalResult], summary: pb.ScanSummary) -> Counter[str]:
    """Hold an account against its results: all inputs once, the counts sum, each is what came. Gives the counts."""
    together = list(results)
    assert sorted(result.input_index for result in together) == list(range(summary.input_count))
    claimed = {kind: getattr(summary, f"{kind}_count") for kind in KINDS}
    assert sum(claimed.values()) == summary.input_count
    found = Counter(str(result.WhichOneof("outcome")) for result in together)
    assert found == Counter({kind: count for kind, count in claimed.items() if count})
    return found


def named(count: int, start: int = 0, **fields: Any) -> list[forecast_pb2.MarketHistory]:
    """Histories that a model can tell apart: the first price of each is its number, from `start`; at most 100."""
    return [
        history(f"KXHIGHNY-{number}", closes=[number, 42.0, 41.0, 44.0, 43.0, 46.0, 45.0, 48.0], **fields)
        for number in range(start, start + count)
    ]


async def opened(
    channel: grpc.aio.Channel, asked: forecast_pb2.ForecastOptions | None = None, *, expected: int = 0, **fields: Any
) -> Any:
    """A scan that has been accepted."""
    first = header(asked, **fields)
    first.header.expected_inputs = expected
    call = stub(channel).StreamSignals()
    await call.write(first)
    assert (await answer(call)).HasField("accepted")
    return call


async def write(call: Any, wanted: Sequence[forecast_pb2.MarketHistory]) -> None:
    """Write a scan's histories, and that there are no more."""
    for start in range(0, len(wanted), PER_MESSAGE):
        await call.write(batch(*wanted[start : start + PER_MESSAGE]))
    await call.done_writing()


async def read(call: Any) -> Scanned:
    """Read a scan to its end."""
    results: list[signal_pb2.SignalResult] = []
    while (response := await answer(call)).WhichOneof("frame") == "results":
        results += response.results.results
    return Scanned(results, accounted(results, response.summary))


async def scan(
    channel: grpc.aio.Channel,
    wanted: Sequence[forecast_pb2.MarketHistory],
    asked: forecast_pb2.ForecastOptions | None = None,
    **fields: Any,
) -> Scanned:
    """Hold a whole scan, reading while it writes."""
    call = await opened(channel, asked, **fields)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(call))
        tasks.create_task(write(call, wanted))
    return reading.result()


@asynccontextmanager
async def whole_server(model: Model | None = None, /, *, metrics: bool = False, **config: Any) -> AsyncIterator[Server]:
    """The forecast server as its daemon puts it together, around a model of the test's own; it measures no batches."""
    rpc = {"listen": ("127.0.0.1:0",), "metrics_listen": "127.0.0.1:0" if metrics else "off"}
    settings = ForecastServerConfig.model_validate({"rpc": rpc, "batch_cost": 1 << 20, "canary_seconds": 0.0, **config})
    async with asyncio.TaskGroup() as tasks, forecast_server(settings, Lifecycle(tasks), model) as server:
        yield server
