"""Who calls, and whether that role may call this method.

The role is a fact of the caller's client certificate or token; the roles a method admits are a fact of its proto
(`option (foremesh.access.v1.access)`).
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from foremesh.access.v1 import access_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from mesh import log
from mesh.certs import role_from_names
from mesh.config import ConfigError
from mesh.errors import Denied, Unauthenticated
from mesh.rpc.call import Caller
from mesh.rpc.config import ServerConfig, is_loopback
from mesh.tokens import TokenError, TokenTable

_log = log.get(__name__)

BEARER = "bearer "
HEALTH = "grpc.health.v1.Health"
CHANNELZ = "grpc.channelz.v1.Channelz"
_TOKEN_FILE_SECONDS = 1.0


class Authenticator:
    """Names the caller of each call, from certificate, token or loopback."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._tokens = _TokenFile(config.token_file) if config.token_file else None

    def identify(
        self, context: "grpc.aio.ServicerContext[object, object]", metadata: Mapping[str, str | bytes]
    ) -> Caller:
        """Name the caller. Raises Unauthenticated for a missing or unknown token."""
        if self._config.tls is None:
            return Caller("loopback", self._config.loopback_role, proven=False)
        if self._tokens is None:
            return _from_certificate(context.auth_context())
        sent = metadata.get("authorization")
        if not isinstance(sent, str) or not sent.lower().startswith(BEARER):
            raise Unauthenticated("send `authorization: Bearer <token>`", reason="TOKEN_MISSING")
        known = self._tokens.table().identify(sent[len(BEARER) :].strip())
        if known is None:
            raise Unauthenticated("this token is not known here", reason="TOKEN_UNKNOWN")
        return Caller(*known)


class Access:
    """Which roles may call which method."""

    def __init__(self, services: Mapping[str, ServiceDescriptor]) -> None:
        self._roles: dict[str, frozenset[str]] = {}
        for name, service in services.items():
            for method in service.methods:
                access: Any = method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]  # protoc types it as int
                names = [access_pb2.Role.Name(role) for role in access.roles]
                roles = frozenset(name.removeprefix("ROLE_").lower() for name in names)
                if not roles:
                    raise ValueError(f"{name}.{method.name} names no role that may call it")
                self._roles[f"/{name}/{method.name}"] = roles

    def admits(self, method: str, caller: Caller, peer: str) -> None:
        """Raise Denied if the caller may not call the method.

        Health is open to every peer that got this far, because gRPC's own health check sends no token. Channelz shows
        every connection and is for this machine only. Reflection is for anybody with a role.
        """
        if is_open(method):
            return
        if method.split("/")[1] == CHANNELZ and not _is_local(peer):
            raise Denied("channelz answers on loopback only", reason="LOOPBACK_ONLY")
        if caller.role is None:
            raise Denied(f"the certificate of {caller.name!r} carries no role", reason="ROLE_MISSING")
        allowed = self._roles.get(method)
        if allowed is not None and caller.role not in allowed:
            raise Denied(
                f"role {caller.role} may not call {method}",
                reason="ROLE_FORBIDDEN",
                metadata={"role": caller.role, "allowed": ",".join(sorted(allowed))},
            )


def is_open(method: str) -> bool:
    """Tell whether a method is for every peer that got through the transport, identity or not."""
    return method.split("/")[1] == HEALTH


def service_descriptor(name: str) -> ServiceDescriptor:
    """Find a service of the imported contracts by its full name."""
    found: ServiceDescriptor = descriptor_pool.Default().FindServiceByName(name)
    return found


class _TokenFile:
    """A token table that follows its file: a revoked token stops working within a second, without a restart.

    A file that cannot be read keeps the table that was; it is logged, and looked at again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._stamp = _stamp(path)
            self._table = TokenTable.load(path)
        except OSError as error:
            raise ConfigError(f"rpc.token_file: {path}: {error.strerror}") from error
        except TokenError as error:
            raise ConfigError(f"rpc.token_file: {error}") from error
        self._checked = time.monotonic()

    def table(self) -> TokenTable:
        now = time.monotonic()
        if now - self._checked > _TOKEN_FILE_SECONDS:
            self._checked = now
            try:
                stamp = _stamp(self._path)
                if stamp != self._stamp:
                    self._table, self._stamp = TokenTable.load(self._path), stamp
            except (OSError, TokenError) as error:
                _log.warning("token file cannot be used; the old one stays", problem=str(error))
        return self._table


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def _from_certificate(identity: Mapping[str, object]) -> Caller:
    """Read name and role off the peer's certificate, as gRPC's auth context presents it."""
    names = identity.get("peer_uri", ())
    common = identity.get("x509_common_name", ())
    decoded = [_text(name) for name in names] if isinstance(names, (list, tuple)) else []
    name = _text(common[0]) if isinstance(common, (list, tuple)) and common else "unnamed"
    return Caller(name, role_from_names(decoded))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_local(peer: str) -> bool:
    """Tell whether gRPC's peer text, such as `ipv4:127.0.0.1:4711` or `ipv6:%5B::1%5D:4711`, is this machine."""
    kind, _, address = peer.partition(":")
    return kind == "unix" or is_loopback(address.replace("%5B", "[").replace("%5D", "]"))
