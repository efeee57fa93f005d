"""Lifecycle of every daemon: command line, start, readiness, watchdog, orderly stop.

Exit codes:

    0    stopped in order after SIGTERM, SIGINT or, if so asked, the end of standard input; `--check-config` found
         nothing wrong
    1    failed: the app ended with `Fatal`, its port was taken, something crashed, or the stop took too long
    2    wrong command line
    78   the configuration is wrong (EX_CONFIG of sysexits.h): restarting does not help

A second SIGINT, or one during a stop, kills the process at once; shells show that as 130.

A daemon is one async context manager, its composition root: `serve(config, lifecycle)`. It is entered at the start and
left at the stop, which is where it drains. It calls `lifecycle.ready()` once it can do its work, which may be long
after it began to listen. Background work runs in `lifecycle.tasks`: at an orderly stop these tasks keep running while
the context drains and are cancelled afterwards. A crash in any of them ends the process.
"""

import asyncio
import errno
import gc
import importlib.metadata
import inspect
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias, TypeVar

import click

from mesh import log, systemd
from mesh.config import ConfigError, Strict, load

OK = 0
FAILED = 1
BAD_CONFIG = os.EX_CONFIG

STOP_TIMEOUT_SECONDS = 30.0
_FLUSH_SECONDS = 1.0  # for the last lines of a process that is killed
_MAX_OPEN_FILES = 65_536  # a thousand idle connections and the journal, with room to spare

_T = TypeVar("_T")
C = TypeVar("C", bound=Strict)

_log = log.get(__name__)


class Fatal(Exception):
    """Raised by an app that cannot go on for a reason it can name: exit code 1, the message logged, no traceback."""


