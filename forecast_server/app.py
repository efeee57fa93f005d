"""The composition root: model, engine, servicer, server."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from foremesh.forecast.v1 import forecast_service_pb2
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc
from prometheus_client import CollectorRegistry, ProcessCollector

from forecast_server.config import ForecastServerConfig
from forecast_server.engine import Engine, Settings
from forecast_server.metrics import ForecastMetrics
from forecast_server.models.base import Model
from forecast_server.models.catalogue import make
from forecast_server.policy import read_policy
from forecast_server.recorder import recording
from forecast_server.scan import Scan
from forecast_server.servicer import ITEMISED, ForecastServicer
from forecast_server.types import Forecast
from forecast_server.worker import ModelDied
from mesh import log
from mesh.config import ConfigError
from mesh.daemon import Fatal, Lifecycle
from mesh.rpc.server import Server, Service, serving

_log = log.get(__name__)
_SERVICE = forecast_service_pb2.DESCRIPTOR.services_by_name["ForecastService"]
_COLLECT_EVERY = 50_000
"""New objects between garbage collections: a batch makes thousands that live for milliseconds, and Python's default
of 700 spends a tenth of the time looking at them."""

_DRAIN_SHARE = 0.75
"""Of the grace that calls get at a stop, what accepted work may use; the rest is for sending what is ready."""
_LINGER_SECONDS = 2.0


@asynccontextmanager
async def forecast_server(
    config: ForecastServerConfig, lifecycle: Lifecycle, model: Model | None = None
) -> AsyncIterator[Server]:
    """Listen at once, load the model, then say so; at the end drain and close.

    `model` is for programs that bring their own, such as benchmarks; a daemon serves the one its configuration names.

    Raises:
        Fatal: the model cannot load.
        ConfigError: the policy file or the folder for records cannot be used.
    """
    clock, registry = config.clock.shared(), CollectorRegistry()
    ProcessCollector(registry=registry)
    policy, code_version = read_policy(config.policy_file), version("foremesh")
    model_name = f"model/{config.model.name}"

    async def tell_of_canary(fine: bool) -> None:
        await server.health.set(model_name, serving=fine)

    def record(scan: Scan, forecasts: Sequence[Forecast]) -> None:
        if engine.facts is not None:
            recorder.add(clock.now(), scan.name, scan.question, engine.facts, forecasts)

    engine = Engine(
        (lambda: model) if model else (lambda: make(config.model)),
        policy,
        clock,
        settings(config),
        draining=lifecycle.stopping,
        metrics=ForecastMetrics(registry),
        record=record if config.record_folder else None,
        on_canary=tell_of_canary,
    )
    servicer = ForecastServicer(engine, clock, code_version=code_version)
    service = Service(_SERVICE, lambda server: rpc.add_ForecastServiceServicer_to_server(servicer, server), ITEMISED)
    running: asyncio.Task[None] | None = None
    try:
        async with (
            recording(config.record_folder, code_version=code_version) as recorder,
            rereading(engine, config.policy_file),
            serving(config.rpc, [service], draining=lifecycle.stopping, registry=registry) as server,
        ):
            await server.health.set(model_name, serving=False)
            try:
                facts = await engine.load()
            except Exception as error:
                await _linger(lifecycle)
                raise Fatal(f"model {config.model.name} cannot load: {error}") from error
            gc.freeze()  # what is loaded stays: the collector need not look at it again
            gc.set_threshold(_COLLECT_EVERY)
            running = lifecycle.tasks.create_task(_run(engine), name="model")
            lifecycle.alive = lambda: not engine.stuck
            await server.health.set(model_name, serving=True)
            await server.health.set(_SERVICE.full_name, serving=True)
            lifecycle.ready(f"serving {facts.reference} on {', '.join(server.addresses)}")
            yield server
    finally:
        if running is not None:
            running.cancel()
        engine.close()


def settings(config: ForecastServerConfig) -> Settings:
    """Read the engine's part of the configuration."""
    return Settings(
        capacity_series=config.queue_series,
        reader_seconds=config.reader_seconds,
        drain_seconds=_DRAIN_SHARE * config.rpc.grace_seconds,
        cache_bytes=config.cache_mebibytes << 20,
        canary_seconds=config.canary_seconds,
        batch_cost=config.batch_cost,
        longest_batch_seconds=config.longest_batch_seconds,
    )


async def _linger(lifecycle: Lifecycle) -> None:
    """Answer a little longer: whoever asks GetModel is told why there is no model."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            await lifecycle.stopping.wait()


async def _run(engine: Engine) -> None:
    """Run the model; one that died takes the process with it, and systemd starts another."""
    try:
        await engine.run()
    except ModelDied as error:
        raise Fatal(str(error)) from error


@asynccontextmanager
async def rereading(engine: Engine, path: Path | None) -> AsyncIterator[None]:
    """Read the policy file again on SIGHUP while the context lasts; one that cannot be used changes nothing."""

    def reread() -> None:
        try:
            policy = read_policy(path)
        except ConfigError as error:
            _log.error("policy refused, the old one stays", problems=error.problems, version=engine.policy.version)
            return
        engine.policy = policy
        _log.info("policy", version=policy.version, digest=policy.digest)

    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGHUP, reread)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread: a program that brings its own model
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
