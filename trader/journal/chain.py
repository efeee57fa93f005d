"""The hash chain: each entry's digest covers everything before it, so nothing can be changed, left out or put in. Pure.

    digest 0 = sha256(journal id)
    digest n = sha256(digest n-1, n as 8 bytes big-endian, time as written, body)

Who wants to know that the end was not cut off compares with a sequence and digest noted elsewhere.
"""

import hashlib
from datetime import datetime
from functools import lru_cache

from mesh.types import utc

_TIME_BYTES = len("2026-11-23T12:00:00.000000Z")


def first(journal_id: str) -> bytes:
    """Return the digest that stands before the first entry."""
    return hashlib.sha256(journal_id.encode()).digest()


def link(previous: bytes, sequence: int, time: bytes, body: bytes) -> bytes:
    """Return the digest of an entry; `time` as `written` gives it, so its length is fixed and its end is certain."""
    return hashlib.sha256(b"".join((previous, sequence.to_bytes(8, "big"), time, body))).digest()


def written(instant: datetime) -> str:
    """Write an instant: UTC with microseconds, always as long. ValueError if it does not say its zone."""
    return utc(instant).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@lru_cache(maxsize=16)  # entries that were written together have the same
def read(time: bytes) -> datetime:
    """Read an instant as `written` wrote it. ValueError for anything else."""
    if len(time) != _TIME_BYTES or not time.endswith(b"Z"):
        raise ValueError(f"not a time: {time!r}")
    return datetime.fromisoformat(time.decode("ascii"))
