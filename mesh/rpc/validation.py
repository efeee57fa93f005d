"""The rules that stand in the protos, enforced."""

from collections.abc import Sequence

import protovalidate
from google.protobuf.message import Message

from mesh.errors import FieldViolation, InvalidInput

_validator = protovalidate.Validator()


def violations(message: Message) -> list[FieldViolation]:
    """List what breaks the rules of a message, with field paths; empty if nothing does."""
    return [
        FieldViolation(_path(_elements(found)), found.proto.message) for found in _validator.collect_violations(message)
    ]


def check(message: Message) -> None:
    """Raise InvalidInput naming every field that breaks its rule."""
    found = violations(message)
    if found:
        raise _refusal(message, found)


def check_items(message: Message, field: str) -> dict[int, tuple[FieldViolation, ...]]:
    """Check a message whose repeated `field` holds items that are judged one by one.

    Returns what breaks the rules of each faulty item, by its place, with paths from the item. Raises InvalidInput for
    what breaks the rules of the message itself. One pass over the whole message, because a pass per item costs thrice.
    """
    items: dict[int, tuple[FieldViolation, ...]] = {}
    own: list[FieldViolation] = []
    for found in _validator.collect_violations(message):
        elements = _elements(found)
        place = elements[0].subscript.value if len(elements) > 1 and elements[0].subscript is not None else None
        if elements and elements[0].field_name == field and isinstance(place, int):
            items[place] = (*items.get(place, ()), FieldViolation(_path(elements[1:]), found.proto.message))
        else:
            own.append(FieldViolation(_path(elements), found.proto.message))
    if own:
        raise _refusal(message, own)
    return items


def _refusal(message: Message, found: Sequence[FieldViolation]) -> InvalidInput:
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidInput(f"{first.field or message.DESCRIPTOR.name}: {first.description}{more}", violations=found)


def _elements(found: protovalidate.Violation) -> Sequence[protovalidate.FieldPathElementPb]:
    return found.proto.field.elements if found.proto.field else ()


def _path(elements: Sequence[protovalidate.FieldPathElementPb]) -> str:
    """Write a field path as people do: `histories[3].market_ticker`."""
    parts = []
    for element in elements:
        subscript = element.subscript
        index = f"[{subscript.value}]" if subscript is not None else ""
        parts.append(f"{element.field_name}{index}")
    return ".".join(parts)
