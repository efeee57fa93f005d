"""A simulated exchange in a process of its own for a benchmark, and a caller with a key of it."""

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as Folder
from typing import Any, BinaryIO

import aiohttp
import psutil
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "/trade-api/v2"
STREAM = "/trade-api/ws/v2"

_KEY_ID = "bench"
_START_SECONDS = 120.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Daemon:
    """The process, and where it answers."""

    process: psutil.Process
    url: str
    start_seconds: float
    """From the start of the process to its readiness, by the wall clock."""

    def cpu_seconds(self) -> float:
        """Give what it has used so far, on all cores."""
        times = self.process.cpu_times()
        return times.user + times.system

    def memory_bytes(self) -> int:
        """Give what it has resident."""
        return int(self.process.memory_info().rss)


@asynccontextmanager
async def exchange(folder: Folder, key: Ed25519PrivateKey, source: str = "", clock: str = "") -> AsyncIterator[Daemon]:
    """Start `foremesh-exchange` with its state in the folder, and one rich member without a request budget.

    Args:
        folder: Empty; configuration, state and log go there.
        key: The member's.
        source: TOML of the table `source`; empty for the default markets.
        clock: TOML of the table `clock`; empty for the real time.
    """
    log, started = folder / "log", time.perf_counter()
    with _prepare(folder, log, key, source, clock) as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sim_exchange", "--config", "exchange.toml", cwd=folder, stderr=sink
        )
    try:
        url = await _ready(process, log)
        yield Daemon(psutil.Process(process.pid), url, time.perf_counter() - started)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _prepare(folder: Folder, log: Folder, key: Ed25519PrivateKey, source: str, clock: str) -> BinaryIO:
    """Write the configuration, and open the log."""
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "bench.pem").write_bytes(public)
    (folder / "exchange.toml").write_text(
        'listen = "127.0.0.1:0"\nadmin_listen = "off"\n'
        f'[log]\nformat = "json"\n[clock]\n{clock}\n'
        + (f"[source]\n{source}\n" if source else "")
        + f'[[accounts]]\nname = "bench"\nkey_id = "{_KEY_ID}"\npublic_key_file = "bench.pem"\n'
        'cash_dollars = "100000000.00"\ntier = "unlimited"\n'
    )
    return log.open("wb")


async def _ready(process: asyncio.subprocess.Process, log: Folder) -> str:
    async with asyncio.timeout(_START_SECONDS):
        while process.returncode is None:
            entries = _entries(log)
            if "ready" in entries:
                return str(entries["listening"]["url"])
            await asyncio.sleep(_POLL_SECONDS)
    raise RuntimeError(f"the exchange did not start: {_entries(log)}")


def _entries(log: Folder) -> dict[str, Any]:
    """Read the log's whole lines, by event."""
    lines = log.read_text().rpartition("\n")[0].splitlines()
    return {entry["event"]: entry for entry in map(json.loads, lines)}


class Caller:
    """Signs and sends requests; every answer but a 2xx ends the benchmark."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: Ed25519PrivateKey) -> None:
        self._session = session
        self._url = url
        self._key = key

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Sign a path from the root, without query."""
        stamp = str(int(time.time() * 1000))
        signature = self._key.sign(f"{stamp}{method}{path}".encode())
        return {
            "KALSHI-ACCESS-KEY": _KEY_ID,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    async def call(self, method: str, path: str, body: Any = None, query: str = "") -> bytes:
        """Call a path below the prefix and give the reply's body."""
        path = PREFIX + path
        headers = self.headers(method, path)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        url = f"{self._url}{path}?{query}" if query else self._url + path
        async with self._session.request(method, url, data=data, headers=headers) as reply:
            text = await reply.read()
            if not 200 <= reply.status < 300:
                raise RuntimeError(f"{method} {path}: {reply.status} {text.decode()}")
            return text

    async def listen(self) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket."""
        return await self._session.ws_connect(self._url + STREAM, headers=self.headers("GET", STREAM))
