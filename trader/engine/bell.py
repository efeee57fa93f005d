"""Waking whoever follows the journal."""

import asyncio


class Bell:
    """Rings when the journal has grown. It carries nothing: who hears it reads the journal from where they are.

        while True:
            for recorded in journal.read(after):
                ...
            await bell.heard()

    Between the end of `read` and `heard` must be no await, or a ring is missed.
    """

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits."""
        self._next.set()
        self._next = asyncio.Event()

    async def heard(self) -> None:
        """Wait for the next ring."""
        await self._next.wait()
