"""The contract's messages of shards, leases and budgets, and ours, both ways, for either end of the wire.

`read_x(message, field)` gives ours; `field` is the path of the message in its request, for the InvalidInput that is
raised where a value cannot be ours. `write_x(value)` gives the message.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from foremesh.coordinator.v1 import budget_pb2, lease_pb2, shard_pb2, worker_pb2
from foremesh.market.v1 import market_pb2
from google.protobuf.duration_pb2 import Duration

from collector.types import (
    ApiBudget,
    ApiShare,
    ApiUsage,
    BudgetKind,
    Condition,
    FileReport,
    Grant,
    LeaseKey,
    LeaseProgress,
    MarketTask,
    Phase,
    Purpose,
    Stage,
)
from collector.words import Words, read_instant, read_optional, read_seconds, refusal
from mesh.convert import instant
from mesh.shards import Commit, Content, Hole, HoleReason, ShardFile, ShardKey

PURPOSES = Words(Purpose, shard_pb2.LeasePurpose, Purpose.COLLECT)
_CONTENTS = Words(Content, shard_pb2.ShardContent)
_HOLE_REASONS = Words(HoleReason, shard_pb2.HoleReason)
_STAGES = Words(Stage, shard_pb2.LeaseStage)
_PHASES = Words(Phase, market_pb2.MarketPhase, Phase.UNKNOWN)
_KINDS = Words(BudgetKind, budget_pb2.ApiBudgetKind)
_CONDITIONS = Words(Condition, worker_pb2.FileCondition)


def read_shard_key(message: shard_pb2.ShardKey, field: str) -> ShardKey:
    """Read a shard's name."""
    step = message.candle_step
    if step.nanos:
        raise refusal(f"{field}.candle_step", "is not of whole seconds")
    try:
        return ShardKey(message.series_ticker, message.event_ticker, step.seconds)
    except ValueError as error:
        raise refusal(field, str(error)) from error


def write_shard_key(key: ShardKey) -> shard_pb2.ShardKey:
    """Write a shard's name."""
    return shard_pb2.ShardKey(
        series_ticker=key.series, event_ticker=key.event, candle_step=Duration(seconds=key.step_seconds)
    )


def read_hole(message: shard_pb2.Hole, field: str) -> Hole:
    """Read a hole."""
    return Hole(
        market=message.market_ticker,
        reason=_HOLE_REASONS.read(message.reason, f"{field}.reason"),
        detail=message.detail,
        first=read_instant(message, "start_time", field),
        last=read_instant(message, "end_time", field),
        attempts=message.attempt_count,
    )


def read_holes(messages: Iterable[shard_pb2.Hole], field: str) -> tuple[Hole, ...]:
    """Read holes."""
    return tuple(read_hole(message, f"{field}[{place}]") for place, message in enumerate(messages))


def write_hole(hole: Hole) -> shard_pb2.Hole:
    """Write a hole."""
    return shard_pb2.Hole(
        market_ticker=hole.market,
        reason=_HOLE_REASONS.write(hole.reason),
        detail=hole.detail,
        start_time=hole.first,
        end_time=hole.last,
        attempt_count=hole.attempts,
    )


def read_shard_file(message: shard_pb2.ShardFile, field: str) -> ShardFile:
    """Read what is said of a file."""
    return ShardFile(
        sha256=message.sha256,
        size_bytes=message.size_bytes,
        row_count=message.row_count,
        market_count=message.market_count,
        first=read_instant(message, "first_time", field),
        last=read_instant(message, "last_time", field),
        schema=message.schema.schema_id,
        schema_version=message.schema.version,
        content=_CONTENTS.read(message.content, f"{field}.content"),
    )


def write_shard_file(file: ShardFile) -> shard_pb2.ShardFile:
    """Write what is said of a file."""
    return shard_pb2.ShardFile(
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        row_count=file.row_count,
        market_count=file.market_count,
        first_time=file.first,
        last_time=file.last,
        schema=shard_pb2.SchemaVersion(schema_id=file.schema, version=file.schema_version),
        content=_CONTENTS.write(file.content),
    )


