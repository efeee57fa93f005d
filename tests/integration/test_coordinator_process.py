"""The coordinator as a process: stopped, killed in the middle of commits, and started again on the same database."""

import asyncio
import random
import sqlite3
from collections import Counter
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import lease_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from collector import wire
from collector.coordinator.app import DATABASE
from collector.coordinator.database import opened
from collector.coordinator.engine import Coordinator
from collector.coordinator.policy import LeasePolicy
from collector.types import LeaseKey
from mesh.clock import SystemClock
from mesh.shards import ShardKey
from tests.fakes.coordinator import (
    SERIES,
    SERVICE,
    beat,
    closed_event,
    commit,
    progress,
    registration,
    stub,
)
from tests.fakes.coordinator_process import CoordinatorProcess, coordinator_process
from tests.fakes.exchange_process import exchange_process
from tests.fakes.questions import plain, refused

COUNT, LIVES = 200, 3
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def hash_of(key: ShardKey) -> str:
    return sha256(str(key).encode()).hexdigest()


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A folder whose database knows of events that are over, as after a listing."""
    with opened(tmp_path / "state" / DATABASE) as database:
        engine = Coordinator(
            database, SystemClock(), LeasePolicy(), steps={SERIES: (3600,)}, total_nodes=3, instance_id=uuid4().hex
        )
        engine.take_events([closed_event(number) for number in range(COUNT)])
    return tmp_path


def manifest(folder: Path) -> list[tuple[str, str, int]]:
    """Event, hash and sequence of every commit, read while nobody writes."""
    with closing(sqlite3.connect(folder / "state" / DATABASE)) as database:
        return database.execute("SELECT event, sha256, sequence FROM commits ORDER BY sequence").fetchall()


async def take_leases(channel: grpc.aio.Channel, count: int) -> list[LeaseKey]:
    """Register, and ask until so many leases are held."""
    held: list[LeaseKey] = []
    await stub(channel).RegisterWorker(registration())
    for sequence in range(1, 100):
        named = [progress(lease.shard, lease.epoch) for lease in held]
        answer = await stub(channel).Heartbeat(beat(sequence, leases=named, wanted=count - len(held)))
        held += [wire.read_lease_key(grant.lease, "lease") for grant in answer.grants]
        if len(held) >= count:
            return held
    raise AssertionError(f"{len(held)} leases of {count}")


async def commit_and_kill(
    process: CoordinatorProcess, channel: grpc.aio.Channel, leases: list[LeaseKey], answers: int | None
) -> set[LeaseKey]:
    """Send all commits at once, and kill the process after so many answers; gives those that were answered."""
    done: set[LeaseKey] = set()

    async def one(lease: LeaseKey) -> None:
        try:
            await stub(channel).CommitShard(commit(lease.shard, lease.epoch, sha256=hash_of(lease.shard)))
        except grpc.aio.AioRpcError as error:
            if error.code() is not UNAVAILABLE:
                raise
            return
        done.add(lease)
        if len(done) == answers:
            await process.kill()

    async with asyncio.TaskGroup() as tasks:
        for lease in leases:
            tasks.create_task(one(lease))
    return done


async def test_killed_in_the_middle_of_commits_it_forgets_none_that_it_answered_and_makes_none_twice(
    prepared: Path,
) -> None:
    dice = random.Random(26)  # noqa: S311  no secrets
    leases: list[LeaseKey] = []
    answered: set[LeaseKey] = set()
    for life in range(LIVES):
        async with (
            coordinator_process(prepared) as process,
            plain(process.address) as channel,
        ):
            leases = leases or await take_leases(channel, COUNT)
            left = [lease for lease in leases if lease not in answered]
            held = [progress(lease.shard, lease.epoch) for lease in left]
            again = await stub(channel).RegisterWorker(registration(process=f"life-{life}", leases=held))
            committed = {
                lease
                for lease, verdict in zip(left, again.lease_verdicts, strict=True)
                if verdict.cancelled.reason == lease_pb2.LEASE_CANCELLATION_REASON_COMMITTED
            }
            renewed = [verdict.WhichOneof("verdict") for verdict in again.lease_verdicts].count("renewed")
            assert len(committed) + renewed == len(left)
            last = life == LIVES - 1
            done = await commit_and_kill(process, channel, left, None if last else dice.randrange(1, 40))
            answered |= done | committed
            if last:
                process.terminate()
                assert await process.ended() == 0
            else:
                assert len(done) < len(left)  # it was killed in the middle
        stored = {event for event, _, _ in manifest(prepared)}
        assert {lease.shard.event for lease in answered} <= stored
    entered = manifest(prepared)
    assert Counter(event for event, _, _ in entered) == Counter(lease.shard.event for lease in leases)
    assert {event: digest for event, digest, _ in entered} == {
        lease.shard.event: hash_of(lease.shard) for lease in leases
    }
    assert [sequence for _, _, sequence in entered] == list(range(1, COUNT + 1))


async def test_a_stop_sends_watchers_away_says_so_in_its_health_and_exits_with_0(prepared: Path) -> None:
    async with coordinator_process(prepared) as process, plain(process.address) as channel:
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        serving, stopping = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await health.read()).status == serving
        watch = aiter(stub(channel).WatchProgress(pb.WatchProgressRequest()))
        await anext(watch)
        process.terminate()
        assert (await health.read()).status == stopping
        away = await refused(anext(watch))
        assert (away.code, away.reason) == (UNAVAILABLE, "DRAINING")
        assert await process.ended() == 0


async def test_a_second_coordinator_on_the_same_database_does_not_start(prepared: Path) -> None:
    async with coordinator_process(prepared):
        with pytest.raises(AssertionError, match="is being written"):
            async with coordinator_process(prepared):
                pass


async def test_a_database_of_something_else_is_not_touched(tmp_path: Path) -> None:
    database = tmp_path / "state" / DATABASE
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE diary (entry TEXT)")
        other.commit()
    before = database.read_bytes()
    with pytest.raises(AssertionError, match="not of a coordinator"):
        async with coordinator_process(tmp_path):
            pass
    assert database.read_bytes() == before


async def test_it_finds_the_events_of_an_exchange_by_itself_and_leases_them(tmp_path: Path) -> None:
    (tmp_path / "exchange").mkdir()
    with exchange_process(tmp_path / "exchange") as exchange:
        listed = exchange.get("/events?series_ticker=KXHIGHNY&limit=200")["events"]
        async with (
            coordinator_process(tmp_path, exchange=exchange.url) as process,
            plain(process.address) as channel,
        ):
            watch = stub(channel).WatchProgress(pb.WatchProgressRequest())
            async for answer in watch:
                if answer.progress.series and answer.progress.series[0].HasField("total_count"):
                    break
            assert answer.progress.series[0].total_count == len(listed)
            leases = await take_leases(channel, 1)
            assert leases[0].shard.event in {event["event_ticker"] for event in listed}
            assert (await process.event("leases granted"))["worker"] == "spark"
            watch.cancel()
