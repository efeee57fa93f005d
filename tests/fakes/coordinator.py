"""A real coordinator on real sockets whose events a test makes up, and what workers say to it, as messages."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
from foremesh.coordinator.v1 import budget_pb2, shard_pb2
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration
from prometheus_client import CollectorRegistry

from collector import wire
from collector.coordinator.database import opened
from collector.coordinator.engine import Coordinator
from collector.coordinator.metrics import CoordinatorMetrics
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow
from collector.coordinator.servicer import CoordinatorServicer
from collector.coordinator.store import Store
from collector.coordinator.timed_store import TimedStore
from collector.types import LeaseKey, LeaseProgress, MarketTask, Phase, Stage
from mesh.clock import Clock, SystemClock
from mesh.rpc.config import ServerConfig
from mesh.rpc.server import Server, Service, serving
from mesh.shards import Content, Hole, ShardFile, ShardKey

SERVICE = "foremesh.coordinator.v1.CoordinatorService"
DESCRIPTOR = pb.DESCRIPTOR.services_by_name["CoordinatorService"]
SERIES = "KXHIGHNY"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Coordinated:
    """A coordinator with its parts in reach."""

    server: Server
    engine: Coordinator
    servicer: CoordinatorServicer
    draining: asyncio.Event
    metrics: CoordinatorMetrics
    registry: CollectorRegistry

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.server.addresses[0]


@asynccontextmanager
async def coordinator_on_loopback(
    folder: Path,
    *,
    clock: Clock | None = None,
    policy: LeasePolicy | None = None,
    steps: Mapping[str, tuple[int, ...]] | None = None,
    store: Store | None = None,
    **config: Any,
) -> AsyncIterator[Coordinated]:
    """Serve a coordinator with its database in `folder`; `config` is that of `[rpc]`. Nothing ticks by itself."""
    clock, registry, draining = clock or SystemClock(), CollectorRegistry(), asyncio.Event()
    metrics = CoordinatorMetrics(registry)
    servicer = CoordinatorServicer(clock, metrics, draining)
    service = Service(DESCRIPTOR, lambda server: rpc.add_CoordinatorServiceServicer_to_server(servicer, server))
    listening = ServerConfig.model_validate({"listen": ("127.0.0.1:0",), "loopback_role": "collector", **config})
    with opened(folder / "coordinator.sqlite") as database:
        engine = Coordinator(
            TimedStore(store or database, metrics.saves),
            clock,
            policy or LeasePolicy(settle_delay=0.0),
            steps=steps or {SERIES: (3600,)},
            total_nodes=3,
            instance_id=uuid4().hex,
        )
        servicer.engine = engine
        async with serving(listening, [service], draining=draining, registry=registry) as server:
            await server.health.set(DESCRIPTOR.full_name, serving=True)
            yield Coordinated(server, engine, servicer, draining, metrics, registry)


def closed_event(number: int = 1, *, series: str = SERIES, markets: int = 2) -> EventRow:
    """An event that is over, its markets settled."""
    closes = NOW - timedelta(hours=12)
    event = f"{series}-E{number:06}"
    tasks = tuple(
        MarketTask(f"{event}-M{place}", Phase.SETTLED, closes - timedelta(hours=24), closes) for place in range(markets)
    )
    return EventRow(series, event, tasks, closes + timedelta(hours=1), NOW)


def key_of(event: EventRow, step_seconds: int = 3600) -> ShardKey:
    """The shard of an event."""
    return ShardKey(event.series, event.event, step_seconds)


def stub(channel: grpc.aio.Channel) -> "rpc.CoordinatorServiceAsyncStub":
    """The generated stub."""
    made: rpc.CoordinatorServiceAsyncStub = rpc.CoordinatorServiceStub(channel)
    return made


def registration(worker: str = "spark", process: str = "p1", **fields: Any) -> pb.RegisterWorkerRequest:
    """How a worker process announces itself."""
    defaults: dict[str, Any] = {"software_version": "0.1.0", "api_budget": budget(worker)}
    return pb.RegisterWorkerRequest(
        request_id=_request_id(), worker_id=worker, worker_instance_id=process, **(defaults | fields)
    )


def budget(label: str = "spark") -> budget_pb2.ApiBudget:
    """A budget of its own, as without a key."""
    return budget_pb2.ApiBudget(kind="API_BUDGET_KIND_PER_IP", budget_id=label)


def beat(
    sequence: int,
    worker: str = "spark",
    process: str = "p1",
    *,
    leases: Iterable[shard_pb2.LeaseProgress] = (),
    wanted: int = 0,
    **fields: Any,
) -> pb.HeartbeatRequest:
    """A heartbeat."""
    defaults: dict[str, Any] = {"intent": "WORKER_INTENT_COLLECT", "api_usage": budget_pb2.ApiUsage()}
    return pb.HeartbeatRequest(
        request_id=_request_id(),
        worker_id=worker,
        worker_instance_id=process,
        sequence=sequence,
        leases=leases,
        wanted_lease_count=wanted,
        **(defaults | fields),
    )


def progress(key: ShardKey, epoch: int, **fields: Any) -> shard_pb2.LeaseProgress:
    """How far a lease is: fetching, unless told otherwise."""
    return wire.write_progress(LeaseProgress(LeaseKey(key, epoch), Stage.FETCHING, **fields))


def commit(
    key: ShardKey,
    epoch: int | None,
    worker: str = "spark",
    *,
    sha256: str = "a" * 64,
    holes: Iterable[Hole] = (),
    **fields: Any,
) -> pb.CommitShardRequest:
    """A finished file of an event that is over; without an epoch it is an imported one."""
    file = ShardFile(
        sha256, 1234, 48, 2, NOW - timedelta(hours=30), NOW - timedelta(hours=12), "foremesh.candles", 1,
        Content.PRICES_AND_QUOTES,
    )  # fmt: skip
    adoption = pb.Adoption(kind="ADOPTION_KIND_IMPORT") if epoch is None else None
    return pb.CommitShardRequest(
        request_id=_request_id(),
        worker_id=worker,
        shard_key=wire.write_shard_key(key),
        epoch=epoch,
        adoption=adoption,
        file=wire.write_shard_file(file),
        covered_end_time=NOW,
        holes=map(wire.write_hole, holes),
        **fields,
    )


def release(key: ShardKey, epoch: int, worker: str = "spark", **fields: Any) -> pb.ReleaseLeaseRequest:
    """A lease given back."""
    defaults: dict[str, Any] = {"reason": "LEASE_RELEASE_REASON_REVOKED"}
    return pb.ReleaseLeaseRequest(
        request_id=_request_id(),
        worker_id=worker,
        lease=wire.write_lease_key(LeaseKey(key, epoch)),
        **(defaults | fields),
    )


def seconds(value: float) -> Duration:
    """A duration."""
    made = Duration()
    made.FromTimedelta(timedelta(seconds=value))
    return made


def _request_id() -> str:
    return f"r{next(_numbers)}"
