"""What stands in `console` blocks of the documentation is run as it stands there; see tests/fakes/documented.py.

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
from tests.fakes.documented import BIN, Block, Command, agrees, blocks, documented, run_block

FREE_PORTS = ('rpc.listen=["127.0.0.1:0"]', "rpc.metrics_listen=off")
PAGES = ("docs/grpcurl.md", "docs/certificates.md")
PLAIN, SECURE = "127.0.0.1:8787", "spark.example:8787"


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


def _ids(block: Block) -> str:
    return f"{Path(block.page).stem}-{block.line}"


@pytest.mark.parametrize("block", [block for block in documented(PAGES[0])], ids=_ids)
def test_the_recipe_does_what_the_page_says(block: Block, place: Place) -> None:
    words = " ".join(command.text for command in block.commands)
    if "grpcurl" in words and not (BIN / "grpcurl").exists() and "CI" not in os.environ:
        pytest.skip("grpcurl is packaged for x86-64 Linux only")
    run_block(block, place.folder, place.addressed)


@pytest.mark.timeout(240)
def test_the_certificate_commands_do_what_the_page_says(tmp_path: Path) -> None:
    """In the order of the page, in one folder: each step builds on those before."""
    for block in documented("docs/certificates.md"):
        run_block(block, tmp_path)


def test_the_python_of_the_page_runs(place: Place) -> None:
    [code] = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs" / "forecast.md").read_text(), re.MULTILINE | re.DOTALL
    )
    done = subprocess.run(
        [sys.executable, "-c", place.addressed(code)], cwd=place.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "KXHIGHNY-26NOV22-B52.5 signal\n"), done.stderr


def test_every_page_has_commands() -> None:
    assert all(documented(page) for page in PAGES)


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
