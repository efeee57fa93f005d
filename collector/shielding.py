"""File work that a cancellation does not abandon."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def whole(work: Callable[[], T]) -> T:
    """Do file work in a thread, to its end: a cancellation waits for it, because a thread cannot be stopped."""
    done = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        while not done.done():
            with suppress(asyncio.CancelledError):  # said again: the thread goes on all the same
                await asyncio.wait([done])
        raise
