"""Where what is decided now differs from what was written down, field by field. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from trader.domain.entries import AnyEntry, OrderIntended, ShadowPlaced
from trader.domain.facts import Finding


class Difference(NamedTuple):
    """A field with two values, both as the journal writes them; None where one of them is not there."""

    field: str
    """Such as `findings.spread.figure`, `plan.count`, `order.limit`."""
    written: Any
    made: Any


def differences(written: Sequence[AnyEntry], made: Sequence[AnyEntry]) -> tuple[Difference, ...]:
    """Compare what one decision led to: itself, then its order and its shadow, whichever there are."""
    if written == made:
        return ()
    before, after = _named(written), _named(made)
    return tuple(found for name in before | after for found in _differ(name, before.get(name), after.get(name)))


def _named(entries: Iterable[AnyEntry]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for entry in entries:
        match entry:
            case OrderIntended(order=order):
                named["order"] = order
            case ShadowPlaced():
                named["shadow"] = entry
            case _:
                named[""] = entry
    return named


def _differ(name: str, written: Any, made: Any) -> Iterator[Difference]:
    if written == made:
        return
    parts = _parts(written), _parts(made)
    if type(written) is not type(made) or parts[0] is None or parts[1] is None:
        yield Difference(name or "decision", _plain(written), _plain(made))
        return
    for part in parts[0] | parts[1]:
        yield from _differ(f"{name}.{part}" if name else part, parts[0].get(part), parts[1].get(part))


def _parts(value: Any) -> dict[str, Any] | None:
    """Name the parts of what has some; findings go by their rule."""
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, tuple) and value and all(isinstance(each, Finding) for each in value):
        return {each.rule: each for each in value}
    return None


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=int)  # the hook is for prices
