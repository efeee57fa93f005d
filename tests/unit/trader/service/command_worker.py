"""A process that runs the trader's commands, one after the other: gRPC takes one event loop a process at a time.

As a program it reads lines of JSON, `[command, arguments, input]`, and answers each with one: `[exit code, output,
standard output]`.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from click.testing import CliRunner

from console import trading, trading_adopt, trading_switches


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a command."""

    exit_code: int
    output: str
    """Of both streams."""
    stdout: str


class Commands:
    """Runs commands in such a process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    async def run(self, command: str, *arguments: str, answer: str = "") -> Ran:
        """Run one."""
        return await asyncio.to_thread(self._ran, command, arguments, answer)

    def _ran(self, command: str, arguments: tuple[str, ...], answer: str) -> Ran:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([command, arguments, answer]) + "\n")
        stdin.flush()
        return Ran(*json.loads(stdout.readline()))


@contextmanager
def commands() -> Iterator[Commands]:
    """Start the process; at the end it is ended."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Commands(process)
        finally:
            process.kill()


def _serve() -> None:
    known = {**vars(trading), **vars(trading_switches), **vars(trading_adopt)}
    for line in sys.stdin:
        command, arguments, answer = json.loads(line)
        found = CliRunner(env={"COLUMNS": "120"}).invoke(known[command], arguments, input=answer)
        print(json.dumps([found.exit_code, found.output, found.stdout]), flush=True)


if __name__ == "__main__":
    _serve()
