"""Between the exchange's JSON and typed records: strict on what is read, blind to what is not. Pure.

A record is a frozen struct whose fields carry the exchange's names and our types. What it reads must be there and be of
the right kind: a dollar amount that arrives as a JSON number, a missing price, a renamed key are errors that name the
field. Keys that no record reads are skipped, words that no enumeration knows become UNKNOWN, and what the exchange may
leave out reads as None.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from mesh.types import CENT, Hundredths, Micros, Price, hundredths_from_count, micros_from_dollars

if TYPE_CHECKING:
    Money = Micros
    Count = Hundredths
    NetCount = Hundredths
    Cents = Micros
    Number = Decimal
else:
    # msgspec converts only types that it does not know, so each form on the wire is a type of its own there; whoever
    # reads a record sees the project's types.
    class Money(int):
        """A dollar amount with up to six decimals, as a string."""

    class Count(int):
        """Contracts with up to two decimals, never negative, as a string."""

    class NetCount(int):
        """Contracts with up to two decimals, negative for NO, as a string."""

    class Cents(int):
        """A dollar amount in whole cents, as a JSON integer."""

    class Number(Decimal):
        """A JSON number, read exactly."""


_LAST_SECOND = 253_402_300_799  # the end of year 9999, where datetime ends

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
"""A name of something; never empty, and never a text that would swell journals and logs."""
Whole = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""A small integer, never negative."""
Seconds = Annotated[int, msgspec.Meta(ge=0, le=_LAST_SECOND)]
"""Unix seconds."""
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=_LAST_SECOND * 1000)]
"""Unix milliseconds."""

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339; a time without a zone is refused."""

_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_COUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)
_MOST_CENTS = 10**14
_MOST_DIGITS = 15  # more than any strike has, and all that a JSON number carries between systems

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True):
    """Base of everything that the exchange sends: immutable, compared by value."""


class Body(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of what is sent to the exchange: fields left at their default are left out."""


def decode(raw: bytes, kind: type[T]) -> T:
    """Read a reply as a record.

    Raises:
        msgspec.DecodeError: It is not JSON, or lacks or retypes something that the record reads; names the field.
    """
    try:
        return _decoder(kind).decode(raw)
    except RecursionError:
        raise msgspec.DecodeError("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"not UTF-8 text: {error.reason}") from None


def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    if kind not in _decoders:
        # Numbers that only a hook reads would arrive as binary floats without the second one.
        _decoders[kind] = msgspec.json.Decoder(kind, dec_hook=_read, float_hook=Decimal)
    return _decoders[kind]


_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


def _read(kind: type, given: Any) -> Any:
    return _READERS[kind](given)


@lru_cache(maxsize=1 << 14)  # there are ten thousand prices on the finest grid
def _price(text: str) -> Price:
    return Price(micros_from_dollars(_text(text, _AMOUNT)))


def _read_price(given: Any) -> Price:
    return _price(_string(given))


def _read_money(given: Any) -> Any:
    return Money(micros_from_dollars(_text(given, _AMOUNT)))


def _read_net_count(given: Any) -> Any:
    return NetCount(hundredths_from_count(_text(given, _COUNT)))


@lru_cache(maxsize=1 << 14)  # most are zero, or small and whole
def _count(text: str) -> Any:
    count = hundredths_from_count(_text(text, _COUNT))
    if count < 0:
        raise ValueError("a count below zero")
    return Count(count)


def _read_count(given: Any) -> Any:
    return _count(_string(given))


def _read_cents(given: Any) -> Any:
    # bool is an int in Python, not in JSON.
    if not isinstance(given, int) or isinstance(given, bool):
        raise ValueError(f"expected whole cents as an integer, got {type(given).__name__}")
    if abs(given) > _MOST_CENTS:
        raise ValueError("more cents than there are")
    return Cents(given * CENT)


def _read_number(given: Any) -> Any:
    if not isinstance(given, int | Decimal) or isinstance(given, bool):
        raise ValueError(f"expected a number, got {type(given).__name__}")
    number = Number(given)
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError("a number of absurd size")
    return number


_READERS: Mapping[object, Callable[[Any], Any]] = {
    Price: _read_price,
    Money: _read_money,
    Count: _read_count,
    NetCount: _read_net_count,
    Cents: _read_cents,
    Number: _read_number,
}


def _text(given: Any, form: re.Pattern[str]) -> str:
    text = _string(given)
    if not form.fullmatch(text):
        raise ValueError(f"not a plain decimal number: {text[:32]!r}")
    return text


def _string(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"expected a decimal number as a string, got {type(given).__name__}")
    return given
