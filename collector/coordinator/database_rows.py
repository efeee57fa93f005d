"""The coordinator's rows as columns of its database, and back. Pure.

Every pair of functions keeps the order of the columns of its table in `database_schema`. Reading raises ValueError for
what no version of this module wrote.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import starmap
from typing import Annotated, Any

import msgspec

from collector.coordinator.calls import Listing
from collector.coordinator.rows import EventRow, LeaseRow, ShardRow, ShardState, WorkerRow
from collector.coordinator.store import Entry
from collector.types import ApiBudget, BudgetKind, MarketTask, Phase, Purpose
from mesh.shards import STEPS, Commit, Content, Hole, HoleReason, ShardFile, ShardKey
from mesh.types import utc

Columns = tuple[Any, ...]

_SECONDS = {name: seconds for seconds, name in STEPS.items()}


_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Market = tuple[str, Phase, _Instant, _Instant, _Instant | None]
"""A market of an event, without names: events have hundreds."""

_markets = msgspec.json.Decoder(tuple[_Market, ...])
_words = msgspec.json.Decoder(tuple[str, ...])
_numbers = msgspec.json.Decoder(tuple[int, ...])
_counts = msgspec.json.Decoder(dict[str, int])


def key_columns(key: ShardKey) -> Columns:
    """Name a shard."""
    return key.series, key.event, key.step


def commit_columns(entry: Entry) -> Columns:
    """Lay out a commit."""
    commit, file = entry.commit, entry.commit.file
    return (
        commit.sequence, *key_columns(entry.shard), commit.epoch,
        commit.worker_id, _text(commit.committed), _text(commit.covered_end),
        file.sha256, file.size_bytes, file.row_count, file.market_count,
        _maybe(file.first), _maybe(file.last), file.schema, file.schema_version, file.content.value,
        commit.hole_count,
    )  # fmt: skip


def commit_from(columns: Sequence[Any]) -> Commit:
    """Read a commit; of its shard's name nothing is needed."""
    sequence, _, _, _, epoch, worker_id, committed, covered_end, *file, hole_count = columns
    sha256, size_bytes, row_count, market_count, first, last, schema, schema_version, content = file
    return Commit(
        epoch=epoch,
        sequence=sequence,
        file=ShardFile(
            sha256, size_bytes, row_count, market_count, _maybe_time(first), _maybe_time(last),
            schema, schema_version, Content(content),
        ),
        covered_end=_time(covered_end),
        hole_count=hole_count,
        worker_id=worker_id,
        committed=_time(committed),
    )  # fmt: skip


def hole_columns(sequence: int, position: int, hole: Hole) -> Columns:
    """Lay out a hole of a commit."""
    return (
        sequence, position, hole.market, hole.reason.value, hole.detail,
        _maybe(hole.first), _maybe(hole.last), hole.attempts,
    )  # fmt: skip


def hole_from(columns: Sequence[Any]) -> Hole:
    """Read a hole."""
    _, _, market, reason, detail, first, last, attempts = columns
    return Hole(market, HoleReason(reason), detail, _maybe_time(first), _maybe_time(last), attempts)


def shard_columns(row: ShardRow) -> Columns:
    """Lay out a shard; of its commit only the epoch."""
    lease = row.lease
    leased: Columns = (None,) * 5
    if lease is not None:
        granted = _text(lease.granted)
        leased = lease.epoch, lease.worker_id, lease.worker_instance, lease.purpose.value, granted
    return (
        *key_columns(row.key), row.state.value, _text(row.opens), _text(row.closes), _maybe(row.settled),
        row.epoch, row.granted_to, None if row.commit is None else row.commit.epoch,
        *leased,
        _maybe(row.due), row.due_for.value, row.failures, row.hole_retries,
        _json(row.holders),
        row.withdrawn,
    )  # fmt: skip


def shard_from(columns: Sequence[Any]) -> ShardRow:
    """Read a shard, whose columns those of its commit in force follow, or nulls."""
    series, event, step, state, opens, closes, settled, epoch, granted_to, committed_epoch, *rest = columns
    lease_epoch, owner, instance, purpose, granted, due, due_for, failures, *rest = rest
    hole_retries, holders, withdrawn, *commit = rest
    lease = None
    if lease_epoch is not None:
        lease = LeaseRow(lease_epoch, owner, instance, Purpose(purpose), _time(granted))
    return ShardRow(
        key=key_from(series, event, step),
        state=ShardState(state),
        opens=_time(opens),
        closes=_time(closes),
        settled=_maybe_time(settled),
        epoch=epoch,
        granted_to=granted_to,
        lease=lease,
        commit=None if committed_epoch is None else commit_from(commit),
        due=_maybe_time(due),
        due_for=Purpose(due_for),
        failures=failures,
        hole_retries=hole_retries,
        holders=_words.decode(holders) if holders != "[]" else (),
        withdrawn=bool(withdrawn),
    )


def key_from(series: str, event: str, step: str) -> ShardKey:
    """Read a shard's name."""
    if step not in _SECONDS:
        raise ValueError(f"not a candle step: {step!r}")
    return ShardKey(series, event, _SECONDS[step])


def worker_columns(row: WorkerRow) -> Columns:
    """Lay out a worker."""
    budget = row.budget
    return (
        row.worker_id, row.instance,
        _json(row.superseded),
        row.software_version, row.node_index, row.fetch_address,
        budget.kind.value, budget.budget_id, budget.refill_per_second, budget.capacity,
        _text(row.registered), row.left,
    )  # fmt: skip


def worker_from(columns: Sequence[Any]) -> WorkerRow:
    """Read a worker."""
    worker_id, instance, superseded, version, node_index, fetch_address, kind, *budget, registered, left = columns
    return WorkerRow(
        worker_id=worker_id,
        instance=instance,
        superseded=_words.decode(superseded),
        software_version=version,
        node_index=node_index,
        fetch_address=fetch_address,
        budget=ApiBudget(BudgetKind(kind), *budget),
        registered=_time(registered),
        left=bool(left),
    )


def event_columns(row: EventRow) -> Columns:
    """Lay out an event."""
    markets = [(one.ticker, one.phase, one.opens, one.closes, one.fetch_from) for one in row.markets]
    return row.event, row.series, _maybe(row.settled), _text(row.listed), _json(markets)


def event_from(columns: Sequence[Any]) -> EventRow:
    """Read an event."""
    event, series, settled, listed, markets = columns
    return EventRow(
        series=series,
        event=event,
        markets=tuple(starmap(MarketTask, _markets.decode(markets))),
        settled=_maybe_time(settled),
        listed=_time(listed),
    )


def listing_columns(listing: Listing) -> Columns:
    """Lay out a listing."""
    return listing.series, _text(listing.listed), _json(listing.steps), _json(listing.events)


def listing_from(columns: Sequence[Any]) -> Listing:
    """Read a listing."""
    series, listed, steps, events = columns
    return Listing(series, _numbers.decode(steps), _time(listed), _counts.decode(events))


def _text(instant: datetime) -> str:
    """Write an instant; all are of one length, so that text sorts as time does."""
    return utc(instant).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _maybe(instant: datetime | None) -> str | None:
    return None if instant is None else _text(instant)


def _time(text: str) -> datetime:
    return utc(datetime.fromisoformat(text))


def _maybe_time(text: str | None) -> datetime | None:
    return None if text is None else _time(text)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
