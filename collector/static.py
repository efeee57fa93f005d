"""Collecting by the stable split, without a coordinator: for emergencies.

Each node lists what the exchange has and takes the events that prefer it. The same rules as the coordinator's say what
is due, the same fetcher collects it, and the files wait, visible here, for a coordinator to adopt them. What was
committed under a lease is left alone: only a coordinator may replace that.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from collector.config import StaticConfig
from collector.coordinator import due, ledger
from collector.coordinator.calls import AdoptionKind, CommitCall, Listing
from collector.coordinator.discovery import Discovery
from collector.coordinator.event_rows import with_late_markets
from collector.coordinator.granting import build_grant
from collector.coordinator.moment import Present
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow, ShardRow
from collector.fetching import BaseFile, Fetcher
from collector.metrics import CollectorMetrics
from collector.ownership import preferred_node
from collector.replacing import shortfall
from collector.shielding import whole
from collector.types import Grant
from mesh import log
from mesh.clock import Clock
from mesh.errors import MeshError
from mesh.kalshi.client import KalshiClient
from mesh.shards import Commit, ShardKey
from mesh.store.errors import Damaged, StoreError
from mesh.store.folder import DataFolder
from mesh.store.label import Origin

_NOBODY = "static"

_log = log.get(__name__)


class StaticPlan:
    """What this node is to collect. Discovery's catalogue, and its memory.

    Attributes:
        archive_cutoff: Markets settled before this are in the exchange's archive; None until discovery says.
    """

    def __init__(self, config: StaticConfig, folder: DataFolder, clock: Clock) -> None:
        self.archive_cutoff: datetime | None = None
        self._config = config
        self._folder = folder
        self._present = Present(clock)
        self._policy = LeasePolicy(refresh=config.refresh_seconds)
        self._steps = config.steps
        self._events: dict[str, EventRow] = {}
        self._listings: dict[str, Listing] = {}
        self._rows: dict[ShardKey, ShardRow] = {}

    def learn_time(self, exchange: datetime) -> None:
        """Learn what time it is at the exchange, UTC."""
        self._present.tell(exchange)

    def take_events(self, events: Sequence[EventRow]) -> None:
        """Learn of new events, and of what changed in known ones; those of other nodes are left out."""
        now = self._present.read().due
        for told in events:
            event, grown = with_late_markets(told, self._events.get(told.event))
            self._events[event.event] = event
            if preferred_node(event.event, self._config.total_nodes) != self._config.node_id:
                continue
            for step in self._steps[event.series]:
                key = ShardKey(event.series, event.event, step)
                row = self._rows.get(key)
                listed = ledger.listed(row, key, event, now, self._policy)
                here = listed if row else self._as_here(listed, event)
                if grown and not self._is_leased(key):
                    here = due.plan_late_markets(here, now, self._policy)
                self._rows[key] = here

    def finish_listing(self, listing: Listing) -> None:
        """Learn that a series has been listed to the end."""
        self._listings[listing.series] = listing

    def event(self, event: str) -> EventRow | None:
        """Return an event as it was last told."""
        return self._events.get(event)

    def listing(self, series: str) -> Listing | None:
        """Return the last complete listing of a series."""
        return self._listings.get(series)

    def due(self) -> list[ShardRow]:
        """Return what is to be collected now, leased to ourselves; the oldest events first."""
        now = self._present.read().due
        ripe = [due.ripen(row, now, self._policy) for row in self._rows.values() if row.due and row.due <= now]
        granted = [ledger.grant(row, _NOBODY, _NOBODY, now) for row in ripe if row.due and row.due <= now]
        return sorted(granted, key=lambda row: (row.closes, row.key))

    def grant(self, row: ShardRow) -> Grant | None:
        """Say what is to be fetched for a shard; None if there is nothing."""
        event, holes = self._events[row.key.event], self._folder.holes(row.key)
        return build_grant(row, event, holes, addresses=(), holds_base=row.commit is not None)

    def settle(self, row: ShardRow, call: CommitCall) -> None:
        """Note what was collected."""
        now = self._present.read().due
        self._rows[row.key] = ledger.commit(row, call, now, self._policy, sequence=0, committed=now)

    def put_off(self, row: ShardRow, *, failed: bool) -> None:
        """Note that nothing was collected."""
        wait = due.backoff(row.failures + 1, self._policy) if failed else self._policy.refresh
        known = _without_file(row) if self._folder.commit(row.key) is None else row  # it may have been lost meanwhile
        self._rows[row.key] = ledger.lapse(known, self._present.read().due, self._policy, wait=wait, failed=failed)

    def _is_leased(self, key: ShardKey) -> bool:
        """Tell whether the file that is here was committed under a lease."""
        commit = self._folder.commit(key)
        return commit is not None and commit.epoch > 0

    def _as_here(self, row: ShardRow, event: EventRow) -> ShardRow:
        """Go on from the file that is here; one that lacks markets without naming them is collected anew."""
        commit = self._folder.commit(row.key)
        if commit is None:
            return row
        here = replace(row, commit=commit, holders=(_NOBODY,))
        if commit.epoch:
            return replace(here, due=None)
        call = CommitCall(
            _NOBODY, row.key, AdoptionKind.STATIC, commit.file, commit.covered_end, self._folder.holes(row.key)
        )
        then = commit.committed
        known = ledger.commit(here, call, then, self._policy, sequence=0, committed=then)
        over = known.due is None and ledger.is_short(known, event)
        return due.plan_anew(known, self._present.read().due) if over else known


async def collect_statically(
    config: StaticConfig,
    folder: DataFolder,
    client: KalshiClient,
    clock: Clock,
    metrics: CollectorMetrics,
    *,
    slots: int,
    once: bool,
) -> None:
    """List and collect, again and again until cancelled, or once."""
    plan, fetcher, turns = StaticPlan(config, folder, clock), Fetcher(client, clock), asyncio.Semaphore(slots)
    discovery = Discovery(client, plan, plan, config.steps, clock, since=config.since)

    async def work(row: ShardRow) -> None:
        async with turns:
            try:
                await _collect(plan, folder, fetcher, metrics, row)
            except MeshError as error:
                _log.error("not collected", shard=str(row.key), problem=str(error))
                plan.put_off(row, failed=True)
            except Exception:  # one shard's bad luck is not the others'
                _log.exception("not collected", shard=str(row.key))
                plan.put_off(row, failed=True)

    while True:
        for series in config.steps:
            await _look(discovery, series)
        rows = await asyncio.to_thread(plan.due)
        async with asyncio.TaskGroup() as tasks:
            for row in rows:
                tasks.create_task(work(row), name=f"collect {row.key}")
        _log.info("all that was due has been looked at", shards=len(rows))
        if once:
            return
        await clock.sleep(config.refresh_seconds)


async def _look(discovery: Discovery, series: str) -> None:
    """List a series; what is known of it is collected even where that fails."""
    try:
        await discovery.look(series)
    except MeshError as error:
        _log.error("not listed", series=series, problem=str(error))


async def _collect(
    plan: StaticPlan, folder: DataFolder, fetcher: Fetcher, metrics: CollectorMetrics, row: ShardRow
) -> None:
    grant = await asyncio.to_thread(plan.grant, row)
    if grant is None:
        plan.put_off(row, failed=False)
        return
    key = row.key
    base = None
    if grant.base is not None:
        base = await _base(folder, key, grant.base)
        if base is None:
            await _collect(plan, folder, fetcher, metrics, _without_file(row))
            return
    collected = await fetcher.collect(
        grant, base, cutoff=plan.archive_cutoff, draining=asyncio.Event(), report=lambda _: None
    )
    if grant.replaces is not None and (problem := shortfall(grant.replaces, collected)):
        _log.warning("not collected", shard=str(key), problem=problem)
        plan.put_off(row, failed=True)
        return
    commit = await whole(
        lambda: folder.adopt(
            key,
            collected.table,
            origin=Origin.STATIC,
            content=collected.content,
            covered_end=collected.covered_end,
            holes=collected.holes,
        )
    )
    call = CommitCall(_NOBODY, key, AdoptionKind.STATIC, commit.file, commit.covered_end, collected.holes)
    plan.settle(row, call)
    metrics.committed(commit.file.row_count, collected.holes)
    _log.info("collected", shard=str(key), rows=commit.file.row_count, holes=len(collected.holes))


async def _base(folder: DataFolder, key: ShardKey, commit: Commit) -> BaseFile | None:
    """Read the file that is extended; None where it is lost or damaged, and is out of the way then."""
    try:
        return await asyncio.to_thread(lambda: BaseFile(folder.read(key), folder.holes(key)))
    except StoreError as error:
        if error.reason != "FILE_MISSING" and not isinstance(error, Damaged):
            raise
        _log.error("a file is lost or damaged: it is collected anew", shard=str(key), problem=error.message)
    await whole(lambda: folder.set_aside(key, commit))
    return None


def _without_file(row: ShardRow) -> ShardRow:
    return replace(row, commit=None, holders=())
