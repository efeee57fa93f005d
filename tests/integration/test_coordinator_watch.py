"""WatchProgress: the whole at once, then what is new, no faster than asked for, and never after the stop began."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb

from mesh.clock import ManualClock
from mesh.rpc.validation import violations
from tests.fakes.coordinator import (
    NOW,
    SERIES,
    Coordinated,
    beat,
    closed_event,
    coordinator_on_loopback,
    registration,
    seconds,
    stub,
)
from tests.fakes.questions import plain, refused, until

QUICK = pb.WatchProgressRequest(min_interval=seconds(0.1), max_lease_count=5)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Coordinated]:
    """Its clock stands still, so that nothing is sent only because time passes."""
    async with coordinator_on_loopback(tmp_path, clock=ManualClock(NOW)) as coordinated:
        coordinated.engine.take_events([closed_event(number) for number in range(3)])
        yield coordinated


@pytest.fixture
async def channel(served: Coordinated) -> AsyncIterator[grpc.aio.Channel]:
    async with plain(served.address) as opened:
        yield opened


async def test_a_watcher_sees_the_whole_at_once_and_then_every_change(channel: grpc.aio.Channel) -> None:
    watch = stub(channel).WatchProgress(QUICK)
    first = await watch.read()
    assert isinstance(first, pb.WatchProgressResponse)
    assert violations(first) == []
    assert [series.series_ticker for series in first.progress.series] == [SERIES]
    assert not first.progress.workers

    await stub(channel).RegisterWorker(registration())
    second = await watch.read()
    assert isinstance(second, pb.WatchProgressResponse)
    assert [worker.worker_id for worker in second.progress.workers] == ["spark"]

    await stub(channel).Heartbeat(beat(1, wanted=2))
    third = await watch.read()
    assert isinstance(third, pb.WatchProgressResponse)
    assert violations(third) == []
    assert len(third.progress.leases) == 2
    watch.cancel()


async def test_changes_that_come_together_are_told_together(channel: grpc.aio.Channel) -> None:
    watch = stub(channel).WatchProgress(QUICK)
    await watch.read()
    for number in range(20):
        await stub(channel).RegisterWorker(registration(f"worker-{number:02}"))
    told = 0
    workers = 0
    while workers < 20:
        answer = await watch.read()
        assert isinstance(answer, pb.WatchProgressResponse)
        told, workers = told + 1, len(answer.progress.workers)
    assert told < 20
    watch.cancel()


async def test_a_watcher_hears_nothing_while_nothing_changes_and_something_every_fifteen_seconds(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOW)
    async with coordinator_on_loopback(tmp_path, clock=clock) as served, plain(served.address) as channel:
        watch = stub(channel).WatchProgress(QUICK)
        first = await watch.read()
        next_one = asyncio.ensure_future(watch.read())
        await asyncio.sleep(0.5)
        assert not next_one.done()
        await clock.advance(16)
        second = await next_one
        assert isinstance(first, pb.WatchProgressResponse)
        assert isinstance(second, pb.WatchProgressResponse)
        assert (second.progress.observe_time.ToSeconds() - first.progress.observe_time.ToSeconds()) == 16
        watch.cancel()


async def test_a_watcher_is_sent_away_when_the_coordinator_drains(
    served: Coordinated, channel: grpc.aio.Channel
) -> None:
    watch = stub(channel).WatchProgress(QUICK)
    await watch.read()
    served.draining.set()
    away = await refused(watch.read())
    assert (away.code, away.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert away.retry_seconds is not None
    await until(lambda: served.server.in_flight() == 0)


async def test_a_watcher_that_goes_away_leaves_nothing_behind(served: Coordinated, channel: grpc.aio.Channel) -> None:
    watches = [stub(channel).WatchProgress(QUICK) for _ in range(5)]
    for watch in watches:
        await watch.read()
    assert served.server.in_flight() == 5
    for watch in watches:
        watch.cancel()
    await until(lambda: served.server.in_flight() == 0)


async def test_only_the_series_asked_for_are_shown(served: Coordinated, channel: grpc.aio.Channel) -> None:
    none = await stub(channel).GetProgress(pb.GetProgressRequest(series_tickers=["KXINX"]))
    assert not none.progress.series
    one = await stub(channel).GetProgress(pb.GetProgressRequest(series_tickers=["KXINX", SERIES]))
    assert [series.series_ticker for series in one.progress.series] == [SERIES]