def read_commit(message: shard_pb2.ShardCommit, field: str) -> Commit:
    """Read a commit."""
    return Commit(
        epoch=message.epoch,
        sequence=message.commit_sequence,
        file=read_shard_file(message.file, f"{field}.file"),
        covered_end=instant(message.covered_end_time, f"{field}.covered_end_time"),
        hole_count=message.hole_count,
        worker_id=message.worker_id,
        committed=instant(message.commit_time, f"{field}.commit_time"),
    )


def write_commit(commit: Commit) -> shard_pb2.ShardCommit:
    """Write a commit."""
    return shard_pb2.ShardCommit(
        epoch=commit.epoch,
        commit_sequence=commit.sequence,
        file=write_shard_file(commit.file),
        covered_end_time=commit.covered_end,
        hole_count=commit.hole_count,
        worker_id=commit.worker_id,
        commit_time=commit.committed,
    )


def read_lease_key(message: shard_pb2.LeaseKey, field: str) -> LeaseKey:
    """Read a lease's name."""
    return LeaseKey(read_shard_key(message.shard_key, f"{field}.shard_key"), message.epoch)


def write_lease_key(lease: LeaseKey) -> shard_pb2.LeaseKey:
    """Write a lease's name."""
    return shard_pb2.LeaseKey(shard_key=write_shard_key(lease.shard), epoch=lease.epoch)


def read_progress(message: shard_pb2.LeaseProgress, field: str) -> LeaseProgress:
    """Read how far a lease is."""
    return LeaseProgress(
        lease=read_lease_key(message.lease, f"{field}.lease"),
        stage=_STAGES.read(message.stage, f"{field}.stage"),
        done_markets=message.done_market_count,
        total_markets=message.total_market_count,
        holes=message.hole_count,
        rows=message.row_count,
        received_bytes=message.received_bytes,
        tokens=message.token_count,
        last=read_instant(message, "last_time", field),
        age_seconds=read_seconds(message, "progress_age", field),
    )


def write_progress(progress: LeaseProgress) -> shard_pb2.LeaseProgress:
    """Write how far a lease is."""
    return shard_pb2.LeaseProgress(
        lease=write_lease_key(progress.lease),
        stage=_STAGES.write(progress.stage),
        done_market_count=progress.done_markets,
        total_market_count=progress.total_markets,
        hole_count=progress.holes,
        row_count=progress.rows,
        received_bytes=progress.received_bytes,
        token_count=progress.tokens,
        last_time=progress.last,
        progress_age=timedelta(seconds=progress.age_seconds),
    )


def read_grant(message: lease_pb2.LeaseGrant, field: str) -> tuple[Grant, float]:
    """Read a lease and its work, and the seconds until it runs out, counted from the call that it answers."""
    opens, closes = (instant(getattr(message, name), f"{field}.{name}") for name in ("open_time", "close_time"))
    grant = Grant(
        lease=read_lease_key(message.lease, f"{field}.lease"),
        purpose=PURPOSES.read(message.purpose, f"{field}.purpose"),
        opens=opens,
        closes=closes,
        settled=read_instant(message, "settle_time", field),
        fetch_from=read_instant(message, "fetch_start_time", field),
        markets=tuple(
            read_market_task(market, f"{field}.markets[{place}]", opens=opens, closes=closes)
            for place, market in enumerate(message.markets)
        ),
        base=read_commit(message.base, f"{field}.base") if message.HasField("base") else None,
        replaces=read_commit(message.replaces, f"{field}.replaces") if message.HasField("replaces") else None,
        base_addresses=tuple(message.base_addresses),
    )
    return grant, read_seconds(message, "expire_after", field)


def write_grant(grant: Grant, expire_seconds: float) -> lease_pb2.LeaseGrant:
    """Write a lease and its work; it runs out that many seconds after the call that it answers."""
    return lease_pb2.LeaseGrant(
        lease=write_lease_key(grant.lease),
        expire_after=timedelta(seconds=expire_seconds),
        purpose=PURPOSES.write(grant.purpose),
        open_time=grant.opens,
        close_time=grant.closes,
        settle_time=grant.settled,
        fetch_start_time=grant.fetch_from,
        markets=[write_market_task(market, opens=grant.opens, closes=grant.closes) for market in grant.markets],
        base=write_commit(grant.base) if grant.base else None,
        replaces=write_commit(grant.replaces) if grant.replaces else None,
        base_addresses=grant.base_addresses,
    )


