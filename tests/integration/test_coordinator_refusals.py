"""Every refusal that the coordinator's contract names: status, reason and metadata as they come over the wire."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import lease_pb2

from collector import wire
from collector.coordinator.policy import LeasePolicy
from mesh.clock import ManualClock
from mesh.shards import ShardKey
from tests.fakes.coordinator import (
    NOW,
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
from tests.fakes.questions import Refusal, plain, refused

NOT_FOUND, ABORTED = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ABORTED
FAILED, EXISTS = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ALREADY_EXISTS
DENIED, INVALID = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT
KEY = key_of(closed_event())
UNHEARD = ShardKey("KXINX", "KXINX-26NOV22", 3600)
OTHER_HASH = "b" * 64


class Desk:
    """A coordinator with one closed event, its clock, and a stranger's channel."""

    def __init__(self, served: Coordinated, clock: ManualClock, channel: grpc.aio.Channel) -> None:
        self.served, self.clock, self.ask = served, clock, stub(channel)
        self._sequences = 0

    async def enter(self, worker: str = "spark", process: str = "p1") -> None:
        """Register a worker."""
        await self.ask.RegisterWorker(registration(worker, process, fetch_address=f"{worker}:8791"))

    async def beat(self, worker: str = "spark", process: str = "p1", **said: Any) -> pb.HeartbeatResponse:
        """Send the next heartbeat."""
        self._sequences += 1
        return await self.ask.Heartbeat(beat(self._sequences, worker, process, **said))

    async def grant(self, worker: str = "spark") -> int:
        """Let a worker that is registered take the shard; gives the epoch."""
        (grant,) = (await self.beat(worker, wanted=1)).grants
        assert wire.read_lease_key(grant.lease, "lease").shard == KEY
        return grant.lease.epoch

    async def pass_on(self) -> None:
        """Grant the shard to `spark`, let that lease run out, and grant it to `mini`."""
        await self.enter()
        assert await self.grant() == 1
        for _ in range(40):
            await self.clock.advance(5)
            self.served.engine.tick()
        await self.enter("mini")
        assert await self.grant("mini") == 2

    async def refused(self, call: Awaitable[object]) -> Refusal:
        """A refusal of ours that tells nothing private."""
        found = await refused(call)
        assert found.domain == "foremesh"
        assert found.metadata.pop("request_id")
        assert found.has_no_private_text()
        return found


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = ManualClock(NOW)
    async with coordinator_on_loopback(tmp_path, clock=clock) as served, plain(served.address) as channel:
        served.engine.take_events([closed_event()])
        yield Desk(served, clock, channel)


def says(found: Refusal) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    return found.code, found.reason, found.metadata


# Workers


async def test_a_process_that_a_later_one_replaced_must_stop(desk: Desk) -> None:
    await desk.enter(process="p1")
    await desk.enter(process="p2")
    for call in (desk.ask.RegisterWorker(registration(process="p1")), desk.beat(process="p1")):
        assert says(await desk.refused(call)) == (FAILED, "WORKER_SUPERSEDED", {})
    assert (await desk.beat(process="p2")).instance_id == desk.served.engine.instance_id


async def test_a_heartbeat_of_a_worker_nobody_knows_is_sent_to_register(desk: Desk) -> None:
    assert says(await desk.refused(desk.beat("stranger"))) == (NOT_FOUND, "WORKER_NOT_FOUND", {})


async def test_a_stale_epoch_in_a_heartbeat_is_no_refusal_but_a_verdict(desk: Desk) -> None:
    await desk.pass_on()
    answer = await desk.beat(leases=[progress(KEY, 1)])
    (verdict,) = answer.lease_verdicts
    assert verdict.cancelled.reason == lease_pb2.LEASE_CANCELLATION_REASON_STALE_EPOCH
    assert (verdict.cancelled.current_owner, verdict.cancelled.current_epoch) == ("mini", 2)


# Commits


async def test_a_stale_commit_is_told_who_owns_the_shard_now(desk: Desk) -> None:
    await desk.pass_on()
    stale = await desk.refused(desk.ask.CommitShard(commit(KEY, 1)))
    assert says(stale) == (FAILED, "STALE_EPOCH", {"current_owner": "mini", "current_epoch": "2"})


