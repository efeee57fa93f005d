"""What docs/collection.md says about files is run as it stands there; see tests/fakes/documented.py."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes.documented import documented, run_block
from tests.fakes.imported_files import EVENT, candle, old_row, write

PAGE = "docs/collection.md"
OLD_EVENT = "KXHIGHNY-25NOV22"
PYTHON = re.findall(r"^```python\n(.*?)^```$", (ROOT / PAGE).read_text(), re.MULTILINE | re.DOTALL)


def files_of_others(folder: Path) -> None:
    """An old file and a recorded one, as the page has them."""
    recorded = [candle(hour, f"{EVENT}-{strike}") for strike in ("B50.5", "T51") for hour in range(24)]
    write(folder / "recorded" / "candles_60m_KXHIGHNY.parquet", recorded)
    old = [old_row(hour, f"{OLD_EVENT}-B1") for hour in range(24)]
    write(folder / "old" / "KXHIGHNY" / f"{OLD_EVENT}.parquet", old)


@pytest.mark.timeout(180)
def test_the_commands_and_the_python_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    """In the order of the page, in one folder: each step builds on those before."""
    files_of_others(tmp_path)
    for block in documented(PAGE):
        run_block(block, tmp_path)
    for code in PYTHON:
        if all(find_spec(name) for name in re.findall(r"^import (\w+)", code, re.MULTILINE)):
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert re.search("(24|48)", done.stdout)


def test_the_page_has_commands_and_python() -> None:
    assert len(documented(PAGE)) >= 4
    assert len(PYTHON) == 3
