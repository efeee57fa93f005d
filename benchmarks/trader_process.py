"""`foremesh-trader` as it is shipped, in a process that keeps a diary of how busy it was.

    python -m benchmarks.trader_process --config FILE ...

There are two differences. The selector of its event loop looks at the clock before and after it waits. What lies
between two waits is what the trader itself does: reading replies, deciding, writing the journal with its syncs. While
it waits, the exchange, the forecast server or a request budget has the turn. And the one method that decides and
writes the journal notes when it ran. At its end the process writes `diary.json` into its working folder.
"""

import asyncio
import atexit
import json
import selectors
import sys
import time
from array import array
from pathlib import Path as Folder
from typing import Any

from benchmarks.noting import DIARY, noted
from trader.__main__ import main
from trader.engine.core import Core

_EVERY = 0.002
"""Seconds between two lines of the diary, at least."""
_LONG = 0.005
"""A stretch without a wait that is noted by itself."""


class Watched(selectors.DefaultSelector):
    """Adds up how long the loop did not wait, by the wall clock.

    Attributes:
        times, busy, cpu: The diary's lines: wall time, seconds busy so far, CPU seconds of the process so far.
        long: Wall time of the end and seconds of every long stretch without a wait, in turn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.times, self.busy, self.cpu, self.long = (array("d") for _ in range(4))
        self._busy = 0.0
        self._woken = time.perf_counter()
        self._written = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as usual."""
        now = time.perf_counter()
        stretch = now - self._woken
        self._busy += stretch
        if stretch >= _LONG:
            self.long.extend((time.time(), stretch))
        if now - self._written >= _EVERY:
            self._written = now
            self.times.append(time.time())
            self.busy.append(self._busy)
            self.cpu.append(time.process_time())
        found = super().select(timeout)
        self._woken = time.perf_counter()
        return found


class _Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, selector: selectors.BaseSelector) -> None:
        super().__init__()
        self._selector = selector

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(self._selector)


def _write(selector: Watched, decided: "array[float]", path: Folder) -> None:
    diary: dict[str, Any] = {name: getattr(selector, name).tolist() for name in ("times", "busy", "cpu", "long")}
    diary |= {"decided": decided.tolist(), "torch": "torch" in sys.modules}
    path.write_text(json.dumps(diary))


if __name__ == "__main__":
    watched = Watched()
    asyncio.set_event_loop_policy(_Policy(watched))
    atexit.register(_write, watched, noted(Core, "handle"), Folder(DIARY).resolve())
    main()
