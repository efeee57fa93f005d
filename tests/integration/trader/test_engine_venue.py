"""The exchange in memory that the engine is tested with keeps to what every form of exchange must do."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from mesh.clock import ManualClock
from mesh.kalshi.book import Book
from mesh.kalshi.terms import Result
from mesh.types import Hundredths, Price, hundredths_from_count
from tests.fakes.trading import NOON, market
from tests.fakes.venue import Venue
from tests.integration.trader.exchange_suite import CASH, ExchangeSuite
from trader.domain.facts import MarketTerms
from trader.ports import Exchange


class MemoryVenue:
    """The venue and its clock."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.market: MarketTerms = market(closes=timedelta(days=2))
        self.venue = Venue(self.clock, [self.market], cash=CASH)

    @property
    def exchange(self) -> Exchange:
        return self.venue

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def show(self, bids: Mapping[str, str] = {}, asks: Mapping[str, str] = {}) -> None:
        def side(levels: Mapping[str, str]) -> list[tuple[Price, Hundredths]]:
            return [(Price.from_dollars(price), hundredths_from_count(count)) for price, count in levels.items()]

        self.venue.show(Book.from_levels(self.market.ticker, side(bids), side(asks)))

    async def trade(self, yes_price: str, count: str, *, taker_buys_yes: bool) -> None:
        price, contracts = Price.from_dollars(yes_price), hundredths_from_count(count)
        self.venue.trade(self.market.ticker, price, contracts, taker_buys_yes=taker_buys_yes)

    async def pass_seconds(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def settle(self, result: Result) -> None:
        self.venue.settle(self.market.ticker, result)


class TestMemory(ExchangeSuite):
    @pytest.fixture
    async def venue(self) -> MemoryVenue:
        return MemoryVenue()
