"""The one place where errors become gRPC statuses, and statuses become errors again.

Details follow AIP-193: ErrorInfo (stable reason, domain `foremesh`), BadRequest (field paths), RetryInfo.
"""

import math
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from mesh.errors import (
    AlreadyExists,
    Broken,
    Conflict,
    Denied,
    FieldViolation,
    InvalidInput,
    MeshError,
    NotFound,
    NotReady,
    Overloaded,
    TooLate,
    Unauthenticated,
    Unavailable,
    Unsupported,
)

T = TypeVar("T")

DOMAIN = "foremesh"
STATUS_DETAILS = "grpc-status-details-bin"

CODE_OF: dict[type[MeshError], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Conflict: grpc.StatusCode.ABORTED,
    NotReady: grpc.StatusCode.FAILED_PRECONDITION,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    TooLate: grpc.StatusCode.DEADLINE_EXCEEDED,
    Denied: grpc.StatusCode.PERMISSION_DENIED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Unsupported: grpc.StatusCode.UNIMPLEMENTED,
    Broken: grpc.StatusCode.INTERNAL,
}
ERROR_OF: dict[grpc.StatusCode, type[MeshError]] = {code: kind for kind, code in CODE_OF.items()}

_MAX_VIOLATIONS = 16
"""Violations reported at most: trailers are bounded, and the first few tell the story."""
_MAX_TEXT = 200


def code_of(error: MeshError) -> grpc.StatusCode:
    """Return the status code of an error."""
    return CODE_OF.get(type(error), grpc.StatusCode.INTERNAL)


def status_of(error: MeshError, request_id: str = "") -> status_pb2.Status:
    """Build the rich status of an error; `request_id` lets a reader find the call in the server's log."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    if request_id:
        info.metadata["request_id"] = request_id
    details = [_packed(info)]
    if isinstance(error, InvalidInput) and error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations[:_MAX_VIOLATIONS]:
            bad.field_violations.add(field=violation.field[:_MAX_TEXT], description=violation.description[:_MAX_TEXT])
        details.append(_packed(bad))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(_milliseconds(error.retry_after))
        details.append(_packed(retry))
    code = code_pb2.Code.Value(code_of(error).name)
    return status_pb2.Status(code=code, message=error.message[: 4 * _MAX_TEXT], details=details)


def trailers_of(error: MeshError, request_id: str = "") -> tuple[tuple[str, str | bytes], ...]:
    """Return the trailing metadata that carries the rich status, and gRPC's own retry pushback."""
    trailers: list[tuple[str, str | bytes]] = [(STATUS_DETAILS, status_of(error, request_id).SerializeToString())]
    if error.retry_after is not None:
        trailers.append(("grpc-retry-pushback-ms", str(_milliseconds(error.retry_after))))
    return tuple(trailers)


def error_of(rpc_error: grpc.RpcError) -> MeshError:
    """Turn what a call raised into the error that the server meant."""
    code = rpc_error.code()
    kind = ERROR_OF.get(code, Broken)
    message = rpc_error.details() or code.name.lower()
    pairs: Any = rpc_error.trailing_metadata() or ()
    trailers: dict[str, str | bytes] = dict(pairs)
    details = trailers.get(STATUS_DETAILS)
    status = status_pb2.Status()
    try:
        status.ParseFromString(details if isinstance(details, bytes) else b"")
    except DecodeError:
        status.Clear()
    if not status.details:
        return _transport_error(kind, code, message)
    reason: str | None = None
    metadata: dict[str, str] = {}
    retry_after: float | None = None
    violations: list[FieldViolation] = []
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            delay = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
            retry_after = delay.ToMilliseconds() / 1000
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest.FromString(detail.value)
            violations = [FieldViolation(found.field, found.description) for found in bad.field_violations]
    if kind is InvalidInput:
        return InvalidInput(message, violations=violations, reason=reason, metadata=metadata)
    return kind(message, reason=reason, metadata=metadata, retry_after=retry_after)


@contextmanager
def raising_mesh_errors() -> Iterator[None]:
    """Let what is called inside raise MeshError instead of grpc.RpcError."""
    try:
        yield
    except grpc.RpcError as rpc_error:
        raise error_of(rpc_error) from rpc_error


async def translated(messages: AsyncIterable[T]) -> AsyncIterator[T]:
    """Iterate a response stream; a failure of the call is raised as MeshError."""
    with raising_mesh_errors():
        async for message in messages:
            yield message


def _transport_error(kind: type[MeshError], code: grpc.StatusCode, message: str) -> MeshError:
    """Name an error that gRPC itself made: it carries no details."""
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in message:
        return InvalidInput(message, reason="MESSAGE_TOO_LARGE")
    if code is grpc.StatusCode.CANCELLED:
        return Unavailable(message, reason="CANCELLED")
    if code is grpc.StatusCode.INTERNAL and message == "Internal error from Core":  # a write to a call that had ended
        return Unavailable("the stream broke", reason="STREAM_BROKEN")
    if kind is Broken:
        return Broken(message, reason=code.name)
    return kind(message)


def _milliseconds(seconds: float) -> int:
    """Round up: a client that comes back early is refused again."""
    return math.ceil(seconds * 1000)


def _packed(detail: object) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)  # type: ignore[arg-type]  # details of three kinds share no typed base
    return packed
