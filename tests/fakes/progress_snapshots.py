"""Snapshots of a coordinator, made by hand."""

from datetime import UTC, datetime

from foremesh.coordinator.v1 import budget_pb2, progress_pb2, shard_pb2, worker_pb2

NOW = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)


def snapshot() -> progress_pb2.Progress:
    """Three nodes at work on three series."""
    progress = progress_pb2.Progress(instance_id="abc", last_commit_sequence=4321)
    progress.observe_time.FromDatetime(NOW)
    progress.series.extend(
        [
            series("KXBTC", 60, committed=2042, total=7340, rows=412_345_678, holes=(120, 31), left=93_600),
            series("KXHIGHNY", 3600, committed=1658, total=1658, rows=412_345, holes=(0, 0), price_only=1201, left=0),
            series("KXINX", 3600, committed=973, total=None, rows=102_345, holes=(3, 1), left=None),
        ]
    )
    progress.workers.extend(
        [
            worker("ec2", worker_pb2.WORKER_STATE_SLOW, spent=3.2, throttled=7, heard=3, disk=21 << 30),
            worker("mini", worker_pb2.WORKER_STATE_LOST, spent=None, heard=912, disk=None),
            worker("spark", worker_pb2.WORKER_STATE_ACTIVE, spent=9.8, heard=1, disk=3 << 40, copies=42),
        ]
    )
    for place in range(15):
        progress.leases.append(lease(f"KXBTC-26NOV22{place:02d}", done=12 * place, still=2 if place else 372))
    progress.series[0].leased_count = 15
    progress.estimated_remaining.FromSeconds(93_600)
    return progress


def series(
    ticker: str,
    step: int,
    *,
    committed: int,
    total: int | None,
    rows: int = 0,
    holes: tuple[int, int] = (0, 0),
    price_only: int = 0,
    left: int | None = None,
) -> progress_pb2.SeriesProgress:
    """A series; `holes` are so many in so many shards, `left` seconds."""
    made = progress_pb2.SeriesProgress(
        series_ticker=ticker,
        committed_count=committed,
        total_count=total,
        sealed_count=max(0, committed - 2),
        open_count=2,
        hole_count=holes[0],
        holed_count=holes[1],
        price_only_count=price_only,
        row_count=rows,
        size_bytes=rows * 9,
    )
    made.candle_step.FromSeconds(step)
    made.list_time.FromDatetime(NOW)
    if left:
        made.due_count = 40
    if left == 0:
        made.next_due_after.FromSeconds(760)
    if left is not None:
        made.estimated_remaining.FromSeconds(left)
    return made


def worker(
    name: str,
    state: worker_pb2.WorkerState,
    *,
    spent: float | None,
    throttled: int = 0,
    heard: int | None = None,
    disk: int | None = None,
    copies: int | None = None,
) -> worker_pb2.Worker:
    """A node; `spent` tokens a second, None before its first heartbeat, heard of so many seconds ago."""
    made = worker_pb2.Worker(
        worker_id=name,
        state=state,
        software_version="0.1.0",
        fetch_address=f"{name}:8791",
        lease_count=5,
        commit_count=1234,
        missing_copy_count=copies,
        free_disk_bytes=disk,
        rows_per_second=None if spent is None else 512.4,
        api_budget=budget_pb2.ApiBudget(kind=budget_pb2.API_BUDGET_KIND_PER_IP, budget_id=f"{name}-line"),
        api_budget_share=budget_pb2.ApiBudgetShare(tokens_per_second=10, burst_tokens=20),
    )
    if spent is not None:
        made.api_usage.MergeFrom(budget_pb2.ApiUsage(tokens_per_second=spent, throttled_count=throttled))
    if heard is not None:
        made.heartbeat_age.FromSeconds(heard)
    return made


def lease(event: str, *, done: int = 60, still: int = 2, revoked: bool = False) -> shard_pb2.LeaseStatus:
    """A lease on an event of 180 markets, without news for so many seconds."""
    made = shard_pb2.LeaseStatus(
        worker_id="spark",
        purpose=shard_pb2.LEASE_PURPOSE_RETRY_HOLES,
        revoked=revoked,
        progress=shard_pb2.LeaseProgress(
            stage=shard_pb2.LEASE_STAGE_FETCHING, done_market_count=done, total_market_count=180, row_count=done * 60
        ),
    )
    made.progress.lease.epoch = 3
    key = made.progress.lease.shard_key
    key.series_ticker, key.event_ticker = event.partition("-")[0], event
    key.candle_step.FromSeconds(60)
    made.held.FromSeconds(75)
    made.progress.progress_age.FromSeconds(still)
    made.expire_after.FromSeconds(48)
    return made
