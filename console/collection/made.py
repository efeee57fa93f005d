"""Rows that came from elsewhere, cut into shards: what breaks a rule breaks its market, which becomes a hole. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from console.collection.values import Fault
from console.collection.words import plain, plural
from mesh.records import QUOTE_COLUMNS
from mesh.shards import Content, Hole, HoleReason, ShardKey
from mesh.store.checks import Flaw, check_sense, check_shard

_KEY = ("series_ticker", "event_ticker", "step_seconds")
_MOST_HOLES, _MOST_DETAIL_BYTES = 2000, 240
"""The contract's limits."""
_ROWS_TOLD = 100
"""Broken rows that are told one by one; what follows is counted."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a shard's file is to hold."""

    key: ShardKey
    table: pa.Table
    """Schema `mesh.records.CANDLES`, sorted; it passes the store's checks."""
    content: Content
    covered_end: datetime
    """End of the last candle that came, those of broken markets too."""
    holes: tuple[Hole, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What was not taken over, and why."""

    place: str
    """Row, market or event, for people; empty is the whole file."""
    what: str


@dataclass(slots=True)
class Found:
    """What a file turned out to hold."""

    made: list[Made] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def shards_of(table: pa.Table, faults: Sequence[Fault], listed: Mapping[str, Collection[str]]) -> Found:
    """Cut candles into shards.

    Args:
        table: Schema `mesh.records.CANDLES`, rows in any order; null stands where a value could not be read.
        faults: Values that could not be read.
        listed: Markets of events, where they are known: those without a candle become holes.

    Returns:
        Shards by key, without the markets that broke a rule, and a problem for whatever was left out.
    """
    found = Found()
    broken: dict[tuple[Any, ...], dict[str, list[str]]] = {}
    for number, fault in enumerate(faults):
        event, market = _named(table, fault.row, _KEY), _named(table, fault.row, ("market_ticker",))[0] or ""
        broken.setdefault(event, {}).setdefault(market, []).append(f"row {fault.row}: {fault.what}")
        if number < _ROWS_TOLD:
            found.problems.append(Problem(f"row {fault.row}" + (f", {plain(market)}" if market else ""), fault.what))
    if len(faults) > _ROWS_TOLD:
        found.problems.append(Problem("", f"{plural(len(faults) - _ROWS_TOLD, 'broken value')} more"))
    for key, part in _parts(table, found.problems):
        said = broken.get((key.series, key.event, key.step_seconds), {})
        wrong = {market: _words(each) for market, each in said.items()}
        if made := _made(key, part, wrong, listed.get(key.event, ()), found.problems):
            found.made.append(made)
    return found


def _named(table: pa.Table, row: int, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(table.column(name)[row - 1].as_py() for name in names)


def _words(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else f"{said[0]}, and {len(said) - 1} more"


def _parts(table: pa.Table, problems: list[Problem]) -> Iterator[tuple[ShardKey, pa.Table]]:
    """Give the rows of each event and step, by market and time."""
    if not table.num_rows:
        return
    order = [(name, "ascending") for name in (*_KEY, "market_ticker", "end_time")]
    table = table.take(pc.sort_indices(table, sort_keys=order)).combine_chunks()
    changes = np.zeros(table.num_rows, dtype=bool)
    for name in _KEY:
        codes = table.column(name).combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
        changes[1:] |= codes[1:] != codes[:-1]
    starts = [0, *np.flatnonzero(changes).tolist(), table.num_rows]
    for start, end in pairwise(starts):
        part = table.slice(start, end - start)
        series, event, step = (part.column(name)[0].as_py() for name in _KEY)
        try:
            yield ShardKey(series or "", event or "", step or 0), part
        except ValueError as error:
            problems.append(Problem(plain(event or series or ""), f"{plural(part.num_rows, 'row')}: {error}"))


def _made(
    key: ShardKey, part: pa.Table, wrong: dict[str, str], listed: Collection[str], problems: list[Problem]
) -> Made | None:
    """Leave out what is broken; None where nothing is left."""
    markets = set(part.column("market_ticker").unique().to_pylist()) - {None}
    for market in markets:
        if not is_ticker(market):
            wrong[market] = "not a ticker"
            problems.append(Problem(str(key), f"not a ticker: {plain(market)[:100]!r}"))
    kept = _without(part, wrong)
    if _flaws(kept, key):
        for market in sorted(markets - set(wrong)):
            rows = kept.filter(pc.equal(kept.column("market_ticker"), market))
            if flaws := _flaws(rows, key):
                wrong[market] = "; ".join(map(str, flaws))
                problems.append(Problem(market, wrong[market]))
        kept = _without(part, wrong)
    lacking = {market: "not in the imported file" for market in sorted(set(listed) - markets)}
    holes = (
        *(Hole(market, HoleReason.INVALID_DATA, _cut(why)) for market, why in wrong.items() if is_ticker(market)),
        *(Hole(market, HoleReason.NOT_ATTEMPTED, why) for market, why in lacking.items() if is_ticker(market)),
    )
    if not kept.num_rows or len(holes) > _MOST_HOLES:
        why = f"more than {_MOST_HOLES:,} holes" if kept.num_rows else "no sound rows"
        problems.append(Problem(str(key), f"no shard: {why}"))
        return None
    content, last = _content(kept), pc.max(part.column("end_time")).as_py()
    return Made(key, kept, content, last, tuple(sorted(holes, key=lambda hole: hole.market)))


def _flaws(rows: pa.Table, key: ShardKey) -> list[Flaw]:
    return [*check_shard(rows, key, _content(rows)), *check_sense(rows, key.step_seconds)]


def _without(part: pa.Table, wrong: Collection[str]) -> pa.Table:
    """Leave out markets, and rows that name none."""
    market = part.column("market_ticker")
    return part.filter(pc.and_not(pc.is_valid(market), pc.is_in(market, pa.array(list(wrong), pa.string()))))


def _content(table: pa.Table) -> Content:
    quoted = any(table.column(name).null_count < table.num_rows for name in QUOTE_COLUMNS)
    return Content.PRICES_AND_QUOTES if quoted else Content.PRICES


def is_ticker(market: str) -> bool:
    """Tell whether the exchange could call something that: it becomes the name of a file."""
    try:
        ShardKey(market, market, 60)
    except ValueError:
        return False
    return True


def _cut(text: str) -> str:
    """Cut a text to what the contract allows."""
    return plain(text).encode()[:_MOST_DETAIL_BYTES].decode(errors="ignore")
