"""What docs/runbook.md shows is run as it stands there."""

from pathlib import Path

import pytest

from tests.fakes.documented import documented, run_block
from tests.unit.trader.journal.story import write

PAGE = "docs/runbook.md"


@pytest.mark.timeout(120)  # a dozen processes
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    write(tmp_path / "paper.journal")
    blocks = documented(PAGE)
    assert blocks
    for block in blocks:
        run_block(block, tmp_path)
