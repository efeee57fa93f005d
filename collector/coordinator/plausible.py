"""Whether a file that is offered can be what it says: others copy it on the word of who made it. Pure."""

from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow
from mesh.errors import FieldViolation, InvalidInput
from mesh.shards import ShardFile

_ROOM = 2
"""Times what the markets could have: some leave the exchange's list, and closes move."""
_EDGES = 3
"""Candles of a market that begin before its event, or end after it."""
_ROW_BYTES = 512
"""Thrice an uncompressed row of `mesh.records.CANDLES`."""
_FRAME_BYTES = 2**20
"""What a file has beside rows: its own words, with 2,000 holes at most."""


def check_size(file: ShardFile, step_seconds: int, event: EventRow | None, policy: LeasePolicy) -> None:
    """Refuse a file that has more candles than its event can have, or more bytes than its candles take.

    Args:
        file: As offered.
        step_seconds: Of its candles.
        event: As listed; None for a file of an event that the exchange has not listed.
        policy: With the largest size of all.

    Raises:
        InvalidInput: `FILE_IMPLAUSIBLE`, with the field.
    """
    if event is not None:
        each = (event.closes - event.opens).total_seconds() / step_seconds + _EDGES
        _at_most("file.row_count", file.row_count, int(_ROOM * each * len(event.markets)), "candles")
    bytes_of_rows = _FRAME_BYTES + _ROW_BYTES * file.row_count
    _at_most("file.size_bytes", file.size_bytes, min(policy.max_file_bytes, bytes_of_rows), "bytes")


def _at_most(field: str, found: int, most: int, unit: str) -> None:
    if found > most:
        words = f"{found} {unit}, where there can be at most {most}"
        violation = FieldViolation(field, words)
        raise InvalidInput(f"{field}: {words}", violations=[violation], reason="FILE_IMPLAUSIBLE")