async def test_a_stale_commit_of_a_shard_that_nobody_holds_names_no_owner(desk: Desk) -> None:
    await desk.pass_on()
    await desk.ask.ReleaseLease(release(KEY, 2, "mini"))
    stale = await desk.refused(desk.ask.CommitShard(commit(KEY, 1)))
    assert says(stale) == (FAILED, "STALE_EPOCH", {"current_owner": "", "current_epoch": "2"})


async def test_another_file_under_the_same_epoch_is_a_conflict_that_names_the_committed_one(desk: Desk) -> None:
    await desk.enter()
    epoch = await desk.grant()
    await desk.ask.CommitShard(commit(KEY, epoch))
    conflict = await desk.refused(desk.ask.CommitShard(commit(KEY, epoch, sha256=OTHER_HASH)))
    assert (conflict.code, conflict.reason) == (EXISTS, "COMMIT_CONFLICT")
    assert conflict.metadata["sha256"] == "a" * 64


async def test_an_epoch_that_was_never_granted_says_that_the_database_is_older(desk: Desk) -> None:
    await desk.enter()
    await desk.grant()
    unknown = await desk.refused(desk.ask.CommitShard(commit(KEY, 7)))
    assert says(unknown) == (FAILED, "UNKNOWN_EPOCH", {"current_epoch": "1"})


async def test_another_workers_lease_cannot_be_committed(desk: Desk) -> None:
    await desk.enter()
    await desk.enter("mini")
    epoch = await desk.grant()
    assert says(await desk.refused(desk.ask.CommitShard(commit(KEY, epoch, "mini")))) == (DENIED, "LEASE_NOT_YOURS", {})


async def test_a_shard_that_nobody_listed_cannot_be_committed_under_a_lease(desk: Desk) -> None:
    await desk.enter()
    assert says(await desk.refused(desk.ask.CommitShard(commit(UNHEARD, 1)))) == (NOT_FOUND, "SHARD_NOT_FOUND", {})


async def test_a_file_of_a_worker_nobody_knows_is_not_adopted(desk: Desk) -> None:
    stranger = await desk.refused(desk.ask.CommitShard(commit(KEY, None, "stranger")))
    assert says(stranger) == (NOT_FOUND, "WORKER_NOT_FOUND", {})


async def test_a_file_without_a_lease_is_not_adopted_over_another(desk: Desk) -> None:
    await desk.enter()
    await desk.ask.CommitShard(commit(KEY, None))
    again = await desk.ask.CommitShard(commit(KEY, None))
    assert again.already_committed
    conflict = await desk.refused(desk.ask.CommitShard(commit(KEY, None, sha256=OTHER_HASH)))
    assert (conflict.code, conflict.reason) == (EXISTS, "COMMIT_CONFLICT")


async def test_a_file_without_a_lease_is_not_adopted_while_somebody_collects(desk: Desk) -> None:
    await desk.enter()
    await desk.enter("mini")
    epoch = await desk.grant()
    leased = await desk.refused(desk.ask.CommitShard(commit(KEY, None, "mini")))
    assert says(leased) == (ABORTED, "SHARD_LEASED", {"current_owner": "spark", "current_epoch": str(epoch)})


# Releases


async def test_a_stale_release_is_told_who_owns_the_shard_now(desk: Desk) -> None:
    await desk.pass_on()
    stale = await desk.refused(desk.ask.ReleaseLease(release(KEY, 1)))
    assert says(stale) == (FAILED, "STALE_EPOCH", {"current_owner": "mini", "current_epoch": "2"})


async def test_a_release_of_what_was_never_granted_is_refused(desk: Desk) -> None:
    await desk.enter()
    await desk.enter("mini")
    epoch = await desk.grant()
    unknown = await desk.refused(desk.ask.ReleaseLease(release(KEY, 7)))
    assert says(unknown) == (FAILED, "UNKNOWN_EPOCH", {"current_epoch": "1"})
    foreign = await desk.refused(desk.ask.ReleaseLease(release(KEY, epoch, "mini")))
    assert says(foreign) == (DENIED, "LEASE_NOT_YOURS", {})
    unheard = await desk.refused(desk.ask.ReleaseLease(release(UNHEARD, 1)))
    assert says(unheard) == (NOT_FOUND, "SHARD_NOT_FOUND", {})


