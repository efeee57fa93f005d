"""Pages: at most `limit` rows after the one that the cursor names. Pure.

Rows are numbered by their place in lists that only grow, so a cursor stays good while rows are added or stop matching a
filter. A cursor that is not one of ours is as good as none: the exchange then answers with the first page.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from sim_exchange.api.inputs import Query

_CURSOR = struct.Struct(">IQ")
_LARGEST = 1 << 48  # no list is that long

T = TypeVar("T")


def page_limit(query: Query, *, default: int = 100, maximum: int = 1000, minimum: int = 0) -> int:
    """Read `limit`; more than the maximum is refused, not cut. Problem (400) if it is out of bounds."""
    return query.integer("limit", minimum=minimum, maximum=maximum) or default


def cursor_of(number: int) -> str:
    """Name the row that ended a page."""
    return base64.urlsafe_b64encode(_CURSOR.pack(_check(number), number)).decode().rstrip("=")


def number_of(cursor: str | None) -> int | None:
    """Give the row that a cursor names; None if it is not one of ours."""
    try:
        raw = base64.urlsafe_b64decode((cursor or "") + "=" * (-len(cursor or "") % 4))
        check, number = _CURSOR.unpack(raw)
    except (binascii.Error, struct.error, ValueError):  # ValueError: characters beyond ASCII
        return None
    return int(number) if number < _LARGEST and check == _check(number) else None


def oldest_first(
    rows: Iterable[T], matches: Callable[[T], bool], limit: int, cursor: str | None
) -> tuple[list[T], str]:
    """Cut a page out of rows in the order they came; gives it with the cursor of the next, empty after the last."""
    after = number_of(cursor)
    start = 0 if after is None else after + 1
    numbered = ((number, row) for number, row in enumerate(islice(rows, start, None), start) if matches(row))
    return _cut(numbered, limit)


def newest_first(
    rows: Sequence[T], matches: Callable[[T], bool], limit: int, cursor: str | None
) -> tuple[list[T], str]:
    """Cut a page out of rows kept in the order they came, beginning with the newest."""
    before = number_of(cursor)
    start = len(rows) if before is None else min(before, len(rows))
    numbered = ((number, row) for number in range(start - 1, -1, -1) if matches(row := rows[number]))
    return _cut(numbered, limit)


def _check(number: int) -> int:
    return zlib.crc32(b"%d" % number)


def _cut(numbered: Iterable[tuple[int, T]], limit: int) -> tuple[list[T], str]:
    found = list(islice(numbered, limit + 1))
    more = len(found) > limit
    page = found[:limit]
    return [row for _, row in page], cursor_of(page[-1][0]) if more else ""
