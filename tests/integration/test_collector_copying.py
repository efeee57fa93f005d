"""The copier against real nodes and a manifest that a test writes: what is lost is told, what is wanted is got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from collector.agent import Agent, Facts, Identity
from collector.checking import check_files
from collector.coordination import CoordinatorClient, Held
from collector.copying import Copier
from collector.desk import Desk
from collector.metrics import CollectorMetrics
from collector.pace import Pace
from collector.types import ApiBudget, BudgetKind, Condition
from mesh.clock import Clock, ManualClock, SystemClock
from mesh.errors import Unavailable
from mesh.kalshi.transport.limits import Limits
from mesh.shards import Commit, Content, ShardKey
from mesh.store.folder import DataFolder
from mesh.store.label import Origin
from tests.fakes.collector_node import KEY, candles, commit_file, node, receiver

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Manifest(CoordinatorClient):
    """The coordinator's manifest, without a coordinator."""

    def __init__(self) -> None:
        self.instance = "first"
        self.files: dict[ShardKey, Held] = {}
        self.nodes: dict[str, str] = {}
        self.away = False
        self.asked: list[int | ShardKey | None] = []
        """What each listing began after, or was of."""

    def enter(self, key: ShardKey, commit: Commit, *holders: str) -> None:
        self.files[key] = Held(key, commit, holders)

    async def committed(self, *, after: int | None = None, shard: ShardKey | None = None) -> AsyncIterator[list[Held]]:
        if self.away:
            raise Unavailable("nobody there")
        self.asked.append(after if shard is None else shard)
        found = [held for held in self.files.values() if shard in (None, held.shard)]
        yield [held for held in found if held.commit.sequence > (after or 0)]

    async def addresses(self) -> dict[str, str]:
        return self.nodes


@dataclass
class Bench:
    """A node that copies."""

    folder: DataFolder
    agent: Agent
    copier: Copier
    manifest: Manifest

    @property
    def told(self) -> list[tuple[ShardKey, Condition]]:
        """What waits for the next heartbeat."""
        return [(report.shard, report.condition) for report in self.agent._reports.values()]

    async def round(self) -> None:
        await self.copier._look()
        await self.copier._round()


@asynccontextmanager
async def bench(root: Path, *, everything: bool = True, clock: Clock | None = None) -> AsyncIterator[Bench]:
    """A node called spark."""
    time, manifest = clock or SystemClock(), Manifest()
    async with receiver(root) as (folder, transfer):
        agent = Agent(
            Identity("spark", "p1", "0.1.0", 0, None, ApiBudget(BudgetKind.PER_IP, "spark")),
            manifest,
            Desk(time),
            Pace(Limits.without_key(time, 10), time, BudgetKind.PER_IP),
            time,
            most_leases=1,
            start=lambda _: None,
            facts=lambda: Facts(None, None),
            metrics=CollectorMetrics(CollectorRegistry()),
        )
        copier = Copier(
            folder=folder, transfer=transfer, coordinator=manifest, agent=agent, clock=time,
            everything=everything, seconds=0.01, at_once=2,
        )  # fmt: skip
        agent.registered.set()
        yield Bench(folder, agent, copier, manifest)


async def test_a_file_that_was_lost_with_all_knowledge_of_it_is_told_once(tmp_path: Path) -> None:
    """Somebody emptied the data folder: the manifest still counts its files as held here."""
    async with bench(tmp_path / "a", everything=False) as a, bench(tmp_path / "b") as b:
        commit = commit_file(b.folder)
        for each in (a, b):
            each.manifest.enter(KEY, commit, "spark")
            await each.round()
            await each.round()
        assert a.told == [(KEY, Condition.MISSING)]
        assert b.told == []
        assert a.manifest.asked == [0, commit.sequence]


async def test_an_earlier_file_is_deleted_once_another_node_has_a_later_one_unless_everything_is_copied(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path / "a", everything=False) as a, bench(tmp_path / "b") as b:
        for each in (a, b):
            commit = commit_file(each.folder)
            later = replace(commit, epoch=commit.epoch + 1, sequence=commit.sequence + 1)
            later = replace(later, file=replace(commit.file, sha256="0" * 64))
            each.manifest.enter(KEY, later, "ec2")
            await each.round()
        assert (a.folder.commit(KEY), a.folder.path(KEY).exists()) == (None, False)
        assert b.folder.path(KEY).exists(), "until the later one has come"
        assert b.copier.missing == 1


async def test_a_file_is_not_deleted_for_a_later_one_that_has_fewer_rows(tmp_path: Path) -> None:
    async with bench(tmp_path, everything=False) as a:
        commit = commit_file(a.folder)
        poorer = replace(commit.file, sha256="0" * 64, row_count=commit.file.row_count - 1)
        a.manifest.enter(KEY, replace(commit, epoch=commit.epoch + 1, sequence=9, file=poorer), "ec2")
        await a.round()
        assert a.folder.commit(KEY) == commit


async def test_a_file_without_a_lease_is_never_deleted(tmp_path: Path) -> None:
    async with bench(tmp_path, everything=False) as a:
        made = a.folder.adopt(
            KEY, candles(), origin=Origin.IMPORT, content=Content.PRICES_AND_QUOTES, covered_end=NOON, holes=()
        )
        later = replace(made, epoch=5, sequence=9, file=replace(made.file, sha256="0" * 64))
        a.manifest.enter(KEY, later, "ec2")
        await a.round()
        assert a.folder.commit(KEY) == made


