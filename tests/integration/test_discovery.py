"""Discovery against a simulated exchange, into the real database: what is listed arrives, once, whatever happens."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import TypeAdapter

from collector.coordinator.calls import Listing
from collector.coordinator.database import Database, opened
from collector.coordinator.discovery import Discovery
from collector.coordinator.markets import MarketFiles
from collector.coordinator.rows import EventRow
from collector.types import Phase
from mesh.clock import SystemClock
from mesh.errors import MeshError, Unavailable
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.terms import Result
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Limits
from mesh.records import MARKETS
from mesh.store import parquet
from sim_exchange.domain.types import Event, Market, Series
from sim_exchange.fault_rules import FaultRule
from tests.fakes.exchange_world import EVENT, FINE, LATER, MILD, NOW, WARM, World, exchange_world, listing, market

FAST = Rate(1e6, 1e6)
TOMORROW = LATER.rpartition("-")[0]
BITCOIN = FINE.rpartition("-")[0]
HOUR = timedelta(hours=1)
STEPS = {"KXHIGHNY": (3600,), "KXBTC": (60,)}
RULE: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)


@dataclass
class Kept:
    """A catalogue that keeps what it is told in a database, and remembers what that was."""

    database: Database
    archive_cutoff: datetime | None = None
    exchange_time: datetime | None = None
    told: list[list[EventRow]] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)

    def learn_time(self, exchange: datetime) -> None:
        self.exchange_time = exchange

    def take_events(self, events: Sequence[EventRow]) -> None:
        self.database.save(events=events)
        self.told.append(list(events))

    def finish_listing(self, listing: Listing) -> None:
        self.database.save(listing=listing)
        self.listings.append(listing)

    def news(self) -> set[str]:
        """Events handed over since this was last asked."""
        told, self.told = self.told, []
        return {row.event for rows in told for row in rows}

    def event(self, ticker: str) -> EventRow:
        row = self.database.event(ticker)
        assert row is not None, ticker
        return row

    def phases(self, ticker: str) -> dict[str, Phase]:
        return {market.ticker: market.phase for market in self.event(ticker).markets}


@dataclass
class Scene:
    """The exchange, what is kept, and who lists the one for the other."""

    world: World
    client: KalshiClient
    kept: Kept
    asked: list[str]
    """Paths of the calls that the exchange answered."""

    def discovery(self, **changes: Any) -> Discovery:
        """Discovery as after a restart, on a clock that the exchange's has nothing to do with."""
        given = {"series": STEPS, "clock": SystemClock(), **changes}
        return Discovery(self.client, self.kept, self.kept.database, **given)

    def fault(self, kind: str, **settings: Any) -> None:
        self.world.faults.add(RULE.validate_python({"kind": kind, **settings}))

    def list(self, *items: Event | Market) -> None:
        for item in items:
            self.world.exchange.list(item, self.world.now)

    async def settle(self, *tickers: str) -> None:
        """Give markets their result, and let the timer run out."""
        for ticker in tickers:
            self.world.exchange.determine(ticker, Result.YES, None, "1", self.world.now)
        await self.world.pass_seconds(3601)

    def archive(self) -> None:
        """Move the archive's cutoff to now."""
        self.world.archive.move(market_settled=self.world.now)

    def archive_calls(self) -> int:
        """Pages of archived markets that were asked for since this was last asked."""
        asked, self.asked[:] = self.asked[:], []
        return sum(path.endswith("/historical/markets") for path in asked)


