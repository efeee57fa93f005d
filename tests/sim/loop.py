"""An event loop in which nothing happens by chance: time is a number, and who runs next is chosen by a seed.

Everything that could go one way or another is a draw from `Choices`, where 0 is always the dull way: first come first
served, the shortest delay, no fault. So a run is a list of integers, its tape: fed back it is the same run, and with
entries set to 0 it is a simpler one.

A process that is killed is not cancelled: `finally` blocks do not run. Every step knows which process it belongs to
(`PROCESS`), and steps of a dead one are dropped.
"""

import asyncio
import contextvars
import gc
import heapq
import random
import sys
import zlib
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

_MOST_STEPS = 400_000
_START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Choices:
    """The only source of chance: drawn from a seed, or repeated from a tape, then zeros."""

    def __init__(self, seed: int, given: Sequence[int] | None = None) -> None:
        self.tape: list[int] = []
        self._random, self._given = random.Random(seed), given  # noqa: S311  repeatable

    def pick(self, count: int) -> int:
        """Draw one of so many, from 0."""
        return self._next(lambda: self._random.randrange(count)) % count

    def flip(self, probability: float) -> bool:
        """Draw whether something happens."""
        return bool(self._next(lambda: int(self._random.random() < probability)))

    def _next(self, draw: Callable[[], int]) -> int:
        place = len(self.tape)
        repeated = self._given is not None and place < len(self._given)
        value = draw() if self._given is None else self._given[place] if repeated else 0
        self.tape.append(value)
        return value


class Process:
    """One simulated process: its code runs while it is alive."""

    def __init__(self, name: str) -> None:
        self.name, self.alive = name, True


PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Stuck(AssertionError):
    """Nothing can ever run again, or nothing ever ends."""


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where it lies in memory."""

    def __init__(self, coroutine: Any, *, loop: "SimLoop", name: str | None, context: Any) -> None:
        loop.serial += 1
        self.serial = loop.serial
        loop.kept.append(self)
        super().__init__(coroutine, loop=loop, name=name or f"task {self.serial}", context=context)

    def __hash__(self) -> int:
        return self.serial

    def __eq__(self, other: object) -> bool:
        return self is other


class Buried(BaseException):
    """Ends what a dead process left, past every handler of ordinary errors."""


def _end(left: Any) -> None:
    with suppress(BaseException):
        for _ in range(100):  # whoever waits for others in its `finally` is told again
            left.throw(Buried)
    with suppress(BaseException):
        left.close()


class SimLoop(asyncio.BaseEventLoop):
    """Runs steps one by one. No sockets, no threads."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self.choices = choices
        self.now = 0.0
        self.serial = self.steps = self.digest = 0
        self.story: list[str] | None = None
        self.problems: list[dict[str, Any]] = []
        self.kept: list[asyncio.Task[Any]] = []
        """Every task: what a dead process awaited must not be closed, and so run on, in the middle of the run."""
        self.set_task_factory(self._make)
        self.set_exception_handler(lambda _loop, context: self.problems.append(context))

    def time(self) -> float:
        """Give the simulated seconds."""
        return self.now

    def note(self, what: str) -> None:
        """Write a line of the story; two runs of one seed write the same."""
        line = f"{self.now:10.3f} {what}"
        self.digest = zlib.crc32(line.encode(), self.digest)
        if self.story is not None:
            self.story.append(line)

    def run_as(self, process: Process, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a task of a process."""
        context = contextvars.copy_context()
        context.run(PROCESS.set, process)
        return self.create_task(coroutine, name=name, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]  # no threads
        """Do what a thread would do as a step of this loop."""

        async def job() -> Any:
            await asyncio.sleep(0)
            return func(*args)

        return self.create_task(job(), name=getattr(func, "__name__", "job"))

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]  # ditto
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)

    def bury(self) -> None:
        """End what is left of dead processes, which still has `finally` blocks to run, and close the loop.

        What they do there happens in no world, and what goes wrong there is nobody's fault.
        """
        heard, sys.unraisablehook = sys.unraisablehook, lambda _unraisable: None
        try:
            for task in self.kept:
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # nobody awaits it
                if not task.done():
                    _end(task.get_coro())
            self.kept.clear()
            gc.collect()
        finally:
            sys.unraisablehook = heard
            self.close()

    def _make(self, loop: Any, coroutine: Any, context: Any = None, name: str | None = None) -> _Task:
        return _Task(coroutine, loop=loop, name=name, context=context)

    def _run_once(self) -> None:
        ready, timers = self._ready, self._scheduled  # type: ignore[attr-defined]  # as BaseEventLoop has them
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not ready:
            if not timers:
                raise Stuck("; ".join(sorted(str(task.get_coro()) for task in asyncio.all_tasks(self))))
            self.now = max(self.now, timers[0]._when)
        while timers and timers[0]._when <= self.now:
            timer = heapq.heappop(timers)
            timer._scheduled = False
            ready.append(timer)
        place = self._choose(ready)
        handle = ready[place]
        del ready[place]
        process = handle._context.get(PROCESS)
        if handle._cancelled or (process is not None and not process.alive):
            return
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise Stuck(f"{self.steps} steps and no end, at {self.now:.3f} s")
        handle._run()

    def _choose(self, ready: Sequence[Any]) -> int:
        """Pick among the first step of each task; plain callbacks stay in their order, which code may rely on."""
        if len(ready) == 1:
            return 0
        lanes: dict[int, int] = {}
        for place, handle in enumerate(ready):
            owner = getattr(handle._callback, "__self__", None)
            lanes.setdefault(owner.serial if isinstance(owner, _Task) else 0, place)
        return list(lanes.values())[self.choices.pick(len(lanes))] if len(lanes) > 1 else 0

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""

    def _process_events(self, event_list: Any) -> None:
        """There are none."""


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("real input or output in a simulation")


for _name in ("create_connection", "create_server", "create_datagram_endpoint", "getaddrinfo", "subprocess_exec",
              "subprocess_shell", "add_signal_handler", "add_reader", "add_writer"):  # fmt: skip
    setattr(SimLoop, _name, _refuse)


class SimClock:
    """The loop's time as a `mesh.clock.Clock`; the wall can be set, the monotonic reading never goes back."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.jumped = timedelta()
        """How far somebody has set the wall clock."""

    def now(self) -> datetime:
        """Give the wall's time."""
        return _START + timedelta(seconds=self._loop.now) + self.jumped

    def monotonic(self) -> float:
        """Give the loop's seconds."""
        return self._loop.now

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds)


def shrunk(fails: Callable[[list[int]], bool], tape: list[int], *, tries: int = 400) -> list[int]:
    """Set as much of a failing tape to the dull choice as possible while it still fails."""
    while tape and tape[-1] == 0:
        tape.pop()
    size = max(1, len(tape) // 2)
    while tries > 0:
        changed = False
        for start in range(0, len(tape), size):
            part = tape[start : start + size]
            if any(part) and tries > 0:
                tries -= 1
                trial = tape[:start] + [0] * len(part) + tape[start + size :]
                if fails(trial):
                    tape, changed = trial, True
        if size == 1 and not changed:
            break
        size = max(1, size // 2)
    return tape
