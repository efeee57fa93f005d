"""Entries as bytes and back: JSON, so that people and other programs can read a journal too. Strict both ways.

Prices are integers of micros, instants RFC 3339 text, lengths of time ISO 8601, bytes base64, decimals text.
"""

from typing import Any, get_args

import msgspec

from mesh.types import Price
from trader.domain.entries import AnyEntry
from trader.journal.errors import REFUSED, JournalError, damaged


def plain(value: object) -> object:
    """Write what msgspec cannot write by itself."""
    if isinstance(value, int):  # a Price, which msgspec does not take for the number it is
        return int(value)
    raise NotImplementedError(f"a {type(value).__name__} cannot stand in a journal")


def made(kind: type, value: Any) -> object:
    """Read what msgspec cannot read by itself. ValueError for what it is not."""
    if kind is Price and type(value) is int:
        return Price(value)
    raise ValueError(f"not a {kind.__name__}: {value!r}")


_encoder = msgspec.json.Encoder(enc_hook=plain)
_decoder: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry, dec_hook=made)


def kind_of(entry: AnyEntry | type[AnyEntry]) -> str:
    """Return the word that stands for an entry's kind, such as `order_sent`."""
    return str(entry.__struct_config__.tag)


KINDS = tuple(sorted(kind_of(kind) for kind in get_args(AnyEntry)))
"""Every kind of entry."""


def encode(entry: AnyEntry) -> bytes:
    """Write an entry down, after making sure that it can be read back as it is.

    Raises:
        JournalError: It cannot, such as a NaN or a text that is not Unicode: a journal that cannot be read at the next
            start is worse than a process that ends now.
    """
    try:
        body = _encoder.encode(entry)
        same = _decoder.decode(body) == entry
    except (TypeError, ValueError, NotImplementedError, OverflowError) as error:  # msgspec's own are ValueErrors
        raise JournalError(f"a {kind_of(entry)} that cannot be written: {error}", reason=REFUSED) from error
    if not same:
        raise JournalError(f"a {kind_of(entry)} that would be read back as another one", reason=REFUSED)
    return body


def decode(body: bytes, sequence: int) -> AnyEntry:
    """Read an entry.

    Raises:
        JournalError: Naming `sequence`: it is no entry that this version knows, or has a field that it does not know.
    """
    try:
        return _decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise damaged(sequence, f"cannot be read by this version of foremesh: {error}") from error
