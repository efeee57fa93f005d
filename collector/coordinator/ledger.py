"""What may happen to a shard: grants, commits, lapses, and what is refused. Pure.

Every function makes a new row of an old one. Fencing is per shard: whoever was granted its highest epoch may commit,
whether or not the lease has run out, until somebody is granted a higher one.
"""

from dataclasses import replace
from datetime import datetime

from collector.coordinator import due
from collector.coordinator.calls import CommitCall
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow, LeaseRow, ShardRow, ShardState
from collector.types import Condition, FileReport, LeaseKey, Purpose
from mesh.errors import AlreadyExists, Conflict, Denied, MeshError, NotFound, NotReady
from mesh.shards import Commit, Hole, ShardKey

_QUOTE_TRIES = 5
"""Failed collections anew of a file without quotes, or short of markets, after which it stays as it is."""


def grant(row: ShardRow, worker_id: str, instance: str, now: datetime) -> ShardRow:
    """Lease a shard for what it is due for, under the next epoch."""
    epoch = row.epoch + 1
    lease = LeaseRow(epoch, worker_id, instance, row.due_for, now)
    return replace(row, epoch=epoch, granted_to=worker_id, lease=lease, due=None)


def take_up(row: ShardRow, instance: str, now: datetime) -> ShardRow:
    """Lease a shard on under its latest epoch to whom that was granted, be it another process or after it ran out."""
    if row.lease is not None:
        return replace(row, lease=replace(row.lease, worker_instance=instance))
    return replace(row, lease=LeaseRow(row.epoch, row.granted_to, instance, row.due_for, now), due=None)


def lapse(row: ShardRow, now: datetime, policy: LeasePolicy, *, wait: float = 0.0, failed: bool = False) -> ShardRow:
    """End a lease without a commit; the shard is due again after `wait` seconds.

    Args:
        row: With the lease.
        now: UTC.
        policy: Waits.
        wait: Before it may be granted again.
        failed: Whether it counts as a failure that backs the shard off.
    """
    purpose = row.lease.purpose if row.lease else row.due_for
    freed = replace(due.plan_after_lapse(row, purpose, now, wait), lease=None, failures=row.failures + failed)
    if row.lease is not None and row.due is not None:  # markets joined since the grant
        freed = due.fenced(freed)
    if purpose is Purpose.ADD_QUOTES and freed.failures >= _QUOTE_TRIES and row.state is not ShardState.OPEN:
        return due.seal(freed, policy)  # with the prices that there are
    return due.ripen(freed, now, policy)


def commit(
    row: ShardRow, call: CommitCall, now: datetime, policy: LeasePolicy, *, sequence: int, committed: datetime
) -> ShardRow:
    """Enter a file and end the lease; an adopted file gets the next epoch.

    Args:
        row: As it was.
        call: With the file, and with the holes that the manifest is to have.
        now: UTC.
        policy: Waits.
        sequence: Of the commit.
        committed: What the manifest says of when.
    """
    epoch = call.basis if isinstance(call.basis, int) else row.epoch + 1
    entered = Commit(epoch, sequence, call.file, call.covered_end, len(call.holes), call.worker_id, committed)
    before = row.commit.hole_count if row.commit else 0
    purpose = row.lease.purpose if row.lease else row.due_for
    kept = replace(
        row, epoch=epoch, granted_to=call.worker_id, lease=None, commit=entered, holders=(call.worker_id,), failures=0
    )
    if row.commit is None and row.state is ShardState.SEALED:
        return kept  # adopted, of an event that the exchange has not listed: there is nothing to ask for
    kept = replace(kept, due=None)
    adopted = not isinstance(call.basis, int)
    planned = due.plan_after_commit(
        kept, now, policy, purpose=purpose, holes=call.holes, before=before, adopted=adopted
    )
    late = row.lease is not None and row.due is not None
    return due.plan_late_markets(planned, now, policy) if late else planned


def adopted_unlisted(call: CommitCall) -> ShardRow:
    """Make the row of a shard that only its file tells of: as far as is known it is finished."""
    opens = call.file.first or call.covered_end
    return ShardRow(call.shard, ShardState.SEALED, min(opens, call.covered_end), call.covered_end)


def is_short(row: ShardRow, event: EventRow) -> bool:
    """Tell whether a file that nobody collected under a lease lacks markets without naming them as holes."""
    commit = row.commit
    return commit is not None and commit.file.market_count + commit.hole_count < len(event.markets)


