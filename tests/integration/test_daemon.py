import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mesh import systemd

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.fakes.daemon_app"]


class Systemd:
    """The receiving end of sd_notify."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.settimeout(10)

    def next(self) -> list[str]:
        return self._socket.recv(4096).decode().split("\n")

    def until(self, assignment: str) -> list[str]:
        """Everything told, up to and with the datagram that holds `assignment`."""
        told: list[str] = []
        while assignment not in told:
            told += self.next()
        return told

    def silent_for(self, seconds: float) -> bool:
        self._socket.settimeout(seconds)
        try:
            return not self._socket.recv(4096)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(10)

    def close(self) -> None:
        self._socket.close()


class Daemon:
    """The test app as a process."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("NOTIFY_", "WATCHDOG_"))}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=kept | environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def finish(self, number: signal.Signals | None = None) -> int:
        """Send a signal, if any, and wait for the end; gives the exit code."""
        if number is not None:
            self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=15)
        self.stdout, self.stderr = stdout.decode(), stderr.decode()
        return self.process.returncode

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stderr.splitlines() if line.startswith("{")]

    def event(self, text: str) -> dict[str, Any]:
        (found,) = [event for event in self.events if event["event"] == text]
        return found


@pytest.fixture
def manager() -> Iterator[Systemd]:
    # Not tmp_path: the name of a socket is limited to about a hundred bytes.
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Systemd(f"{folder}/notify")) as receiver:
        yield receiver


@pytest.fixture
def start(manager: Systemd) -> Iterator[Any]:
    started: list[Daemon] = []

    def start_daemon(mode: str, *arguments: str, **environment: str) -> Daemon:
        daemon = Daemon("--set", f"mode={mode}", *arguments, NOTIFY_SOCKET=manager.path, **environment)
        started.append(daemon)
        return daemon

    yield start_daemon
    for daemon in started:
        daemon.process.kill()
        daemon.process.communicate()


def test_sigterm_drains_and_exits_0(start: Any, manager: Systemd, tmp_path: Path) -> None:
    config = tmp_path / "app.toml"
    config.write_text('[log]\nformat = "json"\n')
    daemon = start("works", "--config", str(config))
    assert manager.next() == ["READY=1", "STATUS=serving"]
    assert daemon.finish(signal.SIGTERM) == 0
    assert manager.next()[0] == "STOPPING=1"
    assert [event["event"] for event in daemon.events] == [
        "starting", "limits", "ready", "stopping", "drained", "background ended", "stopped",
    ]  # fmt: skip
    starting = daemon.event("starting")
    assert (starting["daemon"], starting["pid"], starting["config"]) == (
        "foremesh-test-app", daemon.process.pid, str(config),
    )  # fmt: skip
    assert daemon.event("stopping")["signal"] == "SIGTERM"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if sys.platform == "linux":
        assert daemon.event("limits")["open_files"] == (65_536 if hard < 0 else min(hard, 65_536))


def test_one_sigint_drains_as_well(start: Any, manager: Systemd) -> None:
    daemon = start("works")
    manager.until("READY=1")
    assert daemon.finish(signal.SIGINT) == 0
    assert daemon.event("stopping")["signal"] == "SIGINT"
    assert daemon.event("drained")


def test_it_stops_with_whoever_holds_its_standard_input_if_it_is_to(start: Any, manager: Systemd) -> None:
    daemon = start("works", "--while-stdin")
    manager.until("READY=1")
    assert daemon.finish() == 0
    assert daemon.event("stopping")["stdin"] == "ended"
    assert daemon.event("drained")


def test_the_second_sigint_ends_it_at_once(start: Any, manager: Systemd) -> None:
    daemon = start("blocked")
    manager.until("READY=1")
    daemon.process.send_signal(signal.SIGINT)
    manager.until("STOPPING=1")
    assert daemon.finish(signal.SIGINT) == -signal.SIGINT


def test_a_stop_during_a_long_start_is_orderly(start: Any, manager: Systemd) -> None:
    daemon = start("slow-start")
    assert manager.next() == ["STATUS=loading"]
    assert daemon.finish(signal.SIGTERM) == 0
    assert manager.next()[0] == "STOPPING=1"
    assert [event["event"] for event in daemon.events][-2:] == ["background ended", "stopped"]


def test_a_crash_in_a_background_task_ends_the_process_loudly(start: Any, manager: Systemd) -> None:
    daemon = start("crash")
    assert daemon.finish() == 1
    assert "STOPPING=1" in manager.until("STOPPING=1")
    crashed = daemon.event("crashed")
    assert crashed["task"] == "planted task"
    assert crashed["exception"][0]["exc_value"] == "planted"
    assert crashed["exception"][0]["frames"]
    events = [event["event"] for event in daemon.events]
    assert events.index("crashed") < events.index("stopping") < events.index("drained")


