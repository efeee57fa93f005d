"""README.md is run as it stands there: its ports, its files and its order, in a network where nobody else is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes import documented
from tests.fakes.documented import BIN, run_blocks

PAGE = (ROOT / "README.md").read_text()
ALONE = (
    *("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"),
    *(sys.executable, str(ROOT / "tests" / "fakes" / "loopback.py")),
)
"""A network of its own, where the README's ports are free, and an end of everything with the shell."""
READY = "for log in exchange forecast-server trader; do until grep -q '\"ready\"' $log.log; do sleep 0.2; done; done"
SCANNED = "until foremesh journal show trader-state/paper.journal --kind scan_finished | grep -q done; do sleep 1; done"
"""In some hours there is nothing to buy: that a position follows is not for a clock on the wall to decide."""
MAKE = {"make demo", "make test"}
"""Run by the two tests below, since one of them takes minutes and the other is what runs this."""


@pytest.mark.timeout(240)
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or not (BIN / "grpcurl").exists():
        assert "CI" not in os.environ
        pytest.skip("needs unshare and grpcurl, which are there on x86-64 Linux only")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    waits = {"foremesh forecast ": READY, "foremesh journal show ": SCANNED}
    run_blocks(documented.documented("README.md"), tmp_path, within=ALONE, before=waits, seconds=200)


@pytest.mark.timeout(240)
def test_make_demo_shows_the_mesh_and_leaves_what_it_says(tmp_path: Path) -> None:
    ready = Path(sys.prefix) / ".ready"  # what is installed stays as it is
    command = ["make", f"--file={ROOT / 'Makefile'}", f"--old-file={ready}", f"VENV={sys.prefix}", "demo"]
    done = subprocess.run(
        [*command, "DEMO_SECONDS=5"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("stopped; nothing is left running\n")
    assert [path.name for path in tmp_path.iterdir()] == ["demo-out"]


def test_make_test_is_what_ci_runs_in_a_fresh_clone_and_installs_checks_and_tests() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"
    shown = subprocess.run(
        ["make", "--dry-run", "--always-make", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    places = [shown.index(word) for word in ("-m venv", "pip install", "-m tools.check", "-m pytest -n auto")]
    assert places == sorted(places)


def test_every_command_of_the_page_is_one_that_is_run() -> None:
    not_run(PAGE)
    for added in ("```sh\nforemesh doctor\n```\n", "~~~\nls\n~~~\n", "text\n\n    ls\n", "say `foremesh doctor`\n"):
        with pytest.raises(AssertionError):
            not_run(PAGE + added)


def not_run(page: str) -> None:
    """Raise where a page has a command that no test runs."""
    fenced = re.compile(r"^```([a-z ]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for kind, body in fenced.findall(page):
        if kind == "sh":
            assert {line.partition("#")[0].strip() for line in body.splitlines()} <= MAKE
        else:
            assert kind in {"console", "console fails"}
    prose = fenced.sub("", page)
    assert not re.search(r"```|~~~|^(?: {4}|\t)", prose, re.MULTILINE), "code of another kind"
    assert not re.search(r"`(?:foremesh|make|grpcurl|pip|git|docker|systemctl)\b", prose), "a command in a sentence"


def test_the_results_are_those_of_the_page_of_results() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| KX")]
    assert rows
    assert set(rows) <= set((ROOT / "docs" / "results.md").read_text().splitlines())
