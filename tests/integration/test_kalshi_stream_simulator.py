"""The client's stream against the simulated exchange, in good times and with its faults."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mesh.clock import SystemClock
from mesh.kalshi.book import Book
from mesh.kalshi.errors import ClockSkewed, RateLimited, WrongKey
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Connected, Disconnected, Event, Gap, Resynced
from mesh.kalshi.stream.market import LifecycleEvent, MarketLifecycle, Ticker, Trade
from mesh.kalshi.stream.own import Fill, GroupUpdate, OrderUpdate, PositionUpdate
from mesh.kalshi.stream.streaming import Stream
from mesh.kalshi.terms import BookSide, OrderStatus, Result
from mesh.types import Micros, Price
from sim_exchange.fault_rules import DropSocket, FaultRule, PlainMessageRule, PlainRequestRule
from sim_exchange.stream.session import StreamLimits
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_stream import streaming_world
from tests.fakes.exchange_world import EVENT, FINE, LATER, MILD, NOW, WARM, World, market, order
from tests.fakes.kalshi_stream import PATH, PATIENCE, QUICK, Ear, listening_to

ORDERS = "/portfolio/events/orders"


def truth(world: World, ticker: str) -> tuple[dict[int, int], dict[int, int]]:
    book = world.exchange.books[ticker]
    return dict(book.levels(BookSide.BID)), dict(book.levels(BookSide.ASK))


def shown(book: Book | None) -> tuple[dict[int, int], dict[int, int]] | None:
    return None if book is None else (dict(book.yes_bids.items()), dict(book.yes_asks.items()))


async def agreed(stream: Stream, world: World, *tickers: str) -> None:
    """Wait until the client's books are the exchange's."""
    async with asyncio.timeout(PATIENCE):
        while any(shown(stream.book(ticker)) != truth(world, ticker) for ticker in tickers):
            await asyncio.sleep(0.01)


def turmoil(world: World, random: Random, ticker: str) -> None:
    """Another ladder for a market."""
    bids = {f"0.{random.randint(30, 40)}00": f"{random.randint(1, 9)}.00" for _ in range(random.randint(0, 4))}
    asks = {f"0.{random.randint(41, 50)}00": f"{random.randint(1, 9)}.50" for _ in range(random.randint(0, 4))}
    world.book(ticker, bids=bids, asks=asks)


async def test_every_channel_tells_what_happens(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice", signer=Signer.rsa())
        world.book(WARM, bids={"0.4000": "10.00"}, asks={"0.4500": "10.00"})
        async with listening_to(world.url, tmp_path, signer=alice.signer) as (stream, ear):
            for channel in Channel:
                stream.subscribe(channel, [WARM] if channel is Channel.BOOK else None)
            began = {(await ear.next(Resynced)).channel for _ in range(7)}
            assert began == set(Channel) - {Channel.BOOK}
            await agreed(stream, world, WARM)

            await alice.post("/portfolio/order_groups/create", {"contracts_limit": 50})
            await ear.next(GroupUpdate)
            taker = order(price="0.4500", count="2.50", time_in_force="immediate_or_cancel")
            placed = (await alice.post(ORDERS, taker)).body
            found: dict[type, Event] = {}
            while not {BookUpdated, Trade, Fill, OrderUpdate, PositionUpdate, Ticker} <= set(found):
                event = await ear.any()
                found[type(event)] = event
            fill, trade, told = found[Fill], found[Trade], found[OrderUpdate]
            assert isinstance(fill, Fill)
            assert isinstance(trade, Trade)
            assert isinstance(told, OrderUpdate)
            assert (fill.order_id, fill.client_order_id) == (placed["order_id"], taker["client_order_id"])
            assert (fill.trade_id, fill.count, fill.yes_price) == (trade.trade_id, 250, Price(450_000))
            assert (told.status, told.fill_count, told.order_id) == (OrderStatus.EXECUTED, 250, placed["order_id"])
            position = found[PositionUpdate]
            assert isinstance(position, PositionUpdate)
            assert (position.count, position.cost) == (250, 1_125_000)
            ticker = found[Ticker]
            assert isinstance(ticker, Ticker)
            assert (ticker.last_price, ticker.ask, ticker.ask_size) == (Price(450_000), Price(450_000), 750)

            resting = order(price="0.4100", count="3.00")
            await alice.post(ORDERS, resting)
            update = await ear.next(BookUpdated, client_order_id=resting["client_order_id"])
            assert update.book.best_bid() == (Price(410_000), 300)

            world.exchange.determine(WARM, Result.NO, Micros(0), "88", world.now)
            world.publish()
            life = await ear.next(MarketLifecycle, event=LifecycleEvent.DETERMINED)
            assert (life.ticker, life.result, life.settlement_value) == (WARM, Result.NO, Price(0))
            assert not [event for event in ear.heard if isinstance(event, Gap)]
            assert not stream.stats.unknown
            assert not stream.stats.malformed


async def test_new_markets_and_events_are_told(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        async with listening_to(world.url, tmp_path, signer=alice.signer) as (stream, ear):
            stream.subscribe(Channel.LIFECYCLE)
            stream.subscribe(Channel.BOOK, [f"{EVENT}-T99"])  # before it exists
            await ear.next(Resynced)
            listing = market(f"{EVENT}-T99", NOW, world.exchange.markets[WARM].close_time)
            world.exchange.list(listing, world.now)
            world.publish()
            created = await ear.next(MarketLifecycle, event=LifecycleEvent.CREATED)
            assert created.created is not None
            assert created.created.event_ticker == EVENT
            if stream.book(f"{EVENT}-T99") is None:
                await ear.next(BookSnapshot)


async def test_books_follow_the_exchange_exactly(tmp_path: Path) -> None:
    random = Random(7)  # noqa: S311  repeatable
    async with streaming_world() as world:
        alice = world.member("alice")
        async with listening_to(world.url, tmp_path, signer=alice.signer) as (stream, ear):
            stream.subscribe(Channel.BOOK, [WARM, MILD, FINE])
            await ear.next(Connected)
            for number in range(300):
                turmoil(world, random, random.choice([WARM, MILD, FINE]))
                if number % 10 == 0:
                    await agreed(stream, world, WARM, MILD, FINE)
            await agreed(stream, world, WARM, MILD, FINE)
            assert stream.stats.gaps == 0


def message_fault(kind: Any, **fields: Any) -> Callable[[], FaultRule]:
    return lambda: PlainMessageRule(kind=kind, channel="orderbook_delta", **fields)


@pytest.mark.parametrize(
    "fault",
    [
        message_fault("skip_seq", probability=0.05),
        message_fault("skip_seq", probability=0.5),
        message_fault("duplicate_message", probability=0.3),
        message_fault("reorder_messages", probability=0.1),
        lambda: DropSocket(kind="drop_socket", channel="orderbook_delta", probability=0.01),
    ],
)
async def test_books_are_right_again_after_every_fault(tmp_path: Path, fault: Callable[[], FaultRule]) -> None:
    random = Random(11)  # noqa: S311  repeatable
    async with streaming_world() as world:
        alice = world.member("alice")
        async with listening_to(world.url, tmp_path, signer=alice.signer) as (stream, ear):
            stream.subscribe(Channel.BOOK, [WARM, MILD])
            await ear.next(BookSnapshot)
            world.faults.add(fault())
            for number in range(300):
                turmoil(world, random, random.choice([WARM, MILD]))
                if number % 5 == 0:
                    await asyncio.sleep(0.002)
            assert world.faults.counts()[0].strikes > 0
            kind = world.faults.counts()[0].rule.kind
            world.faults.clear()
            for _ in range(30):  # what was lost last is noticed by what comes next
                turmoil(world, random, WARM)
                turmoil(world, random, MILD)
                await asyncio.sleep(0.01)
            await agreed(stream, world, WARM, MILD)
            assert (stream.stats.gaps == 0) == (kind == "duplicate_message")
            assert (stream.stats.old > 0) == (kind in ("duplicate_message", "reorder_messages"))
            for _ in range(len(ear.events)):
                await ear.any()
            follow(ear.heard, world)


def follow(told: list[Event], world: World) -> None:
    """Whoever believes the events ends up with the same books."""
    books: dict[str, Book | None] = {}
    for event in told:
        if isinstance(event, BookSnapshot):
            books[event.book.ticker] = event.book
        elif isinstance(event, BookUpdated):
            before = books[event.book.ticker]
            assert before is not None
            assert before.after(event.change, event.book.clock) == event.book
            books[event.book.ticker] = event.book
        elif isinstance(event, Gap):
            books.update(dict.fromkeys(event.tickers or ()))
    assert {ticker: shown(book) for ticker, book in books.items()} == {
        ticker: truth(world, ticker) for ticker in (WARM, MILD)
    }


async def test_a_subscription_that_overflows_is_renewed(tmp_path: Path) -> None:
    random = Random(5)  # noqa: S311  repeatable
    async with streaming_world(StreamLimits(buffered_messages=50)) as world:
        alice = world.member("alice")
        async with listening_to(world.url, tmp_path, signer=alice.signer) as (stream, ear):
            stream.subscribe(Channel.BOOK, [WARM])
            await ear.next(BookSnapshot)
            for _ in range(60):  # in one go: nothing is written meanwhile
                turmoil(world, random, WARM)
            gap = await ear.next(Gap)
            assert "25" in gap.why
            await ear.next(BookSnapshot)
            await agreed(stream, world, WARM)
            assert stream.stats.connections == 1


async def test_a_key_that_is_not_known_is_named_and_works_once_it_is(tmp_path: Path) -> None:
    signer = Signer.ed25519()
    async with streaming_world() as world, listening_to(world.url, tmp_path, signer=signer) as (_, ear):
        for _ in range(2):
            assert isinstance((await ear.next(Disconnected)).problem, WrongKey)
        world.member("alice", signer=signer)
        await ear.next(Connected)


class SlowClock(SystemClock):
    def now(self) -> datetime:
        return super().now() - timedelta(hours=1)


async def test_a_local_clock_that_is_wrong_is_named_and_made_up_for(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        async with listening_to(world.url, tmp_path, signer=alice.signer, clock=SlowClock()) as (_, ear):
            problem = (await ear.next(Disconnected)).problem
            assert isinstance(problem, ClockSkewed)
            assert problem.offset_seconds == pytest.approx(3600, abs=2)
            await ear.next(Connected)


async def test_faults_at_the_door_are_outlived(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        world.faults.add(PlainRequestRule(kind="too_many_requests", path=PATH, count=2))
        async with listening_to(world.url, tmp_path, signer=alice.signer) as (_, ear):
            for _ in range(2):
                assert isinstance((await ear.next(Disconnected)).problem, RateLimited)
            await ear.next(Connected)


async def test_an_exchange_that_stops_is_missed_by_all_consumers(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        async with listening_to(world.url, tmp_path, signer=alice.signer, settings=QUICK) as (stream, ear):
            other = Ear(stream.events([Channel.FILLS]))
            stream.subscribe(Channel.FILLS)
            stream.subscribe(Channel.BOOK, [LATER])
            await ear.next(BookSnapshot)
            await other.next(Resynced, channel=Channel.FILLS)
            await world.server.close()
            for each in (ear, other):
                await each.next(Gap, channel=Channel.FILLS)
                await each.next(Disconnected)
            assert not [event for event in other.heard if isinstance(event, BookSnapshot)]
