import asyncio
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.kalshi.book import Book, Change
from mesh.kalshi.errors import NoAnswer, RequestRefused
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import (
    BookSnapshot,
    BookUpdated,
    Connected,
    Disconnected,
    Event,
    Gap,
    Refused,
    Resynced,
)
from mesh.kalshi.stream.market import EventLifecycle, Ticker, Trade
from mesh.kalshi.stream.queue import ALL_CHANNELS, TOO_SLOW, Events
from mesh.kalshi.terms import BookSide
from mesh.types import CENT, Hundredths, Price


def book(ticker: str, size: int) -> Book:
    return Book.from_levels(ticker, [(Price(40 * CENT), Hundredths(size))], [])


def update(ticker: str, size: int) -> BookUpdated:
    """The book after one hundredth of a contract more."""
    change = Change(BookSide.BID, Price(40 * CENT), Hundredths(1))
    return BookUpdated(book(ticker, size), change, ts_ms=None, client_order_id=None)


def ticker(name: str, volume: int) -> Ticker:
    return Ticker(
        ticker=name, shown_last_price=Price(0), shown_bid=Price(0), bid_size=Hundredths(0), shown_ask=Price(0),
        ask_size=Hundredths(0), last_size=Hundredths(0), volume=Hundredths(volume), open_interest=Hundredths(0),
        ts_ms=0,
    )  # fmt: skip


def trade(name: str, number: int) -> Trade:
    return Trade(
        trade_id=str(number), ticker=name, count=Hundredths(100), yes_price=Price(400_000), no_price=Price(600_000),
        taker_book_side=BookSide.BID, is_block_trade=False, ts_ms=0,
    )  # fmt: skip


async def drain(events: Events) -> list[Event]:
    return [await anext(events) for _ in range(len(events))]


async def test_while_there_is_room_everything_is_kept_in_order() -> None:
    events = Events(ALL_CHANNELS, 100)
    told: list[Event] = [
        Connected(), BookSnapshot(book("A", 1)), update("A", 2), update("A", 3), ticker("A", 1), ticker("A", 2),
        trade("A", 1), Gap(Channel.BOOK, ("A",), "why"), BookSnapshot(book("A", 3)), Resynced(Channel.TRADES, None),
    ]  # fmt: skip
    for event in told:
        events.put(event)
    assert await drain(events) == told


async def test_a_full_queue_keeps_the_newest_book_and_ticker_of_each_market() -> None:
    events = Events(ALL_CHANNELS, 10)
    events.put(BookSnapshot(book("A", 1)))
    events.put(BookSnapshot(book("B", 1)))
    for number in range(2, 1000):
        events.put(update("A", number))
        events.put(ticker("A", number))
    events.put(update("B", 2))
    assert await drain(events) == [BookSnapshot(book("A", 999)), ticker("A", 999), BookSnapshot(book("B", 2))]


async def test_a_single_update_in_a_full_queue_stays_an_update() -> None:
    events = Events(ALL_CHANNELS, 10)
    for number in range(11):
        events.put(trade("A", number))
    events.put(update("A", 2))
    assert (await drain(events))[-1] == update("A", 2)


async def test_a_full_queue_says_what_it_loses() -> None:
    events = Events(ALL_CHANNELS, 10)
    for number in range(30):
        events.put(trade("A" if number % 2 else "B", number))
    events.put(ticker("A", 1))
    told = await drain(events)
    assert told[:10] == [trade("A" if number % 2 else "B", number) for number in range(10)]
    assert told[10:12] == [Gap(Channel.TRADES, ("A", "B"), TOO_SLOW), Resynced(Channel.TRADES, ("A", "B"))]
    assert told[12:] == [ticker("A", 1)]


async def test_what_names_no_market_is_lost_with_a_gap_of_the_whole_channel() -> None:
    events = Events(ALL_CHANNELS, 10)
    event = EventLifecycle(
        event_ticker="E", series_ticker="S", title="", sub_title="", collateral_return_type="", exchange_index=0
    )
    for _ in range(11):
        events.put(event)
    assert (await drain(events))[10:] == [Gap(Channel.LIFECYCLE, None, TOO_SLOW), Resynced(Channel.LIFECYCLE, None)]


async def test_a_book_that_is_stale_when_the_queue_is_full_is_told_as_stale() -> None:
    events = Events(ALL_CHANNELS, 10)
    for number in range(20):
        events.put(update("A", number))
        events.put(update("B", number))
    events.put(Gap(Channel.BOOK, ("A", "B"), "why"))
    events.put(BookSnapshot(book("B", 50)))
    assert await drain(events) == [Gap(Channel.BOOK, ("A",), "why"), BookSnapshot(book("B", 50))]


async def test_connections_that_come_and_go_take_one_place() -> None:
    events = Events(ALL_CHANNELS, 10)
    down = Disconnected(NoAnswer("gone"), 1.0)
    refused = Refused(Channel.FILLS, None, RequestRefused("no"))
    for _ in range(200):
        for event in (down, Connected(), Resynced(Channel.FILLS, None), refused, Gap(Channel.FILLS, None, "gone")):
            events.put(event)
    told = await drain(events)
    assert len(told) < 20
    last = max(index for index, event in enumerate(told) if isinstance(event, Gap))
    assert not any(isinstance(event, Resynced) for event in told[last:])
    assert [event for event in told[last:] if isinstance(event, Connected | Disconnected)] == [Connected()]


