"""The one way to serve.

    async with serving(config, [Service(...)], draining=draining) as server:
        await server.health.set("foremesh.forecast.v1.ForecastService", serving=True)

brings TLS and identity, roles, validation, error mapping, metrics, an access log, health, reflection, channelz, limits
and a graceful stop to any servicer.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from prometheus_client import CollectorRegistry, Gauge

from mesh import log
from mesh.rpc import limits
from mesh.rpc.auth import CHANNELZ, HEALTH, Access
from mesh.rpc.config import Address, ServerConfig
from mesh.rpc.metrics import RpcMetrics, exposed
from mesh.rpc.pipeline import Pipeline
from mesh.rpc.reflection import add_reflection
from mesh.rpc.tls import server_credentials

_log = log.get(__name__)
_STOP_SECONDS = 0.5
_WALL_FACTOR = 4
"""gRPC's own limit on calls stands this far above ours, which answers with advice; it also counts health watchers."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service to serve."""

    descriptor: ServiceDescriptor
    """From the generated module: `DESCRIPTOR.services_by_name[...]`."""
    register: Callable[[grpc.aio.Server], None]
    """Adds the servicer: `lambda server: add_XServicer_to_server(servicer, server)`."""
    itemised: frozenset[str] = frozenset()
    """Names of methods whose servicer checks each message with `validation.check_items`, because faulty items are
    answered one by one and do not end the call. All other messages are checked before the servicer sees them."""
    routine: frozenset[str] = frozenset()
    """Names of methods that machines call all day: their calls are in the log only where they fail, or at debug."""


class Health:
    """What `grpc.health.v1.Health` says. The empty name stands for the whole server: serving if every name is."""

    def __init__(self, names: Sequence[str], shown: Gauge) -> None:
        self._servicer = health_aio.HealthServicer()
        self._serving = dict.fromkeys(names, False)
        self._shown = shown

    async def set(self, name: str, *, serving: bool) -> None:
        """Say whether a service (or `model/<name>`) can do its work."""
        self._serving[name] = serving
        await self._publish()

    async def _publish(self) -> None:
        for name, serving in self._serving.items():
            self._shown.labels(name).set(serving)
        for name, serving in (*self._serving.items(), ("", all(self._serving.values()))):
            response = health_pb2.HealthCheckResponse
            await self._servicer.set(name, response.SERVING if serving else response.NOT_SERVING)

    async def _start(self, server: grpc.aio.Server) -> None:
        await self._publish()
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def _stop(self) -> None:
        for name in self._serving:
            self._shown.labels(name).set(0)
        await self._servicer.enter_graceful_shutdown()


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    addresses: tuple[Address, ...]
    """Where it listens, with the ports that port 0 became."""
    health: Health
    metrics_port: int | None
    """Where Prometheus scrapes on loopback."""
    in_flight: Callable[[], int]
    """Calls to the server's own services in progress."""


@asynccontextmanager
async def serving(
    config: ServerConfig,
    services: Sequence[Service],
    *,
    draining: asyncio.Event | None = None,
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[Server]:
    """Serve while the context lasts, then drain: health first, then the calls in progress, then the connections.

    Args:
        config: Where and for whom.
        services: What. Health starts as NOT_SERVING for each; the caller says when it is true.
        draining: Set when the stop begins, so that servicers can finish early what nobody should wait for.
        registry: Where metrics go.

    Raises:
        ConfigError: a certificate, key or token file cannot be used.
        OSError: an address cannot be bound.
        ValueError: a method names no role that may call it.
    """
    draining = draining or asyncio.Event()
    registry = registry or CollectorRegistry()
    named = {service.descriptor.full_name: service.descriptor for service in services}
    own = frozenset(f"/{name}/{method.name}" for name, found in named.items() for method in found.methods)
    metrics = RpcMetrics(registry)
    pipeline = Pipeline(
        config,
        access=Access(named),
        own_methods=own,
        itemised_methods=frozenset(
            f"/{service.descriptor.full_name}/{method}" for service in services for method in service.itemised
        ),
        routine_methods=frozenset(
            f"/{service.descriptor.full_name}/{method}" for service in services for method in service.routine
        ),
        metrics=metrics,
        draining=draining,
    )
    health = Health(list(named), metrics.serving)
    server = grpc.aio.server(
        interceptors=(pipeline,),
        options=[
            *limits.common_options(),
            ("grpc.http2.min_ping_interval_without_data_ms", int(limits.KEEPALIVE_FLOOR_SECONDS * 1000)),
            ("grpc.max_connection_age_ms", limits.CONNECTION_AGE_SECONDS * 1000),
            ("grpc.max_connection_age_grace_ms", limits.CONNECTION_GRACE_SECONDS * 1000),
            ("grpc.server_handshake_timeout_ms", limits.HANDSHAKE_SECONDS * 1000),
            ("grpc.so_reuseport", 0),  # or a second daemon would silently share the port with the first
            ("grpc.enable_channelz", 1),
        ],
        maximum_concurrent_rpcs=_WALL_FACTOR * config.max_in_flight,
    )
    for service in services:
        service.register(server)
    await health._start(server)  # health and server are one module
    channelz.add_channelz_servicer(server)
    add_reflection((*named, HEALTH, CHANNELZ), server)
    addresses = tuple(_bind(server, address, config) for address in config.listen)
    with exposed(registry, config.metrics_listen) as metrics_port:
        await server.start()
        _log.info(
            "serving", addresses=addresses, services=list(named), security=_security(config), metrics_port=metrics_port
        )
        try:
            yield Server(addresses, health, metrics_port, lambda: pipeline.in_flight)
        finally:
            await health._stop()
            draining.set()
            try:
                async with asyncio.timeout(config.grace_seconds):
                    await pipeline.wait_idle()
            except TimeoutError:
                _log.warning("calls cut off by the stop", calls=pipeline.in_flight)
            await server.stop(_STOP_SECONDS)


def _bind(server: grpc.aio.Server, address: str, config: ServerConfig) -> str:
    try:
        if config.tls is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, server_credentials(config.tls))
    except RuntimeError as error:  # gRPC's word for a taken port, a foreign address, a name that does not resolve
        raise OSError(errno.EADDRINUSE, f"{address}: {str(error).partition(';')[0]}") from error
    return f"{address.rpartition(':')[0]}:{port}"


def _security(config: ServerConfig) -> str:
    if config.tls is None:
        return "plain text on loopback"
    return "TLS with client certificates" if config.tls.client_ca_file else "TLS with tokens"
