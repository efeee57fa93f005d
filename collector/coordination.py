"""CoordinatorClient: the coordinator for a worker, in the words of `collector.coordinator.calls`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import uuid4

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc
from foremesh.coordinator.v1 import lease_pb2, shard_pb2, worker_pb2

from collector import wire
from collector.coordinator.calls import (
    AdoptionKind,
    Beat,
    BeatAnswer,
    CancellationReason,
    Cancelled,
    CommitAnswer,
    CommitCall,
    Intent,
    Registered,
    Registration,
    ReleaseReason,
    Renewed,
    RevocationReason,
    Revoked,
    Verdict,
)
from collector.coordinator.rows import ShardState
from collector.types import LeaseKey
from collector.words import Words, read_instant, read_seconds, refusal
from mesh.errors import Broken, InvalidInput
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors
from mesh.shards import Commit, ShardKey

SERVICE = "foremesh.coordinator.v1.CoordinatorService"
_MOST_DETAIL = 240  # bytes

_STATES = Words(ShardState, shard_pb2.ShardState)
_INTENTS = Words(Intent, worker_pb2.WorkerIntent)
_RELEASES = Words(ReleaseReason, lease_pb2.LeaseReleaseReason)
_ADOPTIONS = Words(AdoptionKind, pb.AdoptionKind)
_REVOCATIONS = Words(RevocationReason, lease_pb2.LeaseRevocationReason, RevocationReason.REBALANCE)
_CANCELLATIONS = Words(CancellationReason, lease_pb2.LeaseCancellationReason, CancellationReason.UNKNOWN_EPOCH)


class _Answer(Protocol):
    @property
    def instance_id(self) -> str: ...


A = TypeVar("A", bound=_Answer)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Held:
    """A committed file and who has it."""

    shard: ShardKey
    commit: Commit
    holders: tuple[str, ...]
    """Worker ids."""


class CoordinatorClient:
    """Asks one coordinator. Make it with `coordinating`.

    Every method raises MeshError; Broken (`ANSWER_UNREADABLE`) for an answer that cannot be read.

    Attributes:
        instance: The coordinator's process that answered last; empty before the first answer.
    """

    def __init__(self, stub: "rpc.CoordinatorServiceAsyncStub", timeout: float) -> None:
        self.instance = ""
        self._stub = stub
        self._timeout = timeout

    async def register(self, registration: Registration) -> Registered:
        """Announce this process."""
        request = pb.RegisterWorkerRequest(
            request_id=uuid4().hex,
            worker_id=registration.worker_id,
            worker_instance_id=registration.instance,
            software_version=registration.software_version,
            node_index=registration.node_index,
            fetch_address=registration.fetch_address,
            api_budget=wire.write_api_budget(registration.budget),
            leases=[wire.write_progress(lease) for lease in registration.leases],
        )
        return await self._ask(self._stub.RegisterWorker, request, _registered)

    async def beat(self, beat: Beat, *, timeout: float) -> BeatAnswer:
        """Send a heartbeat, which has so many seconds."""
        request = pb.HeartbeatRequest(
            request_id=uuid4().hex,
            worker_id=beat.worker_id,
            worker_instance_id=beat.instance,
            sequence=beat.sequence,
            intent=_INTENTS.write(beat.intent),
            leases=[wire.write_progress(lease) for lease in beat.leases],
            wanted_lease_count=beat.wanted_leases,
            api_usage=wire.write_api_usage(beat.usage),
            file_reports=[wire.write_file_report(report) for report in beat.reports],
            missing_copy_count=beat.missing_copies,
            free_disk_bytes=beat.free_disk_bytes,
        )
        return await self._ask(self._stub.Heartbeat, request, _beat_answer, timeout)

    async def commit(self, call: CommitCall) -> CommitAnswer:
        """Enter a file into the manifest."""
        request = pb.CommitShardRequest(
            request_id=uuid4().hex,
            worker_id=call.worker_id,
            shard_key=wire.write_shard_key(call.shard),
            file=wire.write_shard_file(call.file),
            covered_end_time=call.covered_end,
            holes=[wire.write_hole(hole) for hole in call.holes],
        )
        if isinstance(call.basis, AdoptionKind):
            request.adoption.kind = _ADOPTIONS.write(call.basis)
        else:
            request.epoch = call.basis
        return await self._ask(self._stub.CommitShard, request, _commit_answer)

    async def release(self, worker_id: str, lease: LeaseKey, reason: ReleaseReason, detail: str = "") -> None:
        """Give a lease back."""
        request = pb.ReleaseLeaseRequest(
            request_id=uuid4().hex,
            worker_id=worker_id,
            lease=wire.write_lease_key(lease),
            reason=_RELEASES.write(reason),
            detail=detail.encode()[:_MOST_DETAIL].decode(errors="ignore"),
        )
        await self._ask(self._stub.ReleaseLease, request, lambda _: None)

    async def committed(self, *, after: int | None = None, shard: ShardKey | None = None) -> AsyncIterator[list[Held]]:
        """Yield pages of committed files: those with a higher sequence, in its order; or those of a shard's event."""
        request = pb.ListShardsRequest(committed_only=True, after_commit_sequence=after)
        if shard is not None:
            request.series_tickers.append(shard.series)
            request.event_ticker = shard.event
        more = True
        while more:
            page, request.page_token = await self._ask(self._stub.ListShards, request, _committed)
            yield page
            more = bool(request.page_token)

    async def addresses(self) -> dict[str, str]:
        """Say where workers serve their files, by worker id."""
        found: dict[str, str] = {}
        request, more = pb.ListWorkersRequest(), True
        while more:
            page, request.page_token = await self._ask(self._stub.ListWorkers, request, _addresses)
            found |= page
            more = bool(request.page_token)
        return found

    async def _ask(
        self,
        method: Callable[..., Awaitable[A]],
        request: object,
        read: Callable[[A], R],
        timeout: float | None = None,
    ) -> R:
        with raising_mesh_errors():
            answer = await method(request, timeout=timeout or self._timeout)
        self.instance = answer.instance_id
        try:
            return read(answer)
        except InvalidInput as error:
            raise Broken(f"the coordinator answers what cannot be: {error}", reason="ANSWER_UNREADABLE") from error


