"""What becomes of a complete file: the coordinator's answer to CommitShard settles it, whatever it is."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from collector.adopting import Adopter
from collector.agent import Agent, Facts, Identity
from collector.coordination import CoordinatorClient, coordinating
from collector.coordinator.calls import CommitCall, ReleaseReason, ShardQuery
from collector.coordinator.policy import LeasePolicy
from collector.desk import Desk, Lease
from collector.fetching import Fetcher
from collector.leasework import LeaseWork
from collector.metrics import CollectorMetrics
from collector.pace import Pace
from collector.transfer import Transfer
from collector.types import ApiBudget, BudgetKind, Condition, LeaseKey, Purpose
from mesh.clock import SystemClock
from mesh.errors import MeshError
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig
from mesh.rpc.config import ClientConfig
from mesh.shards import Commit, Content, ShardKey
from mesh.store.folder import DataFolder, open_folder
from mesh.store.label import Origin
from mesh.store.staging import Staged
from tests.fakes.candle_server import CandleServer, candle
from tests.fakes.collection import free_port
from tests.fakes.collector_node import START, candles, commit_file
from tests.fakes.coordinator import Coordinated, closed_event, coordinator_on_loopback, key_of

POLICY = LeasePolicy(lease=30.0, heartbeat=0.2, min_heartbeat=0.01, settle_delay=0.0, backoff=0.05, steal_after=0.0)
EVENT = closed_event(1)
KEY = key_of(EVENT)
_ALL = ShardQuery()
NOWHERE = KalshiConfig(environment="custom", host="http://127.0.0.1:9", read_seconds=1.0)


@dataclass
class Bench:
    """A worker whose leases are begun by hand."""

    agent: Agent
    desk: Desk
    folder: DataFolder
    work: LeaseWork
    client: CoordinatorClient
    granted: "asyncio.Queue[Lease]"

    def staged(self, epoch: int, key: ShardKey = KEY, **rows: Any) -> Staged:
        """A complete file of this event."""
        return self.folder.stage(
            key, epoch, candles(key, **rows), content=Content.PRICES_AND_QUOTES, covered_end=START + timedelta(days=2)
        )

    async def commit(self, staged: Staged) -> None:
        """Work on it as on one that an earlier process left."""
        lease = self.desk.get(LeaseKey(staged.key, staged.epoch)) or self.desk.take_up(staged)
        lease.staged = staged
        async with asyncio.timeout(10):
            await self.work.run(lease)
        assert self.desk.get(lease.key) is None


@asynccontextmanager
async def bench(address: str, root: Path, name: str = "spark") -> AsyncIterator[Bench]:
    clock, granted = SystemClock(), asyncio.Queue[Lease]()
    desk, metrics = Desk(clock), CollectorMetrics(CollectorRegistry())
    config = ClientConfig(targets=(address,), timeout_seconds=2.0)
    with open_folder(root) as folder:
        async with (
            coordinating(config) as client,
            Transfer(folder, config, metrics) as transfer,
            connect(NOWHERE, clock) as exchange,
        ):
            work = LeaseWork(
                desk=desk, folder=folder, fetcher=Fetcher(exchange, clock, patience=0.2), transfer=transfer,
                coordinator=client, clock=clock, metrics=metrics, slots=2, stall_seconds=0.1,
            )  # fmt: skip
            identity = Identity(name, f"{name}-1", "0.1.0", 0, None, ApiBudget(BudgetKind.PER_IP, name))
            pace = Pace(exchange.transport.limits, clock, BudgetKind.PER_IP, lambda: 10 * len(desk))
            agent = work.agent = Agent(
                identity, client, desk, pace, clock,
                most_leases=1, start=granted.put_nowait, facts=lambda: Facts(None, None), metrics=metrics,
            )  # fmt: skip
            running = asyncio.ensure_future(agent.run())
            try:
                yield Bench(agent, desk, folder, work, client, granted)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def granted(folder: Path) -> AsyncIterator[tuple[Coordinated, Bench, Lease]]:
    """A coordinator, a worker, and the one lease that there is."""
    async with (
        coordinator_on_loopback(folder, policy=POLICY) as mesh,
        bench(mesh.address, folder / "spark") as a,
    ):
        mesh.engine.take_events([EVENT])
        ticking = asyncio.ensure_future(_tick(mesh))
        try:
            async with asyncio.timeout(30):
                yield mesh, a, await a.granted.get()
        finally:
            ticking.cancel()


async def _tick(mesh: Coordinated) -> None:
    while True:
        mesh.engine.tick()
        await asyncio.sleep(0.02)


async def test_a_committed_file_becomes_visible_and_the_lease_is_over(tmp_path: Path) -> None:
    async with granted(tmp_path) as (mesh, a, lease):
        await a.commit(a.staged(lease.key.epoch))
        commit = a.folder.commit(KEY)
        assert commit is not None
        assert commit == mesh.engine.shards(_ALL, None, 1)[0].row.commit
        assert a.folder.path(KEY).exists()
        assert a.folder.staged() == []


async def test_a_file_of_a_stale_epoch_is_swept_and_the_newer_one_stands(tmp_path: Path) -> None:
    async with granted(tmp_path) as (mesh, a, lease):
        staged = a.staged(lease.key.epoch, seed=2)
        a.agent.close()  # takes no other lease
        await a.client.release("spark", lease.key, ReleaseReason.FAILED)
        async with bench(mesh.address, tmp_path / "mini", "mini") as b:
            again = await b.granted.get()
            assert again.key.epoch == lease.key.epoch + 1
            await a.commit(staged)
            assert not staged.path.exists()
            assert a.folder.commit(KEY) is None
            await b.commit(b.staged(again.key.epoch))
        [shard] = mesh.engine.shards(_ALL, None, 1)
        assert shard.row.commit is not None
        assert (shard.row.commit.worker_id, shard.row.commit.epoch) == ("mini", again.key.epoch)


async def test_a_file_of_an_epoch_that_was_never_granted_is_kept_for_an_operator(tmp_path: Path) -> None:
    async with granted(tmp_path) as (_, a, lease):
        staged = a.staged(lease.key.epoch + 5)
        await a.commit(staged)
        assert staged.path.exists()
        assert a.folder.commit(KEY) is None


async def test_another_file_under_the_same_epoch_is_swept(tmp_path: Path) -> None:
    async with granted(tmp_path) as (_, a, lease):
        first = a.staged(lease.key.epoch)
        call = CommitCall("spark", KEY, lease.key.epoch, first.file, first.covered_end, ())
        await a.client.commit(call)
        second = a.staged(lease.key.epoch, seed=2)  # gives the first's name away
        await a.commit(second)
        assert not second.path.exists()
        assert a.folder.commit(KEY) is None


async def test_a_commit_whose_answer_was_lost_is_published_when_it_is_offered_again(tmp_path: Path) -> None:
    async with granted(tmp_path) as (_, a, lease):
        staged = a.staged(lease.key.epoch)
        await a.client.commit(CommitCall("spark", KEY, lease.key.epoch, staged.file, staged.covered_end, ()))
        await a.commit(staged)
        assert a.folder.commit(KEY) is not None


async def test_a_file_waits_for_a_coordinator_that_is_away(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with bench(address, tmp_path / "spark") as a:
        async with coordinator_on_loopback(tmp_path, policy=POLICY, listen=(address,)) as mesh:
            mesh.engine.take_events([EVENT])
            lease = await a.granted.get()
        committing = asyncio.ensure_future(a.commit(a.staged(lease.key.epoch)))
        await asyncio.sleep(0.5)
        assert not committing.done()
        async with coordinator_on_loopback(tmp_path, policy=POLICY, listen=(address,)):
            await committing
        assert a.folder.commit(KEY) is not None


async def test_work_that_fails_is_given_back_and_the_others_go_on(tmp_path: Path) -> None:
    """The exchange is away: the fetcher says so once its patience is over, and the lease goes back."""
    async with granted(tmp_path) as (mesh, a, lease):
        await a.work.run(lease)
        assert a.desk.get(lease.key) is None
        [shard] = mesh.engine.shards(_ALL, None, 1)
        assert shard.row.lease is None
        assert shard.row.failures == 1


async def test_a_lease_that_is_asked_back_before_its_turn_is_given_back(tmp_path: Path) -> None:
    async with granted(tmp_path) as (mesh, a, lease):
        lease.drain("rebalance")
        await a.work.run(lease)
        [shard] = mesh.engine.shards(_ALL, None, 1)
        assert shard.row.lease is None
        assert shard.row.failures == 0


async def test_a_lease_that_ran_out_without_a_word_is_not_begun_until_there_is_one(tmp_path: Path) -> None:
    async with granted(tmp_path) as (_, a, lease):
        async with a.agent._calling:  # cut off
            lease.expires = 0.0
            working = asyncio.ensure_future(a.work.run(lease))
            await asyncio.sleep(0.3)
            assert lease.progress.stage.value == "queued"
        async with asyncio.timeout(5):
            while lease.progress.stage.value == "queued":
                await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_files_without_a_lease_are_adopted_and_others_are_put_aside(tmp_path: Path) -> None:
    other = key_of(closed_event(2))
    async with granted(tmp_path) as (mesh, a, lease):
        mesh.engine.take_events([closed_event(2)])
        await a.commit(a.staged(lease.key.epoch))
        a.agent.close()
        async with bench(mesh.address, tmp_path / "mini", "mini") as b:
            b.agent.close()
            for key in (KEY, other):
                b.folder.adopt(
                    key,
                    candles(key, seed=3),
                    origin=Origin.STATIC,
                    content=Content.PRICES_AND_QUOTES,
                    covered_end=START + timedelta(days=2),
                )
            async with asyncio.timeout(10):
                await Adopter(b.folder, b.agent, b.client, SystemClock()).run()
            adopted = b.folder.commit(other)
            assert adopted is not None
            assert (adopted.worker_id, adopted.sequence > 0) == ("mini", True)
            assert b.folder.commit(KEY) is None  # spark's file is the committed one
            assert list((tmp_path / "mini" / ".damaged").iterdir())


async def test_the_scan_for_files_to_adopt_leaves_the_event_loop_alone(tmp_path: Path) -> None:
    """A folder of 100,000 files takes seconds to look through, and heartbeats must go on."""
    here = threading.get_ident()
    scanned_in = list[int]()

    class Watched(DataFolder):
        def unentered(self) -> Iterator[tuple[ShardKey, Commit, Origin]]:
            scanned_in.append(threading.get_ident())
            return super().unentered()

    async with coordinator_on_loopback(tmp_path, policy=POLICY) as mesh, bench(mesh.address, tmp_path / "mini") as a:
        mesh.engine.take_events([EVENT])
        a.agent.close()
        quotes, end = Content.PRICES_AND_QUOTES, START + timedelta(days=2)
        a.folder.adopt(KEY, candles(), origin=Origin.STATIC, content=quotes, covered_end=end)
        watched = Watched(tmp_path / "mini", a.folder._catalog, SystemClock())
        async with asyncio.timeout(10):
            await Adopter(watched, a.agent, a.client, SystemClock()).run()
    assert len(scanned_in) > 1
    assert here not in scanned_in


async def test_a_lease_that_failed_backs_off_though_a_heartbeat_overtakes_its_release(tmp_path: Path) -> None:
    class Slow(CoordinatorClient):
        async def release(self, worker_id: str, lease: LeaseKey, reason: ReleaseReason, detail: str = "") -> None:
            before = a.agent._sequence
            async with asyncio.timeout(10):
                while a.agent._sequence < before + 2:  # a whole heartbeat is answered before this call goes out
                    a.agent.wake()
                    await asyncio.sleep(0.01)
            await super().release(worker_id, lease, reason, detail)

    async with granted(tmp_path) as (mesh, a, lease):
        a.work._coordinator = Slow(a.client._stub, 2.0)
        a.agent.stall(60.0)
        await a.work.release(lease, ReleaseReason.FAILED, "as a test wants it")
        assert a.desk.get(lease.key) is None
        [shard] = mesh.engine.shards(_ALL, None, 1)
        assert (shard.row.lease, shard.row.failures) == (None, 1)


@pytest.mark.parametrize("knows", [True, False])
async def test_the_loss_of_a_file_that_a_lease_extends_is_told(knows: bool, tmp_path: Path) -> None:
    """The folder may know of the file that is gone, or have lost that knowledge, too."""
    async with granted(tmp_path) as (mesh, a, lease):
        await a.commit(a.staged(lease.key.epoch))
        [shard] = mesh.engine.shards(_ALL, None, 1)
        base = shard.row.commit
        assert base is not None
        assert shard.row.holders == ("spark",)
        if knows:
            a.folder.path(KEY).unlink()
        else:
            a.folder.set_aside(KEY, base)  # and killed before it could be told
        assert lease.grant is not None
        grant = replace(lease.grant, lease=LeaseKey(KEY, 2), purpose=Purpose.REFRESH, base=base)
        with pytest.raises(MeshError, match="no node"):
            await a.work._base(grant)
        assert [report.condition for report in a.agent._reports.values()] == [Condition.MISSING]
        a.agent.wake()
        async with asyncio.timeout(10):
            while shard.row.holders:
                await asyncio.sleep(0.01)
                [shard] = mesh.engine.shards(_ALL, None, 1)


async def test_a_commit_that_is_behind_this_folder_is_told_as_lost_and_leaves_the_newer_file(tmp_path: Path) -> None:
    """The coordinator's database was restored from a copy, so its epochs are those of yesterday."""
    async with granted(tmp_path) as (mesh, a, lease):
        newer = commit_file(a.folder, KEY, epoch=lease.key.epoch + 8, sequence=50, seed=3)
        a.agent.close()  # takes no other lease
        staged = a.staged(lease.key.epoch)
        await a.commit(staged)
        assert a.folder.commit(KEY) == newer
        assert not staged.path.exists()
        async with asyncio.timeout(10):
            while mesh.engine.shards(_ALL, None, 1)[0].row.holders:
                await asyncio.sleep(0.01)
        [shard] = mesh.engine.shards(_ALL, None, 1)
        assert shard.row.commit is not None, "it is to be collected anew, not to be tried again for ever"
        assert (shard.row.due_for, shard.row.failures) == (Purpose.REPAIR, 0)


