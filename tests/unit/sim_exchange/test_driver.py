"""What the driver makes of a source's events: recorded trades happened, generated ones take what is there."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from mesh.clock import ManualClock
from sim_exchange.domain.events import Happening, Traded
from sim_exchange.domain.exchange import Exchange
from sim_exchange.driver import Driver
from sim_exchange.hub import Hub
from sim_exchange.sources.base import Book, Item, Level, Past, Print, SourceEvent
from tests.fakes.exchange_engine import ASK, BID, NOW, RAIN, book, cents, contracts, engine, held, place


class Told:
    """A source that tells what it is given."""

    start = None

    def __init__(self, events: Sequence[SourceEvent]) -> None:
        self._events = events

    def catalogue(self, now: datetime) -> Sequence[Item]:
        """Nothing that is not listed already."""
        return []

    def past(self, ticker: str, until: datetime) -> Past:
        """None."""
        return Past(ticker)

    def events(self, since: datetime) -> Iterator[SourceEvent]:
        """All of them."""
        return iter(self._events)


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def level(price: int, count: int) -> tuple[Level, ...]:
    return ((cents(price), contracts(count)),)


def lived(exchange: Exchange, *events: SourceEvent) -> list[tuple[int, int, bool]]:
    """Let events happen; price in cents, contracts, and whether only the house took part, of the trades."""
    happened: list[Happening] = []
    clock = ManualClock(NOW)
    driver = Driver(exchange, Hub(happened.extend), Told(events), clock, one_shard=False, longest_sleep=1.0)
    for event in events:
        driver.apply(event)
    trades = [one for one in happened if isinstance(one, Traded)]
    return [(one.trade.price // 10_000, one.trade.count // 100, one.house_only) for one in trades]


QUOTED = level(48, 5), level(52, 2)


@pytest.mark.parametrize(("through", "position"), [(True, -1), (False, -2)])
def test_recorded_trades_are_printed_in_full_by_the_rule_of_the_recording(through: bool, position: int) -> None:
    exchange = engine()
    assert lived(exchange, Book(at(1), RAIN, *QUOTED, through)) == []
    place(exchange, "ann", ASK, 52, 1, now=at(1))
    place(exchange, "ann", ASK, 51, 1, now=at(1))
    told = lived(exchange, Print(at(2), RAIN, BID, cents(52), contracts(9), through, exact=True))
    assert sum(count for _, count, _ in told) == 9
    assert told[0] == (51, 1, False)
    assert told[-1] == (52, 8 if through else 7, True)
    assert held(exchange, "ann") == position


@pytest.mark.parametrize(("through", "sold"), [(True, 0), (False, 1)])
def test_recorded_quotes_meet_members_by_the_rule_of_the_recording(through: bool, sold: int) -> None:
    exchange = engine()
    place(exchange, "ann", ASK, 48, 1)
    lived(exchange, Book(at(1), RAIN, *QUOTED, through))
    assert held(exchange, "ann") == -sold
    assert book(exchange)[0] == ([] if through else [(48, 4)])


async def test_it_says_how_far_it_has_come() -> None:
    clock = ManualClock(at(5))
    events = [Book(at(2), RAIN, *QUOTED), Book(at(5), RAIN, *QUOTED), Book(at(9), RAIN, *QUOTED)]
    driver = Driver(engine(), Hub(), Told(events), clock, one_shard=False, longest_sleep=100.0)
    assert driver.reached is None
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(driver.run(NOW))
        await asyncio.sleep(0)
        assert driver.reached == at(9)
        await clock.advance(5)
        assert driver.reached is None
        running.cancel()


def test_generated_trades_take_what_is_there() -> None:
    exchange = engine()
    lived(exchange, Book(at(1), RAIN, *QUOTED))
    place(exchange, "ann", ASK, 52, 1, now=at(1))
    assert lived(exchange, Print(at(2), RAIN, BID, cents(52), contracts(9))) == [(52, 2, True), (52, 1, False)]
    assert held(exchange, "ann") == -1
