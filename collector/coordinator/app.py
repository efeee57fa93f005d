"""The composition root: database, engine, discovery, servicer, server."""

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from foremesh.coordinator.v1 import coordinator_service_pb2
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc
from prometheus_client import CollectorRegistry, ProcessCollector

from collector.coordinator.config import CoordinatorConfig
from collector.coordinator.database import Database, opened
from collector.coordinator.discovery import Discovery
from collector.coordinator.engine import Coordinator
from collector.coordinator.markets import MarketFiles
from collector.coordinator.metrics import CoordinatorMetrics
from collector.coordinator.servicer import CoordinatorServicer
from collector.coordinator.timed_store import TimedStore
from mesh import log
from mesh.clock import Clock, SystemClock
from mesh.daemon import Lifecycle
from mesh.errors import MeshError, Unavailable
from mesh.kalshi.client import connect
from mesh.rpc.server import Server, Service, serving

DATABASE, BACKUP = "coordinator.sqlite", "coordinator.backup.sqlite"
_SERVICE = coordinator_service_pb2.DESCRIPTOR.services_by_name["CoordinatorService"]
_TICK_SECONDS = 1.0
_LOOK_TICKS = 5
_FIRST_BACKUP_SECONDS, _BACKUP_SECONDS = 300.0, 6 * 3600.0

_log = log.get(__name__)


@asynccontextmanager
async def coordinator_server(
    config: CoordinatorConfig, lifecycle: Lifecycle, clock: Clock | None = None
) -> AsyncIterator[Server]:
    """Listen at once, open the database, then say so; at the end send callers away and close.

    `clock` is for programs that run in another time than real time.

    Raises:
        Fatal: the database cannot be used.
        ConfigError: the key for the exchange cannot be used.
    """
    clock, registry = clock or SystemClock(), CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = CoordinatorMetrics(registry)
    servicer = CoordinatorServicer(clock, metrics, lifecycle.stopping)
    service = Service(
        _SERVICE,
        lambda server: rpc.add_CoordinatorServiceServicer_to_server(servicer, server),
        routine=frozenset({"Heartbeat", "ListShards"}),
    )
    async with serving(config.rpc, [service], draining=lifecycle.stopping, registry=registry) as server:
        with opened(config.state_folder / DATABASE) as database:
            engine = Coordinator(
                TimedStore(database, metrics.saves),
                clock,
                config.lease.policy,
                steps=config.steps,
                total_nodes=config.total_nodes,
                instance_id=uuid4().hex,
            )
            gc.collect()
            gc.freeze()  # a hundred thousand rows that stay: looking at them takes a third of a second each time
            async with connect(config.kalshi, clock) as client:
                discovery = Discovery(
                    client,
                    engine,
                    database,
                    config.steps,
                    clock,
                    since=config.since,
                    recorder=MarketFiles(config.data_folder, clock) if config.data_folder else None,
                    interval=config.listing_seconds,
                )
                async with _running(
                    lifecycle,
                    ticks=_tick(engine, clock, metrics),
                    discovery=discovery.run(),
                    backups=_back_up(database, config.state_folder / BACKUP, clock),
                ):
                    with _answering(servicer, engine):
                        await server.health.set(_SERVICE.full_name, serving=True)
                        lifecycle.ready(f"coordinating on {', '.join(server.addresses)}")
                        yield server


async def _tick(engine: Coordinator, clock: Clock, metrics: CoordinatorMetrics) -> None:
    """Let time pass for the engine, and show what it has come to."""
    ticks = 0
    while True:
        try:
            engine.tick()
        except Unavailable as error:  # the next tick decides the same again
            _log.warning("nothing decided", reason=error.reason, problem=error.message)
        if ticks % _LOOK_TICKS == 0:
            metrics.show(engine.progress())
        ticks += 1
        await clock.sleep(_TICK_SECONDS)


async def _back_up(database: Database, path: Path, clock: Clock) -> None:
    """Keep a copy of the database beside it, never more than a few hours old."""
    wait = _FIRST_BACKUP_SECONDS
    while True:
        await clock.sleep(wait)
        wait = _BACKUP_SECONDS
        try:
            await asyncio.to_thread(database.backup, path)
        except MeshError as error:
            _log.error("no copy of the database", problem=error.message)


@contextmanager
def _answering(servicer: CoordinatorServicer, engine: Coordinator) -> Iterator[None]:
    """Let callers reach the engine while the context lasts."""
    servicer.engine = engine
    try:
        yield
    finally:
        servicer.engine = None


@asynccontextmanager
async def _running(lifecycle: Lifecycle, **work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work in the background while the context lasts: what it works with is closed after it."""
    tasks = [lifecycle.tasks.create_task(each, name=name) for name, each in work.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
