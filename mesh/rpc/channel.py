"""The one way to connect.

    async with connect(config, "foremesh.forecast.v1.ForecastService") as channel:
        stub = ForecastServiceStub(channel)

brings TLS and identity that follow their files, a deadline on every call (the caller's own if it is shorter), retries
of idempotent methods that also work for big messages, keepalive, and several targets with health checking.
"""

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import MethodOptions

from mesh.errors import TooLate
from mesh.rpc import limits
from mesh.rpc.auth import service_descriptor
from mesh.rpc.call import REQUEST_ID_HEADER, current_call
from mesh.rpc.config import ClientConfig
from mesh.rpc.tls import Identity, IdentityFiles
from mesh.secret import read_secret

_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.2s",
    "maxBackoff": "3s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


@asynccontextmanager
async def connect(config: ClientConfig, service: str) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel to a service while the context lasts. No connection is made before the first call.

    Args:
        config: Where, and as whom.
        service: Full name of the service: its descriptor says which methods may be retried.

    Raises:
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    channel = MeshChannel(config, service)
    try:
        yield channel
    finally:
        await channel.close()


def service_config(service: str, *, health_checked: bool) -> dict[str, object]:
    """Retry what its proto calls idempotent, nothing else; follow health where there is a choice of servers."""
    methods = service_descriptor(service).methods
    retried = [
        {"service": service, "method": method.name}
        for method in methods
        if method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    ]
    config: dict[str, object] = {"methodConfig": [{"name": retried, "retryPolicy": _RETRY}] if retried else []}
    if health_checked:  # gRPC checks health under round_robin only; with pick_first the setting does nothing
        config |= {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": service}}
    return config


class MeshChannel(grpc.aio.Channel):
    """A channel that renews itself when its certificate files change, and bounds every call.

    gRPC in Python reads a client's certificate once, so a renewed one needs a new connection: calls made after the
    change go over a new one, those in progress finish on the old one.
    """

    def __init__(self, config: ClientConfig, service: str) -> None:
        self._config, self._service = config, service
        self._files = IdentityFiles(config.certificate_file, config.private_key_file, config.ca_file)
        self._retired: list[grpc.aio.Channel] = []
        self._current = self._open()

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Make a callable for a unary method."""
        return self._bounded(lambda channel: channel.unary_unary(method, *args, **kwargs))

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Make a callable for a method that streams its answer."""
        return self._bounded(lambda channel: channel.unary_stream(method, *args, **kwargs))

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Make a callable for a method that takes a stream."""
        return self._bounded(lambda channel: channel.stream_unary(method, *args, **kwargs))

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Make a callable for a method that streams both ways."""
        return self._bounded(lambda channel: channel.stream_stream(method, *args, **kwargs))

    def _bounded(self, callable_on: Callable[[grpc.aio.Channel], Any]) -> Callable[..., Any]:
        token_file = self._config.token_file

        def call(request: Any = None, *, timeout: float | None = None, metadata: Any = None, **rest: Any) -> Any:
            extra = list(metadata or ())
            parent = current_call.get()
            if parent is not None and all(key != REQUEST_ID_HEADER for key, _ in extra):
                extra.append((REQUEST_ID_HEADER, parent.request_id))
            if token_file is not None:
                extra.append(("authorization", f"Bearer {read_secret(token_file).reveal()}"))
            on_channel = callable_on(self._fresh())
            return on_channel(request, timeout=self._timeout(timeout), metadata=extra, **rest)

        return call

    def _timeout(self, asked: float | None) -> float:
        """Return the shortest of what was asked, what is configured, and what the call being served has left."""
        wanted = self._config.timeout_seconds if asked is None else asked
        parent = current_call.get()
        left = parent.remaining() if parent is not None else None
        if left is None:
            return wanted
        if left <= limits.DEADLINE_MARGIN_SECONDS:
            raise TooLate("no time left to ask another service", reason="NO_TIME_LEFT")
        return min(wanted, left - limits.DEADLINE_MARGIN_SECONDS)

    def _fresh(self) -> grpc.aio.Channel:
        if self._config.ca_file is not None and self._files.changed():
            self._retired.append(self._current)
            self._current = self._open()
        return self._current

    def _open(self) -> grpc.aio.Channel:
        several = len(self._config.targets) > 1
        target = _addresses(self._config.targets) if several else self._config.targets[0]
        policy = service_config(self._service, health_checked=several)
        options: limits.Options = [
            *limits.common_options(),
            ("grpc.per_rpc_retry_buffer_size", limits.RETRY_BUFFER_BYTES),
            ("grpc.service_config", json.dumps(policy)),
            ("grpc.service_config_disable_resolution", 1),
            ("grpc.use_local_subchannel_pool", 1),  # a renewed channel must not reuse the old connection
        ]
        if self._config.ca_file is None:
            return grpc.aio.insecure_channel(target, options=options)
        if self._config.server_name:
            options += [("grpc.ssl_target_name_override", self._config.server_name)]
            options += [("grpc.default_authority", self._config.server_name)]
        return grpc.aio.secure_channel(target, _credentials(self._files.current), options=options)

    async def close(self, grace: float | None = None) -> None:
        """Close every connection; calls in progress get `grace` seconds."""
        for channel in (*self._retired, self._current):
            await channel.close(grace)

    async def __aenter__(self) -> "MeshChannel":
        """Enter the channel."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the channel."""
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # gRPC's own
        """Return the state of the current connection."""
        return self._current.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the current connection leaves a state."""
        await self._current.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the current connection is up."""
        await self._current.channel_ready()


def _credentials(identity: Identity) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(identity.ca, identity.key, identity.certificate)


def _addresses(targets: tuple[str, ...]) -> str:
    """Join several targets for gRPC, which takes a list of addresses but not of names."""
    found = []
    for target in targets:
        host, _, port = target.rpartition(":")
        family, *_, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        kind = "ipv6" if family is socket.AF_INET6 else "ipv4"
        text = f"[{address[0]}]" if kind == "ipv6" else address[0]
        found.append((kind, f"{text}:{port}"))
    kinds = {kind for kind, _ in found}
    if len(kinds) != 1:
        raise OSError(f"targets {', '.join(targets)} mix IPv4 and IPv6: name addresses of one kind")
    return f"{kinds.pop()}:{','.join(address for _, address in found)}"
