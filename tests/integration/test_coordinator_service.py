"""A worker's life with the coordinator over real sockets: grants, commits, restarts, and callers sent away."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.coordinator.v1 import budget_pb2, lease_pb2, shard_pb2
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from collector import wire
from collector.coordinator.engine import Coordinator
from collector.types import Purpose
from mesh.clock import ManualClock
from mesh.rpc.validation import violations
from mesh.shards import Hole, HoleReason
from tests.fakes.coordinator import (
    NOW,
    SERVICE,
    Coordinated,
    beat,
    closed_event,
    commit,
    coordinator_on_loopback,
    key_of,
    progress,
    registration,
    release,
    stub,
)
from tests.fakes.questions import plain, refused

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EVENT = closed_event(markets=3)
KEY = key_of(EVENT)
HOLE = Hole(EVENT.markets[0].ticker, HoleReason.TIMED_OUT, "no answer", attempts=4)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Coordinated]:
    async with coordinator_on_loopback(tmp_path, clock=ManualClock(NOW)) as coordinated:
        coordinated.engine.take_events([EVENT])
        yield coordinated


@pytest.fixture
async def channel(served: Coordinated) -> AsyncIterator[grpc.aio.Channel]:
    async with plain(served.address) as opened:
        yield opened


def sound(message: Any) -> Any:
    """The answer, which keeps the contract's rules."""
    assert isinstance(message, Message)
    assert violations(message) == []
    return message