class Lifecycle:
    """What a running app tells the process around it."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.tasks = tasks
        """Background work of the app. A task that raises ends the process; one that returns does not."""

        self.alive: Callable[[], bool] = lambda: True
        """Set by the app: whether its essential loop works. While false the watchdog is not fed, and systemd restarts
        the process. Called on the event loop, must not wait."""

        self.stopping = asyncio.Event()
        """Set when an orderly stop begins."""

        self._ready = False

    def ready(self, status: str = "ready") -> None:
        """Tell systemd and the log that the daemon does its work from now on; `status` is for people."""
        if self._ready:
            self.status(status)
            return
        self._ready = True
        systemd.notify(systemd.READY, systemd.status(status))
        _log.info("ready", status=status)

    def status(self, text: str) -> None:
        """Show `text` in `systemctl status`."""
        systemd.notify(systemd.status(text))


Serve: TypeAlias = Callable[[Lifecycle], AbstractAsyncContextManager[object]]


def run(
    name: str,
    serve: Serve,
    *,
    log_config: log.LogConfig | None = None,
    config_path: Path | None = None,
    stop_timeout: float = STOP_TIMEOUT_SECONDS,
) -> int:
    """Run a daemon in this process, on the main thread, until it is told to stop; gives the exit code.

    Configures logging, so call it before the first gRPC channel exists.

    Args:
        name: As in `foremesh-trader`.
        serve: The composition root.
        log_config: How to log.
        config_path: The configuration's file, to be logged.
        stop_timeout: Seconds from the beginning of a stop, for whatever reason, to the forced end of the process.
    """
    ending = _Ending(stop_timeout)
    try:
        return _run(name, serve, log_config or log.LogConfig(), config_path, ending)
    finally:
        ending.disarm()


def command(
    name: str,
    config_model: type[C],
    serve: Callable[[C, Lifecycle], AbstractAsyncContextManager[object]],
    *,
    stop_timeout: float = STOP_TIMEOUT_SECONDS,
) -> click.Command:
    """Build the command that a daemon's `main` calls.

    Args:
        name: As in `foremesh-trader`.
        config_model: The daemon's configuration; a `log: LogConfig` table in it is used.
        serve: The composition root.
        stop_timeout: See `run`.
    """

    @click.command(name, help=f"Run {name} until SIGTERM or SIGINT.")
    @click.option("--config", "path", metavar="FILE", type=click.Path(path_type=Path), help="TOML configuration.")
    @click.option(
        "--check-config", is_flag=True, help="Validate the configuration and exit: 0 if it is right, else 78."
    )
    @click.option("--while-stdin", is_flag=True, help="Stop also when standard input ends: who started it has died.")
    @click.option("--set", "overrides", metavar="TABLE.KEY=VALUE", multiple=True, help="Override a value; repeatable.")
    @click.version_option(_version(), prog_name=name)
    def main(path: Path | None, *, check_config: bool, while_stdin: bool, overrides: tuple[str, ...]) -> None:
        try:
            config = load(path, config_model, overrides)
        except ConfigError as error:
            click.echo(str(error), err=True)
            sys.exit(BAD_CONFIG)
        if check_config:
            click.echo(f"{path or 'defaults'}: ok")
            return
        log_config = getattr(config, "log", None)
        if not isinstance(log_config, log.LogConfig):
            log_config = log.LogConfig()
        # Not `run`: its bound stays armed here, so that a thread that hangs the interpreter's exit is ended too.
        ending = _Ending(stop_timeout)
        bound = sys.stdin.fileno() if while_stdin else None
        sys.exit(_run(name, lambda lifecycle: serve(config, lifecycle), log_config, path, ending, bound=bound))

    return main


def _run(
    name: str,
    serve: Serve,
    log_config: log.LogConfig,
    config_path: Path | None,
    ending: "_Ending",
    *,
    bound: int | None = None,
) -> int:
    log.configure(log_config.format, log_config.level)
    path = str(config_path) if config_path else None
    _log.info("starting", daemon=name, version=_version(), pid=os.getpid(), config=path)
    _raise_open_files()
    try:
        asyncio.run(_supervise(serve, ending, bound))
    except* _Stopped:
        pass
    except* Exception as failures:
        ending.fail(failures, "main")
    # gRPC objects caught in a reference cycle would hold the interpreter for seconds at its exit.
    gc.unfreeze()
    gc.collect()
    code = ending.code
    _log.info("stopped", daemon=name, code=code)
    for error in ending.config_errors:
        click.echo(str(error), err=True)
    return code


async def _supervise(serve: Serve, ending: "_Ending", bound: int | None) -> None:
    loop = asyncio.get_running_loop()
    body = asyncio.current_task()
    started = interrupted = False

    def stop(**why: str) -> None:
        nonlocal interrupted
        # The kernel's own handling from now on: the next SIGINT works even if this loop hangs.
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if lifecycle.stopping.is_set():
            return
        lifecycle.stopping.set()
        ending.begin(**why)
        if body is not None and not started:
            interrupted = True
            body.cancel()

    def crashed(error: BaseException, task: str) -> None:
        ending.fail(error, task)
        ending.begin()  # now, not when the context has been left: that may hang

    async with _Tasks(crashed) as tasks:
        lifecycle = Lifecycle(tasks)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, partial(stop, signal=number.name))
        if bound is not None:
            _at_end(bound, loop, partial(stop, stdin="ended"))
        tasks.create_task(_feed_watchdog(lifecycle), name="watchdog")
        try:
            async with serve(lifecycle):
                started = True
                await lifecycle.stopping.wait()
        except asyncio.CancelledError:
            if body is None or not interrupted:
                raise
            body.uncancel()  # ours, to leave a start that takes long
        except Exception as error:
            ending.fail(error, "main")
            raise
        finally:
            ending.begin()
        raise _Stopped  # ends the background tasks


def _at_end(pipe: int, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Stop when nobody can write to a pipe any more: whoever held it has ended, in order or not."""

    def read() -> None:
        if not os.read(pipe, 4096):
            loop.remove_reader(pipe)
            stop()

    loop.add_reader(pipe, read)


async def _feed_watchdog(lifecycle: Lifecycle) -> None:
    interval = systemd.watchdog_interval()
    worked = True
    while interval is not None:
        works = lifecycle.alive()
        if works:
            systemd.notify(systemd.WATCHDOG)
        elif worked:
            _log.error("the essential loop does not work: watchdog no longer fed")
        worked = works
        await asyncio.sleep(interval)


