"""A thread that may be left alone: a model that is being loaded, or hangs, does not hold the end of the process."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class ThreadEnded(Exception):
    """What ran in the thread ended it, as `sys.exit` does, instead of failing."""


class PatientThread:
    """Runs one call after the other. A ThreadPoolExecutor would have the interpreter wait for the last one."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)

    def run(self, function: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Call a function in the thread; the future fails with what the function raises, or ThreadEnded."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: Exception | None) -> None:
            if future.done():  # nobody waits any more
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # without an error it is what the function gave

        def call() -> None:
            result, failure = None, None
            try:
                result = function(*arguments)
            except Exception as error:
                failure = error
            except BaseException as error:
                failure = ThreadEnded(f"{type(error).__name__}: {error}")
                failure.__cause__ = error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, result, failure)

        if not self._thread.is_alive():
            self._thread.start()
        self._calls.put(call)
        return future

    def close(self) -> None:
        """Let the thread end after what it was given."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
