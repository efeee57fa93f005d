import asyncio
import io
import json
import logging
import math
import os
import re
import threading
import time
import warnings
from typing import Any

import pytest
import structlog
from pydantic import ValidationError

from mesh import log
from mesh.config import Strict
from mesh.secret import REDACTED, Secret

SECRET = "s3cret-v4lue-of-the-test"


class Stream(io.StringIO):
    """A stream in memory, perhaps a terminal."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def lines(stream: Stream) -> list[str]:
    assert log.shutdown()
    return stream.getvalue().splitlines()


def events(stream: Stream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(stream)]


def test_a_line_for_machines_is_one_json_object_with_time_in_utc() -> None:
    stream = Stream()
    log.configure("json", stream=stream)
    log.get("trader.exits").info("sold", ticker="KXBTC", contracts=3, note="a\nb")
    (event,) = events(stream)
    assert list(event) == ["timestamp", "level", "logger", "event", "ticker", "contracts", "note"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("timestamp"))
    assert event == {
        "level": "info", "logger": "trader.exits", "event": "sold", "ticker": "KXBTC", "contracts": 3, "note": "a\nb",
    }  # fmt: skip


def test_the_standard_librarys_logging_goes_the_same_way() -> None:
    stream = Stream()
    log.configure("json", stream=stream)
    structlog.contextvars.bind_contextvars(request_id="r-1")
    logging.getLogger("grpc").warning("port %d", 8787)
    log.get("ours").info("hello")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn_explicit("use the new one", UserWarning, "file.py", 1)
    theirs, ours, warning = events(stream)
    assert warning["logger"] == "py.warnings"
    assert "use the new one" in warning["event"]
    assert (theirs["level"], theirs["logger"], theirs["event"], theirs["request_id"]) == (
        "warning", "grpc", "port 8787", "r-1",
    )  # fmt: skip
    assert ours["request_id"] == "r-1"
    assert theirs["timestamp"] <= ours["timestamp"]


def test_lines_below_the_level_are_not_made() -> None:
    stream = Stream()
    log.configure("json", "warning", stream)
    log.get("ours").info("no")
    logging.getLogger("theirs").info("no")
    log.get("ours").warning("yes")
    assert [event["event"] for event in events(stream)] == ["yes"]


def test_a_logger_made_before_the_configuration_follows_it() -> None:
    early = log.get("early")
    for _ in range(2):
        stream = Stream()
        log.configure("json", stream=stream)
        early.info("hello")
        assert [event["logger"] for event in events(stream)] == ["early"]


@pytest.mark.parametrize("ours", [True, False])
def test_exceptions_become_a_field_with_their_traceback_but_no_variables(ours: bool) -> None:
    stream = Stream()
    log.configure("json", stream=stream)
    local = "variable-of-the-frame"
    try:
        try:
            raise ValueError("cause" if local else "")
        except ValueError as error:
            raise KeyError("gone") from error
    except KeyError:
        if ours:
            log.get("ours").exception("failed")
        else:
            logging.getLogger("theirs").exception("failed")
    (line,) = lines(stream)
    outer, cause = json.loads(line)["exception"]
    assert (outer["exc_type"], outer["exc_value"], cause["exc_value"]) == ("KeyError", "'gone'", "cause")
    assert outer["frames"][-1]["filename"] == __file__
    assert local not in line


def test_auto_is_text_with_colours_on_a_terminal_and_json_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    seen = {}
    for name, format, terminal in [
        ("pipe", "auto", False),
        ("terminal", "auto", True),
        ("text", "text", False),
        ("json", "json", True),
    ]:
        stream = Stream(terminal=terminal)
        log.configure(format, stream=stream)  # type: ignore[arg-type]
        log.get("ours").info("hello", number=1)
        (seen[name],) = lines(stream)
    assert seen["pipe"].startswith("{")
    assert seen["json"].startswith("{")
    assert "\x1b[" in seen["terminal"]
    assert "\x1b[" not in seen["text"]
    assert "hello" in seen["text"]
    assert seen["text"].endswith("number=1")


def test_no_color_means_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Stream(terminal=True)
    log.configure(stream=stream)
    log.get("ours").info("hello")
    (line,) = lines(stream)
    assert "\x1b[" not in line


@pytest.mark.parametrize("format", ["json", "text"])
def test_no_line_contains_a_secret(format: log.Format) -> None:
    stream = Stream()
    log.configure(format, stream=stream)
    secret = Secret(SECRET)
    logger = log.get("ours")
    logger.info("plain", secret=secret, value=secret.reveal(), nested={"a": [secret.reveal()]})
    logger.info("header", text="authorization: bearer " + "q" * 40)
    logging.getLogger("theirs").warning("metadata %s", [("authorization", f"Bearer {SECRET}")])
    try:
        raise RuntimeError(f"cannot use {secret.reveal()}")
    except RuntimeError:
        logger.exception("failed")
    text = "\n".join(lines(stream))
    assert SECRET not in text
    assert "qqqq" not in text
    assert text.count(REDACTED) >= 6


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("format", ["json", "text"])
def test_a_text_that_others_chose_commands_no_terminal_and_makes_no_second_line(
    format: log.Format, terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Stream(terminal=terminal)
    log.configure(format, stream=stream)
    bad = "a\x1b]0;x\x07\x9b2J\r\n2026 forged\x85\u2028\u202eb"
    log.get("ours").info("refused", problem=bad)
    logging.getLogger("theirs").warning("peer said %s", bad)
    said = lines(stream)
    assert len(said) == 2
    assert all(line.isprintable() for line in said)
    assert all("forged" in line for line in said)


def test_a_secret_in_a_refused_configuration_stays_out_of_the_log() -> None:
    class Table(Strict):
        port: int

    stream = Stream()
    log.configure("json", stream=stream)
    try:
        Table.model_validate({"port": "pasted-by-mistake"})
    except ValidationError:
        log.get("ours").exception("failed")
    (line,) = lines(stream)
    assert "pasted" not in line


class Rude:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_values_that_cannot_be_rendered_fail_nobody() -> None:
    stream = Stream()
    log.configure("json", stream=stream)
    circle: list[object] = []
    circle.append(circle)
    log.get("ours").info("odd", nan=math.nan, keys={(1, 2): 3}, circle=circle, rude=Rude(), lone="\ud800")
    logging.getLogger("theirs").error("wrong %d arguments", "of a call")
    (odd, wrong) = stream_lines = lines(stream)
    assert len(stream_lines) == 2
    assert json.loads(odd)["nan"] == "nan"
    assert json.loads(odd)["rude"] == "<Rude>"
    assert wrong.startswith("unreadable log call at ")


def test_a_giant_line_is_cut_but_stays_json_and_scrubbed() -> None:
    stream = Stream()
    log.configure("json", stream=stream)
    Secret(SECRET)
    log.get("ours").info("giant", blob=f"{SECRET} " * 10_000)
    (event,) = events(stream)
    assert event["event"] == "log line cut"
    assert event["characters"] > 32_768
    assert "giant" in event["start"]
    assert SECRET[:4] not in event["start"]


async def test_a_full_pipe_that_nobody_reads_does_not_block_the_loop() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        log.configure("json", stream=stream)
        logger = log.get("ours")
        longest = 0.0
        for number in range(10_000):  # a pipe holds 64 KB, the queue 4,096 lines
            before = time.monotonic()
            logger.info("line", number=number, padding="x" * 100)
            longest = max(longest, time.monotonic() - before)
            if number % 1000 == 0:
                await asyncio.sleep(0)
        assert longest < 0.5
        before = time.monotonic()
        assert not log.shutdown(0.1)
        assert time.monotonic() - before < 1

        # Somebody reads again: what was queued comes out, then the number of lines that did not fit.
        chunks: list[bytes] = []

        def read() -> None:
            while chunk := os.read(reader, 65_536):
                chunks.append(chunk)

        thread = threading.Thread(target=read)
        thread.start()
        assert log.shutdown(10)
    thread.join()
    os.close(reader)
    got = [json.loads(line) for line in b"".join(chunks).splitlines()]
    dropped = sum(event["count"] for event in got if event["event"] == "log lines dropped")
    written = sum(event["event"] == "line" for event in got)
    assert dropped > 0
    assert dropped + written == 10_000


def test_a_closed_pipe_is_survived() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        log.configure("json", stream=stream)
        for _ in range(100):
            log.get("ours").info("into the void")
        assert log.shutdown()


def test_a_pipe_that_another_program_made_non_blocking_loses_nothing() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    received = bytearray()

    def read() -> None:
        while chunk := os.read(reader, 4096):
            received.extend(chunk)

    thread = threading.Thread(target=read)
    with os.fdopen(writer, "w") as stream:
        log.configure("json", stream=stream)
        for number in range(2000):
            log.get("ours").info("line", number=number, padding="x" * 100)
        thread.start()
        assert log.shutdown(10)
    thread.join()
    os.close(reader)
    assert [json.loads(line)["number"] for line in received.splitlines()] == list(range(2000))


def test_a_process_without_standard_error_logs_to_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    log.configure()
    log.get("ours").info("hello")
    assert log.shutdown()


def test_lines_after_the_shutdown_are_lost_quietly() -> None:
    stream = Stream()
    log.configure("json", stream=stream)
    log.shutdown()
    log.get("ours").info("late")
    logging.getLogger("theirs").error("late")
    assert stream.getvalue() == ""


def test_threads_log_without_losing_or_mixing_lines() -> None:
    stream = Stream()
    log.configure("json", stream=stream)

    def work(worker: int) -> None:
        for number in range(200):
            log.get("ours").info("line", worker=worker, number=number)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = events(stream)
    for worker in range(4):
        assert [event["number"] for event in got if event["worker"] == worker] == list(range(200))
