"""What a lease is to fetch: its markets, from when on, and the commit that it extends. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from collector.coordinator.due import event_end, may_mend
from collector.coordinator.rows import EventRow, ShardRow
from collector.types import Grant, LeaseKey, MarketTask, Purpose
from mesh.shards import Commit, Hole, HoleReason

MAX_MARKETS = 1000
"""Of one grant; what does not fit becomes holes of the commit, which are collected under further leases."""

_ANEW = (Purpose.COLLECT, Purpose.REPAIR, Purpose.ADD_QUOTES)


def build_grant(
    row: ShardRow, event: EventRow, holes: tuple[Hole, ...], *, addresses: tuple[str, ...], holds_base: bool
) -> Grant | None:
    """Say what a lease is to fetch.

    Where neither the worker nor anybody that answers has the commit's file, everything is collected anew.

    Args:
        row: The shard, leased.
        event: With its markets.
        holes: Of the commit in force.
        addresses: Where its file can be fetched.
        holds_base: Whether the worker itself has it.

    Returns:
        The grant; None if there is nothing to fetch.
    """
    lease = row.lease
    if lease is None:
        raise ValueError(f"{row.key} is not leased")
    base = row.commit if addresses or holds_base else None
    markets, fetch_from = _work(row, lease.purpose, event, holes, base)
    if not markets:
        return None
    extends = base if lease.purpose not in _ANEW else None
    return Grant(
        LeaseKey(row.key, row.epoch),
        lease.purpose,
        opens=row.opens,
        closes=row.closes,
        settled=row.settled,
        fetch_from=fetch_from,
        markets=markets[:MAX_MARKETS],
        base=extends,
        replaces=row.commit if extends is None and lease.purpose is not Purpose.REPAIR else None,
        base_addresses=addresses if extends else (),
    )


def unasked_holes(row: ShardRow, event: EventRow, holes: tuple[Hole, ...]) -> tuple[Hole, ...]:
    """Name as holes the markets that a lease's grant had no room for.

    Args:
        row: As it was when the lease's commit came: the commit in force is the one that the lease extends.
        event: With its markets.
        holes: Of the commit in force.
    """
    if len(event.markets) <= MAX_MARKETS:
        return ()
    purpose = row.lease.purpose if row.lease else row.due_for
    markets, fetch_from = _work(row, purpose, event, holes, row.commit)
    return tuple(
        Hole(market.ticker, HoleReason.NOT_ATTEMPTED, first=market.fetch_from or fetch_from)
        for market in markets[MAX_MARKETS:]
    )


def _work(
    row: ShardRow, purpose: Purpose, event: EventRow, holes: tuple[Hole, ...], base: Commit | None
) -> tuple[tuple[MarketTask, ...], datetime | None]:
    if base is None or purpose in _ANEW:
        return tuple(replace(each, fetch_from=None) if each.fetch_from else each for each in event.markets), None
    if purpose is Purpose.RETRY_HOLES:
        return _holed(event.markets, [hole for hole in holes if may_mend(hole, row.settled)]), None
    step = row.key.step_seconds
    # The candle that was under way when the base was made is asked for again, and so is the last of a closed event.
    fetch_from = _aligned(min(base.covered_end, event_end(row)), step)
    holed = _holed(event.markets, holes)
    named = {market.ticker for market in holed}
    moving = (
        market
        for market in event.markets
        if market.ticker not in named
        and (market.fetch_from is not None or market.closes + timedelta(seconds=step) >= fetch_from)
    )
    return (*holed, *moving), fetch_from


def _holed(markets: Iterable[MarketTask], holes: Iterable[Hole]) -> tuple[MarketTask, ...]:
    """Give the markets with holes, each from its first hole on; never asked for before the others, then by ticker."""
    firsts: dict[str, datetime | None] = {}
    unasked: set[str] = set()
    for hole in holes:
        known = firsts.get(hole.market, hole.first)
        firsts[hole.market] = None if known is None or hole.first is None else min(known, hole.first)
        if hole.reason is HoleReason.NOT_ATTEMPTED:
            unasked.add(hole.market)
    tasks = [
        replace(market, fetch_from=firsts[market.ticker] or market.opens)
        for market in markets
        if market.ticker in firsts
    ]
    return tuple(sorted(tasks, key=lambda task: (task.ticker not in unasked, task.ticker)))


def _aligned(instant: datetime, step_seconds: int) -> datetime:
    seconds = int(instant.timestamp())
    return datetime.fromtimestamp(seconds - seconds % step_seconds, UTC)
