"""The forecast server that research starts for itself: a real process, with its policy, gone afterwards."""

import asyncio
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mesh.daemon_process import DaemonProblem
from mesh.forecast_process import COMMAND
from mesh.forecasts import forecasting
from research.server import embedded
from tests.conftest import ROOT
from tests.fakes.questions import until

POLICY = ROOT / "forecast_server" / "policy.toml"


def servers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if any(COMMAND in word for word in child.cmdline())]


async def test_it_serves_its_policy_and_ends_with_a_run_that_is_interrupted(tmp_path: Path) -> None:
    policy = tmp_path / 'a "quoted" name.toml'
    shutil.copy(POLICY, policy)
    policy.write_text(policy.read_text() + "# another digest\n")
    served: list[tuple[str, str]] = []

    async def run() -> None:
        async with embedded("random-walk", policy) as config, forecasting(config) as client:
            (page,) = await client.exit_policies()
            served.append(((await client.model()).identity.name, page.policy_digest))
            await asyncio.Event().wait()

    task = asyncio.ensure_future(run())
    await until(lambda: bool(served) or task.done())
    (process,) = servers()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not process.is_running()
    assert served == [("random-walk", hashlib.sha256(policy.read_bytes()).hexdigest())]


async def test_a_server_that_is_killed_in_the_middle_is_named() -> None:
    async def run() -> None:
        async with embedded("random-walk"):
            servers()[0].kill()
            await asyncio.Event().wait()

    with pytest.raises(DaemonProblem, match="SIGKILL"):
        await run()


STARTS = """
import asyncio
from research.server import embedded
async def run():
    async with embedded("random-walk"):
        print("started", flush=True)
        await asyncio.Event().wait()
asyncio.run(run())
"""


def test_it_ends_with_a_run_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "started\n"
        (server,) = psutil.Process(run.pid).children()
        run.kill()
    assert psutil.wait_procs([server], timeout=20)[1] == []


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("version = 7\n")
    with pytest.raises(DaemonProblem) as caught:
        async with embedded("random-walk", policy):
            pass
    assert str(policy) in " ".join(caught.value.tail)
    assert servers() == []
