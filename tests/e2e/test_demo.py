"""`foremesh demo` as an installed command: it shows the mesh and leaves nothing behind, however it ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

FOREMESH = Path(sys.executable).with_name("foremesh")
SERVER = "foremesh-forecast-server"
MARKETS, POINTS = 4000, 512
QUICK = ("--model", "random-walk")
"""For tests that are not about the model: torch takes seconds to start."""

needs_torch = pytest.mark.skipif(
    not all(map(find_spec, ("fracast", "torch"))), reason="the extra `forecast` is not installed"
)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def long_series(tmp_path: Path) -> Path:
    """Enough to keep a scan busy while a test acts."""
    file = tmp_path / "long.jsonl"
    closes = [10 + (place * 7) % 80 for place in range(POINTS)]
    lines = (json.dumps({"market_ticker": f"KXHIGHNY-{n}", "closes_cents": closes}) for n in range(MARKETS))
    file.write_text("\n".join(lines))
    return file


@contextmanager
def demo(temporary: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run the demo; whatever the test does, nothing survives it."""
    process = subprocess.Popen(
        [FOREMESH, "demo", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "80",
            "PYTHONUTF8": "1",
            "TMPDIR": str(temporary),
            "HF_HOME": str(temporary.with_name("no weights")),
        },
    )
    try:
        yield process
    finally:
        for left in (*psutil.Process().children(recursive=True),):
            if left.pid == process.pid or SERVER in " ".join(left.cmdline()):
                left.kill()
        process.communicate()


def child_of(process: subprocess.Popen[str]) -> psutil.Process:
    """Wait for the server that the demo starts."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children():
            if SERVER in " ".join(child.cmdline()):
                return child
        time.sleep(0.02)
    raise AssertionError("the demo started no server")


def serving_child(process: subprocess.Popen[str]) -> psutil.Process:
    """Read the demo's output until it says that the server serves; the scan begins then."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("serving on 127.0.0.1:"):
            return psutil.Process(int(line.split("pid ")[1].split(",")[0]))
    raise AssertionError("the demo never said that it serves")


def nothing_left(child: psutil.Process, temporary: Path) -> bool:
    return not child.is_running() and list(temporary.iterdir()) == []


@needs_torch
@pytest.mark.timeout(180)
def test_the_demo_shows_simulated_signals_of_the_embedded_model_and_stops_in_order(temporary: Path) -> None:
    with demo(temporary) as process:
        child = child_of(process)
        out, err = process.communicate(timeout=150)

    assert (process.returncode, err) == (0, "")
    lines = out.split("\n")
    assert lines[0].startswith("SIMULATED prices")
    assert "16 markets = 13 signals, 3 without a signal, 0 rejected, 0 expired, 0 failed" in out
    assert "▲ up" in out
    assert "▼ down" in out
    assert out.count("+6 h") == 2
    assert "fracast: a demo model, on market prices not better than the last price" in lines
    assert "too few points: 2 of 2 steps have one, 8 are needed" in out
    assert "model: fracast@" in out
    assert "stopped: SIGTERM, exit code 0" in out
    assert "\x1b" not in out
    assert max(map(len, lines)) <= 80
    assert nothing_left(child, temporary)


def test_another_model_can_be_chosen_and_says_what_it_is(temporary: Path) -> None:
    with demo(temporary, *QUICK) as process:
        out, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (0, "")
    assert "random-walk: a baseline to compare models with" in out.split("\n")
    assert "16 markets = 13 signals, 3 without a signal, 0 rejected, 0 expired, 0 failed" in out
    assert "2 of 2 steps have one, 3 are needed" in out
    assert "model: random-walk@" in out


@needs_torch
@pytest.mark.timeout(120)
def test_a_model_without_its_weights_is_told_in_one_line_with_what_to_do(temporary: Path) -> None:
    with demo(temporary, "--model", "timesfm-2.5") as process:
        _, err = process.communicate(timeout=90)

    assert process.returncode == 1
    assert err.count("\n") == 1
    assert err.startswith(f"Error: {SERVER} ended: model timesfm-2.5 cannot load: ")
    assert "foremesh models fetch timesfm-2.5" in err
    assert list(temporary.iterdir()) == []


def test_the_demo_gives_programs_one_document(temporary: Path) -> None:
    with demo(temporary, "--json", *QUICK) as process:
        out, err = process.communicate(timeout=30)

    document = json.loads(out)
    assert (process.returncode, err) == (0, "")
    assert document["simulated"] is True
    assert document["server"]["security"] == "mutual TLS"
    assert document["server"]["exit_code"] == 0
    counts = [count for name, count in document["summary"].items() if name.endswith("_count")]
    assert counts[0] == sum(counts[1:]) == len(document["results"]) == 16


def test_ctrl_c_during_the_scan_ends_everything(temporary: Path, long_series: Path) -> None:
    with demo(temporary, "--series", long_series, *QUICK) as process:
        child = serving_child(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "nothing is left running" in err
    assert "Traceback" not in err
    assert "markets =" not in out
    assert nothing_left(child, temporary)


def test_sigterm_during_the_start_ends_everything(temporary: Path) -> None:
    with demo(temporary, *QUICK) as process:
        child = child_of(process)
        process.terminate()
        _, err = process.communicate(timeout=30)

    assert process.returncode == 143
    assert "Traceback" not in err
    assert nothing_left(child, temporary)


def test_a_server_that_dies_is_told_with_its_last_words(temporary: Path, long_series: Path) -> None:
    with demo(temporary, "--series", long_series, *QUICK) as process:
        child = serving_child(process)
        child.kill()
        _, err = process.communicate(timeout=30)

    assert process.returncode == 1
    assert err.rstrip().split("\n")[-1] == f"Error: {SERVER} died: signal SIGKILL"
    assert '"event": "ready"' in err
    assert "Traceback" not in err
    assert nothing_left(child, temporary)


def test_a_purpose_that_the_model_may_not_serve_is_refused_in_one_line(temporary: Path) -> None:
    with demo(temporary, "--purpose", "live", *QUICK) as process:
        _, err = process.communicate(timeout=30)

    assert process.returncode == 1
    assert err.count("\n") == 1
    assert "PURPOSE_FORBIDDEN" in err
    assert list(temporary.iterdir()) == []
