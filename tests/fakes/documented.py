"""Documentation that is run: what stands in `console` blocks, as it stands there.

The convention. A line that begins with `$ ` is a command, with the lines of its here-document. What follows, up to the
next command, is what it prints: every line in its order, where a line `...` leaves out any number of lines and `…`
stands for any text within a line; spaces do not count. Commands of one block share a shell, so that a variable set by
one is there for the next. In a block opened with `console fails` each command fails, in others each succeeds.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

BIN = Path(sys.executable).parent
_BLOCK = re.compile(r"^```console(?P<fails> fails)?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HERE_DOCUMENT = re.compile(r"<<'(\w+)'")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page and what it prints."""

    text: str
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The commands of one fenced block."""

    page: str
    line: int
    fails: bool
    commands: tuple[Command, ...]


def blocks(page: str, text: str) -> Iterator[Block]:
    """Read the console blocks of a page."""
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, bool(found["fails"]), tuple(_commands(found["body"].splitlines())))


def _commands(lines: list[str]) -> Iterator[Command]:
    waiting = iter(lines)
    command: list[str] = []
    expected: list[str] = []
    for line in waiting:
        if line.startswith("$ "):
            if command:
                yield Command("\n".join(command), tuple(expected))
            command, expected = [line.removeprefix("$ ")], []
            if end := _HERE_DOCUMENT.search(line):
                for inner in waiting:
                    command.append(inner)
                    if inner == end[1]:
                        break
        else:
            assert command, f"a block begins with a command, not with {line!r}"
            expected.append(line)
    yield Command("\n".join(command), tuple(expected))


def agrees(printed: str, expected: tuple[str, ...]) -> bool:
    """Tell whether what was printed is what stands in the page."""
    pattern = "".join("(?:[^\n]*\n)*?" if line == "..." else _line(line) + "\n" for line in expected)
    text = "".join(_squeezed(line) + "\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None


def _line(expected: str) -> str:
    return "[^\n]+".join(re.escape(part) for part in _squeezed(expected).split("…"))


def _squeezed(line: str) -> str:
    return re.sub(r"\s+", "", line)


def run_block(block: Block, folder: Path, addressed: Callable[[str], str] = str) -> None:
    """Run a block's commands in one shell and compare what each prints; `addressed` puts the real ports into a text."""
    run_blocks([block], folder, addressed)


def run_blocks(
    together: Sequence[Block],
    folder: Path,
    addressed: Callable[[str], str] = str,
    *,
    within: Sequence[str] = (),
    before: Mapping[str, str] | None = None,
    seconds: float = 100,
) -> None:
    """Run the commands of several blocks in one shell, one after the other.

    Args:
        together: The blocks.
        folder: Where.
        addressed: Puts the real ports into a text.
        within: A command whose arguments are the shell.
        before: What a person waits for before a command that begins so, as commands whose output is not looked at.
        seconds: For all of them.
    """
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), "COLUMNS": "120"}
    commands = [(block, command) for block in together for command in block.commands]
    script = "\n".join(
        f"{_wait(command, before or {})}{addressed(command.text)}\nprintf '\\n%s %s\\n' '@@ ended' $?"
        for _, command in commands
    )
    done = subprocess.run(
        [*within, "bash", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    parts = re.split(r"\n@@ ended (\d+)\n", done.stdout)
    printed, codes = parts[0:-1:2], [int(code) for code in parts[1::2]]
    assert len(codes) == len(commands), done.stdout
    for (block, command), output, code in zip(commands, printed, codes, strict=True):
        where = f"{block.page}:{block.line}: {command.text}"
        expected = tuple(addressed(line) for line in command.expected)
        assert agrees(output.rstrip("\n"), expected), f"{where}\nprinted:\n{output}\nexpected:\n" + "\n".join(expected)
        assert (code != 0) is block.fails, f"{where}\nended with {code}:\n{output}"


def _wait(command: Command, before: Mapping[str, str]) -> str:
    waits = [wait for beginning, wait in before.items() if command.text.startswith(beginning)]
    return "".join(f"{{ {wait}; }} > /dev/null 2>&1\n" for wait in waits)


def documented(page: str) -> list[Block]:
    """Read the console blocks of a page of the project."""
    return list(blocks(page, (ROOT / page).read_text()))
