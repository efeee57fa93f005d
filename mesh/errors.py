"""Errors, named by what the receiver must do.

    MeshError                gRPC status            the receiver
    ├─ InvalidInput          INVALID_ARGUMENT       fixes the call; never retries
    ├─ NotFound              NOT_FOUND              decides
    ├─ AlreadyExists         ALREADY_EXISTS         decides
    ├─ Conflict              ABORTED                reloads state, then retries
    ├─ NotReady              FAILED_PRECONDITION    waits for an operator
    ├─ Unavailable           UNAVAILABLE            retries with backoff
    ├─ Overloaded            RESOURCE_EXHAUSTED     slows down
    ├─ TooLate               DEADLINE_EXCEEDED      asks again with more time, or gives up
    ├─ Denied                PERMISSION_DENIED      stops and alerts
    ├─ Unauthenticated       UNAUTHENTICATED        shows a valid identity
    ├─ Unsupported           UNIMPLEMENTED          upgrades one side
    └─ Broken                INTERNAL               reports a bug

The text of a MeshError is public: it crosses the wire. Anything that is not a MeshError becomes Broken with an id and
no text; the log keeps the rest under that id. `mesh.rpc.errors` maps this tree to gRPC statuses and back, and is the
only place that does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that breaks its rules."""

    field: str
    """Path of the field from the request, such as `forecast.horizon_steps` or `histories[3].market_ticker`."""
    description: str
    """What is wrong, for people."""


class MeshError(Exception):
    """A failure with a meaning on both sides of the wire.

    Attributes:
        reason: Stable machine-readable reason in UPPER_SNAKE_CASE, such as `MODEL_LOADING`.
        message: For people; public.
        metadata: Facts the receiver may act on, such as the current owner of a lease.
        retry_after: Seconds to wait before trying again; None where retrying is pointless or needs no wait.
    """

    default_reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Say reason and message."""
        return f"{self.reason}: {self.message}"


class InvalidInput(MeshError):
    """The call is wrong in itself. Fix it; never retry."""

    default_reason = "INVALID_REQUEST"

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[FieldViolation] = (),
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.violations = tuple(violations)


class NotFound(MeshError):
    """What was asked for does not exist."""

    default_reason = "NOT_FOUND"


class AlreadyExists(MeshError):
    """It exists already, and differs."""

    default_reason = "ALREADY_EXISTS"


class Conflict(MeshError):
    """Somebody else was faster. Reload, then retry."""

    default_reason = "CONFLICT"


class NotReady(MeshError):
    """The system is in a state in which this cannot be done, and waiting alone does not change it."""

    default_reason = "NOT_READY"


class Unavailable(MeshError):
    """The service cannot answer now. Retry with backoff."""

    default_reason = "UNAVAILABLE"


class Overloaded(MeshError):
    """Too much work. Wait for `retry_after`, and send less."""

    default_reason = "OVERLOADED"


class TooLate(MeshError):
    """The deadline passed; whether the work was done is not known."""

    default_reason = "DEADLINE_EXCEEDED"


class Denied(MeshError):
    """The caller is known and may not do this."""

    default_reason = "ROLE_FORBIDDEN"


class Unauthenticated(MeshError):
    """The caller's identity is missing or not accepted."""

    default_reason = "IDENTITY_REFUSED"


class Unsupported(MeshError):
    """The other side does not know this method."""

    default_reason = "UNSUPPORTED"


class Broken(MeshError):
    """A bug, on the side that answers."""

    default_reason = "INTERNAL"
