"""Packed arrays on protobuf's wire: a short head, and then values as they lie in memory."""

_PACKED, _SEVEN_BITS = 2, 0x7F


def head(field_number: int, size: int) -> bytes:
    """Return what comes before the `size` bytes of a packed array: the field's tag, and the size as a varint."""
    written = bytearray([field_number << 3 | _PACKED])
    while size > _SEVEN_BITS:
        written.append(size & _SEVEN_BITS | 0x80)
        size >>= 7
    written.append(size)
    return bytes(written)