def read_market_task(message: lease_pb2.MarketTask, field: str, *, opens: datetime, closes: datetime) -> MarketTask:
    """Read a market to collect, of an event with these times."""
    return MarketTask(
        ticker=message.market_ticker,
        phase=_PHASES.read(message.phase, f"{field}.phase"),
        opens=read_instant(message, "open_time", field) or opens,
        closes=read_instant(message, "close_time", field) or closes,
        fetch_from=read_instant(message, "fetch_start_time", field),
    )


def write_market_task(market: MarketTask, *, opens: datetime, closes: datetime) -> lease_pb2.MarketTask:
    """Write a market to collect; times that are its event's are left out."""
    return lease_pb2.MarketTask(
        market_ticker=market.ticker,
        phase=_PHASES.write(market.phase),
        open_time=None if market.opens == opens else market.opens,
        close_time=None if market.closes == closes else market.closes,
        fetch_start_time=market.fetch_from,
    )


def read_api_budget(message: budget_pb2.ApiBudget, field: str) -> ApiBudget:
    """Read the budget that a worker's calls are counted against."""
    return ApiBudget(
        kind=_KINDS.read(message.kind, f"{field}.kind"),
        budget_id=message.budget_id,
        refill_per_second=read_optional(message, "refill_tokens_per_second"),
        capacity=read_optional(message, "capacity_tokens"),
    )


def write_api_budget(budget: ApiBudget) -> budget_pb2.ApiBudget:
    """Write the budget that a worker's calls are counted against."""
    return budget_pb2.ApiBudget(
        kind=_KINDS.write(budget.kind),
        budget_id=budget.budget_id,
        refill_tokens_per_second=budget.refill_per_second,
        capacity_tokens=budget.capacity,
    )


def read_api_usage(message: budget_pb2.ApiUsage) -> ApiUsage:
    """Read what a worker used."""
    return ApiUsage(
        calls=message.call_count,
        tokens=message.token_count,
        throttled=message.throttled_count,
        failed=message.failed_count,
        tokens_per_second=message.tokens_per_second,
        wanted_per_second=read_optional(message, "wanted_tokens_per_second"),
    )


def write_api_usage(usage: ApiUsage) -> budget_pb2.ApiUsage:
    """Write what a worker used."""
    return budget_pb2.ApiUsage(
        call_count=usage.calls,
        token_count=usage.tokens,
        throttled_count=usage.throttled,
        failed_count=usage.failed,
        tokens_per_second=usage.tokens_per_second,
        wanted_tokens_per_second=usage.wanted_per_second,
    )


def read_api_share(message: budget_pb2.ApiBudgetShare, field: str) -> ApiShare:
    """Read a worker's part of a budget."""
    return ApiShare(
        tokens_per_second=message.tokens_per_second,
        burst_tokens=message.burst_tokens,
        hold_seconds=read_seconds(message, "hold_for", field),
        fallback_per_second=message.fallback_tokens_per_second,
    )


def write_api_share(share: ApiShare) -> budget_pb2.ApiBudgetShare:
    """Write a worker's part of a budget."""
    return budget_pb2.ApiBudgetShare(
        tokens_per_second=share.tokens_per_second,
        burst_tokens=share.burst_tokens,
        hold_for=timedelta(seconds=share.hold_seconds),
        fallback_tokens_per_second=share.fallback_per_second,
    )


def read_file_report(message: worker_pb2.FileReport, field: str) -> FileReport:
    """Read news of a file on a worker's disk."""
    return FileReport(
        read_shard_key(message.shard_key, f"{field}.shard_key"),
        message.sha256,
        _CONDITIONS.read(message.condition, f"{field}.condition"),
    )


def write_file_report(report: FileReport) -> worker_pb2.FileReport:
    """Write news of a file on a worker's disk."""
    return worker_pb2.FileReport(
        shard_key=write_shard_key(report.shard), sha256=report.sha256, condition=_CONDITIONS.write(report.condition)
    )
