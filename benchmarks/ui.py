"""What `foremesh terminal` costs while prices change: processor, bytes to the terminal, and how soon a key shows.

The trader is the one of `benchmarks.screen`; the terminal is the real command on a pseudo-terminal, which pyte reads as
a terminal would. The chart is drawn anew every 5 s, as always.

    percent           CPU time of the terminal's process, of one core
    bytes_per_second  to the terminal
    key_ms            from a key (the cursor goes a line down or up) to the first byte of output in which the cursor has
                      moved: median, 95th percentile, longest
    first_paint_ms    from the start of the command to the first frame drawn, and to the first market on it

    python -m benchmarks.ui [--seconds 10] [--changes 50] [--keys 40] [--quick] [--json]
"""

import argparse
import asyncio
import fcntl
import json
import os
import platform
import pty
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import psutil
import pyte

from benchmarks.screen import POSITIONS, SETTINGS, live
from mesh import log
from tests.fakes.trading import market
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import served

_MARKETS = 200
_SIZES = ((120, 40), (80, 24))
_WARM_SECONDS = 6.0
_KEY_SECONDS = 0.13
"""Between keys: not a divisor of the period of drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the result."""

    size: str
    percent: float
    bytes_per_second: float
    key_ms: tuple[float, float, float]
    first_paint_ms: tuple[float, float]


class Terminal:
    """The command on a terminal of some size."""

    def __init__(self, address: str, columns: int, rows: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self._master, False)
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.bytes = 0
        self._came = asyncio.Event()
        command = [str(Path(sys.executable).parent / "foremesh"), "terminal", "--trader", address]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"TERM": "xterm-256color"}
        )
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        try:
            found = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            found = b""
        if not found:
            asyncio.get_running_loop().remove_reader(self._master)
        self.bytes += len(found)
        self._stream.feed(found)
        self._came.set()

    async def until(self, there: Callable[[], bool]) -> float:
        """Wait for something on the screen; returns when it was there."""
        async with asyncio.timeout(30):
            while not there():
                await self._came.wait()
                self._came.clear()
        return time.monotonic()

    @property
    def cursor(self) -> int:
        """Line in reverse video."""
        lines = self.screen.buffer
        return next((row for row in range(self.screen.lines) if lines[row][2].reverse), -1)

    async def press(self, key: bytes) -> float:
        """Press a key that moves the cursor; returns seconds until it has."""
        before, began = self.cursor, time.monotonic()
        os.write(self._master, key)
        return await self.until(lambda: self.cursor != before) - began

    async def end(self) -> None:
        """Quit."""
        os.write(self._master, b"q")
        await asyncio.to_thread(self.process.wait, 10)
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)


async def measure(columns: int, rows: int, *, seconds: float, changes: float, keys: int) -> Row:
    """Measure one size."""
    tickers = [f"KXHIGHNY-26NOV23-T{number}" for number in range(_MARKETS)]
    rig = Rig(settings=SETTINGS, markets=[market(ticker, closes=timedelta(days=2)) for ticker in tickers])
    took: list[float] = []
    async with served(rig) as trader, asyncio.TaskGroup() as group:
        await trader.enter(*tickers[:POSITIONS])
        lasting = _WARM_SECONDS + seconds + keys * 2 * _KEY_SECONDS + 10
        group.create_task(live(trader, tickers, changes, lasting))
        terminal = Terminal(trader.server.addresses[0], columns, rows)
        painted = await terminal.until(lambda: "working" in "\n".join(terminal.screen.display))
        lively = await terminal.until(lambda: "HIGHNY" in "\n".join(terminal.screen.display))
        await asyncio.sleep(_WARM_SECONDS)
        process = psutil.Process(terminal.process.pid)
        spent, sent = sum(process.cpu_times()[:2]), terminal.bytes
        await asyncio.sleep(seconds)
        spent, sent = sum(process.cpu_times()[:2]) - spent, terminal.bytes - sent
        for number in range(keys):
            took.append(1e3 * await terminal.press(b"j" if number % 8 < 4 else b"k"))
            await asyncio.sleep(_KEY_SECONDS)
        await terminal.end()
    took.sort()
    return Row(
        size=f"{columns}x{rows}",
        percent=100 * spent / seconds,
        bytes_per_second=sent / seconds,
        key_ms=(statistics.median(took), took[int(0.95 * len(took))], took[-1]),
        first_paint_ms=(1e3 * (painted - terminal.began), 1e3 * (lively - terminal.began)),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--changes", type=float, default=50.0, help="of prices, a second")
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="2 seconds and 8 keys")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    log.configure(level="error")
    if asked.quick:
        asked.seconds, asked.keys = 2.0, 8
    rows = [
        asyncio.run(measure(*size, seconds=asked.seconds, changes=asked.changes, keys=asked.keys)) for size in _SIZES
    ]
    load = os.getloadavg()[0]
    conditions = f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"
    if asked.json:
        print(json.dumps({"conditions": conditions, "rows": [asdict(row) for row in rows]}))
        return
    print(f"{asked.changes:g} changes a second, {_MARKETS} markets, {POSITIONS} positions; {conditions}")
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in asdict(row).items()))


if __name__ == "__main__":
    main()
