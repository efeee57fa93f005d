"""The page on the simulated exchange does what it says: its commands, and its Python."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes.documented import documented, run_block
from tests.fakes.exchange_process import ExchangeProcess, exchange_process

PAGE = "docs/exchange.md"


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[ExchangeProcess]:
    with exchange_process(tmp_path) as running:
        yield running


def test_the_page_does_what_it_says(exchange: ExchangeProcess) -> None:
    """In its order: first the commands, then the Python, as the member that they made."""

    def addressed(text: str) -> str:
        for written, real in (("127.0.0.1:8790", exchange.url), ("127.0.0.1:9104", exchange.admin_url)):
            text = text.replace(written, real.removeprefix("http://"))
        return text

    blocks = documented(PAGE)
    assert len(blocks) >= 4
    for block in blocks:
        run_block(block, exchange.folder, addressed)
    [code] = re.findall(r"^```python\n(.*?)^```$", (ROOT / PAGE).read_text(), re.MULTILINE | re.DOTALL)
    key_id = json.loads(exchange.command("account", "list", "--json"))[0]["key_ids"][0]
    done = subprocess.run(
        [sys.executable, "-c", code, exchange.url, key_id, "alice.key"],
        cwd=exchange.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"bought 2\.00 NO of KXHIGHNY-\S+ at 0\.\d{4}\n", done.stdout)
