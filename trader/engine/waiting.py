"""Waiting for whichever comes first, and making others wait no longer than need be."""

import asyncio

from mesh.clock import Clock

_HOPS = 24
"""From a quote on the wire to an exit's request on the wire one callback leads to the next about twenty times."""


async def until(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait for an event, but no longer than so many seconds of the clock; says whether it is set."""
    waiting = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return event.is_set()


async def breath() -> None:
    """Let others go all the way from what has come to what they do about it, between two pieces of long work.

    With a single turn of the event loop each step of that way would wait for another piece.
    """
    for _ in range(_HOPS):
        await asyncio.sleep(0)
