"""Any entry whatever: strategies made from the entries' own annotations, so that new kinds and fields are covered."""

import types
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mesh.kalshi.fees import FeeTerms
from mesh.types import DOLLAR, Price
from trader.domain.entries import AnyEntry

_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_INTS = st.integers(-(2**63), 2**63 - 1)
_PLAIN: dict[Any, SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: _INTS,
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: _TEXT,
    bytes: st.binary(max_size=8),
    Price: st.integers(0, DOLLAR).map(Price),
    datetime: st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    timedelta: st.timedeltas(timedelta(0), timedelta(days=1000)),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=6),
    type(None): st.none(),
}
_PLAIN[Any] = st.one_of(*(_PLAIN[kind] for kind in (bool, int, float, str, type(None))))


def any_of(kind: Any) -> SearchStrategy[Any]:
    """Make values of a type as annotated."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if hasattr(kind, "__supertype__"):
        return any_of(kind.__supertype__)
    origin, given = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, Union}:
        return st.one_of(*map(any_of, given))
    if origin is Literal:
        return st.sampled_from(given)
    if origin is dict:
        return st.dictionaries(any_of(given[0]), any_of(given[1]), max_size=2)
    if origin is tuple:
        every = given[-1] is Ellipsis
        return st.lists(any_of(given[0]), max_size=2).map(tuple) if every else st.tuples(*map(any_of, given))
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name in _fields(kind)}
    return st.builds(kind, **{name: any_of(hint) for name, hint in hints.items()})


def _fields(kind: Any) -> tuple[str, ...]:
    if kind is FeeTerms:
        return ("fee_type", "multiplier", "waived_until")
    names: tuple[str, ...] = getattr(kind, "__struct_fields__", ()) or kind._fields
    return names


ENTRIES: SearchStrategy[AnyEntry] = st.sampled_from(get_args(AnyEntry)).flatmap(any_of)
