"""Which events of a series a data folder can tell the quotes of, and where."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from mesh.errors import InvalidInput, NotFound
from mesh.records import CANDLES
from mesh.shards import STEPS, Content, ShardKey
from mesh.store.listing import shard_files
from mesh.store.naming import visible
from mesh.store.parquet import opened
from mesh.store.shard_file import label_in
from research.types import Defects

_END = CANDLES.get_field_index("end_time")


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of an event."""

    event: str
    first: datetime
    """End of its first candle."""
    shards: tuple[ShardKey, ...]
    """With quotes; that of the decisions first."""


def survey(
    root: Path,
    series: str,
    *,
    step_seconds: int,
    path_step_seconds: int | None,
    events: Collection[str] | None,
    defects: Defects,
) -> list[Found]:
    """Look through the files of a series.

    Args:
        root: The data folder.
        series: Ticker.
        step_seconds: Of the candles that decisions are made on; an event without such is not among those returned.
        path_step_seconds: The finest step that is wanted; None is the finest that is there.
        events: Tickers; None is all.
        defects: Told of shards without quotes, and of holes.

    Returns:
        Events, by the end of their first candle.

    Raises:
        NotFound, InvalidInput, StoreError: As `research.loading.load` says.
    """
    if step_seconds not in STEPS or path_step_seconds not in (None, *(step for step in STEPS if step <= step_seconds)):
        steps = ", ".join(map(str, STEPS))
        raise InvalidInput(f"candles have one of {steps} seconds, those of the path not more than those of decisions")
    keys = _keys(root, series, step_seconds, events)
    finer = [step for step in STEPS if (path_step_seconds or 0) <= step < step_seconds]
    more: dict[str, list[ShardKey]] = defaultdict(list)
    for step in finer:
        for key in shard_files(root, series=series, step_seconds=step):
            more[key.event].append(key)
    found = [
        Found(key.event, min(first for first, _ in read), tuple(one for _, one in read))
        for key in keys
        if (read := _read(root, [key, *more[key.event]], defects))
    ]
    if keys and not found:
        raise NotFound(
            f"{root}: candles of {step_seconds} s of {series} hold traded prices alone, no bid and no ask: nothing "
            "can be bought or sold in them",
            reason="PRICES_ALONE",
        )
    return sorted(found, key=lambda each: (each.first, each.event))


def _keys(root: Path, series: str, step_seconds: int, events: Collection[str] | None) -> list[ShardKey]:
    """List the shards that decisions are made on. Raises NotFound where that cannot be done."""
    there = list(shard_files(root, series=series))
    if not there:
        others = sorted({key.series for key in shard_files(root)})
        if not others:
            raise NotFound(f"{root}: holds no candles", reason="STORE_EMPTY")
        raise NotFound(f"{root}: no candles of {series}; it has {', '.join(others)}", reason="SERIES_MISSING")
    keys = [key for key in there if key.step_seconds == step_seconds]
    if not keys:
        steps = ", ".join(f"{step} s" for step in sorted({key.step_seconds for key in there}))
        raise NotFound(f"{root}: no candles of {step_seconds} s of {series}; it has {steps}", reason="STEP_MISSING")
    if events is None:
        return keys
    if lacking := sorted(set(events) - {key.event for key in keys}):
        what = ", ".join(lacking)
        raise NotFound(f"{root}: no candles of {step_seconds} s of {what}", reason="EVENTS_MISSING")
    return [key for key in keys if key.event in events]


def _read(root: Path, keys: list[ShardKey], defects: Defects) -> list[tuple[datetime, ShardKey]]:
    """Give the shards of an event that have quotes, with their first ends; nothing where the first of them has none."""
    read = []
    for place, key in enumerate(keys):
        path = visible(root, key)
        with opened(path, CANDLES) as file:
            label = label_in(path, file)
            if label.content is Content.PRICES:
                defects.note("prices_alone", str(key))
            elif (first := _first(file)) is None:
                defects.note("shard_without_rows", str(key))
            else:
                read.append((first, key))
        if not place and not read:
            return []
        for hole in label.holes:
            defects.note(f"hole_{hole.reason.value}", f"{key}: {hole.market} {hole.detail}".strip())
    return read


def _first(file: pq.ParquetFile) -> datetime | None:
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    known = [group.column(_END).statistics for group in groups if group.num_rows]
    if all(each is not None and each.has_min_max for each in known):
        least = min((each.min for each in known), default=None)
    else:
        least = pc.min(file.read(columns=["end_time"], use_threads=False).column("end_time")).as_py()
    return None if least is None else least.astimezone(UTC)
