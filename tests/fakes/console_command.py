"""The installed `foremesh` command, run as somebody whose terminal has 80 columns, and the server that it asks."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOREMESH = Path(sys.executable).with_name("foremesh")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "COLUMNS": "80", "PYTHONUTF8": "1"}


async def run(*arguments: object) -> tuple[int, str, str]:
    """Run the command; gives exit code, standard output and error."""
    process = await asyncio.create_subprocess_exec(
        FOREMESH,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@contextmanager
def server_process(folder: Path, *settings: str, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """A real forecast server in a process of its own, once it serves; gives its address. At the end it is killed."""
    log = folder / "server.log"
    words = [f'rpc.listen=["{listen}"]', "rpc.metrics_listen=off", *settings]
    options = [word for setting in words for word in ("--set", setting)]
    command = [str(FOREMESH.with_name("foremesh-forecast-server")), *options]
    with log.open("w") as stream, subprocess.Popen(command, stderr=stream, cwd=folder) as process:
        try:
            yield _address(process, log)
        finally:
            process.kill()


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        whole_lines = log.read_text().rpartition("\n")[0].splitlines()
        events = {entry["event"]: entry for entry in map(json.loads, whole_lines)}
        if "ready" in events:
            return str(events["serving"]["addresses"][0])
        time.sleep(0.05)
    raise AssertionError(log.read_text())
