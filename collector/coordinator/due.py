"""When a shard is to be collected next, and what for. Pure.

A shard of an event that trades is collected, then refreshed at intervals. Once the event is over and its last candles
have had time to appear, it is finished; holes that may mend are asked for again, a few times; then it is sealed.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow, ShardRow, ShardState
from collector.types import Phase, Purpose
from mesh.shards import Commit, Content, Hole, HoleReason

_LONGEST_BACKOFF = 3600.0
_DAY = 86_400
"""Step of daily candles, whose last one nobody waits for: it ends at midnight in New York."""
_OVER = (Phase.CLOSED, Phase.SETTLED)


def event_end(row: ShardRow) -> datetime:
    """Return when trading ended or is to end; an event settled ahead of its announced close ended by then."""
    return min(row.closes, row.settled) if row.settled else row.closes


def last_candle(row: ShardRow) -> datetime:
    """Return the end of the last candle that collectors ask for: the one under way when trading ends.

    Where trading ends together with a candle it is the next one, in which the book is emptied.
    """
    end, step = event_end(row), row.key.step_seconds
    return end if step == _DAY else datetime.fromtimestamp((int(end.timestamp()) // step + 1) * step, UTC)


def final_time(row: ShardRow, policy: LeasePolicy) -> datetime:
    """Return from when on the exchange has the event's last candles: it publishes each when its period ends."""
    return last_candle(row) + timedelta(seconds=policy.settle_delay)


def is_over(event: EventRow, now: datetime) -> bool:
    """Tell whether an event trades no more: by its announced close, or because the exchange says so of every market."""
    return now >= event.closes or all(market.phase in _OVER for market in event.markets)


def may_mend(hole: Hole, settled: datetime | None) -> bool:
    """Tell whether asking again may fill a hole.

    "No candles" is final once the event is settled. Everything else may pass: a market that is not found may be on its
    way from the live tier to the archive.
    """
    return hole.reason is not HoleReason.NO_DATA or settled is None


def plan_first(row: ShardRow, policy: LeasePolicy) -> ShardRow:
    """Plan the first collection: once the first candle is complete, or when the event is over if that is sooner."""
    first_candle = row.opens + timedelta(seconds=row.key.step_seconds)
    due = first_candle if row.state is ShardState.OPEN and first_candle < event_end(row) else final_time(row, policy)
    return replace(row, due=due, due_for=Purpose.COLLECT)


def plan_refresh(row: ShardRow, now: datetime, policy: LeasePolicy) -> ShardRow:
    """Plan the next look at an event that trades; one that would come after its end is the last collection."""
    due = now + _refresh_interval(row, policy)
    if due >= event_end(row):
        return plan_finish(row, final_time(row, policy))
    return replace(row, due=due, due_for=_unless_price_only(row, Purpose.REFRESH))


def plan_finish(row: ShardRow, due: datetime) -> ShardRow:
    """Plan the last collection."""
    return replace(row, due=due, due_for=_unless_price_only(row, Purpose.FINISH))


def plan_after_commit(
    row: ShardRow,
    now: datetime,
    policy: LeasePolicy,
    *,
    purpose: Purpose,
    holes: tuple[Hole, ...],
    before: int,
    adopted: bool,
) -> ShardRow:
    """Plan what follows a commit.

    Args:
        row: With the new commit and without the lease; closed if the event was over when it was leased.
        now: UTC.
        policy: Waits.
        purpose: What the commit was made for.
        holes: Of the new commit.
        before: How many holes the commit before had; they are fewer now if a retry helped.
        adopted: Whether it came without a lease: then it need not hold the candle in which the book was emptied.
    """
    commit = row.commit
    if commit is None:
        raise ValueError(f"{row.key} has no commit to go on from")
    if row.state is ShardState.OPEN and now < event_end(row):
        return plan_refresh(row, now, policy)
    if row.state is ShardState.OPEN:  # the event ended while it was collected
        return plan_finish(replace(row, state=ShardState.CLOSED), final_time(row, policy))
    row = replace(
        row, state=ShardState.CLOSED, hole_retries=0 if purpose is not Purpose.RETRY_HOLES else row.hole_retries
    )
    if commit.covered_end < (event_end(row) if adopted else last_candle(row)):
        return plan_finish(row, max(final_time(row, policy), now + _refresh_interval(row, policy)))
    if commit.file.content is Content.PRICES:
        # An exchange that gave no quotes once gives none the next time either.
        return seal(row, policy) if purpose is Purpose.ADD_QUOTES else _retry(row, now, Purpose.ADD_QUOTES)
    return _plan_retries(row, now, policy, purpose=purpose, holes=holes, before=before)


def plan_after_lapse(row: ShardRow, purpose: Purpose, now: datetime, wait: float) -> ShardRow:
    """Plan the next try after a lease that ended without a commit, `wait` seconds from now."""
    again = purpose
    if row.commit is not None and not row.holders:
        again = Purpose.REPAIR
    elif row.commit is not None and purpose is Purpose.COLLECT:  # its file was out of reach, and may not be any more
        again = _extending(row, row.commit)
    return replace(row, due=now + timedelta(seconds=wait), due_for=again)


def plan_repair(row: ShardRow, now: datetime) -> ShardRow:
    """Plan to collect anew what was lost everywhere. The state stays: a sealed shard is leased again for this alone."""
    return replace(row, due=now, due_for=Purpose.REPAIR)