def test_a_crash_inside_a_nested_task_group_is_named_by_its_cause(start: Any) -> None:
    daemon = start("crash-nested")
    assert daemon.finish() == 1
    assert daemon.event("crashed")["exception"][0]["exc_value"] == "a bug two groups down"


def test_an_app_ends_itself_as_failed_with_its_reason_and_no_traceback(start: Any) -> None:
    daemon = start("fatal")
    assert daemon.finish() == 1
    failed = daemon.event("failed")
    assert failed["reason"] == "the model does not fit this device"
    assert "exception" not in failed
    assert "Traceback" not in daemon.stderr


@pytest.mark.parametrize("mode", ["port", "grpc-port"])
def test_a_taken_port_is_said_plainly(start: Any, mode: str) -> None:
    daemon = start(mode)
    assert daemon.finish() == 1
    assert "127.0.0.1" in daemon.event("failed")["reason"]
    assert daemon.event("failed")["reason"].startswith("cannot listen: ")
    assert "Traceback" not in daemon.stderr


def test_a_configuration_error_found_while_starting_exits_78(start: Any) -> None:
    daemon = start("bad-file")
    assert daemon.finish() == 78
    assert "token_file: is empty" in daemon.stderr.splitlines()
    assert "Traceback" not in daemon.stderr


def test_a_wrong_configuration_exits_78_with_plain_text(start: Any) -> None:
    daemon = start("works", "--set", "mood=bad")
    assert daemon.finish() == 78
    assert daemon.stderr == "--set: mood: unknown key, did you mean 'mode'?\n"


def test_check_config_starts_nothing(tmp_path: Path, start: Any, manager: Systemd) -> None:
    config = tmp_path / "app.toml"
    config.write_text('mode = "works"\n')
    good, bad = start("works", "--config", str(config), "--check-config"), start("nonsense", "--check-config")
    assert good.finish() == 0
    assert (good.stdout, good.stderr) == (f"{config}: ok\n", "")
    assert bad.finish() == 78
    assert bad.stderr.startswith("--set: mode: ")
    assert manager.silent_for(0.05)


@pytest.mark.parametrize("mode", ["stuck", "blocked", "hung-thread"])
def test_a_stop_that_hangs_is_ended_with_what_was_still_running(start: Any, manager: Systemd, mode: str) -> None:
    daemon = start(mode, STOP_TIMEOUT="0.5")
    manager.until("READY=1")
    assert daemon.finish(signal.SIGTERM) == 1
    running = "\n".join(daemon.event("the stop took too long")["running"])
    assert ("thread hung: " if mode == "hung-thread" else "_drain (") in running


def test_a_crash_whose_clean_up_hangs_is_ended_too(start: Any) -> None:
    daemon = start("crash-then-stuck", STOP_TIMEOUT="0.5")
    assert daemon.finish() == 1
    assert daemon.event("crashed")["task"] == "planted task"
    assert any("_drain (" in line for line in daemon.event("the stop took too long")["running"])


def test_the_watchdog_is_fed_only_while_the_app_is_alive(start: Any, manager: Systemd, tmp_path: Path) -> None:
    ill = tmp_path / "ill"
    daemon = start("ill", "--set", f"pings='{ill}'", WATCHDOG_USEC="400000")
    told = manager.until("READY=1")
    while told.count("WATCHDOG=1") < 3:
        told += manager.next()
    ill.touch()
    manager.silent_for(0.25)  # a ping may be under way
    assert manager.silent_for(0.5)
    assert daemon.finish(signal.SIGTERM) == 0
    assert daemon.event("the essential loop does not work: watchdog no longer fed")


def test_a_log_pipe_that_nobody_reads_stops_neither_the_daemon_nor_its_end(
    start: Any, manager: Systemd, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    daemon = start("chatty", "--set", f"pings='{done}'")
    manager.until("READY=1")
    for _ in range(150):
        if done.exists():
            break
        time.sleep(0.1)
    assert done.read_text() == "the loop went on"
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux")
def test_notifications_reach_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"foremesh-test-{os.getpid()}"
    with contextlib.closing(Systemd(f"\0{name}")) as receiver:
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert systemd.notify(systemd.READY, systemd.status("two\nlines"))
        assert receiver.next() == ["READY=1", "STATUS=two lines"]


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "vsock:2:1234"])
def test_notifications_without_a_receiver_are_no_error(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not systemd.notify(systemd.READY)


@pytest.mark.parametrize(
    ("allowed", "pid", "interval"),
    [
        ("3000000", "", 1.5),
        ("3000000", "own", 1.5),
        ("3000000", "1", None),
        ("", "", None),
        ("0", "", None),
        ("soon", "", None),
        ("-5", "", None),
    ],
)
def test_the_watchdog_interval_is_half_of_what_systemd_allows(
    monkeypatch: pytest.MonkeyPatch, allowed: str, pid: str, interval: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", allowed)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    assert systemd.watchdog_interval() == interval
