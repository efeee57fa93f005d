"""The agent against a real coordinator: leases come and go as they should, whatever happens to either side."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from collector.agent import Agent, Facts, Identity
from collector.coordination import CoordinatorClient, coordinating
from collector.coordinator.calls import CommitCall, ReleaseReason, ShardQuery, ShardView
from collector.coordinator.policy import LeasePolicy
from collector.desk import Desk, Lease
from collector.metrics import CollectorMetrics
from collector.pace import Pace
from collector.types import ApiBudget, BudgetKind, Condition, FileReport, Stage
from mesh.clock import SystemClock
from mesh.config import ConfigError
from mesh.kalshi.transport.limits import Limits
from mesh.rpc.config import ClientConfig
from mesh.shards import Commit, Content, ShardFile
from tests.fakes.collection import free_port
from tests.fakes.coordinator import NOW, Coordinated, closed_event, coordinator_on_loopback

POLICY = LeasePolicy(
    lease=1.0, heartbeat=0.1, min_heartbeat=0.01, grace=0.0, drain=1.0, settle_delay=0.0, backoff=0.05, steal_after=0.0
)


@dataclass
class Worker:
    """An agent whose leases are left lying."""

    agent: Agent
    desk: Desk
    coordinator: CoordinatorClient
    address: str
    registry: CollectorRegistry
    started: list[Lease] = field(default_factory=list)

    async def until(self, what: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not what():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def worker(address: str, name: str = "spark", process: str = "p1", leases: int = 2) -> AsyncIterator[Worker]:
    clock = SystemClock()
    desk, started, registry = Desk(clock), list[Lease](), CollectorRegistry()
    async with coordinating(ClientConfig(targets=(address,), timeout_seconds=2.0)) as client:
        agent = Agent(
            Identity(name, process, "0.1.0", 0, None, ApiBudget(BudgetKind.PER_IP, name)),
            client,
            desk,
            Pace(Limits.without_key(clock, 10), clock, BudgetKind.PER_IP),
            clock,
            most_leases=leases,
            start=started.append,
            facts=lambda: Facts(None, 1 << 30),
            metrics=CollectorMetrics(registry),
        )
        running = asyncio.ensure_future(agent.run())
        made = Worker(agent, desk, client, address, registry, started)
        try:
            yield made
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def coordinator(folder: Path, **rpc: Any) -> AsyncIterator[Coordinated]:
    """A coordinator for which time passes."""

    async def tick(mesh: Coordinated) -> None:
        while True:
            mesh.engine.tick()
            await asyncio.sleep(0.02)

    async with coordinator_on_loopback(folder, policy=POLICY, **rpc) as mesh:
        ticking = asyncio.ensure_future(tick(mesh))
        try:
            yield mesh
        finally:
            ticking.cancel()


def shards(mesh: Coordinated) -> list[ShardView]:
    return mesh.engine.shards(ShardQuery(), None, 10)


async def committed(a: Worker, lease: Lease) -> Commit:
    """Commit a made-up file under a lease."""
    file = ShardFile("a" * 64, 1234, 0, 0, None, None, "foremesh.candles", 1, Content.PRICES_AND_QUOTES)
    answer = await a.coordinator.commit(CommitCall("spark", lease.key.shard, lease.key.epoch, file, NOW, ()))
    a.desk.leave(lease)
    return answer.commit


def offer(mesh: Coordinated, count: int) -> None:
    mesh.engine.take_events([closed_event(number) for number in range(1, count + 1)])


async def test_leases_come_as_many_as_are_wanted_and_more_when_there_is_room(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as a:
        offer(mesh, 3)
        await a.until(lambda: len(a.started) == 2)
        assert len(a.desk) == 2
        await a.coordinator.release("spark", a.started[0].key, ReleaseReason.FAILED)
        a.desk.leave(a.started[0])
        a.agent.wake()
        await a.until(lambda: len(a.started) == 3)


async def test_a_lease_that_is_named_goes_on_for_longer_than_it_was_granted(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as a:
        offer(mesh, 1)
        await a.until(lambda: a.started)
        lease, granted_until = a.started[0], a.started[0].expires
        await a.until(lambda: lease.expires > granted_until + POLICY.lease)
        assert not a.desk.expired(lease)
        assert [shard.row.lease is not None for shard in shards(mesh)] == [True]


async def test_a_lease_that_was_taken_away_is_stopped_at_once_and_counted_as_lost(tmp_path: Path) -> None:
    """The agent is cut off until its lease has been granted to another worker."""
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as a:
        offer(mesh, 1)
        await a.until(lambda: a.started)
        lease = a.started[0]
        lease.task = asyncio.ensure_future(asyncio.sleep(60))
        a.desk.enter(lease, Stage.FETCHING)
        async with a.agent._calling, worker(mesh.address, "mini") as b:  # a sends nothing, as behind a cut cable
            await b.until(lambda: b.started)
            assert b.started[0].key.epoch == lease.key.epoch + 1
        await a.until(lambda: a.desk.get(lease.key) is None)
        await a.until(lease.task.cancelled)
        assert a.registry.get_sample_value("foremesh_collector_leases_total", {"end": "lost"}) == 1


async def test_a_lease_in_the_commit_is_left_to_the_commit(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as a:
        offer(mesh, 1)
        await a.until(lambda: a.started)
        lease = a.started[0]
        lease.task = asyncio.ensure_future(asyncio.sleep(60))
        a.desk.enter(lease, Stage.COMMITTING)
        await a.coordinator.release("spark", lease.key, ReleaseReason.FAILED)
        lease.heard.clear()
        await lease.heard.wait()  # the verdict: stale
        assert a.desk.get(lease.key) is lease
        assert not lease.task.cancelled()
        lease.task.cancel()


async def test_a_later_process_of_the_same_name_stops_the_earlier(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as first:
        await first.agent.registered.wait()
        async with worker(mesh.address, process="p2") as second:
            await second.agent.registered.wait()
            await first.until(lambda: first.agent.superseded)
            with pytest.raises(ConfigError, match="spark"):
                await first.agent.run()


async def test_a_coordinator_that_restarts_is_registered_with_anew_and_leases_go_on(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with worker(address) as a:
        async with coordinator(tmp_path, listen=(address,)) as mesh:
            offer(mesh, 1)
            await a.until(lambda: a.started)
            before = a.coordinator.instance
        lease = a.started[0]
        lease.heard.clear()
        async with coordinator(tmp_path, listen=(address,)) as mesh:
            await a.until(lease.heard.is_set)
            assert a.coordinator.instance == mesh.engine.instance_id != before
            assert [shard.row.lease and shard.row.lease.epoch for shard in shards(mesh)] == [lease.key.epoch]
            assert not a.desk.expired(lease)
    assert a.started == [lease]


async def test_without_a_coordinator_leases_stay_in_hand(tmp_path: Path) -> None:
    async with worker(f"127.0.0.1:{free_port()}") as a:
        async with coordinator(tmp_path, listen=(a.address,)) as mesh:
            offer(mesh, 2)
            await a.until(lambda: len(a.started) == 2)
        await a.until(lambda: all(a.desk.expired(lease) for lease in a.started))
        assert len(a.desk) == 2


async def test_news_of_files_reaches_the_coordinator_once_and_newer_news_wins(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as a:
        offer(mesh, 1)
        await a.until(lambda: a.started)
        commit = await committed(a, a.started[0])
        async with worker(mesh.address, "mini") as b:
            await b.agent.registered.wait()
            b.agent.report([FileReport(a.started[0].key.shard, commit.file.sha256, Condition.MISSING)])
            b.agent.report([FileReport(a.started[0].key.shard, commit.file.sha256, Condition.VERIFIED)])
            b.agent.wake()
            await b.until(lambda: shards(mesh)[0].row.holders == ("spark", "mini"))
            a.agent.report([FileReport(a.started[0].key.shard, commit.file.sha256, Condition.DAMAGED)])
            await a.until(lambda: shards(mesh)[0].row.holders == ("mini",))


async def test_goodbye_frees_the_leases_at_once(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as a:
        offer(mesh, 1)
        await a.until(lambda: a.started)
        a.agent.close()
        await a.agent.leave()
        async with worker(mesh.address, "mini") as b:
            await b.until(lambda: b.started)


async def test_a_round_that_hangs_makes_the_agent_late_until_it_goes_on(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as mesh, worker(mesh.address) as a:
        await a.agent.registered.wait()
        async with a.agent._calling:  # held as by a call that never ends
            await a.until(lambda: a.agent.late_seconds > 0.5)
        await a.until(lambda: a.agent.late_seconds < 0)