async def test_every_answer_keeps_the_rules_of_the_contract(served: Coordinated, channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    sound(await ask.RegisterWorker(registration(fetch_address="spark:8791", node_index=2)))
    granted = sound(await ask.Heartbeat(beat(1, wanted=5)))
    (grant,) = granted.grants
    held, epoch = progress(KEY, grant.lease.epoch, rows=7, last=NOW), grant.lease.epoch
    sound(await ask.Heartbeat(beat(2, leases=[held], missing_copy_count=3, free_disk_bytes=1 << 40)))
    shown = sound(await ask.GetProgress(pb.GetProgressRequest(max_lease_count=10))).progress
    assert [(lease.worker_id, lease.progress.row_count) for lease in shown.leases] == [("spark", 7)]
    assert [worker.missing_copy_count for worker in shown.workers] == [3]
    sound(await ask.ListShards(pb.ListShardsRequest()))
    sound(await ask.CommitShard(commit(KEY, epoch, holes=[HOLE])))
    (shard,) = sound(await ask.ListShards(pb.ListShardsRequest(include_holes=True))).shards
    assert wire.read_holes(shard.holes, "holes") == (HOLE,)
    assert (shard.current_epoch, list(shard.holder_worker_ids)) == (epoch, ["spark"])
    (worker,) = sound(await ask.ListWorkers(pb.ListWorkersRequest())).workers
    assert (worker.worker_id, worker.commit_count, worker.fetch_address) == ("spark", 1, "spark:8791")
    sound(await ask.ReleaseLease(release(KEY, epoch)))
    sound(await ask.GetProgress(pb.GetProgressRequest()))


async def test_a_grant_says_all_that_a_worker_needs(channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    await ask.RegisterWorker(registration())
    answer = await ask.Heartbeat(beat(1, wanted=1))
    grant, expire_seconds = wire.read_grant(answer.grants[0], "grants[0]")
    assert (grant.lease.shard, grant.purpose, grant.settled) == (KEY, Purpose.COLLECT, EVENT.settled)
    assert (grant.opens, grant.closes, grant.markets) == (EVENT.opens, EVENT.closes, EVENT.markets)
    assert expire_seconds > 0


async def test_a_grant_whose_answer_was_lost_is_given_again(channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    await ask.RegisterWorker(registration())
    first = await ask.Heartbeat(beat(1, wanted=1))
    for sequence in (1, 2):  # the retry of the same heartbeat, and the next one
        again = await ask.Heartbeat(beat(sequence, wanted=1))
        assert [grant.lease for grant in again.grants] == [grant.lease for grant in first.grants]
    named = await ask.Heartbeat(beat(3, leases=[progress(KEY, first.grants[0].lease.epoch)]))
    assert not named.grants
    assert named.lease_verdicts[0].WhichOneof("verdict") == "renewed"


async def test_a_commit_may_be_repeated_even_after_the_shard_moved_on(channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    await ask.RegisterWorker(registration())
    epoch = (await ask.Heartbeat(beat(1, wanted=1))).grants[0].lease.epoch
    first = await ask.CommitShard(commit(KEY, epoch))
    again = await ask.CommitShard(commit(KEY, epoch))
    assert (first.already_committed, again.already_committed) == (False, True)
    assert (again.commit, again.state) == (first.commit, shard_pb2.SHARD_STATE_SEALED)


async def test_the_same_commit_sent_by_many_at_once_is_entered_once(
    served: Coordinated, channel: grpc.aio.Channel
) -> None:
    ask = stub(channel)
    await ask.RegisterWorker(registration())
    epoch = (await ask.Heartbeat(beat(1, wanted=1))).grants[0].lease.epoch
    calls = [ask.CommitShard(commit(KEY, epoch)) for _ in range(20)]
    answers = [await call for call in calls]
    assert sorted(answer.already_committed for answer in answers) == [False] + [True] * 19
    assert {answer.commit.commit_sequence for answer in answers} == {1}
    assert served.registry.get_sample_value("foremesh_coordinator_commits_total", {"worker": "spark"}) == 1


# Restarts


async def test_leases_and_commits_outlive_the_server(tmp_path: Path) -> None:
    events = [closed_event(number) for number in (1, 2)]
    async with coordinator_on_loopback(tmp_path) as served, plain(served.address) as channel:
        served.engine.take_events(events)
        ask = stub(channel)
        await ask.RegisterWorker(registration())
        grants = (await ask.Heartbeat(beat(1, wanted=2))).grants
        leases = [wire.read_lease_key(grant.lease, "lease") for grant in grants]
        committed = await ask.CommitShard(commit(leases[0].shard, leases[0].epoch))
        before = served.engine.instance_id

    async with coordinator_on_loopback(tmp_path) as served, plain(served.address) as channel:
        ask = stub(channel)
        held = [progress(lease.shard, lease.epoch) for lease in leases]
        unheard = progress(leases[1].shard, leases[1].epoch + 5)
        again = await ask.RegisterWorker(registration(leases=[*held, unheard]))
        assert again.instance_id not in {"", before}
        done, kept, unknown = again.lease_verdicts
        assert done.cancelled.reason == lease_pb2.LEASE_CANCELLATION_REASON_COMMITTED
        assert kept.WhichOneof("verdict") == "renewed"
        assert unknown.cancelled.reason == lease_pb2.LEASE_CANCELLATION_REASON_UNKNOWN_EPOCH
        repeated = await ask.CommitShard(commit(leases[0].shard, leases[0].epoch))
        assert repeated.already_committed
        assert repeated.commit == committed.commit
        finished = await ask.CommitShard(commit(leases[1].shard, leases[1].epoch))
        assert finished.commit.commit_sequence == committed.commit.commit_sequence + 1


async def test_a_worker_that_did_not_notice_the_restart_goes_on(tmp_path: Path) -> None:
    async with coordinator_on_loopback(tmp_path) as served, plain(served.address) as channel:
        served.engine.take_events([EVENT])
        ask = stub(channel)
        await ask.RegisterWorker(registration())
        epoch = (await ask.Heartbeat(beat(1, wanted=1))).grants[0].lease.epoch
    async with coordinator_on_loopback(tmp_path) as served, plain(served.address) as channel:
        ask = stub(channel)
        answer = await ask.Heartbeat(beat(2, leases=[progress(KEY, epoch)]))
        assert answer.lease_verdicts[0].WhichOneof("verdict") == "renewed"
        assert not (await ask.CommitShard(commit(KEY, epoch))).already_committed


# Sent away


async def healthy(channel: grpc.aio.Channel) -> bool:
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    answer = await health_pb2_grpc.HealthStub(channel).Check(request)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def test_callers_are_sent_away_while_the_database_opens(served: Coordinated, channel: grpc.aio.Channel) -> None:
    engine: Coordinator | None = served.servicer.engine
    served.servicer.engine = None
    ask = stub(channel)
    for call in (
        ask.RegisterWorker(registration()),
        ask.Heartbeat(beat(1)),
        ask.CommitShard(commit(KEY, 1)),
        ask.ReleaseLease(release(KEY, 1)),
        ask.GetProgress(pb.GetProgressRequest()),
        ask.WatchProgress(pb.WatchProgressRequest()).read(),
        ask.ListShards(pb.ListShardsRequest()),
        ask.ListWorkers(pb.ListWorkersRequest()),
        ask.FetchShard(pb.FetchShardRequest(shard_key=wire.write_shard_key(KEY))).read(),
    ):
        away = await refused(call)
        assert (away.code, away.reason, away.retry_seconds) == (UNAVAILABLE, "DATABASE_OPENING", 1.0)
    served.servicer.engine = engine
    await ask.RegisterWorker(registration())


async def test_a_server_that_drains_takes_no_calls(served: Coordinated, channel: grpc.aio.Channel) -> None:
    ask = stub(channel)
    await ask.RegisterWorker(registration())
    assert await healthy(channel)
    served.draining.set()
    away = await refused(ask.Heartbeat(beat(1)))
    assert (away.code, away.reason) == (UNAVAILABLE, "DRAINING")
    assert away.retry_seconds is not None


async def test_a_database_that_cannot_be_written_refuses_and_changes_nothing(
    tmp_path: Path, served: Coordinated, channel: grpc.aio.Channel
) -> None:
    ask = stub(channel)
    await ask.RegisterWorker(registration())
    epoch = (await ask.Heartbeat(beat(1, wanted=1))).grants[0].lease.epoch
    with locked(tmp_path / "coordinator.sqlite"):
        away = await refused(ask.CommitShard(commit(KEY, epoch)))
        assert (away.code, away.reason) == (UNAVAILABLE, "DATABASE_UNAVAILABLE")
        assert away.has_no_private_text(str(tmp_path))
        (shard,) = (await ask.ListShards(pb.ListShardsRequest())).shards
        assert not shard.HasField("commit")
        assert shard.lease.worker_id == "spark"
    assert not (await ask.CommitShard(commit(KEY, epoch))).already_committed


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Somebody else holds the database: a backup that went wrong, or a person with the sqlite3 command."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


# What Prometheus is told


async def test_refusals_and_saves_are_counted(served: Coordinated, channel: grpc.aio.Channel) -> None:
    ask, sample = stub(channel), served.registry.get_sample_value
    await ask.RegisterWorker(registration())
    await refused(ask.CommitShard(commit(KEY, 9)))
    assert sample("foremesh_coordinator_refusals_total", {"reason": "UNKNOWN_EPOCH"}) == 1
    assert (sample("foremesh_coordinator_save_seconds_count") or 0) >= 2


async def test_prometheus_sees_series_workers_and_budgets_and_nothing_that_is_not_known(
    served: Coordinated, channel: grpc.aio.Channel
) -> None:
    ask = stub(channel)
    await ask.RegisterWorker(registration())
    epoch = (await ask.Heartbeat(beat(1, wanted=1))).grants[0].lease.epoch
    used = budget_pb2.ApiUsage(call_count=9, token_count=90, throttled_count=2, tokens_per_second=4.5)
    await ask.Heartbeat(beat(2, leases=[progress(KEY, epoch)], api_usage=used, free_disk_bytes=1 << 40))

    def sample(name: str, **labels: str) -> float | None:
        return served.registry.get_sample_value(f"foremesh_coordinator_{name}", labels)

    series = {"series": KEY.series, "step": "60m"}
    assert sample("shards_leased", **series) is None  # nothing was shown yet
    served.metrics.show(served.engine.progress())
    assert sample("shards_leased", **series) == 1
    assert sample("shards", **series) is None  # the exchange was never listed to the end
    assert sample("workers", state="active") == 1
    assert sample("workers", state="lost") == 0
    assert sample("leases", worker="spark") == 1
    assert sample("heartbeat_age_seconds", worker="spark") == 0
    assert sample("budget_used_tokens_per_second", worker="spark") == 4.5
    assert sample("throttled_calls_total", worker="spark") == 2
    assert sample("free_disk_bytes", worker="spark") == 1 << 40
    assert sample("missing_copies", worker="spark") is None

    await ask.CommitShard(commit(KEY, epoch, holes=[HOLE]))
    served.metrics.show(served.engine.progress())
    assert sample("shards_committed", **series) == 1
    assert sample("holes", **series) == 1
    assert sample("rows", **series) == 48
    assert sample("leases", worker="spark") == 0
