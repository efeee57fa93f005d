"""Environments of their own for other people's SDKs, which want other libraries than ours, and a way to run them.

    sdk = sdk_environment("kalshi-python-async")
    seen = sdk.run("orders", Access(url, key_id, key_file), ticker="KXHIGHNY-26JUL10-B99.5")

An environment is made once, under .cache, from the exact versions in tests/e2e/sdk/NAME.txt, and made again when that
list or Python changes. What runs in it is tests/e2e/sdk/run_NAME.py: functions that use the SDK as its readers would,
and tell what they saw as JSON.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

SDKS = ROOT / "tests" / "e2e" / "sdk"
_UNREACHABLE = re.compile(r"connection broken by|Could not fetch URL|Max retries exceeded|Network is unreachable")


@dataclass(frozen=True)
class Access:
    """Where an exchange is, and an API key of it."""

    url: str
    """REST, with the path that every Kalshi host has."""
    ws_url: str
    key_id: str
    key_file: Path


@dataclass(frozen=True)
class Sdk:
    """One SDK, installed."""

    name: str
    python: Path

    def run(self, function: str, access: Access, **arguments: Any) -> Any:
        """Run a function of the SDK's script, and give what it returned; its errors fail the test with their text."""
        settings = {"access": asdict(access), "arguments": arguments}
        # Nothing of ours reaches the SDK but address and key: no proxy, no KALSHI_… variable, no .env file.
        environment = {"PATH": os.environ["PATH"], "HOME": str(access.key_file.parent), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [self.python, "-W", "ignore", SDKS / f"run_{self.name.replace('-', '_')}.py", function],
            input=json.dumps(settings, default=str),
            env=environment,
            cwd=access.key_file.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def sdk_environment(name: str) -> Sdk:
    """Give the environment of an SDK, made if need be; skip the test only if no package registry can be reached."""
    pins = SDKS / f"{name}.txt"
    folder = ROOT / ".cache" / f"sdk-{name}"
    stamp = folder / ".installed-from"
    wanted = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, pins)
            stamp.write_text(wanted)
    return Sdk(name, folder / "bin" / "python")


def _install(folder: Path, pins: Path) -> None:
    venv.create(folder, symlinks=True)  # without pip, which takes longer to install than an SDK: ours looks after it
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
    # --ignore-requires-python: the official SDK's metadata asks for 3.13; it works from 3.11 on.
    options = ("--disable-pip-version-check", "--no-deps", "--no-compile", "--ignore-requires-python")
    done = subprocess.run(
        [*pip, "install", *options, "--requirement", pins],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    output = done.stdout + done.stderr
    if _UNREACHABLE.search(output) and not os.environ.get("CI"):
        pytest.skip(f"{pins.stem} is not installed and no package registry can be reached")
    pytest.fail(output)
