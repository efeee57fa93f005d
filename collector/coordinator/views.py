"""What the coordinator shows to those who look: progress, shards and workers as messages."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import progress_pb2, shard_pb2, worker_pb2

from collector import wire
from collector.coordinator.calls import (
    LeaseView,
    ProgressView,
    SeriesView,
    ShardQuery,
    ShardView,
    WorkerState,
    WorkerView,
)
from collector.coordinator.convert import SHARD_STATES
from collector.words import Words, read_optional
from mesh.shards import Hole

_WORKER_STATES = Words(WorkerState, worker_pb2.WorkerState)
_HOLDERS = 8
"""As many as a message names."""


def read_query(request: pb.ListShardsRequest) -> ShardQuery:
    """Read which shards to list."""
    return ShardQuery(
        series=tuple(request.series_tickers),
        event=request.event_ticker,
        states=tuple(SHARD_STATES.read(state, "states") for state in request.states),
        owner=request.owner_worker_id,
        committed_only=request.committed_only,
        holed_only=request.holed_only,
        after_sequence=read_optional(request, "after_commit_sequence"),
    )


def read_worker_states(request: pb.ListWorkersRequest) -> frozenset[WorkerState]:
    """Read which workers to list; all states if none is named."""
    return frozenset(_WORKER_STATES.read(state, "states") for state in request.states) or frozenset(WorkerState)


def write_progress(view: ProgressView, instance_id: str, observed: datetime) -> progress_pb2.Progress:
    """Write how far collection is."""
    return progress_pb2.Progress(
        instance_id=instance_id,
        observe_time=observed,
        series=map(_series, view.series),
        workers=map(write_worker, view.workers),
        leases=map(_lease, view.leases),
        estimated_remaining=view.remaining,
        next_due_after=view.next_due,
        last_commit_sequence=view.last_sequence,
    )


def write_shard(view: ShardView, holes: Sequence[Hole] = ()) -> shard_pb2.Shard:
    """Write a shard."""
    row = view.row
    return shard_pb2.Shard(
        shard_key=wire.write_shard_key(row.key),
        state=SHARD_STATES.write(row.state),
        current_epoch=row.epoch,
        preferred_worker_id=view.preferred_worker,
        lease=_lease(view.lease) if view.lease else None,
        commit=wire.write_commit(row.commit) if row.commit else None,
        holder_worker_ids=row.holders[:_HOLDERS],
        holes=map(wire.write_hole, holes),
        open_time=row.opens,
        close_time=row.closes,
        due_after=_seconds(view.due_seconds),
    )


def write_worker(view: WorkerView) -> worker_pb2.Worker:
    """Write a worker."""
    row = view.row
    return worker_pb2.Worker(
        worker_id=row.worker_id,
        worker_instance_id=row.instance,
        state=_WORKER_STATES.write(view.state),
        software_version=row.software_version,
        node_index=row.node_index,
        fetch_address=row.fetch_address,
        api_budget=wire.write_api_budget(row.budget),
        api_budget_share=wire.write_api_share(view.share) if view.share else None,
        api_usage=wire.write_api_usage(view.usage) if view.usage else None,
        register_time=row.registered,
        heartbeat_age=_seconds(view.heartbeat_age),
        lease_count=view.leases,
        commit_count=view.commits,
        rows_per_second=view.rows_per_second,
        missing_copy_count=view.missing_copies,
        free_disk_bytes=view.free_disk_bytes,
    )


def _lease(view: LeaseView) -> shard_pb2.LeaseStatus:
    lease = view.row.lease
    return shard_pb2.LeaseStatus(
        worker_id=lease.worker_id if lease else "",
        progress=wire.write_progress(view.progress),
        purpose=wire.PURPOSES.write(lease.purpose) if lease else None,
        held=timedelta(seconds=view.held_seconds),
        expire_after=_seconds(view.expire_seconds),
        revoked=view.revoked,
    )


def _series(view: SeriesView) -> progress_pb2.SeriesProgress:
    return progress_pb2.SeriesProgress(
        series_ticker=view.series,
        candle_step=timedelta(seconds=view.step_seconds),
        total_count=view.total,
        committed_count=view.committed,
        sealed_count=view.sealed,
        open_count=view.open,
        leased_count=view.leased,
        holed_count=view.holed,
        price_only_count=view.price_only,
        hole_count=view.holes,
        row_count=view.rows,
        size_bytes=view.size_bytes,
        estimated_remaining=view.remaining,
        list_time=view.listed,
        due_count=view.due,
        next_due_after=view.next_due,
    )


def _seconds(value: float | None) -> timedelta | None:
    """Make a duration; what is overdue is due now."""
    return None if value is None else timedelta(seconds=max(0.0, value))