@asynccontextmanager
async def scene(folder: Path, items: Sequence[Any] | None = None) -> AsyncIterator[Scene]:
    asked: list[str] = []

    @web.middleware
    async def listen(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked.append(request.path)
        return await handler(request)

    def extend(_: World, app: web.Application) -> None:
        app.middlewares.append(listen)

    async with exchange_world(items=items, extend=extend) as world:
        config = KalshiConfig(environment="custom", host=world.url, read_seconds=1.0)
        limits = Limits(SystemClock(), read=FAST, write=FAST)
        with opened(folder / "coordinator.sqlite") as database:
            async with connect(config, limits=limits) as client:
                yield Scene(world, client, Kept(database), asked)


def days(count: int, now: datetime) -> list[Any]:
    """A weather series with an event of two markets for each of the last days, closed an hour ago and before."""
    weather = next(item for item in listing(now) if isinstance(item, Series))
    made: list[Any] = [weather]
    for back in range(count):
        event = f"KXHIGHNY-D{back:03}"
        closes = now - HOUR - back * 24 * HOUR
        made.append(Event(event_ticker=event, series_ticker="KXHIGHNY", title="", sub_title=""))
        made += [market(f"{event}-T{place}", closes - 24 * HOUR, closes) for place in range(2)]
    return made


async def test_a_first_look_finds_every_event_of_the_series_with_all_markets(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.discovery().look("KXHIGHNY")

        assert it.kept.news() == {EVENT, TOMORROW}
        assert it.kept.phases(EVENT) == {WARM: Phase.OPEN, MILD: Phase.OPEN}
        assert it.kept.phases(TOMORROW) == {LATER: Phase.UPCOMING}
        event = it.kept.event(EVENT)
        assert (event.opens, event.closes) == (it.world.now - 24 * HOUR, it.world.now + 14 * HOUR)
        assert (event.settled, event.listed) == (None, it.world.now)
        assert [one.ticker for one in event.markets] == sorted([WARM, MILD])
        assert it.kept.listings == [Listing("KXHIGHNY", (3600,), it.world.now, {EVENT: 2, TOMORROW: 1})]
        assert it.kept.archive_cutoff == it.world.archive.at(it.world.now).market_settled


async def test_a_quiet_look_hands_over_nothing_and_still_says_that_it_looked(tmp_path: Path) -> None:
    async with scene(tmp_path, days(3, NOW)) as it:
        discovery = it.discovery()
        await discovery.look("KXHIGHNY")
        events = it.kept.listings[-1].events
        assert it.kept.news() == set(events)
        for passed in (300, 86_400, 7 * 86_400):  # the second look reads all live markets, the third the archive too
            await it.world.pass_seconds(passed)
            await discovery.look("KXHIGHNY")
            assert it.kept.listings[-1].listed == it.world.now
            assert it.kept.listings[-1].events == events
        assert it.kept.told == []


async def test_a_new_event_appears_by_itself_and_a_new_market_in_a_known_one(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        discovery, now = it.discovery(), it.world.now
        await discovery.look("KXHIGHNY")
        it.kept.news()

        await it.world.pass_seconds(7200)
        late = f"{EVENT}-B87.5"
        it.list(
            Event(event_ticker="KXHIGHNY-26JUL12", series_ticker="KXHIGHNY", title="", sub_title=""),
            market("KXHIGHNY-26JUL12-T90", now + 24 * HOUR, now + 60 * HOUR, created_time=it.world.now),
            market(late, now + HOUR, now + 14 * HOUR, created_time=it.world.now),
        )
        await it.world.pass_seconds(300)
        await discovery.look("KXHIGHNY")

        assert it.kept.news() == {"KXHIGHNY-26JUL12", EVENT, TOMORROW}, "tomorrow's has opened"
        assert set(it.kept.phases(EVENT)) == {WARM, MILD, late}
        assert it.kept.listings[-1].events == {EVENT: 3, TOMORROW: 1, "KXHIGHNY-26JUL12": 1}


async def test_an_event_is_settled_when_the_last_of_its_markets_is(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        discovery = it.discovery()
        await discovery.look("KXHIGHNY")
        await it.settle(WARM)
        await discovery.look("KXHIGHNY")
        assert it.kept.phases(EVENT) == {WARM: Phase.SETTLED, MILD: Phase.OPEN}
        assert it.kept.event(EVENT).settled is None

        await it.world.pass_seconds(14 * 3600)
        await discovery.look("KXHIGHNY")
        assert it.kept.phases(EVENT) == {WARM: Phase.SETTLED, MILD: Phase.CLOSED}

        await it.settle(MILD)
        settled = it.world.exchange.markets[MILD].settlement_time
        await it.world.pass_seconds(300)
        await discovery.look("KXHIGHNY")
        assert it.kept.phases(EVENT) == {WARM: Phase.SETTLED, MILD: Phase.SETTLED}
        assert it.kept.event(EVENT).settled == settled


async def test_a_market_that_closes_early_or_opens_again_changes_its_times(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        discovery = it.discovery()
        await discovery.look("KXBTC")
        for hours, phase in ((0.5, Phase.CLOSED), (9.0, Phase.OPEN)):
            closes = it.world.now + hours * HOUR
            it.world.exchange.move_close(FINE, closes, it.world.now)
            await it.world.pass_seconds(3600)
            await discovery.look("KXBTC")
            (task,) = it.kept.event(BITCOIN).markets
            assert (task.closes, task.phase) == (closes, phase)


async def test_the_archive_is_listed_too_and_an_event_that_lies_on_both_sides_is_whole(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.settle(WARM)
        it.archive()
        await it.settle(FINE)
        for series in STEPS:
            await it.discovery().look(series)
        assert it.kept.phases(EVENT) == {WARM: Phase.SETTLED, MILD: Phase.OPEN}
        assert it.kept.event(EVENT).settled is None
        assert it.kept.event(BITCOIN).settled is not None
        assert it.kept.listings[0].events == {EVENT: 2, TOMORROW: 1}


async def test_an_event_on_both_sides_of_the_cutoff_is_not_handed_over_by_halves(tmp_path: Path) -> None:
    async with scene(tmp_path, days(3, NOW)) as it:
        await it.settle("KXHIGHNY-D000-T0", "KXHIGHNY-D001-T0", "KXHIGHNY-D002-T1")
        it.archive()
        await it.settle("KXHIGHNY-D000-T1", "KXHIGHNY-D001-T1")
        await it.discovery().look("KXHIGHNY")
        told = [row for rows in it.kept.told for row in rows]
        assert [(row.event, len(row.markets)) for row in told] == [(f"KXHIGHNY-D{back:03}", 2) for back in range(3)]


async def test_an_event_that_moves_into_the_archive_bit_by_bit_loses_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        discovery = it.discovery()
        await discovery.look("KXHIGHNY")
        await it.settle(WARM)
        await discovery.look("KXHIGHNY")
        it.archive()
        await it.settle(MILD)
        await discovery.look("KXHIGHNY")
        whole = it.kept.event(EVENT)
        assert {market.ticker for market in whole.markets} == {WARM, MILD}
        assert whole.settled == it.world.exchange.markets[MILD].settlement_time

        it.kept.news()
        it.archive()
        for _ in range(3):
            await it.world.pass_seconds(86_400)
            await discovery.look("KXHIGHNY")
        assert EVENT not in it.kept.news()
        assert it.kept.event(EVENT) == whole
        assert it.kept.listings[-1].events[EVENT] == 2


async def test_the_archive_is_read_once_and_again_only_for_what_no_look_has_seen(tmp_path: Path) -> None:
    async with scene(tmp_path, days(40, NOW)) as it:
        await it.settle(*(f"KXHIGHNY-D{back:03}-T{place}" for back in range(1, 40) for place in range(2)))
        it.archive()
        await it.discovery().look("KXHIGHNY")
        assert len(it.kept.news()) == 40
        assert it.archive_calls() == 1

        for _ in range(2):  # after a restart too
            await it.world.pass_seconds(7200)
            await it.discovery().look("KXHIGHNY")
        assert it.archive_calls() <= 1, "only as long as the cutoff is so near that clocks might disagree"
        await it.discovery().look("KXHIGHNY")
        assert it.archive_calls() == 0

        await it.settle("KXHIGHNY-D000-T0", "KXHIGHNY-D000-T1")
        await it.world.pass_seconds(100 * 86_400)  # nobody looks for so long that it is archived meanwhile
        it.archive()
        await it.discovery().look("KXHIGHNY")
        assert it.kept.news() == {"KXHIGHNY-D000"}
        assert it.archive_calls() == 1
        assert set(it.kept.phases("KXHIGHNY-D000").values()) == {Phase.SETTLED}


async def test_a_long_archive_comes_in_pages_and_every_event_comes_whole(tmp_path: Path) -> None:
    async with scene(tmp_path, days(1100, NOW)) as it:
        for place in range(2):  # the second markets settle after all of the first: no page has both of an event
            for back in range(1, 1100):
                it.world.exchange.determine(f"KXHIGHNY-D{back:03}-T{place}", Result.NO, None, "1", it.world.now)
            await it.world.pass_seconds(10)
        await it.world.pass_seconds(3 * 3600)
        it.archive()
        await it.discovery().look("KXHIGHNY")
        assert it.archive_calls() == 3
        assert set(it.kept.listings[-1].events.values()) == {2}
        assert len(it.kept.listings[-1].events) == len(it.kept.news()) == 1100
        assert all(it.kept.event(f"KXHIGHNY-D{back:03}").settled for back in range(1, 1100))

        await it.settle("KXHIGHNY-D000-T0", "KXHIGHNY-D000-T1")
        it.archive()
        await it.discovery().look("KXHIGHNY")
        assert it.archive_calls() == 2, "down to what the look before has seen, not to the end"
        assert it.kept.news() == {"KXHIGHNY-D000"}


async def test_events_that_closed_before_the_wanted_time_are_left_out_and_the_archive_is_not_read_to_its_end(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, days(8, NOW)) as it:
        for back in reversed(range(8)):
            await it.settle(f"KXHIGHNY-D{back:03}-T0", f"KXHIGHNY-D{back:03}-T1")
        since = {"KXHIGHNY": NOW - HOUR - 3 * 24 * HOUR}
        await it.discovery(since=since).look("KXHIGHNY")
        assert it.kept.news() == {f"KXHIGHNY-D{back:03}" for back in range(4)}
        assert it.archive_calls() == 0, "the cutoff is older than what is wanted"
        it.archive()
        await it.discovery(since=since).look("KXHIGHNY")
        assert it.kept.news() == set()

        await it.world.pass_seconds(7 * 86_400)
        await it.discovery().look("KXHIGHNY")
        assert it.kept.news() == {f"KXHIGHNY-D{back:03}" for back in range(4, 8)}, "more is wanted now"


async def test_other_candle_steps_make_known_events_news(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.discovery().look("KXHIGHNY")
        it.kept.news()
        await it.discovery(series={"KXHIGHNY": (3600, 60)}).look("KXHIGHNY")
        assert it.kept.news() == {EVENT, TOMORROW}
        assert it.kept.listings[-1].steps == (3600, 60)


async def test_a_look_that_breaks_off_is_not_finished_and_the_next_one_makes_up_for_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.settle(WARM, MILD)
        it.archive()
        it.list(Event(event_ticker="KXHIGHNY-26JUL12", series_ticker="KXHIGHNY", title="", sub_title=""))
        it.list(market("KXHIGHNY-26JUL12-T90", it.world.now + HOUR, it.world.now + 9 * HOUR))
        it.fault("server_error", path="*/historical/markets", name="down")
        with pytest.raises(MeshError):
            await it.discovery().look("KXHIGHNY")
        assert it.kept.news() == {"KXHIGHNY-26JUL12"}, "nothing of it can be in the archive"
        assert it.kept.listings == []

        it.world.faults.remove("down")
        await it.discovery().look("KXHIGHNY")
        assert it.kept.news() > {EVENT, TOMORROW}
        assert it.kept.listings[-1].events == {EVENT: 2, TOMORROW: 1, "KXHIGHNY-26JUL12": 1}


async def test_a_database_that_cannot_keep_events_leaves_the_listing_unfinished(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        with contextlib.closing(sqlite3.connect(tmp_path / "coordinator.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="locked"):
                await it.discovery().look("KXHIGHNY")
        assert it.kept.listings == []
        await it.discovery().look("KXHIGHNY")
        assert it.kept.news() == {EVENT, TOMORROW}


@pytest.mark.parametrize("kind", ["too_many_requests", "server_error", "drop_socket"])
async def test_a_series_that_cannot_be_listed_is_tried_again_and_stops_no_other(tmp_path: Path, kind: str) -> None:
    async with scene(tmp_path) as it:
        it.fault(kind, path="*/markets", name="down")
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(it.discovery(series={**STEPS, "KXNONE": (60,)}, clock=it.world.clock).run())
            while not it.asked:
                await asyncio.sleep(0.01)
            await asyncio.sleep(1.2)  # longer than a read may take
            assert it.kept.listings == []
            it.world.faults.clear()
            while {one.series for one in it.kept.listings} < {*STEPS, "KXNONE"}:
                await it.world.clock.advance(1)
                await asyncio.sleep(0.01)
            running.cancel()
        assert it.kept.news() == {EVENT, TOMORROW, BITCOIN}
        assert next(one.events for one in it.kept.listings if one.series == "KXNONE") == {}


async def test_it_looks_again_and_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(it.discovery(interval=60.0, clock=it.world.clock).run())
            while len([one for one in it.kept.listings if one.series == "KXBTC"]) < 4:
                await it.world.clock.advance(1)
                await asyncio.sleep(0.001)
            running.cancel()
        looks = [one.listed for one in it.kept.listings if one.series == "KXBTC"]
        assert min(later - earlier for earlier, later in itertools.pairwise(looks)) >= timedelta(seconds=60)


async def test_tickers_that_cannot_name_a_file_are_left_out_and_named_in_the_log(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.list(market(f"{EVENT}-../../x", it.world.now - HOUR, it.world.now + HOUR))
        with structlog.testing.capture_logs() as lines:
            await it.discovery().look("KXHIGHNY")
        assert set(it.kept.phases(EVENT)) == {WARM, MILD}
        assert [line["tickers"] for line in lines if line["event"] == "left out"] == [[f"{EVENT}-../../x"]]


async def test_the_markets_of_a_series_are_written_as_they_are_listed_the_archived_ones_too(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.settle(WARM)
        it.archive()
        discovery = it.discovery(recorder=MarketFiles(tmp_path / "data", it.world.clock))
        await discovery.look("KXHIGHNY")
        await it.settle(MILD)
        await discovery.look("KXHIGHNY")
        rows = parquet.read(tmp_path / "data" / "markets" / "KXHIGHNY.parquet", MARKETS).to_pylist()
        results = {row["market_ticker"]: (row["status"], row["result"]) for row in rows}
        assert results == {WARM: ("finalized", "yes"), MILD: ("finalized", "yes"), LATER: ("active", None)}
