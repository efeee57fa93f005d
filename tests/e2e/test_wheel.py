"""The wheel works elsewhere: right names inside, no torch for trader and collector, a daemon that starts and serves."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
BIN = Path(sys.executable).parent
TOP_LEVEL = "foremesh,buf,mesh,forecast_server,trader,collector,sim_exchange,research,console"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what git would give a stranger."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, source],
        check=True,
        capture_output=True,
        env=CLEAN,
    )
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh environment with the wheel, no extras."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder)
    installed = pip(folder, "install", "-q", "--no-compile", "-c", str(ROOT / "constraints.txt"), str(wheel))
    assert installed.returncode == 0, installed.stderr
    yield folder
    shutil.rmtree(folder)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    program = [str(folder / "bin" / command[0]), *command[1:]]
    return subprocess.run(program, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)


def pip(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this environment's pip on the other one, which has none: to install it takes seconds."""
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), *arguments]
    return subprocess.run(command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)


def test_the_wheel_holds_our_packages_and_nothing_else(wheel: Path) -> None:
    checked = [str(BIN / "check-wheel-contents"), "--toplevel", TOP_LEVEL, "--ignore", "W002,W004", str(wheel)]
    result = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_our_names_belong_to_us_alone(elsewhere: Path) -> None:
    script = "import json; from importlib.metadata import packages_distributions as p; print(json.dumps(p()))"
    owners = json.loads(run(elsewhere, "python", "-c", script).stdout)
    for name in TOP_LEVEL.split(","):
        assert owners.get(name) == ["foremesh"], name
    assert not {"gen", "protos", "tests", "tools"} & set(owners)


def test_trader_and_collector_need_no_torch(elsewhere: Path) -> None:
    script = (
        "import pkgutil, importlib, sys, trader, collector, mesh\n"
        "for package in (trader, collector, mesh):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print([name for name in ('torch', 'timesfm', 'pandas') if importlib.util.find_spec(name)])\n"
        "print([name for name in sys.modules if name.startswith('torch')])\n"
    )
    result = run(elsewhere, "python", "-W", "error", "-c", script)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["[]", "[]"]


def test_the_install_says_its_version_and_checks_a_configuration(elsewhere: Path) -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert version[1] in run(elsewhere, "foremesh", "--version").stdout
    assert run(elsewhere, "foremesh-forecast-server", "--check-config").returncode == 0


def test_the_install_brings_the_units_and_samples_of_the_repository(elsewhere: Path, tmp_path: Path) -> None:
    for role in ("spark", "ec2", "mini"):
        result = run(elsewhere, "foremesh", "install", "--role", role, "--root", str(tmp_path))
        assert result.returncode == 0, result.stderr
    for shipped in [*ROOT.glob("deploy/systemd/*.service"), *ROOT.glob("deploy/launchd/*.plist")]:
        if "exchange" not in shipped.name:  # it is for trials, on no machine of the mesh
            [written] = tmp_path.rglob(shipped.name)
            assert written.read_bytes() == shipped.read_bytes()


def test_the_installed_mesh_runs_its_demo(elsewhere: Path) -> None:
    result = run(elsewhere, "foremesh", "demo", "--json", "--seconds", "5")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["model"] == "random-walk"  # the one that needs no extra


def test_dependencies_agree(elsewhere: Path) -> None:
    result = pip(elsewhere, "check")
    assert result.returncode == 0, result.stdout
