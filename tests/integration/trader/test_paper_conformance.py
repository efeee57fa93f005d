"""The paper account as the trader's exchange: the suite for every form."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from mesh.clock import ManualClock
from mesh.kalshi.book import Book
from mesh.kalshi.terms import Result
from mesh.types import DOLLAR, Hundredths, Price, hundredths_from_count
from tests.fakes.trading import NOON, market
from tests.integration.trader.exchange_suite import CASH, ExchangeSuite, Venue, account, no_order, placed
from trader.domain.events import BookCame, MarketSeen, Traded
from trader.domain.facts import MarketTerms
from trader.paper.config import PaperConfig
from trader.paper.exchange import PaperExchange, paper_exchange


@dataclass
class PaperVenue:
    """The suite's `Venue`: what others show and trade is told to the paper account as a stream would."""

    exchange: PaperExchange
    clock: ManualClock
    market: MarketTerms
    results: dict[str, Price]
    shown: dict[str, dict[Price, Hundredths]] = field(default_factory=lambda: {"bids": {}, "asks": {}})

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def show(self, bids: Mapping[str, str] = {}, asks: Mapping[str, str] = {}) -> None:
        self.shown = {"bids": _levels(bids), "asks": _levels(asks)}
        self._tell()

    async def trade(self, yes_price: str, count: str, *, taker_buys_yes: bool) -> None:
        """Trade with what is shown, best first, and tell each trade before the book that it leaves."""
        limit, left = Price.from_dollars(yes_price), int(hundredths_from_count(count))
        levels = self.shown["asks" if taker_buys_yes else "bids"]
        for price in sorted(levels, reverse=not taker_buys_yes):
            if left and (price <= limit if taker_buys_yes else price >= limit):
                size = Hundredths(min(left, levels[price]))
                self.exchange.see(Traded(self.market.ticker, price, size, taker_buys_yes))
                left -= size
                levels[price] = Hundredths(levels[price] - size)
        self._tell()

    async def pass_seconds(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def settle(self, result: Result) -> None:
        self.results[self.market.ticker] = Price(DOLLAR if result is Result.YES else 0)
        self.market = replace(self.market, close_time=self.now)
        self.exchange.see(MarketSeen(self.market, trading=False))
        await self.clock.advance(2)

    def _tell(self) -> None:
        self.exchange.see(
            BookCame(Book.from_levels(self.market.ticker, self.shown["bids"].items(), self.shown["asks"].items()))
        )


@dataclass
class Elsewhere:
    """Markets whose books come by the stream only."""

    results: dict[str, Price]

    async def books(self, tickers: object) -> tuple[Book, ...]:
        return ()

    async def result(self, ticker: str) -> Price | None:
        return self.results.get(ticker)


class TestPaper(ExchangeSuite):
    """The suite."""

    @pytest.fixture
    async def venue(self, tmp_path: Path) -> AsyncIterator[Venue]:
        config = PaperConfig(file=tmp_path / "paper.sqlite", latency_seconds=0, max_book_age_seconds=3600)
        clock, results = ManualClock(NOON), dict[str, Price]()
        async with paper_exchange(config, Elsewhere(results), clock) as exchange:
            venue = PaperVenue(exchange, clock, market(), results)
            await venue.show()
            yield venue

    async def test_what_rests_locks_money_that_a_snapshot_still_counts(self, venue: Venue) -> None:
        """Its cash is one pot, whatever the shard: there are no shards to add up."""
        await placed(venue, no_order("10.00", "0.6000"))
        snapshot = await account(venue, lambda snapshot: len(snapshot.orders) == 1)
        assert (snapshot.cash, snapshot.available, snapshot.shards) == (CASH, CASH - 6 * DOLLAR, ())


def _levels(shown: Mapping[str, str]) -> dict[Price, Hundredths]:
    return {Price.from_dollars(price): hundredths_from_count(count) for price, count in shown.items()}
