"""The composition root: model, engine, servicer, server."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from foremesh.forecast.v1 import forecast_service_pb2
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc
from prometheus_client import CollectorRegistry, ProcessCollector

from forecast_server.config import ForecastServerConfig
from forecast_server.engine import Engine
from forecast_server.models.base import Model
from forecast_server.models.random_walk import RandomWalk
from forecast_server.policy import read_policy
from forecast_server.servicer import ITEMISED, ForecastServicer
from mesh.clock import SystemClock
from mesh.daemon import Fatal, Lifecycle
from mesh.rpc.server import Server, Service, serving

_SERVICE = forecast_service_pb2.DESCRIPTOR.services_by_name["ForecastService"]
_COLLECT_EVERY = 50_000
"""New objects between garbage collections: a batch makes thousands that live for milliseconds, and Python's default
of 700 spends a tenth of the time looking at them."""

MODELS: dict[str, type[Model]] = {"random-walk": RandomWalk}


@asynccontextmanager
async def forecast_server(
    config: ForecastServerConfig, lifecycle: Lifecycle, model: Model | None = None
) -> AsyncIterator[Server]:
    """Listen at once, load the model, then say so; at the end drain and close.

    `model` is for programs that bring their own, such as benchmarks; a daemon serves the one its configuration names.

    Raises:
        Fatal: the model cannot load.
        ConfigError: the policy file cannot be used.
    """
    clock = SystemClock()
    engine = Engine(
        model or MODELS[config.model.name](),
        read_policy(config.policy_file),
        clock,
        capacity_series=config.queue_series,
        draining=lifecycle.stopping,
    )
    servicer = ForecastServicer(engine, clock, code_version=version("foremesh"))
    service = Service(_SERVICE, lambda server: rpc.add_ForecastServiceServicer_to_server(servicer, server), ITEMISED)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    try:
        async with serving(config.rpc, [service], draining=lifecycle.stopping, registry=registry) as server:
            model_name = f"model/{config.model.name}"
            await server.health.set(model_name, serving=False)
            try:
                facts = await engine.load()
            except Exception as error:
                raise Fatal(f"model {config.model.name} cannot load: {error}") from error
            gc.freeze()  # what is loaded stays: the collector need not look at it again
            gc.set_threshold(_COLLECT_EVERY)
            await server.health.set(model_name, serving=True)
            await server.health.set(_SERVICE.full_name, serving=True)
            lifecycle.ready(f"serving {facts.reference} on {', '.join(server.addresses)}")
            yield server
    finally:
        engine.close()
