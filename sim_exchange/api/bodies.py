"""JSON bodies, refused in the words of Go's `encoding/json`: a number where a string belongs is an error. Pure.

Unknown fields are ignored and null counts as absent, as in Go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sim_exchange.api.replies import Problem, flat_problem

_INT64 = 2**63
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Shape:
    """A Go struct: its name, and its fields by JSON name: `string`, `bool`, `int64`, or the shape of a list's items."""

    name: str
    fields: Mapping[str, "str | Shape"]


def read_body(body: bytes, shape: Shape) -> dict[str, Any]:
    """Decode a body and check its types.

    Raises:
        Problem: 400 `bad_request` in the flat shape: not JSON, or the first field, in the order of the body, of a
            wrong type.
    """
    try:
        data = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _bad(_syntax(body, error)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise _bad(f"json: cannot unmarshal {_kind(data)} into Go value of type {shape.name}")
    return _read(data, shape, "")


def _read(data: dict[str, Any], shape: Shape, path: str) -> dict[str, Any]:
    values = {}
    for name, value in data.items():
        wanted = shape.fields.get(name)
        if wanted is None or value is None:
            continue
        if isinstance(wanted, Shape):
            values[name] = _read_list(value, wanted, shape, f"{path}{name}")
        elif _fits(value, wanted):
            values[name] = value
        else:
            raise _mismatch(value, shape, f"{path}{name}", wanted)
    return values


def _read_list(value: object, wanted: Shape, shape: Shape, path: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise _mismatch(value, shape, path, f"[]{wanted.name}")
    items = []
    for item in value:
        if item is not None and not isinstance(item, dict):
            raise _mismatch(item, shape, path, wanted.name)
        items.append(_read(item or {}, wanted, f"{path}."))
    return items


def _fits(value: object, wanted: str) -> bool:
    if wanted == "string":
        return isinstance(value, str)
    if wanted == "bool":
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def _mismatch(value: object, shape: Shape, path: str, wanted: str) -> Problem:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = f"number {value}" if is_number and wanted == "int64" else _kind(value)
    return _bad(f"json: cannot unmarshal {kind} into Go struct field {shape.name}.{path} of type {wanted}")


def _kind(value: object) -> str:
    kinds = {bool: "bool", str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return kinds[type(value)]


def _syntax(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "EOF"
    if "truncated" in str(error):
        return "unexpected EOF"
    return "invalid character in JSON body"


def _bad(details: str) -> Problem:
    return flat_problem(400, "bad_request", details)
