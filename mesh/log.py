"""Structured logs: one JSON object a line for machines, readable text for a terminal.

Both structlog (`get`) and the standard library's logging (grpc, asyncio, other packages) end in the same renderer, and
the last step over each finished line removes secrets (`mesh.secret.scrub`).

Logging never waits for the reader of the log: lines go to a bounded queue that one thread empties. When the reader is
stuck, new lines are dropped and counted, and the count is logged once writing goes on. A closed pipe is survived.

Call `configure` once, at the start of the process and before the first gRPC channel or server exists: gRPC's start-up
and a reconfiguration of logging take two locks in opposite order (grpc/grpc#43421), which can hang the process for
ever. A process that does not call it gets structlog's own defaults, which write to standard output.
"""

import atexit
import itertools
import logging
import os
import queue
import re
import select
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TextIO, TypeAlias, cast

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from mesh.config import Strict
from mesh.secret import scrub

Format: TypeAlias = Literal["auto", "json", "text"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]

_QUEUE_LINES = 4096
_LINE_CHARACTERS = 32_768  # with the above it bounds the memory behind a stuck reader
_TRACEBACK_FRAMES = 30
_HEAD = ("timestamp", "level", "logger", "event")
_OBEYED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves as it is, and a terminal may obey or turn text around by."""


class LogConfig(Strict):
    """The `log` table of every daemon's configuration."""

    format: Format = "auto"
    """`json`, `text`, or `auto`: text on a terminal, JSON elsewhere."""

    level: Level = "info"
    """Lines below this level are not made."""


def get(name: str) -> FilteringBoundLogger:
    """Give the logger of a module; call it with `__name__`. Safe at import, before `configure`."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))


def configure(format: Format = "auto", level: Level = "info", stream: TextIO | None = None) -> None:
    """Send all logging of this process to `stream`, standard error by default.

    Colours appear on a terminal, unless NO_COLOR is set. Calling it again replaces the earlier configuration; see the
    module's text for when it must be called.
    """
    global _writer  # noqa: PLW0603  logging is one per process, as in the standard library
    target = stream or sys.stderr  # None where the process was started with it closed
    terminal = target is not None and target.isatty()
    render = _renderer(format, terminal)
    shutdown()
    _writer = _Writer(target, render)
    _route(_writer, render, level)


def shutdown(timeout: float = 2.0) -> bool:
    """Write what is queued, waiting at most `timeout` seconds; tells whether all got out. Later lines are lost."""
    return _writer is None or _writer.close(timeout)


def _route(writer: "_Writer", render: Processor, level: Level) -> None:
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _timestamp,
    ]
    structlog.configure(
        processors=[*common, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda name="root": _LineLogger(writer, name),
        cache_logger_on_first_use=False,  # a cached logger would keep the writer of an earlier configuration
    )
    handler = _Handler(writer)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)  # Python would write them to standard error itself, and wait for its reader


def _renderer(format: Format, terminal: bool) -> Processor:
    steps: list[Processor]
    if format == "text" or (format == "auto" and terminal):
        colours = terminal and not os.environ.get("NO_COLOR")
        steps = [
            _printable,
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),
        ]
    else:
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=_TRACEBACK_FRAMES)
        steps = [
            structlog.processors.ExceptionRenderer(frames),
            _order,
            structlog.processors.JSONRenderer(ensure_ascii=False, allow_nan=False),
        ]

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        try:
            line = _run(steps, logger, method, dict(event))
        except Exception:  # a value that cannot be rendered must not fail the code that logs it
            line = _run(steps, logger, method, _texts(event))
        return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)

    return render


def _run(steps: list[Processor], logger: WrappedLogger, method: str, event: EventDict) -> str:
    result: object = event
    for step in steps:
        result = step(logger, method, cast("EventDict", result))
    return str(result)


def _texts(event: EventDict) -> EventDict:
    return {key: value if key == "exc_info" else _text(value) for key, value in event.items()}


def _text(value: object) -> str:
    try:
        return value if isinstance(value, str) else repr(value)
    except Exception:  # somebody else's __repr__
        return f"<{type(value).__name__}>"


def _timestamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    instant = datetime.fromtimestamp(record.created, UTC) if record else datetime.now(UTC)
    event["timestamp"] = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape controls in the event itself, which the renderer for people writes as it is: a library's may hold any."""
    said = str(event.get("event", ""))
    event["event"] = "".join(each if each.isprintable() else repr(each)[1:-1] for each in said)
    return event


def _order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: event[key] for key in _HEAD if key in event} | dict(event)


class _LineLogger:
    """What structlog hands a rendered line to."""

    def __init__(self, writer: "_Writer", name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = writer.put


class _Handler(logging.Handler):
    """What the standard library's logging hands a record to."""

    def __init__(self, writer: "_Writer") -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # wrong %-arguments in somebody's call, which must not fail their work
            line = f"unreadable log call at {record.pathname}:{record.lineno}"
        self._writer.put(line)


class _Writer:
    """Bounded queue and the thread that empties it.

    SimpleQueue, because a finaliser may log while its own thread is inside `put`: other queues would deadlock.
    """

    def __init__(self, stream: TextIO | None, render: Processor) -> None:
        self._write = _write_to(stream)
        self._render = render
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._drops = itertools.count(1)  # counts without a lock
        self._dropped = self._reported = 0
        self._closed = False
        self._thread = threading.Thread(target=self._drain, name="log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Queue a line without waiting, or count it as dropped."""
        if self._closed:
            return
        if self._lines.qsize() >= _QUEUE_LINES:
            self._dropped = next(self._drops)
            return
        line = scrub(line)
        if len(line) > _LINE_CHARACTERS:  # only after scrubbing: half a secret would not be recognised
            line = self._notice("log line cut", characters=len(line), start=line[: _LINE_CHARACTERS // 2])
        self._lines.put(line)

    def close(self, timeout: float) -> bool:
        """Write what is queued; tells whether that succeeded in time."""
        if not self._closed:
            self._closed = True
            self._lines.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _drain(self) -> None:
        while (line := self._lines.get()) is not None:
            if not self._write(line):
                self._dropped = next(self._drops)
            dropped = self._dropped
            if dropped != self._reported and self._write(
                self._notice("log lines dropped", count=dropped - self._reported)
            ):
                self._reported = dropped

    def _notice(self, text: str, **fields: object) -> str:
        event: EventDict = {"event": text, "level": "warning", "logger": __name__, **fields}
        return str(self._render(None, "warning", _timestamp(None, "warning", event)))


def _write_to(stream: TextIO | None) -> Callable[[str], bool]:
    """Give a function that writes one line and tells whether it could."""
    try:
        descriptor = stream.fileno() if stream else None
    except OSError:  # a stream in memory
        descriptor = None

    def write(line: str) -> bool:
        try:
            if descriptor is not None:
                # Past the stream object: a thread stuck inside its lock would hang or abort the interpreter's exit.
                _write_all(descriptor, f"{line}\n".encode(errors="backslashreplace"))
            elif stream:
                stream.write(f"{line}\n")
                stream.flush()
        except (OSError, ValueError):  # a closed pipe, a full disk, a closed stream
            return False
        return True

    return write


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # a terminal that another program made non-blocking
            select.select([], [descriptor], [])


_writer: _Writer | None = None
atexit.register(shutdown)
