"""Kalshi as the trader's exchange: the suite for every form, and what only a real line can do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.trader.exchange_suite import ExchangeSuite, Venue
from tests.integration.trader.kalshi_venue import kalshi_venue


class TestKalshi(ExchangeSuite):
    """The suite."""

    @pytest.fixture
    async def venue(self, tmp_path: Path) -> AsyncIterator[Venue]:
        async with kalshi_venue(tmp_path) as venue:
            yield venue
