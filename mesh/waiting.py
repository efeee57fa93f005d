"""Waiting for whichever comes first."""

import asyncio

from mesh.clock import Clock


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