class _Stopped(Exception):
    """Raised in our own task group to cancel what is left in it."""


class _Tasks(asyncio.TaskGroup):
    """A task group that reports a crash when it happens; the group itself only does once everything has stopped."""

    def __init__(self, report: Callable[[BaseException, str], None]) -> None:
        super().__init__()
        self._report = report

    def create_task(
        self,
        coro: Generator[Any, None, _T] | Coroutine[Any, Any, _T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[_T]:
        task = super().create_task(coro, name=name, context=context)
        task.add_done_callback(self._look)
        return task

    def _look(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(error, task.get_name())


class _Ending:
    """How a run ends: what failed, and the thread that bounds the stop.

    A thread, because the bound has to hold when the event loop itself hangs.
    """

    def __init__(self, timeout: float) -> None:
        self.config_errors: list[ConfigError] = []
        self._timeout = timeout
        self._failures: list[BaseException] = []
        self._begun = False
        self._disarmed = threading.Event()

    @property
    def code(self) -> int:
        if not self._failures:
            return OK
        return BAD_CONFIG if len(self.config_errors) == len(self._failures) else FAILED

    def begin(self, **why: str) -> None:
        """The stop begins, unless it has."""
        if self._begun:
            return
        self._begun = True
        systemd.notify(systemd.STOPPING, systemd.status("stopping"))
        _log.info("stopping", timeout_seconds=self._timeout, **why)
        running = asyncio.get_running_loop()
        threading.Thread(target=self._expire, args=(running,), name="stop bound", daemon=True).start()

    def fail(self, error: BaseException, task: str) -> None:
        """Note and log a failure, each once."""
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                self.fail(inner, task)
            return
        if any(error is known for known in self._failures):
            return
        self._failures.append(error)
        if isinstance(error, ConfigError):
            self.config_errors.append(error)  # shown at the end, as plain text
        elif (reason := _reason(error)) is not None:
            _log.critical("failed", reason=reason)
        else:
            _log.critical("crashed", task=task, exc_info=error)

    def disarm(self) -> None:
        self._disarmed.set()

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._disarmed.wait(self._timeout):
            return
        _log.critical("the stop took too long", timeout_seconds=self._timeout, running=list(_running(loop)))
        log.shutdown(_FLUSH_SECONDS)
        os._exit(FAILED)


def _reason(error: BaseException) -> str | None:
    """Give the text for failures that need no traceback."""
    text = str(error)
    if isinstance(error, Fatal):
        return text
    if isinstance(error, OSError) and (error.errno == errno.EADDRINUSE or "attempting to bind" in text):
        return f"cannot listen: {error.strerror or text}"
    if isinstance(error, RuntimeError) and text.startswith("Failed to bind to address"):  # grpc knows no better
        return f"cannot listen: {text.partition(';')[0]}"
    return None


def _running(loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    """Say what still runs, and where: tasks, then threads that keep the process alive."""
    for task in asyncio.all_tasks(loop):
        yield f"task {task.get_name()}: {' > '.join(_awaits(task.get_coro()))}"
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if not thread.daemon:
            yield f"thread {thread.name}: {_place(frames.get(thread.ident or 0))}"


def _awaits(awaitable: object) -> Iterator[str]:
    """Follow what awaits what, outermost first."""
    while awaitable is not None:
        if frame := getattr(awaitable, "cr_frame", None) or getattr(awaitable, "ag_frame", None):
            yield _place(frame)
        inner = getattr(awaitable, "cr_await", None) or getattr(awaitable, "ag_await", None)
        if inner is None and type(awaitable).__name__.startswith("async_generator_"):
            # A step of an async generator, such as our composition root, names its generator only to the collector.
            inner = next(filter(inspect.isasyncgen, gc.get_referents(awaitable)), None)
        awaitable = inner


def _place(frame: FrameType | None) -> str:
    if frame is None:
        return "unknown"
    return f"{frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})"


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # macOS has a lower limit that it does not tell
        _log.warning("cannot raise the limit of open files", limit=soft, wanted=wanted, reason=str(error))


def _version() -> str:
    try:
        return importlib.metadata.version("foremesh")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
