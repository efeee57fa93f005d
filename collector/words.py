"""Enums, times and optional values of messages as ours, for converters."""

from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from mesh.convert import instant, span
from mesh.errors import FieldViolation, InvalidInput

E = TypeVar("E", bound=Enum)


class Words(Generic[E]):
    """An enum of the contract and ours: the same names, but for the contract's prefix.

    `otherwise` is what a number that we do not know is read as, where the contract says that newer ones may come.
    """

    def __init__(self, ours: type[E], theirs: Any, otherwise: E | None = None) -> None:
        numbers: dict[str, int] = dict(theirs.items())
        unspecified = next(name for name, number in numbers.items() if number == 0)
        prefix = unspecified.removesuffix("UNSPECIFIED")
        self._names = {member: prefix + member.name for member in ours if prefix + member.name in numbers}
        self._members = {numbers[name]: member for member, name in self._names.items()}
        self._otherwise = otherwise
        if otherwise is not None:
            self._names.setdefault(otherwise, unspecified)
        if lacking := set(ours) - set(self._names):
            raise ValueError(f"the contract lacks {lacking}")

    def read(self, number: int, field: str) -> E:
        """Give our member. Raises InvalidInput for a number that we do not know, unless that has a meaning."""
        member = self._members.get(number, self._otherwise)
        if member is None:
            raise refusal(field, f"{number} is not known here")
        return member

    def write(self, member: E) -> Any:
        """Give the contract's name, which messages take where they take its number."""
        return self._names[member]


def refusal(field: str, description: str) -> InvalidInput:
    """Make the refusal of one field."""
    return InvalidInput(f"{field}: {description}", violations=[FieldViolation(field, description)])


def at(field: str, name: str) -> str:
    """Give the path of a field of a message with that path; the request itself has none."""
    return f"{field}.{name}" if field else name


def read_instant(message: Message, name: str, field: str) -> datetime | None:
    """Read a time of a message; None where it is absent."""
    return instant(getattr(message, name), at(field, name)) if message.HasField(name) else None


def read_seconds(message: Message, name: str, field: str) -> float:
    """Read a duration of a message, in seconds; zero where it is absent."""
    return span(getattr(message, name), at(field, name)).total_seconds()


def read_optional(message: Message, name: str) -> Any:
    """Read an optional number or text of a message; None where it is absent."""
    return getattr(message, name) if message.HasField(name) else None
