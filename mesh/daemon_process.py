"""A daemon of this installation as a process of our own: started, heard and stopped."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START_SECONDS = 120.0
"""A large model is read, and its batches are measured."""
STOP_SECONDS = 35.0
"""A little longer than a daemon itself takes before it gives up an orderly stop."""
_TAIL_LINES = 15
_LINE_BYTES = 1 << 20
_CALM = {"OMP_WAIT_POLICY": "passive"}
"""torch's threads sleep while they wait for each other. Spinning, they take several times as long on a busy machine."""


class DaemonProblem(Exception):
    """A daemon did not start, or did not stop as it should; `tail` holds the last lines of its log."""

    def __init__(self, message: str, tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.tail = tail


class DaemonProcess:
    """One daemon; where it dies it may be started again.

    Attributes:
        name: For people.
        stopping: It was told to end.
    """

    def __init__(self, name: str, program: str, config: Path) -> None:
        """Take what to run: a program of this installation with a configuration file; its log goes beside that."""
        self.name = name
        self.stopping = False
        self._program, self._config = program, config
        self._process: asyncio.subprocess.Process | None = None
        self._heard: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)

    @property
    def pid(self) -> int | None:
        """Its process id; None before the start and after the end."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of its log."""
        return tuple(self._tail)

    @property
    def log(self) -> Path:
        """Where its log is kept."""
        return self._config.with_suffix(".log")

    async def start(self, environment: Mapping[str, str]) -> None:
        """Start the process. Raises DaemonProblem where its program is not installed."""
        beside = Path(sys.executable).with_name(self._program)
        command = str(beside) if beside.exists() else shutil.which(self._program)
        if command is None:
            raise DaemonProblem(f"{self._program} is not installed beside {sys.executable}")
        for heard in self._heard.values():
            heard.cancel()  # of the process before; what has come stays so
        self._heard.clear()
        self._process = await asyncio.create_subprocess_exec(
            command,
            "--config",
            str(self._config),
            "--while-stdin",  # if we are killed, so is the pipe that we hold
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env={**_CALM, **os.environ, **environment},
            process_group=0,  # Ctrl-C is for us: we tell the daemons what to do
        )

    async def watch(self) -> str:
        """Read its log until it ends, and say why it did.

        Raises:
            DaemonProblem: It ended before it was ready, and nobody had told it to.
        """
        if self._process is None or self._process.stderr is None:
            raise AssertionError("started with a pipe")
        with self.log.open("ab", buffering=0) as kept:  # somebody may be reading it
            async for line in self._process.stderr:
                kept.write(line)
                text = line.decode(errors="replace").rstrip()
                self._tail.append(text)
                self._note(text)
        code, said = await self._process.wait(), self._said()
        why = said or _words(code)
        if not self.stopping and not self._waiting("ready").done():
            raise DaemonProblem(f"{self.name} ended: {why}", () if said else self.tail)
        return why

    async def heard(self, event: str) -> dict[str, Any]:
        """Wait until it has logged an event, and return that line's fields.

        Raises:
            DaemonProblem: It has not after START_SECONDS.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                return await asyncio.shield(self._waiting(event))
        except TimeoutError:
            raise DaemonProblem(f"{self.name} did not start within {START_SECONDS:g} s", self.tail) from None

    async def stop(self) -> None:
        """Send SIGTERM and wait for the end. Raises DaemonProblem unless it ends in time, with 0 or by the signal."""
        self.stopping = True
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                code = await self._process.wait()
        except TimeoutError:
            self.kill()
            code = await self._process.wait()
        if code not in {0, -signal.SIGTERM}:  # before it listens, the signal may simply end it
            raise DaemonProblem(f"{self.name} ended with {_words(code)} after SIGTERM, not 0", self.tail)

    def kill(self) -> None:
        """End it at once."""
        self.stopping = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _waiting(self, event: str) -> "asyncio.Future[dict[str, Any]]":
        return self._heard.setdefault(event, asyncio.get_running_loop().create_future())

    def _note(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if isinstance(entry, dict) and isinstance(event := entry.get("event"), str):
            waiting = self._waiting(event) if event in _AWAITED else None
            if waiting is not None and not waiting.done():
                waiting.set_result(entry)

    def _said(self) -> str | None:
        """Read why it failed off its log; None where it does not say."""
        for line in reversed(self._tail):
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and entry.get("event") == "failed" and "reason" in entry:
                    return str(entry["reason"])
        return None


_AWAITED = frozenset({"listening", "serving", "ready"})
"""Events that somebody may wait for, or may have missed when they begin to."""


def _words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