async def test_a_consumer_hears_its_channels_and_the_connections() -> None:
    events = Events({Channel.BOOK}, 10)
    for event in (Connected(), trade("A", 1), Gap(Channel.TRADES, None, "why"), BookSnapshot(book("A", 1))):
        events.put(event)
    assert await drain(events) == [Connected(), BookSnapshot(book("A", 1))]


async def test_the_end_comes_after_what_waits() -> None:
    events = Events(ALL_CHANNELS, 10)
    events.put(trade("A", 1))
    events.end()
    assert [event async for event in events] == [trade("A", 1)]


async def test_a_consumer_that_waits_is_woken() -> None:
    events = Events(ALL_CHANNELS, 10)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(anext(events))
        await asyncio.sleep(0)
        events.put(Connected())
    assert waiting.result() == Connected()


class Source:
    """What a stream might tell: books that follow from each other, trades, gaps; and what is true now."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.sizes: dict[str, int | None] = dict.fromkeys("ABC")
        self.volumes: dict[str, int] = {}
        self.trades = 0
        self.whole = False

    def next(self) -> Iterator[Event]:
        name = self.random.choice("ABC")
        kind = self.random.random()
        size = self.sizes[name]
        if kind < 0.45:
            self.sizes[name] = 1 if size is None else size + 1
            yield BookSnapshot(book(name, 1)) if size is None else update(name, size + 1)
        elif kind < 0.6:
            self.volumes[name] = self.volumes.get(name, 0) + 1
            yield ticker(name, self.volumes[name])
        elif kind < 0.9 and self.whole:
            self.trades += 1
            yield trade(name, self.trades)
        elif kind < 0.95:
            lost = tuple(each for each in self.random.sample("ABC", 2) if self.sizes[each] is not None)
            if lost:
                self.sizes.update(dict.fromkeys(lost))
                yield Gap(Channel.BOOK, lost, "why")
        elif self.whole and kind < 0.98:
            self.whole = False
            yield Gap(Channel.TRADES, None, "why")
        elif self.whole:
            yield Gap(Channel.TRADES, (name,), "why")
            yield Resynced(Channel.TRADES, (name,))
        else:
            self.whole = True
            yield Resynced(Channel.TRADES, None)


class Reader:
    """A consumer that believes what it is told."""

    def __init__(self) -> None:
        self.sizes: dict[str, int | None] = dict.fromkeys("ABC")
        self.volumes: dict[str, int] = {}
        self.trades: list[int] = []
        self.whole = False
        self.complete_after: int | None = None
        """Number of the last trade before which something may be missing; None while nothing is promised."""

    def hear(self, event: Event, trades_so_far: int) -> None:
        match event:
            case BookUpdated(book=seen, change=change):
                before = self.sizes[seen.ticker]
                assert before is not None, "an update of a book that is not to be relied on"
                assert book(seen.ticker, before).after(change) == seen, "an update that does not follow"
                self.sizes[seen.ticker] = before + 1
            case BookSnapshot(book=seen):
                best = seen.best_bid()
                assert best is not None
                self.sizes[seen.ticker] = best.size
            case Gap(channel=Channel.BOOK, tickers=tickers):
                self.sizes.update(dict.fromkeys(tickers or "ABC"))
            case Ticker(ticker=name, volume=volume):
                self.volumes[name] = volume
            case Gap(channel=Channel.TRADES):
                self.complete_after = None
            case Resynced(channel=Channel.TRADES):
                self.complete_after = trades_so_far  # as if it compared with REST now
            case Trade(trade_id=number):
                if self.complete_after is not None and int(number) > self.complete_after:
                    assert self.trades[-1:] == [int(number) - 1] or int(number) == self.complete_after + 1
                self.trades.append(int(number))
            case _:
                raise AssertionError(event)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.sampled_from([10, 15, 40]), st.sampled_from([0.02, 0.2, 0.6]))
def test_a_slow_reader_believes_nothing_wrong_and_ends_up_right(seed: int, size: int, pace: float) -> None:
    random = Random(seed)  # noqa: S311  repeatable
    source, reader = Source(random), Reader()

    async def live() -> None:
        events = Events(ALL_CHANNELS, size)
        for _ in range(400):
            for event in source.next():
                events.put(event)
            assert len(events) <= size + 3 + 3 + 2
            while len(events) and random.random() < pace:
                reader.hear(await anext(events), source.trades)
        while len(events):
            reader.hear(await anext(events), source.trades)

    asyncio.run(live())
    assert reader.sizes == source.sizes
    assert reader.volumes == source.volumes
    assert reader.trades == sorted(set(reader.trades))
    assert (reader.complete_after is not None) == source.whole


@pytest.mark.parametrize("size", [1000])
async def test_an_overflowing_queue_is_quick(size: int) -> None:
    events = Events(ALL_CHANNELS, size)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(50_000):
        events.put(update(f"M{number % 500}", number))
        if number % 7 == 0:
            await anext(events)
    assert loop.time() - started < 5