async def test_a_file_that_is_on_its_way_to_its_name_is_not_taken_for_lost(tmp_path: Path) -> None:
    """The coordinator has entered it, and its answer has not come yet."""
    async with bench(tmp_path) as a:
        staged = a.folder.stage(
            KEY, 3, candles(), content=Content.PRICES_AND_QUOTES, covered_end=datetime(2026, 11, 23, tzinfo=UTC)
        )
        commit = Commit(3, 7, staged.file, staged.covered_end, 0, "spark", staged.covered_end)
        a.manifest.enter(KEY, commit, "spark")
        await a.round()
        assert a.told == []


async def test_a_lost_file_comes_back_from_another_node_even_where_nothing_else_is_copied(tmp_path: Path) -> None:
    other = replace(KEY, event="KXHIGHNY-E000002")
    async with node(tmp_path / "mini") as served, bench(tmp_path / "spark", everything=False) as a:
        a.manifest.nodes["mini"] = served.address
        commit = commit_file(served.folder)
        a.manifest.enter(KEY, commit, "spark", "mini")
        a.manifest.enter(other, commit_file(served.folder, other, sequence=2), "mini")
        await a.round()
        assert dict(a.folder.commits()) == {KEY: commit}
        assert a.told == [(KEY, Condition.VERIFIED)]


async def test_a_wanted_file_is_not_forgotten_while_the_coordinator_is_away(tmp_path: Path) -> None:
    async with node(tmp_path / "mini") as served, bench(tmp_path / "spark") as a:
        commit = commit_file(a.folder)
        commit_file(served.folder)
        a.manifest.nodes["mini"] = served.address
        a.manifest.enter(KEY, commit, "spark", "mini")
        await a.round()
        a.folder.set_aside(KEY, commit)
        a.copier.want(KEY, commit)
        a.manifest.away = True
        try:
            await a.copier._look()
        except Unavailable:
            a.manifest.away = False
        assert a.copier.missing == 1
        await a.round()
        assert a.folder.commit(KEY) == commit


async def test_a_copy_that_fails_is_asked_about_alone_and_the_manifest_is_not_read_again(tmp_path: Path) -> None:
    async with node(tmp_path / "mini") as served, bench(tmp_path / "spark") as a:
        commit = commit_file(served.folder)
        a.manifest.enter(KEY, commit, "gone")
        a.manifest.enter(replace(KEY, event="KXHIGHNY-E000002"), replace(commit, sequence=9), "spark")
        await a.round()
        await a.round()
        assert (a.manifest.asked, a.copier.missing) == ([0, KEY, 9], 1)
        a.manifest.nodes["mini"] = served.address  # another node has a copy by now: no new sequence says so
        a.manifest.enter(KEY, commit, "gone", "mini")
        await a.round()
        assert a.folder.commit(KEY) == commit
        assert a.copier.missing == 0


async def test_another_process_of_the_coordinator_is_asked_for_everything(tmp_path: Path) -> None:
    """Its database may have been restored from a copy: lower sequences are news then."""
    async with node(tmp_path / "mini") as served, bench(tmp_path / "spark") as a:
        a.manifest.enter(replace(KEY, event="KXHIGHNY-E000002"), commit_file(served.folder, sequence=50), "mini")
        await a.round()
        a.manifest.instance, a.manifest.files = "second", {}
        a.manifest.nodes["mini"] = served.address
        commit = commit_file(served.folder, epoch=2, sequence=20, seed=2)
        a.manifest.enter(KEY, commit, "mini")
        await a.round()
        assert a.folder.commit(KEY) == commit
        assert a.copier.missing == 0, "what the new one does not know is wanted no more"


async def test_a_disk_that_refuses_does_not_end_copying(tmp_path: Path) -> None:
    async with node(tmp_path / "mini") as served, bench(tmp_path / "spark") as a:
        a.manifest.nodes["mini"] = served.address
        commit = commit_file(served.folder)
        incoming = tmp_path / "spark" / ".incoming"
        incoming.rename(tmp_path / "aside")
        a.manifest.enter(KEY, commit, "mini")
        copying = asyncio.ensure_future(a.copier.run())
        try:
            async with asyncio.timeout(20):
                while len(a.manifest.asked) < 2:
                    await asyncio.sleep(0.01)
                (tmp_path / "aside").rename(incoming)
                while a.folder.commit(KEY) != commit:
                    assert not copying.done()
                    await asyncio.sleep(0.01)
        finally:
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)


async def test_parts_that_are_behind_are_swept_while_the_node_runs(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
    async with bench(tmp_path, clock=clock) as a:
        commit = commit_file(a.folder, epoch=2)
        part = a.folder.part(KEY, replace(commit, epoch=1))
        part.write_bytes(b"x")
        await a.copier._sweep()
        assert part.exists()
        await clock.advance(3600)
        await a.copier._sweep()
        assert not part.exists()


async def test_a_check_tells_of_damage_and_leaves_a_file_alone_that_came_meanwhile(tmp_path: Path) -> None:
    async with bench(tmp_path) as a:
        commit = commit_file(a.folder)
        path = a.folder.path(KEY)
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        metrics = CollectorMetrics(CollectorRegistry())
        checking = asyncio.ensure_future(
            check_files(a.folder, a.agent, a.copier, metrics, SystemClock(), per_hour=36_000_000)
        )
        async with asyncio.timeout(10):
            while not a.told:
                await asyncio.sleep(0.01)
        assert a.told == [(KEY, Condition.DAMAGED)]
        assert a.folder.commit(KEY) is None
        again = commit_file(a.folder, epoch=2, sequence=2, seed=2)
        assert a.folder.set_aside(KEY, commit) is None
        await asyncio.sleep(0.05)
        assert a.folder.commit(KEY) == again
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)
