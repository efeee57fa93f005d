"""Kalshi's public side as the trader's: status, terms, books by read, by stream and by polling."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mesh.clock import ManualClock
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError, ObjectNotFound
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import Band
from mesh.kalshi.stream.market import LifecycleEvent, MarketLifecycle
from mesh.kalshi.terms import FeeType, Result
from mesh.types import Hundredths, Micros, Price
from sim_exchange.domain.results import PauseScope
from sim_exchange.domain.types import PriceBand
from sim_exchange.fault_rules import DropSocket, PlainRequestRule, ServerError
from tests.fakes.exchange_world import FINE, MILD, NOW, WARM, World, exchange_world
from tests.integration.trader.kalshi_venue import KalshiVenue, fast_limits, kalshi_venue
from trader.domain.events import BookCame, BooksConfirmed, BooksLost, MarketSeen, Traded
from trader.domain.words import ExchangeState
from trader.exchange.fee_book import FeeBook
from trader.exchange.known_markets import KnownMarkets
from trader.exchange.reaching import Kalshi, reaching
from trader.exchange.telling import Told
from trader.ports import Markets

T = TypeVar("T")
HALF = PriceBand(0, 1_000_000, 5_000)


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[KalshiVenue]:
    async with kalshi_venue(tmp_path) as venue:
        yield venue


async def next_of(told: AsyncIterator[Told], kind: type[T], **fields: Any) -> T:
    """Listen until something of this kind with these values is told."""
    async with asyncio.timeout(10):
        while True:
            event = await anext(told)
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items()):
                return event


async def test_the_exchange_says_that_it_is_open_and_when_it_will_pause(venue: KalshiVenue) -> None:
    status = await venue.kalshi.markets.status()
    assert (status.state, status.resume_time) == (ExchangeState.OPEN, None)
    ((begins, ends),) = status.pauses  # from Friday on there is one Thursday in eight days
    assert (begins.isoformat(), ends - begins) == ("2026-07-16T07:00:00+00:00", timedelta(hours=2))


async def test_during_the_weekly_pause_the_exchange_says_when_it_resumes(venue: KalshiVenue) -> None:
    ((begins, ends),) = (await venue.kalshi.markets.status()).pauses
    await venue.pass_seconds((begins - venue.now).total_seconds() + 60)
    status = await venue.kalshi.markets.status()
    assert (status.state, status.resume_time) == (ExchangeState.TRADING_PAUSED, ends)
    assert status.pauses[0] == (begins, ends)


async def test_the_status_is_told_also_while_the_schedule_cannot_be_read(venue: KalshiVenue) -> None:
    before = await venue.kalshi.markets.status()
    venue.world.faults.add(ServerError(kind="server_error", method="GET", path="*/exchange/schedule", status=503))
    await venue.pass_seconds(3601)
    venue.world.exchange.pause(PauseScope.TRADING, 0, venue.now)
    after = await venue.kalshi.markets.status()
    assert (after.state, after.pauses) == (ExchangeState.TRADING_PAUSED, before.pauses)


async def test_only_a_pause_of_the_shards_of_watched_markets_counts(venue: KalshiVenue) -> None:
    markets = venue.kalshi.markets
    venue.world.exchange.pause(PauseScope.TRADING, 2, venue.now)
    assert (await markets.status()).state is ExchangeState.OPEN
    await markets.market(FINE)
    markets.watch([FINE])
    assert (await markets.status()).state is ExchangeState.TRADING_PAUSED
    venue.world.exchange.pause(PauseScope.EXCHANGE, 2, venue.now)
    assert (await markets.status()).state is ExchangeState.EXCHANGE_PAUSED
    markets.watch([FINE, WARM])
    assert (await markets.status()).state is ExchangeState.OPEN


async def test_markets_of_a_shard_that_is_paused_alone_are_told_as_not_trading(venue: KalshiVenue) -> None:
    markets, exchange = venue.kalshi.markets, venue.world.exchange
    markets.watch([FINE, WARM])
    async with markets.told() as told:
        for _ in range(2):
            assert (await next_of(told, MarketSeen)).trading
        exchange.pause(PauseScope.TRADING, 2, venue.now)
        assert (await markets.status()).state is ExchangeState.OPEN
        halted = await next_of(told, MarketSeen)
        assert (halted.market.ticker, halted.trading) == (FINE, False)
        assert await markets.market(FINE) == halted
        exchange.resume(PauseScope.TRADING, 2, venue.now)
        await markets.status()
        assert await next_of(told, MarketSeen) == replace(halted, trading=True)


async def test_a_markets_terms_are_its_own_and_its_events(venue: KalshiVenue) -> None:
    seen = await venue.kalshi.markets.market(FINE)
    assert seen.trading
    market = seen.market
    assert (market.event_ticker, market.series_ticker, market.exchange_index) == ("KXBTC-26JUL1012", "KXBTC", 2)
    assert market.title == "Bitcoin price range? 86° or below"
    assert market.close_time == venue.now + timedelta(hours=1)
    assert market.bands[0] == Band(0, 100_000, 1_000)
    assert market.fees == FeeTerms(FeeType.QUADRATIC)


async def test_an_unknown_market_is_not_found(venue: KalshiVenue) -> None:
    with pytest.raises(ObjectNotFound):
        await venue.kalshi.markets.market("KXHIGHNY-26JUL10-NONE")


async def test_books_are_read_and_unknown_markets_left_out(venue: KalshiVenue) -> None:
    venue.world.book(WARM, bids={"0.4000": "10.00"}, asks={"0.4500": "5.00", "0.4600": "1.00"})
    books = await venue.kalshi.markets.books([WARM, *(f"KXHIGHNY-26JUL10-N{number}" for number in range(150)), WARM])
    (book,) = books
    assert book.ticker == WARM
    assert book.yes_bids == {Price(400_000): 1000}
    assert book.yes_asks == {Price(450_000): 500, Price(460_000): 100}
    assert await venue.kalshi.markets.books([]) == ()


async def test_watched_books_are_told_as_they_change_and_confirmed_while_they_do_not(venue: KalshiVenue) -> None:
    markets: Markets = venue.kalshi.markets
    markets.watch([WARM, MILD])
    async with markets.told() as told:
        assert {(await next_of(told, BookCame)).book.ticker for _ in range(2)} == {WARM, MILD}
        await venue.show(bids={"0.4000": "10.00"})
        assert (await next_of(told, BookCame)).book.yes_bids == {Price(400_000): 1000}
        assert (await next_of(told, BooksConfirmed)).tickers == tuple(sorted((WARM, MILD)))


async def test_trades_of_watched_markets_are_told(venue: KalshiVenue) -> None:
    markets = venue.kalshi.markets
    markets.watch([WARM])
    async with markets.told() as told:
        await next_of(told, BooksConfirmed)
        await venue.show(asks={"0.4500": "5.00"})
        await next_of(told, BookCame)
        await venue.trade("0.4500", "2.00", taker_buys_yes=True)
        assert await next_of(told, Traded) == Traded(WARM, Price(450_000), Hundredths(200), taker_buys_yes=True)


async def test_terms_of_watched_markets_are_told_without_being_asked_for(venue: KalshiVenue) -> None:
    markets = venue.kalshi.markets
    async with markets.told() as told:
        markets.watch([FINE])
        seen = await next_of(told, MarketSeen)
        assert (seen.market.ticker, seen.trading) == (FINE, True)


async def test_books_that_are_watched_no_more_are_lost_and_told_no_more(venue: KalshiVenue) -> None:
    markets = venue.kalshi.markets
    markets.watch([WARM, MILD])
    async with markets.told() as told:
        await next_of(told, BooksConfirmed, tickers=tuple(sorted((WARM, MILD))))
        markets.watch([MILD])
        assert (await next_of(told, BooksLost)).tickers == (WARM,)
        await venue.show(bids={"0.4000": "10.00"})
        assert (await next_of(told, BooksConfirmed)).tickers == (MILD,)


async def test_a_cut_line_loses_every_book_until_it_is_told_anew(venue: KalshiVenue) -> None:
    markets = venue.kalshi.markets
    markets.watch([WARM])
    async with markets.told() as told:
        await next_of(told, BooksConfirmed)
        venue.world.faults.add(DropSocket(kind="drop_socket", channel="orderbook_delta", count=1))
        await venue.show(bids={"0.4000": "10.00"})
        await next_of(told, BooksLost, tickers=None)
        event = await anext(told)
        while not isinstance(event, BookCame):
            assert not isinstance(event, BooksConfirmed)
            event = await anext(told)
        assert event.book.yes_bids == {Price(400_000): 1000}


async def test_a_book_about_which_the_stream_is_silent_is_found_out_and_begun_anew(tmp_path: Path) -> None:
    async with kalshi_venue(tmp_path, audit_seconds=0.05) as venue:
        markets = venue.kalshi.markets
        markets.watch([WARM, MILD])
        await venue.show(bids={"0.4000": "10.00"})
        async with markets.told() as told:
            await next_of(told, BooksConfirmed, tickers=tuple(sorted((WARM, MILD))))
            venue.world.exchange.set_book(WARM, [(400_000, Hundredths(400))], [], venue.now)
            venue.world.exchange.take_events()  # which no stream hears of
            assert (await next_of(told, BooksLost)).tickers == (WARM,)
            assert (await next_of(told, BookCame)).book.yes_bids == {Price(400_000): 400}


async def test_what_becomes_of_a_watched_market_is_told(venue: KalshiVenue) -> None:
    markets, exchange = venue.kalshi.markets, venue.world.exchange
    markets.watch([WARM])
    async with markets.told() as told:
        before = await next_of(told, MarketSeen)
        exchange.pause(PauseScope.MARKET, WARM, venue.now)
        venue.world.publish()
        assert await next_of(told, MarketSeen) == replace(before, trading=False)
        exchange.resume(PauseScope.MARKET, WARM, venue.now)
        venue.world.publish()
        assert await next_of(told, MarketSeen, trading=True) == before
        exchange.set_grid(WARM, "center_half_edge_half_cent", (HALF,), venue.now)
        venue.world.publish()
        assert (await next_of(told, MarketSeen)).market.bands == (Band(0, 1_000_000, 5_000),)
        sooner = venue.now + timedelta(minutes=5)
        exchange.move_close(WARM, sooner, venue.now)
        venue.world.publish()
        seen = await next_of(told, MarketSeen)
        assert (seen.market.close_time, seen.trading) == (sooner, True)
        exchange.determine(WARM, Result.NO, Micros(0), "88", venue.now)
        venue.world.publish()
        await next_of(told, MarketSeen, trading=False)


async def test_a_kept_copy_of_a_record_does_not_undo_what_the_stream_has_just_told() -> None:
    async with keyless() as (_, kalshi):
        clock = ManualClock(NOW)
        known = KnownMarkets(kalshi.client, FeeBook(kalshi.client, clock), clock)
        trading = await known.read_one(WARM)
        assert known.happened(MarketLifecycle(event=LifecycleEvent.DEACTIVATED, ticker=WARM))
        await clock.advance(14.9)  # so long a copy from before may be what a read gets
        await known.read([WARM])
        assert await known.read_one(WARM) == replace(trading, trading=False)
        await clock.advance(0.1)
        assert await known.read_one(WARM) == trading


async def test_a_market_that_closes_by_its_schedule_is_told_though_the_exchange_says_nothing(
    venue: KalshiVenue,
) -> None:
    markets = venue.kalshi.markets
    markets.watch([FINE])
    async with markets.told() as told:
        seen = await next_of(told, MarketSeen, trading=True)
        await venue.pass_seconds(3601)
        assert await next_of(told, MarketSeen) == replace(seen, trading=False)


async def test_what_the_listener_raises_comes_out_as_it_was(venue: KalshiVenue) -> None:
    with pytest.raises(ZeroDivisionError):
        async with venue.kalshi.markets.told():
            raise ZeroDivisionError


@asynccontextmanager
async def keyless() -> AsyncIterator[tuple[World, Kalshi]]:
    """An exchange, and somebody without a key."""
    async with exchange_world() as world:
        config = KalshiConfig(environment="custom", host=world.url, read_seconds=0.5)
        async with reaching(config, world.clock, limits=fast_limits(), poll_seconds=5.0) as kalshi:
            yield world, kalshi


async def test_without_a_key_books_are_polled() -> None:
    async with keyless() as (world, kalshi):
        world.book(WARM, bids={"0.4000": "10.00"})
        kalshi.markets.watch([WARM, "KXHIGHNY-26JUL10-NONE"])
        async with kalshi.markets.told() as told:
            assert (await next_of(told, BookCame)).book.yes_bids == {Price(400_000): 1000}
            assert (await next_of(told, BooksLost)).tickers == ("KXHIGHNY-26JUL10-NONE",)
            world.book(WARM, bids={"0.4100": "10.00"})
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(passing(world))
                assert (await next_of(told, BookCame)).book.yes_bids == {Price(410_000): 1000}


async def test_without_a_key_terms_are_told_too() -> None:
    async with keyless() as (world, kalshi):
        kalshi.markets.watch([FINE])
        async with kalshi.markets.told() as told, asyncio.TaskGroup() as tasks:
            tasks.create_task(passing(world))
            assert (await next_of(told, MarketSeen)).market.ticker == FINE


async def test_books_that_cannot_be_polled_are_lost_until_they_can() -> None:
    async with keyless() as (world, kalshi):
        kalshi.markets.watch([WARM])
        async with kalshi.markets.told() as told:
            await next_of(told, BookCame)
            name = world.faults.add(PlainRequestRule(kind="no_body_object", path="*/orderbooks"))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(passing(world))
                assert (await next_of(told, BooksLost)).tickers == (WARM,)
            world.faults.remove(name)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(passing(world))
                await next_of(told, BookCame)


async def passing(world: World) -> None:
    """Let time pass once somebody waits for it."""
    for _ in range(3):
        await asyncio.sleep(0.02)
        await world.pass_seconds(5)


async def test_without_a_key_nothing_private_is_offered() -> None:
    async with keyless() as (_, kalshi):
        assert kalshi.exchange is None
        with pytest.raises(ExchangeError):
            await kalshi.client.portfolio.balance()