def plan_after_listing(row: ShardRow, over: bool, now: datetime, policy: LeasePolicy) -> ShardRow:
    """Plan anew after the exchange's word on the event changed.

    Args:
        row: With the event's present times, without a lease.
        over: Whether the event trades no more.
        now: UTC.
        policy: Waits.
    """
    if row.commit is not None and not row.holders:
        return row if row.due is not None else plan_repair(row, now)
    if row.commit is None:
        planned = plan_first(replace(row, state=ShardState.CLOSED if over else ShardState.OPEN), policy)
        return row if row.failures and row.due and planned.state is row.state else planned  # keeps its backoff
    if not over:
        opened = replace(row, state=ShardState.OPEN)
        planned = plan_refresh(opened, now, policy)
        waits = row.state is ShardState.OPEN and row.due is not None and row.due_for is planned.due_for
        return replace(planned, due=row.due) if waits and planned.due_for is not Purpose.FINISH else planned
    if row.state is not ShardState.OPEN and row.commit.covered_end >= event_end(row):
        if row.due is None and not row.hole_retries:  # adopted before it was listed: never sealed by a rule
            if row.commit.file.content is Content.PRICES:
                return _retry(replace(row, state=ShardState.CLOSED), now, Purpose.ADD_QUOTES)
            if row.commit.hole_count:
                return _retry(replace(row, state=ShardState.CLOSED), now, Purpose.RETRY_HOLES)
        return row  # retries of holes go on as planned; what is sealed stays so
    if row.failures and row.due and row.state is ShardState.CLOSED:
        return row
    return plan_finish(replace(row, state=ShardState.CLOSED), final_time(row, policy))


def plan_anew(row: ShardRow, now: datetime) -> ShardRow:
    """Plan to collect again what a file that came without a lease may lack; the file stays if that brings less."""
    return replace(row, state=ShardState.CLOSED, due=now, due_for=Purpose.ADD_QUOTES)


def plan_late_markets(row: ShardRow, now: datetime, policy: LeasePolicy) -> ShardRow:
    """Plan to collect markets that joined an event that has been collected to its end already."""
    if row.lease is not None:  # noted for the lease's end: its grant lacks them
        return replace(row, due=now)
    row = fenced(row)
    if row.commit is None or row.state is ShardState.OPEN or row.commit.covered_end < event_end(row):
        return row  # they come with what is planned anyway
    return plan_finish(replace(row, state=ShardState.CLOSED), max(now, final_time(row, policy)))


def fenced(row: ShardRow) -> ShardRow:
    """Void the claim to a lease that ran out, if there is one: a commit would hide what its grant lacks."""
    claimed = bool(row.granted_to) and (row.commit is None or row.commit.epoch < row.epoch)
    return replace(row, epoch=row.epoch + 1, granted_to="") if claimed else row


def plan_nothing(row: ShardRow, now: datetime, policy: LeasePolicy) -> ShardRow:
    """Plan on where there turned out to be nothing to fetch: the markets with holes are listed no more."""
    if row.state is ShardState.OPEN:
        return plan_refresh(row, now, policy)
    return seal(row, policy) if row.commit is not None else replace(row, due=None)


def ripen(row: ShardRow, now: datetime, policy: LeasePolicy) -> ShardRow:
    """Look again at a shard whose time has come: its event may have ended meanwhile, and then it is finished instead.

    The row that comes back is due in the future if the last candles need time to appear.
    """
    if row.state is not ShardState.OPEN or now < event_end(row):
        return row
    over = replace(row, state=ShardState.CLOSED)
    if over.due_for is Purpose.REFRESH:
        over = replace(over, due_for=Purpose.FINISH)
    if over.due is None:
        return over
    return replace(over, due=max(over.due, final_time(over, policy)))


def seal(row: ShardRow, policy: LeasePolicy) -> ShardRow:
    """Finish a shard for good."""
    return replace(row, state=ShardState.SEALED, due=None, hole_retries=max(1, len(policy.retry_holes)))


def backoff(failures: int, policy: LeasePolicy) -> float:
    """Return the seconds to wait after so many failures in a row, at least one."""
    return min(_LONGEST_BACKOFF, policy.backoff * 2.0 ** min(failures - 1, 16))


def _plan_retries(
    row: ShardRow, now: datetime, policy: LeasePolicy, *, purpose: Purpose, holes: tuple[Hole, ...], before: int
) -> ShardRow:
    if not any(may_mend(hole, row.settled) for hole in holes):
        return seal(row, policy)
    unasked = any(hole.reason is HoleReason.NOT_ATTEMPTED for hole in holes)
    if unasked and (purpose is not Purpose.RETRY_HOLES or len(holes) < before):
        return _retry(row, now, Purpose.RETRY_HOLES)  # not a retry yet: go on where the worker stopped
    tries = row.hole_retries + (purpose is Purpose.RETRY_HOLES)
    if tries >= len(policy.retry_holes):
        return seal(row, policy)
    wait = timedelta(seconds=policy.retry_holes[tries])
    return _retry(replace(row, hole_retries=tries), now + wait, Purpose.RETRY_HOLES)


def _retry(row: ShardRow, due: datetime, purpose: Purpose) -> ShardRow:
    return replace(row, due=due, due_for=purpose)


def _extending(row: ShardRow, commit: Commit) -> Purpose:
    """Say what for a shard is leased next whose file is to be extended."""
    if row.state is ShardState.OPEN:
        return Purpose.REFRESH
    return Purpose.RETRY_HOLES if commit.hole_count and commit.covered_end >= event_end(row) else Purpose.FINISH


def _refresh_interval(row: ShardRow, policy: LeasePolicy) -> timedelta:
    return timedelta(seconds=max(policy.refresh, row.key.step_seconds))


def _unless_price_only(row: ShardRow, purpose: Purpose) -> Purpose:
    price_only = row.commit is not None and row.commit.file.content is Content.PRICES
    return Purpose.ADD_QUOTES if price_only else purpose
