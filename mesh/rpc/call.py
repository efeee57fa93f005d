"""The call being served: who asks, under which id, until when. Nested calls inherit its deadline."""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
"""What gRPC tells a servicer about a call."""

REQUEST_ID_HEADER = "x-request-id"
_MAX_REQUEST_ID = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    name: str
    """Common name of the certificate, name of the token, or `loopback`."""
    role: str | None
    """Role, lower case; None for a peer that has none."""
    proven: bool = True
    """Whether a certificate or token says so; False for whoever comes over plain-text loopback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call being served."""

    method: str
    """`/package.Service/Method`."""
    caller: Caller
    request_id: str
    """The caller's `x-request-id`, or a new one: it stands in the log, in errors and in the trailers."""
    deadline: float | None
    """When the caller stops waiting, on time.monotonic(); None if it waits for ever."""

    def remaining(self) -> float | None:
        """Seconds until the caller stops waiting; None if it waits for ever."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)


def request_id_of(metadata: Mapping[str, str | bytes]) -> str:
    """Take the caller's request id if it is a sane one, else make one."""
    given = metadata.get(REQUEST_ID_HEADER)
    if isinstance(given, str) and 0 < len(given) <= _MAX_REQUEST_ID and given.isascii() and given.isprintable():
        return given
    return uuid4().hex
