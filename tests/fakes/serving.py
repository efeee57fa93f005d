"""Real servers around models and servicers that only tests have, put together as `forecast_server.app` does it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc
from prometheus_client import CollectorRegistry

from forecast_server.engine import Engine, Settings
from forecast_server.metrics import ForecastMetrics
from forecast_server.models.base import Model
from forecast_server.policy import read_policy
from forecast_server.servicer import ITEMISED, ForecastServicer
from mesh.clock import SystemClock
from mesh.errors import Unsupported
from mesh.rpc.call import Context
from mesh.rpc.config import ServerConfig
from mesh.rpc.server import Server, Service, serving

UNMEASURED = Settings(batch_cost=1 << 30)
"""Whatever waits is one batch, and the model is asked for nothing that no test asked for."""

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["ForecastService"]


@dataclass(frozen=True, slots=True)
class Composed:
    """A forecast server with its parts in reach."""

    server: Server
    engine: Engine
    _running: "list[asyncio.Future[NoReturn]]" = field(default_factory=list)

    @property
    def death(self) -> BaseException | None:
        """What the model died of."""
        (running,) = self._running
        return running.exception() if running.done() else None

    async def stop(self) -> None:
        """Let the model be."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.server.addresses[0]

    async def load(self) -> None:
        """Load the model and say so, as the app does."""
        await self.engine.load()
        self._running.append(asyncio.ensure_future(self.engine.run()))
        await self.server.health.set(DESCRIPTOR.full_name, serving=True)


class Unfinished(rpc.ForecastServiceServicer):
    """Answers nothing yet: a base for servicers that answer one method, in their own way."""

    async def StreamSignals(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamSignalsRequest], context: Context
    ) -> AsyncIterator[pb.StreamSignalsResponse]:
        raise Unsupported("not yet")
        yield

    async def GenerateSignals(  # noqa: N802
        self, request: pb.GenerateSignalsRequest, context: Context
    ) -> pb.GenerateSignalsResponse:
        raise Unsupported("not yet")

    async def GenerateForecasts(  # noqa: N802
        self, request: pb.GenerateForecastsRequest, context: Context
    ) -> pb.GenerateForecastsResponse:
        raise Unsupported("not yet")

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:  # noqa: N802
        raise Unsupported("not yet")

    async def ListExitPolicies(  # noqa: N802
        self, request: pb.ListExitPoliciesRequest, context: Context
    ) -> pb.ListExitPoliciesResponse:
        raise Unsupported("not yet")


@asynccontextmanager
async def servicer_on_loopback(
    servicer: rpc.ForecastServiceServicer,
    *,
    itemised: frozenset[str] = frozenset(),
    draining: asyncio.Event | None = None,
    **config: Any,
) -> AsyncIterator[Server]:
    """Serve any servicer of ForecastService; `config` is that of `[rpc]`."""
    service = Service(DESCRIPTOR, lambda server: rpc.add_ForecastServiceServicer_to_server(servicer, server), itemised)
    listening = ServerConfig.model_validate({"listen": ("127.0.0.1:0",), **config})
    async with serving(listening, [service], draining=draining) as server:
        yield server


@asynccontextmanager
async def forecasts_from(
    model: Model, *, load: bool = True, settings: Settings = UNMEASURED, **config: Any
) -> AsyncIterator[Composed]:
    """Serve forecasts of a model; without `load` it stays as it is until the test loads it."""
    clock, draining = SystemClock(), asyncio.Event()
    metrics = ForecastMetrics(CollectorRegistry())
    engine = Engine(lambda: model, read_policy(None), clock, settings, draining=draining, metrics=metrics)
    servicer = ForecastServicer(engine, clock, code_version="0.0.0")
    composed: Composed | None = None
    try:
        async with servicer_on_loopback(servicer, itemised=ITEMISED, draining=draining, **config) as server:
            composed = Composed(server, engine)
            if load:
                await composed.load()
            yield composed
    finally:
        if composed is not None:
            await composed.stop()
        engine.close()


@dataclass(frozen=True, slots=True)
class Stoppable:
    """A forecast server that the test stops, as SIGTERM would."""

    served: Composed
    _stop: asyncio.Event
    _stopped: asyncio.Event

    def stop(self) -> None:
        """Begin the stop."""
        self._stop.set()

    @property
    def has_stopped(self) -> bool:
        """Whether the stop is complete."""
        return self._stopped.is_set()

    async def stopped(self, seconds: float) -> None:
        """Wait for the end of the stop; TimeoutError if it takes longer."""
        async with asyncio.timeout(seconds):
            await self._stopped.wait()


@asynccontextmanager
async def stoppable(model: Model, **config: Any) -> AsyncIterator[Stoppable]:
    """Serve forecasts of a model until the test, or its end, says stop."""
    stop, stopped = asyncio.Event(), asyncio.Event()
    started: asyncio.Future[Composed] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with forecasts_from(model, **config) as served:
            started.set_result(served)
            await stop.wait()
        stopped.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve())
        try:
            yield Stoppable(await started, stop, stopped)
        finally:
            stop.set()
