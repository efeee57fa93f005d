"""What lies in a data folder, shard by shard, without reading rows."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mesh.records import CANDLES
from mesh.shards import Content, Hole, ShardKey
from mesh.store import naming
from mesh.store.errors import StoreError
from mesh.store.label import Label
from mesh.store.listing import shard_files
from mesh.store.parquet import opened
from mesh.store.shard_file import label_in

_END = CANDLES.get_field_index("end_time")


@dataclass(frozen=True, slots=True)
class Glance:
    """What a committed file says of itself."""

    label: Label
    rows: int
    size_bytes: int
    first: datetime | None
    """End of the earliest candle; None without rows."""
    last: datetime | None

    @property
    def price_only(self) -> bool:
        """Whether it holds traded prices alone."""
        return self.label.content is Content.PRICES

    def document(self) -> dict[str, Any]:
        """Give it to programs."""
        return {
            "shard": str(self.label.key),
            "epoch": self.label.epoch,
            "origin": self.label.origin.value,
            "content": self.label.content.value,
            "rows": self.rows,
            "size_bytes": self.size_bytes,
            "first_time": _text(self.first),
            "last_time": _text(self.last),
            "covered_end_time": _text(self.label.covered_end),
            "holes": [hole_document(hole) for hole in self.label.holes],
        }


def hole_document(hole: Hole) -> dict[str, Any]:
    """Give a hole to programs."""
    return {
        "market": hole.market,
        "reason": hole.reason.value,
        "detail": hole.detail,
        "first_time": _text(hole.first),
        "last_time": _text(hole.last),
        "attempts": hole.attempts,
    }


def glances(
    root: Path, *, series: Collection[str] = (), event: str | None = None, step: int | None = None
) -> Iterator[Glance | StoreError]:
    """Give each committed shard of a folder, by step, series and event; what cannot be read is given as its error.

    Args:
        root: The folder.
        series: Tickers; empty is all.
        event: Ticker; None is all.
        step: Seconds; None is all.
    """
    for key in shard_files(root, step_seconds=step):
        if (not series or key.series in series) and event in (None, key.event):
            try:
                yield glance(root, key)
            except StoreError as error:
                yield error


def glance(root: Path, key: ShardKey) -> Glance:
    """Look at one shard's file. StoreError if it cannot be read."""
    path = naming.visible(root, key)
    with opened(path, CANDLES) as file:
        label, metadata = label_in(path, file), file.metadata
        groups = [metadata.row_group(place).column(_END).statistics for place in range(metadata.num_row_groups)]
        ends = [(group.min, group.max) for group in groups if group is not None and group.has_min_max]
        return Glance(
            label=label,
            rows=metadata.num_rows,
            size_bytes=path.stat().st_size,
            first=min((low for low, _ in ends), default=None),
            last=max((high for _, high in ends), default=None),
        )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