@asynccontextmanager
async def coordinating(config: ClientConfig) -> AsyncIterator[CoordinatorClient]:
    """Talk to the coordinator while the context lasts. Nothing is sent before the first call.

    Raises:
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    async with connect(config, SERVICE) as channel:
        yield CoordinatorClient(rpc.CoordinatorServiceStub(channel), config.timeout_seconds)


def _registered(answer: pb.RegisterWorkerResponse) -> Registered:
    return Registered(
        heartbeat_seconds=read_seconds(answer, "heartbeat_interval", ""),
        min_heartbeat_seconds=read_seconds(answer, "min_heartbeat_interval", ""),
        verdicts=_verdicts(answer.lease_verdicts),
        share=wire.read_api_share(answer.api_budget_share, "api_budget_share"),
    )


def _beat_answer(answer: pb.HeartbeatResponse) -> BeatAnswer:
    return BeatAnswer(
        verdicts=_verdicts(answer.lease_verdicts),
        grants=tuple(wire.read_grant(grant, f"grants[{place}]") for place, grant in enumerate(answer.grants)),
        share=wire.read_api_share(answer.api_budget_share, "api_budget_share"),
        archive_cutoff=read_instant(answer, "archive_cutoff_time", ""),
    )


def _commit_answer(answer: pb.CommitShardResponse) -> CommitAnswer:
    return CommitAnswer(
        commit=wire.read_commit(answer.commit, "commit"),
        state=_STATES.read(answer.state, "state"),
        already_committed=answer.already_committed,
    )


def _committed(answer: pb.ListShardsResponse) -> tuple[list[Held], str]:
    page = [
        Held(
            shard=wire.read_shard_key(shard.shard_key, f"shards[{place}].shard_key"),
            commit=wire.read_commit(shard.commit, f"shards[{place}].commit"),
            holders=tuple(shard.holder_worker_ids),
        )
        for place, shard in enumerate(answer.shards)
    ]
    return page, answer.next_page_token


def _addresses(answer: pb.ListWorkersResponse) -> tuple[dict[str, str], str]:
    found = {worker.worker_id: worker.fetch_address for worker in answer.workers if worker.fetch_address}
    return found, answer.next_page_token


def _verdicts(messages: Iterable[lease_pb2.LeaseVerdict]) -> tuple[Verdict, ...]:
    return tuple(_verdict(message, f"lease_verdicts[{place}]") for place, message in enumerate(messages))


def _verdict(message: lease_pb2.LeaseVerdict, field: str) -> Verdict:
    lease = wire.read_lease_key(message.lease, f"{field}.lease")
    match message.WhichOneof("verdict"):
        case "renewed":
            return Renewed(lease, read_seconds(message.renewed, "expire_after", field))
        case "revoked":
            revoked = message.revoked
            seconds = read_seconds(revoked, "drain_within", field)
            return Revoked(lease, seconds, _REVOCATIONS.read(revoked.reason, field), revoked.next_worker_id)
        case "cancelled":
            over = message.cancelled
            reason = _CANCELLATIONS.read(over.reason, field)
            return Cancelled(lease, reason, over.current_owner, over.current_epoch)
    raise refusal(field, "a verdict that is not known here")
