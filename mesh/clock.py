"""Time as a dependency: the system's, one moved by hand, and one that runs faster.

Whatever decides by time takes a `Clock`, so that tests and backtests run the same code as production. All instants are
aware UTC. The monotonic reading is for durations inside one process: never store it, never send it.
"""

import asyncio
import heapq
import itertools
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_NANOSECONDS = 1_000_000_000
_SETTLE_ROUNDS = 50  # only for event loops that do not tell whether anything is ready


class Clock(Protocol):
    """Where code takes the time from."""

    def now(self) -> datetime:
        """Give the current instant, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds since an arbitrary start, never going back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; zero and less only let other tasks run."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Give the wall clock's instant, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds since an arbitrary start, untouched by changes of the wall clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance` moves it.

    Kept in whole nanoseconds, so that ten steps of 0.1 s are exactly one second.
    """

    def __init__(self, start: datetime) -> None:
        self._start = _utc(start)
        self._elapsed = 0  # nanoseconds
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._advancing = False

    def now(self) -> datetime:
        """Give the start plus every advance, to the microsecond."""
        return self._start + timedelta(microseconds=self._elapsed // 1000)

    def monotonic(self) -> float:
        """Give the seconds advanced so far."""
        return self._elapsed / _NANOSECONDS

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced this far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + _nanoseconds(seconds), next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking sleepers in the order of their times (equal times: who slept first).

        Each woken task runs until it waits again before the next one wakes, and sees the time that it asked for; a
        sleep that it starts and that ends within the step is part of the step.

        Raises:
            ValueError: Negative or not finite.
            RuntimeError: Called while another `advance` is under way, which would make the order arbitrary.
        """
        if not (seconds >= 0 and math.isfinite(seconds)):
            raise ValueError(f"cannot advance by {seconds} seconds")
        if self._advancing:
            raise RuntimeError("another task is advancing this clock")
        self._advancing = True
        try:
            target = self._elapsed + _nanoseconds(seconds)
            await _settle()  # tasks only just created get to their first sleep
            while self._sleepers and self._sleepers[0][0] <= target:
                self._elapsed, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():  # a cancelled sleeper is done
                    woken.set_result(None)
                    await _settle()
            self._elapsed = target
        finally:
            self._advancing = False


class ScaledClock:
    """A clock that starts at `epoch` and runs `speed` times as fast as real time: 60 is a minute a second."""

    def __init__(self, speed: float, epoch: datetime) -> None:
        if not (speed > 0 and math.isfinite(speed)):
            raise ValueError(f"speed must be positive and finite, got {speed}")
        self._speed = speed
        self._epoch = _utc(epoch)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """Give the epoch plus the scaled time since this clock was made."""
        return self._epoch + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Give scaled seconds since this clock was made."""
        return (time.monotonic() - self._started) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait scaled seconds: `seconds / speed` real ones, never less."""
        end = self.monotonic() + seconds
        await asyncio.sleep(max(seconds, 0) / self._speed)
        # The loop may wake up to its timer's resolution early, which scaling would make visible.
        while (left := end - self.monotonic()) > 0:  # noqa: ASYNC110  there is no event to wait for, only time
            await asyncio.sleep(left / self._speed)


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("a clock needs an aware datetime")
    return instant.astimezone(UTC)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


async def _settle() -> None:
    """Let every task that can run do so until it waits for something."""
    # asyncio has no public way to ask "is anything ready?"; its loops keep the answer in _ready, which lacks our own
    # wake-up while we run. A fixed number of rounds would be too few for a long chain of tasks and slow for a backtest.
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    await asyncio.sleep(0)
    if ready is None:
        for _ in range(_SETTLE_ROUNDS):
            await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110  see above
        await asyncio.sleep(0)
