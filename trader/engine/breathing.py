"""Making others wait no longer than need be."""

import asyncio

_HOPS = 24
"""From a quote on the wire to an exit's request on the wire one callback leads to the next about twenty times."""


async def breath() -> None:
    """Let others go all the way from what has come to what they do about it, between two pieces of long work.

    With a single turn of the event loop each step of that way would wait for another piece.
    """
    for _ in range(_HOPS):
        await asyncio.sleep(0)
