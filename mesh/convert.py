"""Protobuf's times as Python's, with the range checks that protobuf leaves out."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.errors import FieldViolation, InvalidInput

_NANOS = 1_000_000_000


def instant(message: Timestamp, field: str) -> datetime:
    """Return an aware UTC instant. Raises InvalidInput naming the field if it lies outside years 1 to 9999."""
    try:
        if not 0 <= message.nanos < _NANOS:
            raise ValueError("nanos out of range")
        return message.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise _unreadable(field, "is not an instant between the years 1 and 9999") from error


def span(message: Duration, field: str) -> timedelta:
    """Return a duration. Raises InvalidInput naming the field if seconds and nanos do not make one."""
    try:
        if abs(message.nanos) >= _NANOS or message.seconds * message.nanos < 0:
            raise ValueError("seconds and nanos disagree")
        return message.ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise _unreadable(field, "is not a duration: seconds and nanos must agree in sign and range") from error


def _unreadable(field: str, description: str) -> InvalidInput:
    return InvalidInput(f"{field}: {description}", violations=[FieldViolation(field, description)])
