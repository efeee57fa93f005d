"""A small daemon that can go wrong in every way; tests start it as a process of its own."""

import asyncio
import os
import resource
import socket
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import grpc

from mesh import log
from mesh.config import ConfigError, Strict
from mesh.daemon import Fatal, Lifecycle, command
from mesh.log import LogConfig

Mode: TypeAlias = Literal[
    "works", "crash", "crash-nested", "fatal", "bad-file", "port", "grpc-port", "slow-start", "stuck", "blocked",
    "hung-thread", "ill", "chatty", "crash-then-stuck",
]  # fmt: skip


class DaemonAppConfig(Strict):
    """What the test asks for."""

    log: LogConfig = LogConfig(format="json")
    mode: Mode = "works"
    pings: Path = Path("pings")


async def _raise(error: BaseException) -> None:
    await asyncio.sleep(0.05)
    raise error


async def _nested() -> None:
    async with asyncio.TaskGroup() as inner:
        inner.create_task(_raise(ValueError("a bug two groups down")))


async def _until_cancelled(message: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        log.get("app").info(message)


async def _chatter(config: DaemonAppConfig) -> None:
    for number in range(20_000):
        log.get("app").info("chatter", number=number, padding="x" * 100)
        if number % 100 == 0:
            await asyncio.sleep(0)
    config.pings.write_text("the loop went on")


async def _listen_on_a_taken_port(*, over_grpc: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if over_grpc:
            grpc.aio.server(options=[("grpc.so_reuseport", 0)]).add_insecure_port(f"127.0.0.1:{port}")
        await asyncio.start_server(lambda *_: None, "127.0.0.1", port)


def _background(config: DaemonAppConfig) -> Coroutine[Any, Any, None] | None:
    match config.mode:
        case "crash" | "crash-then-stuck":
            return _raise(RuntimeError("planted"))
        case "crash-nested":
            return _nested()
        case "fatal":
            return _raise(Fatal("the model does not fit this device"))
        case "chatty":
            return _chatter(config)
        case _:
            return None


async def _start(config: DaemonAppConfig, lifecycle: Lifecycle) -> None:
    match config.mode:
        case "bad-file":
            raise ConfigError("token_file: is empty")
        case "port" | "grpc-port":
            await _listen_on_a_taken_port(over_grpc=config.mode == "grpc-port")
        case "slow-start":
            lifecycle.status("loading")
            await asyncio.sleep(60)
        case "ill":
            lifecycle.alive = lambda: not config.pings.exists()


async def _drain(config: DaemonAppConfig) -> None:
    match config.mode:
        case "stuck" | "crash-then-stuck":
            await asyncio.sleep(60)
        case "blocked":
            time.sleep(60)  # noqa: ASYNC251  a loop that hangs is what the test wants
        case "hung-thread":
            threading.Thread(target=time.sleep, args=(60,), name="hung").start()
    await asyncio.sleep(0.05)


@asynccontextmanager
async def serve(config: DaemonAppConfig, lifecycle: Lifecycle) -> AsyncIterator[None]:
    lifecycle.tasks.create_task(_until_cancelled("background ended"), name="background")
    await _start(config, lifecycle)
    if background := _background(config):
        lifecycle.tasks.create_task(background, name="planted task")
    log.get("app").info("limits", open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    lifecycle.ready("serving")
    try:
        yield
    finally:
        await _drain(config)
        log.get("app").info("drained")


main = command("foremesh-test-app", DaemonAppConfig, serve, stop_timeout=float(os.environ.get("STOP_TIMEOUT", "10")))

if __name__ == "__main__":
    main()
