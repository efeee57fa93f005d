"""A real `foremesh-coordinator` in a process of its own, for tests to stop and to kill."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

NOWHERE = "http://127.0.0.1:9"
"""An exchange that is away: the port is that of the discard service, where nobody listens."""


@dataclass(frozen=True, slots=True)
class CoordinatorProcess:
    """A process, where it listens and what it says."""

    process: asyncio.subprocess.Process
    log: Path
    address: str

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of the log with that event."""
        return _lines(self.log, name)

    async def event(self, name: str) -> dict[str, Any]:
        """Wait for an event; the first of its name."""
        return await _said(self.process, self.log, name)

    def terminate(self) -> None:
        """Begin an orderly stop."""
        self.process.send_signal(signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        await self.process.wait()

    async def ended(self) -> int:
        """Wait for its end; gives the exit code."""
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def coordinator_process(
    folder: Path, *, exchange: str = NOWHERE, series: str = "KXHIGHNY", **settings: object
) -> AsyncIterator[CoordinatorProcess]:
    """Run the daemon with its state in `folder`, from when it is ready; killed at the end if it is still there."""
    own: dict[str, object] = {
        "state_folder": folder / "state",
        "series": f'[{{ ticker = "{series}", steps = ["60m"] }}]',
        "kalshi.environment": "custom",
        "kalshi.host": exchange,
        "lease": "{ max_leases = 512, settle_delay_seconds = 0.0 }",
        "rpc.listen": '["127.0.0.1:0"]',
        "rpc.metrics_listen": "off",
        "log.format": "json",
    }
    words = [word for key, value in (own | settings).items() for word in ("--set", f"{key}={value}")]
    log = folder / f"coordinator-{time.monotonic_ns()}.log"
    with log.open("w") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "collector.coordinator", *words,
            cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=stream,
        )  # fmt: skip
    try:
        address = (await _said(process, log, "serving"))["addresses"][0]
        await _said(process, log, "ready")
        yield CoordinatorProcess(process, log, address)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _said(process: asyncio.subprocess.Process, log: Path, name: str) -> dict[str, Any]:
    until = time.monotonic() + 30
    while not (found := _lines(log, name)):
        assert process.returncode is None, _text(log)
        assert time.monotonic() < until, _text(log)
        await asyncio.sleep(0.02)
    return found[0]


def _lines(log: Path, event: str) -> list[dict[str, Any]]:
    whole = [line for line in _text(log).splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")]
    return [entry for entry in map(json.loads, whole) if entry["event"] == event]


def _text(log: Path) -> str:
    return log.read_text()
