"""`foremesh demo` as an installed command: the whole mesh trades, books agree, and nothing is left, however it ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

FOREMESH = Path(sys.executable).with_name("foremesh")
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "kalshi"
DAEMONS = {"exchange", "forecast-server", "coordinator", "trader", "collector-0", "collector-1", "collector-2"}
BOOKS = (" cash, micros", " positions", " fills", " fees, micros", " orders at work")
AGAIN = (" signals  ", " decisions to ")
QUICK = ("--seconds", "10", "--model", "random-walk")
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "temporary").mkdir()
    return tmp_path


@contextmanager
def demo(folder: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run the demo; whatever the test does, nothing survives it."""
    process = subprocess.Popen(
        [FOREMESH, "demo", "--out", folder / "out", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "100",
            "PYTHONUTF8": "1",
            "TMPDIR": str(folder / "temporary"),
            "HF_HOME": str(folder / "no weights"),
        },
    )
    try:
        yield process
    finally:
        for left in running(folder):
            left.kill()
        process.kill()
        process.communicate()


def running(folder: Path) -> list[psutil.Process]:
    """Every daemon of a demo in this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in word and word.endswith(".toml") for word in process.cmdline()):
                found.append(process)
        except psutil.Error:  # it has ended meanwhile
            continue
    return found


def heard(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"never said: {words}")


def nothing_left(folder: Path) -> bool:
    return not running(folder) and not any((folder / "temporary").iterdir())


def test_the_whole_mesh_trades_on_paper_and_the_journal_says_what_the_account_says(folder: Path) -> None:
    with demo(folder, "--json", *QUICK) as process:
        out, err = process.communicate(timeout=200)

    document = json.loads(out)
    assert process.returncode == 0, err
    assert {line.partition(":")[0] for line in err.splitlines() if line.endswith(": stopped")} == DAEMONS
    assert document["events"]["scan_finished"] > 0
    assert document["events"]["signal"] > 0
    assert [line["what"] for line in document["books"] if not line["same"]] == []
    assert document["parity"]["signals"]["same"] > 0
    assert document["parity"]["signals"]["different"] == document["parity"]["decisions"]["different"] == []
    report = document["report"]
    assert report["total"]["net"] == sum(round(Decimal(row["net_dollars"]) * 1_000_000) for row in report["rows"])
    assert "committed" in err, "the collectors' progress is shown"
    assert {path.name for path in (folder / "out").iterdir()} == {"demo.journal", "report.html"}
    assert nothing_left(folder)


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded markets beside the project")
def test_a_recorded_day_is_traded_and_every_micro_and_decision_is_accounted_for(folder: Path) -> None:
    # Not faster: of the day before the close, a slow machine's start takes what it takes times the speed.
    arguments = ("--source", f"recorded:{RECORDED}", "--seconds", "40", "--speed", "240", "--model", "random-walk")
    with demo(folder, *arguments) as process:
        out, err = process.communicate(timeout=220)

    assert process.returncode == 0, out[-3000:] + err
    assert out.startswith("RECORDED markets of 20")
    assert [line.split()[-1] for line in out.splitlines() if line.startswith(BOOKS)] == ["equal"] * len(BOOKS)
    again = [line.split() for line in out.splitlines() if line.startswith(AGAIN)]
    verdicts = [line[-1] for line in again]
    assert verdicts[:2] == ["equal"] * 2, "the backtest's code decides the same on what was collected"
    assert verdicts[2:] in (["equal"], ["compare"]), "on some days nothing is sold, and there is none to compare"
    assert "not among those collected" not in out
    assert "DIFFERENT" not in out
    assert "100 % committed" in out
    replayed = subprocess.run(
        [FOREMESH, "journal", "replay", "--json", folder / "out" / "demo.journal"], capture_output=True, check=True
    )  # a decision that comes out differently is an exit code of 1
    assert json.loads(replayed.stdout)["decisions"]["same"]["entries"] > 0
    assert nothing_left(folder)


def test_ctrl_c_while_it_trades_ends_everything_and_leaves_nothing(folder: Path) -> None:
    with demo(folder, "--seconds", "3600", "--model", "random-walk") as process:
        heard(process, "UTC in the markets")
        assert len(running(folder)) == len(DAEMONS)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)

    assert process.returncode == 130
    assert err == "stopped; nothing is left running\n"
    assert list((folder / "out").iterdir()) == []
    assert nothing_left(folder)


def test_nothing_runs_on_when_the_demo_itself_is_killed(folder: Path) -> None:
    with demo(folder, "--seconds", "3600", "--model", "random-walk") as process:
        heard(process, "collector-2: ready")
        process.kill()
        until = time.monotonic() + 60
        while running(folder):
            assert time.monotonic() < until, running(folder)
            time.sleep(0.2)


def test_sigterm_during_the_start_ends_everything(folder: Path) -> None:
    with demo(folder, *QUICK) as process:
        heard(process, "coordinator: starting")
        process.terminate()
        _, err = process.communicate(timeout=120)

    assert process.returncode == 143
    assert "Traceback" not in err
    assert nothing_left(folder)


def test_daemons_that_are_killed_one_after_the_other_and_all_at_once_come_back_and_no_micro_is_missing(
    folder: Path,
) -> None:
    with demo(folder, "--seconds", "40", "--speed", "480", "--model", "random-walk") as process:
        heard(process, "UTC in the markets")
        for name in sorted(DAEMONS):
            (victim,) = (each for each in running(folder) if f"/{name}.toml" in " ".join(each.cmdline()))
            victim.kill()
            heard(process, f"{name}: ended: signal SIGKILL")
            heard(process, f"{name}: ready")
        for victim in running(folder):
            victim.kill()
        out, err = process.communicate(timeout=200)

    assert process.returncode == 0, out[-3000:] + err
    assert {line.partition(":")[0] for line in out.splitlines() if line.endswith(": ended: signal SIGKILL")} == DAEMONS
    assert [line.split()[-1] for line in out.splitlines() if line.startswith(BOOKS)] == ["equal"] * len(BOOKS)
    assert "DIFFERS" not in out, "the trader found its books unlike the exchange's"
    assert nothing_left(folder)


def test_a_daemon_that_cannot_start_is_named_with_its_last_words_and_its_log_is_kept(folder: Path) -> None:
    with demo(folder, "--model", "timesfm-2.5") as process:
        _, err = process.communicate(timeout=200)

    assert process.returncode == 1
    assert err.rstrip().split("\n")[-1].startswith("Error: forecast-server ended: ")
    assert "foremesh models fetch timesfm-2.5" in err
    assert "Traceback" not in err
    assert next((folder / "out").glob("mesh-*/forecast-server.log")).read_bytes()
    assert nothing_left(folder)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--source", "tape"), "generated or recorded:DIR, not 'tape'"),
        (("--source", "recorded:nowhere"), "is no folder"),
        (("--day", "2026-01-02"), "--day is for recorded markets"),
        (("--seconds", "1"), "1.0 is not in the range"),
    ],
)
def test_options_that_do_not_fit_start_nothing(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    with demo(folder, *arguments) as process:
        out, err = process.communicate(timeout=60)

    assert process.returncode != 0
    assert words in err
    assert ": starting" not in out
    assert not (folder / "out").exists()