async def test_a_release_may_be_repeated_and_may_follow_a_commit(desk: Desk) -> None:
    await desk.enter()
    epoch = await desk.grant()
    for _ in range(2):
        await desk.ask.ReleaseLease(release(KEY, epoch))
    await desk.ask.CommitShard(commit(KEY, epoch))
    await desk.ask.ReleaseLease(release(KEY, epoch))


# Files


ROWS = 2 * 2 * (24 + 3)
"""That two markets of a day may have by the hour, with room."""


@pytest.mark.parametrize(
    ("field", "rows", "size"),
    [
        ("file.row_count", ROWS + 1, 1234),
        ("file.row_count", 100_000_000_000, 1234),
        ("file.size_bytes", ROWS, 2**20 + 512 * ROWS + 1),
        ("file.size_bytes", 48, 64 * 2**30),
    ],
)
async def test_a_file_that_is_larger_than_its_shard_can_be_is_not_committed(
    desk: Desk, field: str, rows: int, size: int
) -> None:
    await desk.enter()
    false = commit(KEY, await desk.grant())
    false.file.row_count, false.file.size_bytes = rows, size
    found = await desk.refused(desk.ask.CommitShard(false))
    assert says(found) == (INVALID, "FILE_IMPLAUSIBLE", {})
    assert set(found.fields) == {field}
    assert "where there can be at most" in found.fields[field]
    true = commit(KEY, 1)
    true.file.row_count, true.file.size_bytes = ROWS, 2**20 + 512 * ROWS
    assert not (await desk.ask.CommitShard(true)).already_committed


async def test_of_an_event_that_nobody_listed_a_file_is_bounded_by_the_configuration(tmp_path: Path) -> None:
    policy = LeasePolicy(max_file_bytes=2**20 + 48)
    async with coordinator_on_loopback(tmp_path, policy=policy) as served, plain(served.address) as channel:
        await stub(channel).RegisterWorker(registration())
        imported = commit(UNHEARD, None)
        imported.file.row_count = 10**9
        imported.file.size_bytes = 2**20 + 49
        found = await refused(stub(channel).CommitShard(imported))
        assert (found.reason, set(found.fields)) == ("FILE_IMPLAUSIBLE", {"file.size_bytes"})
        imported.file.size_bytes -= 1
        await stub(channel).CommitShard(imported)


async def fetch(desk: Desk, **asked: Any) -> object:
    return await desk.ask.FetchShard(pb.FetchShardRequest(shard_key=wire.write_shard_key(KEY), **asked)).read()


async def test_the_coordinator_holds_no_files_and_says_who_does(desk: Desk) -> None:
    await desk.enter()
    assert says(await desk.refused(fetch(desk))) == (NOT_FOUND, "SHARD_NOT_COMMITTED", {})
    await desk.ask.CommitShard(commit(KEY, await desk.grant()))
    elsewhere = {"fetch_addresses": "spark:8791"}
    assert says(await desk.refused(fetch(desk))) == (NOT_FOUND, "SHARD_NOT_HELD", elsewhere)
    assert says(await desk.refused(fetch(desk, sha256=OTHER_HASH))) == (ABORTED, "SHARD_REPLACED", {})


# Pages


async def test_a_token_of_another_query_names_its_field(desk: Desk) -> None:
    desk.served.engine.take_events([closed_event(number) for number in range(2, 5)])
    token = (await desk.ask.ListShards(pb.ListShardsRequest(page_size=1))).next_page_token
    assert token
    for call in (
        desk.ask.ListShards(pb.ListShardsRequest(committed_only=True, page_token=token)),
        desk.ask.ListShards(pb.ListShardsRequest(page_token="no token")),
        desk.ask.ListWorkers(pb.ListWorkersRequest(page_token=token)),
    ):
        found = await desk.refused(call)
        assert says(found) == (INVALID, "PAGE_TOKEN_INVALID", {})
        assert set(found.fields) == {"page_token"}
