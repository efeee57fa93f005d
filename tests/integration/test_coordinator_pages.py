"""ListShards and ListWorkers: pages cover the whole once, in order, and no message is longer than 1 MiB."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import shard_pb2

from collector import wire
from mesh.clock import ManualClock
from mesh.shards import Hole, HoleReason, ShardKey
from tests.fakes.coordinator import (
    NOW,
    SERIES,
    Coordinated,
    beat,
    closed_event,
    commit,
    coordinator_on_loopback,
    registration,
    stub,
)
from tests.fakes.questions import plain

MIB = 1 << 20
COUNT = 60
KEYS = [ShardKey(SERIES, closed_event(number).event, step) for number in range(COUNT) for step in (60, 3600)]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Coordinated]:
    steps = {SERIES: (60, 3600)}
    async with coordinator_on_loopback(tmp_path, clock=ManualClock(NOW), steps=steps) as coordinated:
        coordinated.engine.take_events([closed_event(number) for number in range(COUNT)])
        yield coordinated


@pytest.fixture
async def channel(served: Coordinated) -> AsyncIterator[grpc.aio.Channel]:
    async with plain(served.address) as opened:
        await stub(opened).RegisterWorker(registration())
        yield opened


async def pages(
    channel: grpc.aio.Channel, between: Callable[[], Any] | None = None, **query: Any
) -> list[list[shard_pb2.Shard]]:
    """All pages of a query; `between` is awaited after each."""
    found: list[list[shard_pb2.Shard]] = []
    token = ""
    while token or not found:
        page = await stub(channel).ListShards(pb.ListShardsRequest(page_token=token, **query))
        assert page.ByteSize() < MIB
        found.append(list(page.shards))
        token = page.next_page_token
        if between:
            await between()
    return found


def names(found: list[list[shard_pb2.Shard]]) -> list[ShardKey]:
    return [wire.read_shard_key(shard.shard_key, "shard_key") for page in found for shard in page]


@pytest.mark.parametrize("size", [0, 7, 30, 120, 500])
async def test_pages_of_any_size_list_every_shard_once_by_key(channel: grpc.aio.Channel, size: int) -> None:
    found = await pages(channel, page_size=size)
    assert names(found) == sorted(KEYS)
    assert all(1 <= len(page) <= (size or 500) for page in found)


async def test_the_last_page_carries_no_token_even_when_it_is_full(channel: grpc.aio.Channel) -> None:
    found = await pages(channel, page_size=60)
    assert [len(page) for page in found] == [60, 60]


async def test_commits_are_listed_in_the_order_in_which_they_were_made(channel: grpc.aio.Channel) -> None:
    ask, made = stub(channel), [KEYS[number] for number in (9, 3, 40, 1, 22)]
    for key in made:
        await ask.CommitShard(commit(key, None))
    assert names(await pages(channel, after_commit_sequence=0, page_size=2)) == made
    assert names(await pages(channel, after_commit_sequence=3)) == made[3:]
    assert names(await pages(channel, after_commit_sequence=5)) == []
    assert names(await pages(channel, committed_only=True)) == sorted(made)


async def test_what_is_committed_while_somebody_pages_is_on_a_later_page(channel: grpc.aio.Channel) -> None:
    ask, later = stub(channel), list(KEYS[10:14])
    for key in KEYS[:4]:
        await ask.CommitShard(commit(key, None))

    async def one_more() -> None:
        if later:
            await ask.CommitShard(commit(later.pop(0), None))

    found = await pages(channel, between=one_more, after_commit_sequence=0, page_size=1)
    assert names(found) == [*KEYS[:4], *KEYS[10:14]]


async def test_a_page_with_many_holes_is_cut_to_fit(channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    holes = [Hole(f"M{number:063}", HoleReason.UNAVAILABLE, "x" * 240, NOW, NOW, 9) for number in range(2000)]
    for key in KEYS[:3]:
        await ask.CommitShard(commit(key, None, holes=holes))
    assert max(map(len, await pages(channel, holed_only=True))) == 3
    found = await pages(channel, holed_only=True, include_holes=True)
    assert names(found) == sorted(KEYS[:3])
    assert [len(shard.holes) for page in found for shard in page] == [2000] * 3
    assert len(found) > 1


async def test_conditions_must_all_hold(channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    grants = (await ask.Heartbeat(beat(1, wanted=3))).grants
    leased = sorted(wire.read_lease_key(grant.lease, "lease").shard for grant in grants)
    assert names(await pages(channel, owner_worker_id="spark")) == leased
    assert names(await pages(channel, owner_worker_id="mini")) == []
    assert names(await pages(channel, event_ticker=KEYS[4].event)) == sorted(
        key for key in KEYS if key.event == KEYS[4].event
    )
    assert names(await pages(channel, series_tickers=["KXINX"])) == []
    assert names(await pages(channel, states=["SHARD_STATE_CLOSED"])) == sorted(KEYS)
    assert names(await pages(channel, states=["SHARD_STATE_OPEN", "SHARD_STATE_SEALED"])) == []
    assert names(await pages(channel, owner_worker_id="spark", committed_only=True)) == []


async def test_workers_are_listed_by_id_and_by_state(channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    for name in ("zoe", "mini", "ec2"):
        await ask.RegisterWorker(registration(name))
    await ask.Heartbeat(beat(1, "mini", intent="WORKER_INTENT_LEAVE"))

    async def listed(**query: Any) -> list[str]:
        found: list[str] = []
        token, first = "", True
        while token or first:
            page = await ask.ListWorkers(pb.ListWorkersRequest(page_token=token, **query))
            found, token, first = found + [worker.worker_id for worker in page.workers], page.next_page_token, False
        return found

    for size in (0, 1, 3, 4):
        assert await listed(page_size=size) == ["ec2", "mini", "spark", "zoe"]
    assert await listed(states=["WORKER_STATE_LEFT"], page_size=1) == ["mini"]
    assert await listed(states=["WORKER_STATE_SLOW"]) == []
