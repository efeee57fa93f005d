"""What every stream of the service shares: how many a caller may have, and what becomes of one that is not read."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mesh.errors import MeshError, NotReady, Overloaded, Unavailable
from trader.engine.engine import Engine

RETRY_SECONDS = 1.0
STALLED_SECONDS = 60.0
"""A caller that takes nothing for so long has stopped reading."""
_MOST_STREAMS = 16


class Streaming:
    """The streams of one engine's service.

    Args:
        engine: What is streamed.
        draining: Set when the process begins to stop: streams go on until the last entry, and end.
        stalled_seconds: How long a caller may take nothing.
    """

    def __init__(self, engine: Engine, draining: asyncio.Event, *, stalled_seconds: float = STALLED_SECONDS) -> None:
        self._engine, self._draining, self._stalled_seconds = engine, draining, stalled_seconds
        self._open: Counter[str] = Counter()

    def admit(self, caller: str) -> Callable[[], None]:
        """Count a stream of a caller in; returns what to call when its last byte is gone.

        Raises:
            Overloaded: The caller has too many (`TOO_MANY_STREAMS`).
        """
        if self._open[caller] >= _MOST_STREAMS:
            text = f"{caller} has {_MOST_STREAMS} streams already"
            raise Overloaded(text, reason="TOO_MANY_STREAMS", retry_after=RETRY_SECONDS)
        self._open[caller] += 1

        def release() -> None:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]

        return release

    def same_journal(self, journal_id: str | None) -> None:
        """Check the journal that a caller's sequences belong to. Raises NotReady (`OTHER_JOURNAL`)."""
        ours = self._engine.journal.journal_id
        if journal_id is not None and journal_id != ours:
            raise NotReady(
                f"this is journal {ours}: sequences of {journal_id} mean something else here",
                reason="OTHER_JOURNAL",
                metadata={"journal_id": ours},
            )

    def ended(self) -> bool:
        """Tell whether the process stops and its engine has come to its end: nothing is written any more."""
        if not self._draining.is_set():
            return False
        try:
            self._engine.handle()
        except MeshError:
            return True
        return False

    @contextmanager
    def not_stalled(self) -> Iterator[None]:
        """End the call if its message is not taken in time: whoever writes it waits as long as the caller wants."""
        task, stalled = asyncio.current_task(), False

        def end() -> None:
            nonlocal stalled
            if task is not None:
                stalled = True
                task.cancel()

        timer = asyncio.get_running_loop().call_later(self._stalled_seconds, end)
        try:
            yield
        except GeneratorExit:
            if not stalled or task is None:
                raise
            task.uncancel()
            text = f"nothing was read for {self._stalled_seconds:g} s; go on after the last event that came"
            raise Overloaded(text, reason="STREAM_STALLED", retry_after=RETRY_SECONDS) from None
        finally:
            timer.cancel()


def stopping() -> Unavailable:
    """Make the error that ends a stream of a process that stops."""
    return Unavailable("the trader is stopping", reason="DRAINING", retry_after=RETRY_SECONDS)
