"""Hypothesis strategies for messages and for bytes that are nearly messages, read off their descriptors.

The rules of the contracts are not known here, on purpose: the server has to refuse what breaks them.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message
from hypothesis import strategies as st

M = TypeVar("M", bound=Message)
Strategy: TypeAlias = st.SearchStrategy[Any]
Known: TypeAlias = Mapping[str, Strategy]
"""Full name of a field to a strategy for its value (for its list, if it is repeated)."""

_DEPTH = 4
_MANY = 6


def _integers(bits: int, *, signed: bool) -> Strategy:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.sampled_from([low, 0, 1, high]) | st.integers(low, high) | st.integers(max(low, -2), 1100)


_INTEGERS = {
    Field.CPPTYPE_INT32: _integers(32, signed=True),
    Field.CPPTYPE_INT64: _integers(64, signed=True),
    Field.CPPTYPE_UINT32: _integers(32, signed=False),
    Field.CPPTYPE_UINT64: _integers(64, signed=False),
}


def messages(kind: type[M], known: Known | None = None) -> st.SearchStrategy[M]:
    """Any message that the wire can carry: fields absent or extreme, enums unknown, floats not finite, texts odd.

    Args:
        kind: Class of the message.
        known: What to use for some fields instead, such as values that get past a rule to what lies behind it; these
            fields are always there.
    """
    descriptor: Any = kind.DESCRIPTOR
    return _messages(descriptor, known or {}, _DEPTH)


def _messages(descriptor: Descriptor, known: Known, depth: int) -> Strategy:
    fields: dict[str, Strategy] = {}
    for field in descriptor.fields:
        if field.full_name in known:
            fields[field.name] = known[field.full_name]
        elif field.message_type is None or depth > 0:
            fields[field.name] = _field(field, known, depth)
    required = {name: fields.pop(name) for name in list(fields) if descriptor.fields_by_name[name].full_name in known}
    return st.fixed_dictionaries(required, optional=fields).map(lambda chosen: _built(descriptor, chosen))


def _field(field: Field, known: Known, depth: int) -> Strategy:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return st.dictionaries(_single(key, known, depth), _single(value, known, depth), max_size=_MANY)
    one = _single(field, known, depth)
    return st.lists(one, max_size=_MANY) if field.is_repeated else one


def _single(field: Field, known: Known, depth: int) -> Strategy:
    if field.message_type is not None:
        return _messages(field.message_type, known, depth - 1)
    if field.enum_type is not None:
        declared = [value.number for value in field.enum_type.values]
        return st.sampled_from(declared) | st.sampled_from([-1, max(declared) + 1, 2**31 - 1])
    if field.cpp_type in _INTEGERS:
        return _INTEGERS[field.cpp_type]
    others: dict[int, Strategy] = {
        Field.TYPE_FLOAT: st.floats(width=32) | st.floats(0, 100, width=32),
        Field.TYPE_DOUBLE: st.floats() | st.floats(0, 100),
        Field.TYPE_BOOL: st.booleans(),
        Field.TYPE_STRING: st.text(st.characters(codec="utf-8"), max_size=80),
        Field.TYPE_BYTES: st.binary(max_size=80),
    }
    return others[field.type]


def _built(descriptor: Descriptor, chosen: Mapping[str, Any]) -> Message:
    """Make the message; of a oneof the last member chosen stays, as on the wire."""
    kept: dict[str, tuple[str, Any]] = {}
    for name, value in chosen.items():
        oneof = descriptor.fields_by_name[name].containing_oneof
        kept[oneof.full_name if oneof else name] = (name, value)
    made: Message = message_factory.GetMessageClass(descriptor)(**dict(kept.values()))
    return made


@st.composite
def mangled(draw: st.DrawFn, kind: type[Message], known: Known | None = None) -> bytes:
    """The bytes of a message with bits flipped, parts missing, repeated or put in: some still parse, some do not."""
    data = bytearray(draw(messages(kind, known)).SerializeToString())
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["flip", "cut", "repeat", "insert"])):
            case "flip" if place < len(data):
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[place:]
            case "repeat":
                data += data[place:]
            case _:
                data[place:place] = draw(st.binary(min_size=1, max_size=8))
    return bytes(data)
