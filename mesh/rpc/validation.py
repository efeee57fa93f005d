"""The rules that stand in the protos, enforced."""

from collections.abc import Sequence

import protovalidate
from google.protobuf.message import Message

from mesh.errors import FieldViolation, InvalidInput

_validator = protovalidate.Validator()


def violations(message: Message) -> list[FieldViolation]:
    """List what breaks the rules of a message, with field paths; empty if nothing does."""
    return [
        FieldViolation(_path(found.proto.field.elements if found.proto.field else ()), found.proto.message)
        for found in _validator.collect_violations(message)
    ]


def check(message: Message) -> None:
    """Raise InvalidInput naming every field that breaks its rule."""
    found = violations(message)
    if found:
        first = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise InvalidInput(f"{first.field or message.DESCRIPTOR.name}: {first.description}{more}", violations=found)


def _path(elements: Sequence[protovalidate.FieldPathElementPb]) -> str:
    """Write a field path as people do: `histories[3].market_ticker`."""
    parts = []
    for element in elements:
        subscript = element.subscript
        index = f"[{subscript.value}]" if subscript is not None else ""
        parts.append(f"{element.field_name}{index}")
    return ".".join(parts)
