"""Collecting by the static split: one shard fails alone, and a market that joins its event late is collected."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from prometheus_client import CollectorRegistry

from collector.config import StaticConfig
from collector.coordinator.calls import AdoptionKind, CommitCall
from collector.coordinator.config import CollectedSeries
from collector.coordinator.rows import EventRow
from collector.fetching import Collected, Fetcher
from collector.metrics import CollectorMetrics
from collector.static import StaticPlan, collect_statically
from collector.types import Grant, MarketTask, Phase, Purpose
from mesh.clock import ManualClock, SystemClock
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.transport.limits import Limits
from mesh.shards import Commit, ShardKey
from mesh.store.folder import DataFolder, open_folder
from mesh.store.label import Origin
from sim_exchange.domain.types import Event, Series
from tests.fakes.candle_tables import BOTH, END, KEY, candles
from tests.fakes.exchange_world import NOW, exchange_world, market
from tests.fakes.kalshi_calls import FAST

EVENTS = ("KXBTC-26JUL1012", "KXBTC-26JUL1013")
KEY_1M = ShardKey("KXBTC", EVENTS[0], 60)


def config(series: str, step: Any = "60m") -> StaticConfig:
    return StaticConfig(total_nodes=1, series=(CollectedSeries(ticker=series, steps=(step,)),))


def day(markets: int) -> EventRow:
    """An event that is over and settled."""
    tasks = tuple(
        MarketTask(f"{KEY.event}-B{number:03}", Phase.SETTLED, END - timedelta(days=1), END)
        for number in range(markets)
    )
    return EventRow(KEY.series, KEY.event, tasks, END + timedelta(hours=1), END)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    with open_folder(tmp_path) as opened:
        yield opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 24, tzinfo=UTC))


def collect(plan: StaticPlan, folder: DataFolder, markets: int) -> None:
    """Collect the one shard that is due, with candles of so many markets."""
    [row] = plan.due()
    table = candles(markets=markets)
    commit = folder.adopt(KEY, table, origin=Origin.STATIC, **BOTH | {"covered_end": END + timedelta(hours=1)})
    plan.settle(row, CommitCall("static", KEY, AdoptionKind.STATIC, commit.file, commit.covered_end, ()))


async def test_a_market_that_joins_an_event_after_its_end_is_collected(folder: DataFolder, clock: ManualClock) -> None:
    plan = StaticPlan(config(KEY.series), folder, clock)
    plan.take_events([day(2)])
    await clock.advance(86_400)
    collect(plan, folder, markets=2)
    plan.take_events([day(2)])
    assert plan.due() == []
    plan.take_events([day(3)])
    await clock.advance(86_400)
    [row] = plan.due()
    grant = plan.grant(row)
    assert grant is not None
    late = grant.markets[-1]
    assert (late.ticker, late.fetch_from) == (f"{KEY.event}-B002", late.opens)


async def test_a_market_that_joined_while_nobody_looked_is_collected(folder: DataFolder, clock: ManualClock) -> None:
    """What is here says how many markets it has; what it lacks nobody was asked for."""
    plan = StaticPlan(config(KEY.series), folder, clock)
    plan.take_events([day(2)])
    await clock.advance(86_400)
    collect(plan, folder, markets=2)
    again = StaticPlan(config(KEY.series), folder, clock)
    again.take_events([day(2)])
    assert again.due() == []
    again = StaticPlan(config(KEY.series), folder, clock)
    again.take_events([day(3)])
    [row] = again.due()
    grant = again.grant(row)
    assert grant is not None
    assert (grant.purpose, len(grant.markets)) == (Purpose.ADD_QUOTES, 3)


async def test_what_was_committed_under_a_lease_is_left_alone_whatever_joins(
    folder: DataFolder, clock: ManualClock
) -> None:
    plan = StaticPlan(config(KEY.series), folder, clock)
    plan.take_events([day(2)])
    await clock.advance(86_400)
    collect(plan, folder, markets=2)
    commit = folder.commit(KEY)
    assert commit is not None
    folder.recommit(KEY, replace(commit, epoch=1, sequence=1))
    again = StaticPlan(config(KEY.series), folder, clock)
    again.take_events([day(2)])
    again.take_events([day(3)])
    await clock.advance(86_400)
    assert again.due() == []


def bitcoin() -> list[Any]:
    """Two hours of Bitcoin, with a market each."""
    items: list[Any] = [Series(ticker="KXBTC", title="Bitcoin", category="Crypto", frequency="hourly")]
    for event in EVENTS:
        items.append(Event(event_ticker=event, series_ticker="KXBTC", title="Bitcoin?", sub_title="At noon"))
        items.append(market(f"{event}-B1", NOW, NOW + timedelta(hours=1)))
    return items


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1")], ids=["lost", "damaged"])
async def test_a_file_that_is_lost_or_damaged_is_collected_anew(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    clock, metrics, files = SystemClock(), CollectorMetrics(CollectorRegistry()), list[Commit | None]()
    async with exchange_world(items=bitcoin(), checked=False) as world:
        exchange = KalshiConfig(environment="custom", host=world.url)
        with open_folder(tmp_path, ManualClock(NOW)) as folder:
            async with connect(exchange, clock, limits=Limits(clock, read=FAST)) as client:
                for _ in range(2):
                    await world.pass_seconds(1200)
                    await collect_statically(config("KXBTC", "1m"), folder, client, clock, metrics, slots=2, once=True)
                    files.append(folder.commit(KEY_1M))
                    damage(folder.path(KEY_1M))
    first, second = files
    assert first is not None
    assert second is not None
    assert second.covered_end > first.covered_end


async def test_an_error_that_nobody_foresaw_costs_its_shard_alone(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = Fetcher.collect

    async def upset(self: Fetcher, grant: Grant, *args: Any, **kwargs: Any) -> Collected:
        if grant.lease.shard.event == EVENTS[0]:
            raise ValueError("an answer that breaks our code")
        return await collected(self, grant, *args, **kwargs)

    monkeypatch.setattr(Fetcher, "collect", upset)
    async with exchange_world(items=bitcoin(), checked=False) as world:
        await world.pass_seconds(1800)
        clock = SystemClock()
        host = KalshiConfig(environment="custom", host=world.url)
        metrics = CollectorMetrics(CollectorRegistry())
        async with connect(host, clock, limits=Limits(clock, read=FAST)) as client:
            await collect_statically(config("KXBTC", "1m"), folder, client, clock, metrics, slots=2, once=True)
    assert [key for key, _ in folder.commits()] == [ShardKey("KXBTC", EVENTS[1], 60)]
    assert pc.count_distinct(folder.read(ShardKey("KXBTC", EVENTS[1], 60))["market_ticker"]).as_py() <= 1
