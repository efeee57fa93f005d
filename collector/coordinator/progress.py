"""How far collection is, counted as it changes. Pure."""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from collector.coordinator.calls import Listing, SeriesView
from collector.coordinator.rows import ShardRow, ShardState
from mesh.shards import Content

WINDOW = 300.0
"""Seconds over which rates are taken."""
_SLICE = 10.0
Outlook = Callable[[str, int], tuple[int, timedelta | None]]
"""Says of a series and a candle step how many shards may be leased now, and when the next falls due."""


class Rate:
    """How much came in over the last minutes."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._slices: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def add(self, amount: float, now: float) -> None:
        """Count something at a monotonic instant."""
        start = now - now % _SLICE
        if self._slices and self._slices[-1][0] >= start:
            start, before = self._slices.pop()
            amount, self._sum = before + amount, self._sum - before
        self._slices.append((start, amount))
        self._sum += amount

    def per_second(self, now: float) -> float | None:
        """Return the rate; None before a slice has passed."""
        while self._slices and self._slices[0][0] < now - WINDOW:
            self._sum -= self._slices.popleft()[1]
        span = min(WINDOW, now - self._began)
        if span < _SLICE:
            return None
        return max(0.0, self._sum) / span if self._slices else 0.0


@dataclass(slots=True)
class Tally:
    """Counts of one series at one candle step; as in `SeriesView`."""

    done: Rate
    """Leases that ended with a commit."""
    total: int = 0
    committed: int = 0
    sealed: int = 0
    open: int = 0
    leased: int = 0
    holed: int = 0
    price_only: int = 0
    holes: int = 0
    rows: int = 0
    size_bytes: int = 0

    def count(self, row: ShardRow, sign: int) -> None:
        """Add a shard (1), or take it out (-1). One that is not to be collected counts only by its commit."""
        commit = row.commit
        if row.withdrawn and commit is None:
            return
        self.total += sign
        self.sealed += sign * (row.state is ShardState.SEALED)
        self.open += sign * (row.state is ShardState.OPEN)
        self.leased += sign * (row.lease is not None)
        if commit is None:
            return
        self.committed += sign
        self.holed += sign * (commit.hole_count > 0)
        self.price_only += sign * (commit.file.content is Content.PRICES)
        self.holes += sign * commit.hole_count
        self.rows += sign * commit.file.row_count
        self.size_bytes += sign * commit.file.size_bytes


@dataclass(slots=True)
class Tallies:
    """Counts of all series, kept as rows change."""

    began: float
    """Monotonic."""
    by_series: dict[tuple[str, int], Tally] = field(default_factory=dict)

    def change(self, old: ShardRow | None, new: ShardRow, now: float) -> None:
        """Note that a row took the place of another."""
        where = (new.key.series, new.key.step_seconds)
        tally = self.by_series.get(where)
        if tally is None:
            tally = self.by_series[where] = Tally(Rate(self.began))
        if old is not None:
            tally.count(old, -1)
            if old.lease is not None and new.commit != old.commit:
                tally.done.add(1, now)
        tally.count(new, 1)

    def views(
        self, series: Collection[str], listings: Mapping[str, Listing], outlook: Outlook, now: float
    ) -> tuple[SeriesView, ...]:
        """Show some series, or all where none is named, by ticker and step."""
        wanted = set(series)
        return tuple(
            _view(ticker, step, tally, listings.get(ticker), outlook=outlook(ticker, step), now=now)
            for (ticker, step), tally in sorted(self.by_series.items())
            if tally.total and (not wanted or ticker in wanted)
        )

    def remaining(self, views: Collection[SeriesView], now: float) -> timedelta | None:
        """Return the time that all takes that is due now; None where nothing has moved."""
        rates = (self.by_series[view.series, view.step_seconds].done.per_second(now) for view in views)
        return _remaining(sum(view.due for view in views), sum(rate or 0.0 for rate in rates))


def _remaining(due: int, rate: float | None) -> timedelta | None:
    if not due:
        return timedelta(0)
    return timedelta(seconds=round(due / rate)) if rate else None


def _view(
    series: str,
    step: int,
    tally: Tally,
    listing: Listing | None,
    *,
    outlook: tuple[int, timedelta | None],
    now: float,
) -> SeriesView:
    ready, next_due = outlook
    due = ready + tally.leased
    return SeriesView(
        series,
        step,
        total=tally.total if listing is not None else None,
        committed=tally.committed,
        sealed=tally.sealed,
        open=tally.open,
        leased=tally.leased,
        holed=tally.holed,
        price_only=tally.price_only,
        holes=tally.holes,
        rows=tally.rows,
        size_bytes=tally.size_bytes,
        due=due,
        remaining=_remaining(due, tally.done.per_second(now)) if listing is not None else None,
        next_due=next_due,
        listed=listing.listed if listing is not None else None,
    )
