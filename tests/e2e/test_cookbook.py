"""What stands in `console` blocks of the documentation is run as it stands there.

The convention. A line that begins with `$ ` is a command, with the lines of its here-document. What follows, up to the
next command, is what it prints: every line in its order, where a line `...` leaves out any number of lines and `…`
stands for any text within a line; spaces do not count. Commands of one block share a shell, so that a variable set by
one is there for the next. In a block opened with `console fails` each command fails, in others each succeeds.

`127.0.0.1:8787` becomes the address of a plain server and `spark.example:8787` that of one with TLS.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh import certs, tokens
from tests.conftest import ROOT

FREE_PORTS = ('rpc.listen=["127.0.0.1:0"]', "rpc.metrics_listen=off")
BIN = Path(sys.executable).parent
PAGES = ("README.md", "docs/grpcurl.md", "docs/certificates.md")
PLAIN, SECURE = "127.0.0.1:8787", "spark.example:8787"
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where the commands run: servers and a folder with certificates."""

    folder: Path
    plain: int
    mutual: int
    with_tokens: int

    def addressed(self, command: str) -> str:
        """Put the real ports into a command or its output."""
        secure = self.with_tokens if "authorization:" in command else self.mutual
        return command.replace(PLAIN, f"127.0.0.1:{self.plain}").replace(SECURE, f"localhost:{secure}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("cookbook")
    made = folder / "certs"
    certs.init(made)
    certs.issue(made, "forecast", hosts=["spark.example", "localhost"])
    certs.issue(made, "viewer", role="viewer")
    (made / "phone.token").write_text(tokens.create(made / "tokens.toml", "phone", "viewer"))
    tls = ("rpc.tls.certificate_file=certs/forecast.crt", "rpc.tls.private_key_file=certs/forecast.key")
    with ExitStack() as running:
        plain = running.enter_context(_server(folder, "plain"))
        mutual = running.enter_context(_server(folder, "mutual", *tls, "rpc.tls.client_ca_file=certs/ca.crt"))
        with_tokens = running.enter_context(_server(folder, "tokens", *tls, "rpc.token_file=certs/tokens.toml"))
        yield Place(folder, plain, mutual, with_tokens)


@contextmanager
def _server(folder: Path, name: str, *settings: str) -> Iterator[int]:
    """The installed daemon as a process of its own; gives its port, and at the end insists on exit code 0."""
    options = [word for setting in (*FREE_PORTS, *settings) for word in ("--set", setting)]
    log = folder / f"{name}.log"
    with (
        log.open("w") as stream,
        subprocess.Popen([BIN / "foremesh-forecast-server", *options], stderr=stream, cwd=folder) as process,
    ):
        try:
            yield _port(process, log)
        finally:
            process.terminate()
            code = process.wait(30)
        assert code == 0, log.read_text()


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        if any(event["event"] == "ready" for event in events):
            serving = next(event for event in events if event["event"] == "serving")
            return int(serving["addresses"][0].rpartition(":")[2])
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def _run(block: Block, place: Place | None, folder: Path) -> None:
    """Run a block's commands in one shell and compare what each prints."""
    addressed = place.addressed if place else str
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), "COLUMNS": "120"}
    script = "\n".join(f"{addressed(command.text)}\nprintf '\\n%s %s\\n' '@@ ended' $?" for command in block.commands)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    parts = re.split(r"\n@@ ended (\d+)\n", done.stdout)
    printed, codes = parts[0:-1:2], [int(code) for code in parts[1::2]]
    assert len(codes) == len(block.commands), done.stdout
    for command, output, code in zip(block.commands, printed, codes, strict=True):
        where = f"{block.page}:{block.line}: {command.text}"
        expected = tuple(addressed(line) for line in command.expected)
        assert agrees(output.rstrip("\n"), expected), f"{where}\nprinted:\n{output}\nexpected:\n" + "\n".join(expected)
        assert (code != 0) is block.fails, f"{where}\nended with {code}:\n{output}"


def _documented(page: str) -> list[Block]:
    return list(blocks(page, (ROOT / page).read_text()))


def _ids(block: Block) -> str:
    return f"{Path(block.page).stem}-{block.line}"


@pytest.mark.parametrize("block", [block for page in PAGES[:2] for block in _documented(page)], ids=_ids)
def test_the_recipe_does_what_the_page_says(block: Block, place: Place) -> None:
    words = " ".join(command.text for command in block.commands)
    if "grpcurl" in words and not (BIN / "grpcurl").exists() and "CI" not in os.environ:
        pytest.skip("grpcurl is packaged for x86-64 Linux only")
    _run(block, place, place.folder)


@pytest.mark.timeout(240)
def test_the_certificate_commands_do_what_the_page_says(tmp_path: Path) -> None:
    """In the order of the page, in one folder: each step builds on those before."""
    for block in _documented("docs/certificates.md"):
        _run(block, None, tmp_path)


def test_the_python_of_the_readme_runs(place: Place) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", place.addressed(code)], cwd=place.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "KXHIGHNY-26NOV22-B52.5 signal\n"), done.stderr


def test_every_page_has_commands() -> None:
    assert all(_documented(page) for page in PAGES)


def test_a_recipe_with_other_output_is_noticed() -> None:
    assert agrees('{\n  "a": 1,\n  "b": 2\n}', ("{", "...", '  "b": …', "}"))
    assert not agrees('{\n  "a": 1\n}', ("{", '  "a": 2', "}"))
    assert not agrees('{\n  "a": 1,\n  "b": 2\n}', ("{", '  "a": 1,', "}"))
    assert not agrees('{\n  "b": 2\n}', ("{", "...", '  "a": …', "}"))
    assert not agrees("one\ntwo", ("one",))
    assert not agrees("", ("one",))


def test_blocks_are_read_as_they_are_typed() -> None:
    page = "text\n```console fails\n$ cat <<'END'\n{}\nEND\nout\n$ next\n```\n```sh\n$ ignored\n```\n"
    [block] = blocks("page.md", page)
    assert block.fails
    assert block.line == 2
    assert block.commands == (Command("cat <<'END'\n{}\nEND", ("out",)), Command("next", ()))
