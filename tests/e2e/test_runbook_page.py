"""What docs/runbook.md shows is run as it stands there, and what the README types fits together."""

from pathlib import Path

import pytest

from forecast_server.config import ForecastServerConfig
from sim_exchange.config import ExchangeConfig
from tests.conftest import ROOT
from tests.fakes.documented import documented, run_block
from tests.unit.trader.journal.story import write
from trader.config import TraderConfig

PAGE = "docs/runbook.md"


@pytest.mark.timeout(120)  # a dozen processes
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    write(tmp_path / "paper.journal")
    blocks = documented(PAGE)
    assert blocks
    for block in blocks:
        run_block(block, tmp_path)


def test_the_daemons_of_the_readme_find_each_other_without_a_configuration() -> None:
    trader = TraderConfig()
    assert trader.kalshi.host == f"http://{ExchangeConfig().listen}"
    assert set(trader.forecast.targets) <= set(ForecastServerConfig().rpc.listen)
    page = (ROOT / "README.md").read_text()
    assert f"foremesh report {trader.journal} " in page
    assert f"touch {trader.kill_switch} " in page
