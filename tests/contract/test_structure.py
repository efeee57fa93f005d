"""The folders show the architecture, and the rules that keep them so can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BIN = Path(sys.executable).parent
PACKAGES = ("gen", "mesh", "forecast_server", "trader", "collector", "sim_exchange", "research", "console")
MODULE_LINES, TEST_LINES = 400, 600

VIOLATIONS = {
    "a service imports another": ("trader/stray.py", "import forecast_server.types\n"),
    "mesh imports a service": ("mesh/stray.py", "import trader.domain\n"),
    "the trader's domain does I/O": ("trader/domain/stray.py", "import sqlite3\n"),
    "the trader's domain reaches the wire indirectly": ("trader/domain/stray.py", "import mesh.convert\n"),
    "the trader imports torch": ("trader/stray.py", "import torch\n"),
    "rpc knows a client": ("mesh/rpc/stray.py", "import mesh.forecasts\n"),
    "the trader's domain talks HTTP": ("trader/domain/slippage.py", "import urllib.request  # noqa: F401\n"),
    "the trader's domain looks at the clock": ("trader/domain/slippage.py", "import time  # noqa: F401\n"),
    "research drives the trader": ("research/stray.py", "import trader\n"),
    "research reaches into a service": ("research/stray.py", "import forecast_server.types\n"),
    "the engine touches messages": (
        "forecast_server/policy.py",
        "from foremesh.forecast.v1 import signal_pb2  # noqa: F401\n",
    ),
}


def copy_of_the_code(target: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{folder / 'gen'}", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_rules_hold_in_a_copy(tmp_path: Path) -> None:
    result = lint_imports(copy_of_the_code(tmp_path))
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("what", VIOLATIONS)
def test_import_rules_notice_when(what: str, tmp_path: Path) -> None:
    place, text = VIOLATIONS[what]
    with (copy_of_the_code(tmp_path) / place).open("a") as module:
        module.write(text)
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    assert "BROKEN" in result.stdout


def test_no_module_outgrows_its_idea() -> None:
    own = [path for name in (*PACKAGES[1:], "tools", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    long = {path: MODULE_LINES for path in own} | {path: TEST_LINES for path in (ROOT / "tests").rglob("*.py")}
    lengths = {path: len(path.read_text().splitlines()) for path in long}
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > long[path]} == {}


def test_packages_say_what_they_are_and_export_nothing() -> None:
    for name in PACKAGES[1:]:
        for init in (ROOT / name).rglob("__init__.py"):
            lines = init.read_text().splitlines()
            assert len(lines) == 1, f"{init}: a docstring of one line, nothing else"
            assert lines[0].startswith('"""'), init