def listed(row: ShardRow | None, key: ShardKey, event: EventRow, now: datetime, policy: LeasePolicy) -> ShardRow:
    """Bring a shard in line with the exchange's word on its event; a new one if there was none."""
    over = due.is_over(event, now)
    if row is None:
        state = ShardState.CLOSED if over else ShardState.OPEN
        return due.plan_first(ShardRow(key, state, event.opens, event.closes, event.settled), policy)
    fresh = replace(row, opens=event.opens, closes=event.closes, settled=event.settled, withdrawn=False)
    if row.lease is not None:  # what follows is planned when the lease ends
        return fresh
    planned = due.plan_after_listing(fresh, over, now, policy)
    never_asked = planned.state is ShardState.SEALED and not planned.hole_retries
    return due.plan_anew(planned, now) if never_asked and is_short(planned, event) else planned


def report(row: ShardRow, worker_id: str, news: FileReport, now: datetime, policy: LeasePolicy) -> ShardRow:
    """Note what a worker found on its disk; the last holder's loss makes a repair due. News of another file is old."""
    if row.commit is None or row.commit.file.sha256 != news.sha256:
        return row
    holds = worker_id in row.holders
    if news.condition is Condition.VERIFIED:
        if holds:
            return row
        found = replace(row, holders=(*row.holders, worker_id))
        repairing = row.lease is None and row.due is not None and row.due_for is Purpose.REPAIR
        return _call_off_repair(found, now, policy) if repairing else found
    if not holds:
        return row
    lost = replace(row, holders=tuple(holder for holder in row.holders if holder != worker_id))
    return due.plan_repair(lost, now) if not lost.holders and lost.lease is None else lost


def check_claim(row: ShardRow, epoch: int, worker_id: str) -> None:
    """Refuse a worker that has no claim to an epoch under which nothing was committed.

    Raises:
        NotReady: `STALE_EPOCH`: a higher one was granted; `UNKNOWN_EPOCH`: it never was.
        Denied: `LEASE_NOT_YOURS`: it was granted to another worker.
    """
    if epoch < row.epoch:
        raise stale(row, epoch)
    if epoch > row.epoch:
        raise NotReady(
            f"epoch {epoch} of {row.key} was never granted: the highest is {row.epoch}",
            reason="UNKNOWN_EPOCH",
            metadata={"current_epoch": str(row.epoch)},
        )
    if row.granted_to != worker_id:
        raise Denied(f"epoch {epoch} of {row.key} was granted to {row.granted_to}", reason="LEASE_NOT_YOURS")


def check_adoptable(row: ShardRow) -> None:
    """Refuse to adopt another file beside a commit or a lease. AlreadyExists (`COMMIT_CONFLICT`), Conflict."""
    if row.commit is not None:
        raise commit_conflict(row.key, row.commit)
    if row.lease is not None:
        raise Conflict(
            f"{row.lease.worker_id} is collecting {row.key}",
            reason="SHARD_LEASED",
            metadata={"current_owner": row.lease.worker_id, "current_epoch": str(row.epoch)},
        )


def stale(row: ShardRow, epoch: int) -> MeshError:
    """Make the refusal of an epoch that a higher one has replaced."""
    owner = owner_of(row)
    return NotReady(
        f"epoch {epoch} of {row.key} is over: {row.epoch} was granted" + (f", {owner} holds it" if owner else ""),
        reason="STALE_EPOCH",
        metadata={"current_owner": owner, "current_epoch": str(row.epoch)},
    )


def commit_conflict(shard: ShardKey, committed: Commit) -> MeshError:
    """Make the refusal of a second file."""
    return AlreadyExists(
        f"another file of {shard} is committed under epoch {committed.epoch}",
        reason="COMMIT_CONFLICT",
        metadata={"sha256": committed.file.sha256},
    )


def shard_not_found(shard: ShardKey) -> MeshError:
    """Make the refusal of a shard that nobody knows."""
    return NotFound(f"there is no shard {shard}", reason="SHARD_NOT_FOUND")


def owner_of(row: ShardRow) -> str:
    """Name who holds the shard; empty if nobody does."""
    return row.lease.worker_id if row.lease else ""


def lease_key(row: ShardRow) -> LeaseKey:
    """Name the latest grant."""
    return LeaseKey(row.key, row.epoch)


def with_unasked(holes: tuple[Hole, ...], unasked: tuple[Hole, ...]) -> tuple[Hole, ...]:
    """Add holes for markets that the lease left out, unless the file names them itself."""
    named = {hole.market for hole in holes}
    return holes + tuple(hole for hole in unasked if hole.market not in named)


def _call_off_repair(row: ShardRow, now: datetime, policy: LeasePolicy) -> ShardRow:
    if row.state is ShardState.SEALED:
        return replace(row, due=None)
    if row.state is ShardState.OPEN:
        return due.ripen(due.plan_refresh(row, now, policy), now, policy)
    return due.plan_finish(row, max(now, due.final_time(row, policy)))
