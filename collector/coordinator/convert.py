"""What workers ask the coordinator and what it answers: requests to ours, answers to messages."""

from collections.abc import Iterable
from datetime import timedelta

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
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
from collector.types import LeaseKey, LeaseProgress
from collector.words import Words, read_optional
from mesh.convert import instant

SHARD_STATES = Words(ShardState, shard_pb2.ShardState)
_INTENTS = Words(Intent, worker_pb2.WorkerIntent)
_REVOCATIONS = Words(RevocationReason, lease_pb2.LeaseRevocationReason)
_CANCELLATIONS = Words(CancellationReason, lease_pb2.LeaseCancellationReason)
_RELEASES = Words(ReleaseReason, lease_pb2.LeaseReleaseReason)
_ADOPTIONS = Words(AdoptionKind, pb.AdoptionKind)


def read_registration(request: pb.RegisterWorkerRequest) -> Registration:
    """Read how a worker process announces itself."""
    return Registration(
        worker_id=request.worker_id,
        instance=request.worker_instance_id,
        software_version=request.software_version,
        node_index=read_optional(request, "node_index"),
        fetch_address=read_optional(request, "fetch_address"),
        budget=wire.read_api_budget(request.api_budget, "api_budget"),
        leases=_read_leases(request.leases),
    )


def write_registered(answer: Registered, instance_id: str) -> pb.RegisterWorkerResponse:
    """Write the coordinator's terms."""
    return pb.RegisterWorkerResponse(
        instance_id=instance_id,
        heartbeat_interval=timedelta(seconds=answer.heartbeat_seconds),
        min_heartbeat_interval=timedelta(seconds=answer.min_heartbeat_seconds),
        lease_verdicts=map(write_verdict, answer.verdicts),
        api_budget_share=wire.write_api_share(answer.share),
    )


def read_beat(request: pb.HeartbeatRequest) -> Beat:
    """Read a heartbeat."""
    return Beat(
        worker_id=request.worker_id,
        instance=request.worker_instance_id,
        sequence=request.sequence,
        intent=_INTENTS.read(request.intent, "intent"),
        leases=_read_leases(request.leases),
        wanted_leases=request.wanted_lease_count,
        usage=wire.read_api_usage(request.api_usage),
        reports=tuple(
            wire.read_file_report(report, f"file_reports[{place}]") for place, report in enumerate(request.file_reports)
        ),
        missing_copies=read_optional(request, "missing_copy_count"),
        free_disk_bytes=read_optional(request, "free_disk_bytes"),
    )


def write_beat_answer(answer: BeatAnswer, instance_id: str) -> pb.HeartbeatResponse:
    """Write verdicts, grants and budget."""
    return pb.HeartbeatResponse(
        instance_id=instance_id,
        lease_verdicts=map(write_verdict, answer.verdicts),
        grants=[wire.write_grant(grant, expire_seconds) for grant, expire_seconds in answer.grants],
        api_budget_share=wire.write_api_share(answer.share),
        archive_cutoff_time=answer.archive_cutoff,
    )


def write_verdict(verdict: Verdict) -> lease_pb2.LeaseVerdict:
    """Write what becomes of a lease."""
    message = lease_pb2.LeaseVerdict(lease=wire.write_lease_key(verdict.lease))
    match verdict:
        case Renewed():
            message.renewed.expire_after.FromTimedelta(timedelta(seconds=verdict.expire_seconds))
        case Revoked():
            message.revoked.CopyFrom(
                lease_pb2.LeaseRevocation(
                    drain_within=timedelta(seconds=max(0.0, verdict.drain_seconds)),
                    reason=_REVOCATIONS.write(verdict.reason),
                    next_worker_id=verdict.next_worker,
                )
            )
        case Cancelled():
            message.cancelled.CopyFrom(
                lease_pb2.LeaseCancellation(
                    reason=_CANCELLATIONS.write(verdict.reason),
                    current_owner=verdict.current_owner,
                    current_epoch=verdict.current_epoch,
                )
            )
    return message


def read_commit_call(request: pb.CommitShardRequest) -> CommitCall:
    """Read a finished file."""
    adopted = request.HasField("adoption")
    return CommitCall(
        worker_id=request.worker_id,
        shard=wire.read_shard_key(request.shard_key, "shard_key"),
        basis=_ADOPTIONS.read(request.adoption.kind, "adoption.kind") if adopted else request.epoch,
        file=wire.read_shard_file(request.file, "file"),
        covered_end=instant(request.covered_end_time, "covered_end_time"),
        holes=wire.read_holes(request.holes, "holes"),
    )


def write_commit_answer(answer: CommitAnswer, instance_id: str) -> pb.CommitShardResponse:
    """Write that a file is in the manifest."""
    return pb.CommitShardResponse(
        instance_id=instance_id,
        commit=wire.write_commit(answer.commit),
        state=SHARD_STATES.write(answer.state),
        already_committed=answer.already_committed,
    )


def read_release(request: pb.ReleaseLeaseRequest) -> tuple[LeaseKey, ReleaseReason]:
    """Read which lease is given back, and why."""
    return wire.read_lease_key(request.lease, "lease"), _RELEASES.read(request.reason, "reason")


def _read_leases(messages: Iterable[shard_pb2.LeaseProgress]) -> tuple[LeaseProgress, ...]:
    return tuple(wire.read_progress(message, f"leases[{place}]") for place, message in enumerate(messages))
