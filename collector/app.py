"""The composition root: folder, exchange, coordinator, agent, lease work, copies, server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from uuid import uuid4

from prometheus_client import CollectorRegistry, ProcessCollector

from collector.adopting import Adopter
from collector.agent import Agent, Facts, Identity
from collector.budgets import keep_learning, unlearned
from collector.checking import check_files
from collector.config import CollectorConfig
from collector.coordination import coordinating
from collector.coordinator.calls import ReleaseReason
from collector.copying import Copier
from collector.desk import Desk, Lease
from collector.fetching import Fetcher
from collector.leasework import LeaseWork
from collector.metrics import CollectorMetrics
from collector.pace import Pace
from collector.recording.files import QuoteFiles
from collector.recording.recorder import Recorder
from collector.serving import DESCRIPTOR, file_service
from collector.static import collect_statically
from collector.transfer import Transfer
from mesh import log
from mesh.clock import Clock, SystemClock
from mesh.daemon import Fatal, Lifecycle
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.stream.streaming import streaming
from mesh.kalshi.transport.limits import DEFAULT_COST
from mesh.rpc.server import Server, serving
from mesh.store.errors import StoreError
from mesh.store.folder import DataFolder, open_folder
from mesh.store.owner import note_owner
from mesh.waiting import until

_FINISH_SHARE = 0.5
"""Of the time to drain, what leases get to finish whole; the rest is for committing what they have by then."""
_RELEASE_SECONDS = 2.0
_TELL_SECONDS = 30.0
_IDLE_LOOK_SECONDS = 0.25
_HANG_SECONDS = 30.0
"""Beyond all deadlines of a round of the agent: what hangs for longer is ended by the watchdog."""

_log = log.get(__name__)


@asynccontextmanager
async def collector(config: CollectorConfig, lifecycle: Lifecycle, clock: Clock | None = None) -> AsyncIterator[Server]:
    """Serve the files that are here, and collect more; at the end commit or give back what is in hand.

    `clock` is for programs that run in another time than real time.

    Raises:
        Fatal: The data folder cannot be used, or another process holds it.
        ConfigError: A key or certificate cannot be used.
    """
    clock, registry, instance = clock or SystemClock(), CollectorRegistry(), uuid4().hex
    ProcessCollector(registry=registry)
    metrics = CollectorMetrics(registry)
    async with AsyncExitStack() as stack:
        folder = await _folder(stack, config, clock)
        client = await stack.enter_async_context(connect(config.kalshi, clock))
        files = file_service(folder, instance, lifecycle.stopping, metrics)
        server = await stack.enter_async_context(
            serving(config.rpc, [files], draining=lifecycle.stopping, registry=registry)
        )
        await server.health.set(DESCRIPTOR.full_name, serving=True)
        where = f"serving {config.data_folder} on {', '.join(server.addresses)}"
        if config.record.series:
            await stack.enter_async_context(_recording(config, lifecycle, client, clock, metrics))
        if config.static.total_nodes:
            work = collect_statically(
                config.static, folder, client, clock, metrics, slots=config.concurrent_leases, once=config.once
            )
            async with _running(lifecycle, {"static collection": _ending(work, lifecycle)}):
                lifecycle.ready(f"node {config.static.node_id} of {config.static.total_nodes}, {where}")
                yield server
        else:
            identity = Identity(
                worker_id=config.name,
                instance=instance,
                software_version=version("foremesh"),
                node_index=config.node_index,
                fetch_address=config.fetch_address or server.addresses[0],
                budget=unlearned(config),
            )
            async with _working(config, lifecycle, _Parts(folder, client, clock, metrics), identity):
                lifecycle.ready(f"worker {config.name}, {where}")
                yield server


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the daemon stands on."""

    folder: DataFolder
    client: KalshiClient
    clock: Clock
    metrics: CollectorMetrics


@asynccontextmanager
async def _recording(
    config: CollectorConfig, lifecycle: Lifecycle, client: KalshiClient, clock: Clock, metrics: CollectorMetrics
) -> AsyncIterator[None]:
    """Record books and tickers while the context lasts; what waits is written at its end."""
    async with streaming(config.kalshi, client.transport.sender) as stream:
        recorder = Recorder(
            client,
            stream,
            QuoteFiles(config.data_folder, config.name),
            config.record.series,
            clock,
            look_seconds=config.record.look_seconds,
            flush_seconds=config.record.flush_seconds,
        )
        metrics.recording.stats = recorder.stats
        async with _running(lifecycle, {"recording": recorder.run()}):
            yield


async def _folder(stack: AsyncExitStack, config: CollectorConfig, clock: Clock) -> DataFolder:
    try:
        folder = await asyncio.to_thread(stack.enter_context, open_folder(config.data_folder, clock))
    except StoreError as error:
        raise Fatal(f"the data folder cannot be used: {error.message}") from error
    try:
        await asyncio.to_thread(note_owner, folder.root, config.name)
    except StoreError as error:  # it is for people who verify; what is here can be served without
        _log.warning("the data folder does not say whose it is", problem=error.message)
    return folder


