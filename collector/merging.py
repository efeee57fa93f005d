"""What is new put together with the file that a lease extends: candles and holes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.planning import Wanted, end_from, end_until
from mesh.records import CANDLES
from mesh.shards import Hole, HoleReason

MOST_HOLES = 2_000
_ORDER = (("market_ticker", "ascending"), ("end_time", "ascending"), ("rank", "ascending"))
_VALUES = tuple(name for name in CANDLES.names if name not in ("market_ticker", "end_time"))


@dataclass(frozen=True, slots=True)
class Merged:
    """Two tables in one."""

    table: pa.Table
    """Sorted by market_ticker and end_time, each pair once."""
    revised: int
    """Candles that were there before and are different now."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Candles that a lease failed to get. Ends in Unix seconds."""

    ticker: str
    first: int
    last: int
    reason: HoleReason
    detail: str
    attempts: int


def merged(parts: Sequence[pa.Table]) -> Merged:
    """Put tables of candles together; of the same candle the one in the later table stays.

    Args:
        parts: Schema `mesh.records.CANDLES`, in any order of rows.
    """
    ranked = [part.append_column("rank", pa.repeat(rank, len(part))) for rank, part in enumerate(parts)]
    if not ranked:
        return Merged(CANDLES.empty_table(), 0)
    table = pa.concat_tables(ranked).sort_by(list(_ORDER)).drop_columns("rank").combine_chunks()
    before, after = table.slice(0, max(len(table) - 1, 0)), table.slice(1)
    superseded = np.ones(len(before), np.bool_)
    for name in ("market_ticker", "end_time"):
        superseded &= pc.equal(before[name], after[name]).to_numpy()
    if not superseded.any():
        return Merged(table, 0)
    rows = pa.array(np.flatnonzero(superseded))
    old, new = before.take(rows), after.take(rows)
    differ = np.zeros(len(rows), np.bool_)
    for name in _VALUES:
        differ |= ~_same(old[name], new[name])
    return Merged(table.filter(pa.array(~np.append(superseded, False))), int(differ.sum()))


def holes_after(
    old: Iterable[Hole],
    wants: Mapping[str, Wanted],
    missing: Iterable[Missing],
    *,
    filled: Iterable[str],
    attempts: Mapping[str, int],
    step_seconds: int,
) -> tuple[Hole, ...]:
    """Return the holes of the new file.

    What was asked for is a hole no longer unless it is missing again; a market that has been asked for to its close and
    has no candle and no other hole is NO_DATA; everything else stays as it was.

    Args:
        old: Holes of the base.
        wants: What was asked for, by market.
        missing: What of that failed.
        filled: Markets with at least one candle in the new file.
        attempts: Calls made, by market.
        step_seconds: Length of a candle.
    """
    found = [hole for hole in old if hole.market not in wants]
    spans = [
        part
        for hole in old
        if (want := wants.get(hole.market)) is not None
        for part in _outside(_span(hole, want), want, step_seconds)
    ]
    spans.extend(missing)
    spans.sort(key=lambda span: (span.ticker, span.first, span.last))
    for ticker, some in groupby(spans, key=lambda span: span.ticker):
        found += [_hole(span, wants[ticker]) for span in _joined(some, step_seconds)]
    known = {*filled, *(hole.market for hole in found)}
    found += [
        Hole(ticker, HoleReason.NO_DATA, "the exchange has no candle of it", attempts=attempts.get(ticker, 0))
        for ticker, want in wants.items()
        if ticker not in known and not want.empty and want.to_close
    ]
    return _few(sorted(found, key=lambda hole: (hole.market, hole.first is not None, hole.first)))


def _same(old: pa.ChunkedArray, new: pa.ChunkedArray) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    equal = pc.fill_null(pc.equal(old, new), False)
    same: np.ndarray[tuple[int], np.dtype[np.bool_]] = pc.or_(
        equal, pc.and_(pc.is_null(old), pc.is_null(new))
    ).to_numpy()
    return same


def _span(hole: Hole, want: Wanted) -> Missing:
    first = want.opening if hole.first is None else int(hole.first.timestamp())
    to_close = want.span.last if want.to_close else want.closing
    last = to_close if hole.last is None else int(hole.last.timestamp())
    return Missing(hole.market, first, last, hole.reason, hole.detail, hole.attempts)


def _outside(span: Missing, want: Wanted, step: int) -> list[Missing]:
    """Return what is left of an old hole after what was asked for."""
    asked = want.span
    if want.empty or span.last < asked.first or asked.last < span.first:
        return [span]
    left = replace(span, last=end_until(asked.first - 1, step))
    right = replace(span, first=end_from(asked.last + 1, step))
    return [part for part in (left, right) if part.first <= part.last]


def _joined(spans: Iterable[Missing], step: int) -> list[Missing]:
    """Make one of spans that touch; the one with the most attempts, or the later one, gives the reason."""
    joined: list[Missing] = []
    for span in spans:
        before = joined[-1] if joined else None
        if before is None or span.first > end_from(before.last + 1, step):
            joined.append(span)
            continue
        leading = before if before.attempts > span.attempts else span
        joined[-1] = replace(leading, first=before.first, last=max(before.last, span.last))
    return joined


def _hole(span: Missing, want: Wanted) -> Hole:
    return Hole(
        span.ticker,
        span.reason,
        span.detail,
        None if span.first <= want.opening else datetime.fromtimestamp(span.first, UTC),
        None if span.last >= want.closed else datetime.fromtimestamp(span.last, UTC),
        span.attempts,
    )


def _few(holes: list[Hole]) -> tuple[Hole, ...]:
    """Return no more holes than a commit may have: if need be, one a market, from its first to its last."""
    if len(holes) <= MOST_HOLES:
        return tuple(holes)
    whole = []
    for _, some in groupby(holes, key=lambda hole: hole.market):
        parts = list(some)
        ends = [part.last for part in parts if part.last is not None]
        last = max(ends) if len(ends) == len(parts) else None
        whole.append(replace(parts[-1], first=parts[0].first, last=last))
    return tuple(whole)