@pytest.mark.parametrize("whole", [True, False])
async def test_a_file_is_collected_anew_with_quotes_only_if_that_loses_nothing(whole: bool, tmp_path: Path) -> None:
    async with granted(tmp_path) as (mesh, a, lease):
        held = a.folder.adopt(
            KEY,
            candles(rows=1),
            origin=Origin.IMPORT,
            content=Content.PRICES_AND_QUOTES,
            covered_end=START + timedelta(days=1),
        )
        assert lease.grant is not None
        lease.grant = replace(lease.grant, purpose=Purpose.ADD_QUOTES, replaces=held)
        a.agent.close()
        markets = [market.ticker for market in EVENT.markets]
        end = EVENT.markets[0].closes - timedelta(hours=2)
        known = {ticker: [candle(end)] if whole or ticker == markets[0] else [] for ticker in markets}
        server = CandleServer(known, now=EVENT.markets[0].closes + timedelta(days=1))
        async with server.talking() as client, asyncio.timeout(20):
            a.work._fetcher = Fetcher(client, SystemClock())
            await a.work.run(lease)
        [shard] = mesh.engine.shards(_ALL, None, 1)
        if whole:
            assert a.folder.commit(KEY) == shard.row.commit != held
        else:
            assert a.folder.commit(KEY) == held
            assert (shard.row.commit, shard.row.failures) == (None, 1)
            assert a.folder.staged() == []