@asynccontextmanager
async def _working(
    config: CollectorConfig, lifecycle: Lifecycle, parts: _Parts, identity: Identity
) -> AsyncIterator[None]:
    """Work for the coordinator while the context lasts; at its end drain."""
    folder, client, clock, metrics = parts.folder, parts.client, parts.clock, parts.metrics
    desk, fetcher = Desk(clock), Fetcher(client, clock)
    async with (
        coordinating(config.coordinator) as coordinator,
        Transfer(folder, config.coordinator, metrics) as transfer,
    ):
        work = LeaseWork(
            desk=desk,
            folder=folder,
            fetcher=fetcher,
            transfer=transfer,
            coordinator=coordinator,
            clock=clock,
            metrics=metrics,
            slots=config.concurrent_leases,
            stall_seconds=config.stall_seconds,
        )

        def start(lease: Lease) -> None:
            lease.task = lifecycle.tasks.create_task(work.run(lease), name=f"lease of {lease.key.shard}")

        def facts() -> Facts:
            with suppress(StoreError):
                return Facts(copier.missing, folder.free_bytes())
            return Facts(copier.missing, None)

        pace = Pace(
            client.transport.limits,
            clock,
            identity.budget.kind,
            lambda: fetcher.queued_tokens + DEFAULT_COST * len(desk),  # a lease not planned yet wants a call at least
        )
        agent = Agent(
            identity,
            coordinator,
            desk,
            pace,
            clock,
            most_leases=config.held_leases,
            start=start,
            facts=facts,
            metrics=metrics,
        )
        work.agent = agent
        lifecycle.alive = lambda: agent.late_seconds <= config.coordinator.timeout_seconds + _HANG_SECONDS
        copier = Copier(
            folder=folder,
            transfer=transfer,
            coordinator=coordinator,
            agent=agent,
            clock=clock,
            everything=config.copy_files,
            seconds=config.copy_seconds,
            at_once=config.concurrent_copies,
        )
        metrics.leases_held.set_function(lambda: len(desk))
        metrics.missing_copies.set_function(lambda: copier.missing or 0)
        for staged in await asyncio.to_thread(folder.staged):
            start(desk.take_up(staged))
        background: dict[str, Coroutine[None, None, None]] = {
            "agent": agent.run(),
            "pace": pace.keep(),
            "copies": copier.run(),
            "adoption": Adopter(folder, agent, coordinator, clock).run(),
            "progress": _tell(desk, client, clock),
        }
        if config.kalshi.key_id:
            background["account"] = keep_learning(client, agent, clock)
        if config.checks_per_hour:
            background["checks"] = check_files(folder, agent, copier, metrics, clock, per_hour=config.checks_per_hour)
        if config.once:
            background["once"] = _end_when_idle(config, clock, agent, copier, lifecycle)
        async with _running(lifecycle, background):
            try:
                yield
                await _drain(config, clock, agent, desk, work)
            finally:
                await _stop(list(desk))


@asynccontextmanager
async def _running(lifecycle: Lifecycle, work: Mapping[str, Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Work in the background while the context lasts: what it works with is closed after it."""
    tasks = [lifecycle.tasks.create_task(each, name=name) for name, each in work.items()]
    try:
        yield
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: Iterable["asyncio.Task[None]"]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def _stop(leases: Iterable[Lease]) -> None:
    """Stop the work on leases where it is."""
    await _cancelled(lease.task for lease in leases if lease.task is not None)


async def _drain(config: CollectorConfig, clock: Clock, agent: Agent, desk: Desk, work: LeaseWork) -> None:
    """Finish what is nearly done, commit what has been collected, give the rest back, say goodbye."""
    agent.close()
    if not agent.superseded:
        _log.info("draining", leases=len(desk), seconds=config.drain_seconds)
        await until(desk.empty, clock, _FINISH_SHARE * config.drain_seconds)
        for lease in desk:
            lease.drain("the worker stops")
        await until(desk.empty, clock, (1 - _FINISH_SHARE) * config.drain_seconds)
    left = list(desk)
    await _stop(left)
    if not agent.superseded:
        with suppress(TimeoutError):
            async with asyncio.timeout(_RELEASE_SECONDS), asyncio.TaskGroup() as releases:
                for lease in left:
                    if lease.staged is None:  # a complete file stays, and is offered at the next start
                        releases.create_task(work.release(lease, ReleaseReason.SHUTDOWN, "the worker stops"))
        await agent.leave()


async def _tell(desk: Desk, client: KalshiClient, clock: Clock) -> None:
    """Say in the log how far the work is, while there is any."""
    while True:
        await clock.sleep(_TELL_SECONDS)
        if held := desk.progress():
            usage = client.transport.limits.read.usage
            _log.info(
                "collecting",
                leases=len(held),
                markets=f"{sum(lease.done_markets for lease in held)} of {sum(lease.total_markets for lease in held)}",
                rows=sum(lease.rows for lease in held),
                calls=usage.calls,
                throttled=usage.throttled,
            )


async def _end_when_idle(
    config: CollectorConfig, clock: Clock, agent: Agent, copier: Copier, lifecycle: Lifecycle
) -> None:
    """End the process once the coordinator has had nothing to do for a while, and every copy is here."""
    while agent.idle_seconds < config.once_seconds or copier.missing:
        await clock.sleep(_IDLE_LOOK_SECONDS)
    _log.info("nothing has been due for a while", seconds=config.once_seconds)
    lifecycle.stopping.set()


async def _ending(work: Awaitable[None], lifecycle: Lifecycle) -> None:
    """Do some work; when it is done, so is the process."""
    await work
    lifecycle.stopping.set()
