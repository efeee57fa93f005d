"""What lies visible in a data folder, by its names alone."""

import os
from collections.abc import Iterator
from pathlib import Path

from mesh.shards import STEPS, ShardKey
from mesh.store.naming import CANDLES

_ENDING = ".parquet"


def shard_files(root: Path, *, series: str | None = None, step_seconds: int | None = None) -> Iterator[ShardKey]:
    """Give the key of every visible shard file, by step, series and event; files with other names are passed over."""
    for seconds, step in STEPS.items():
        if step_seconds not in (None, seconds):
            continue
        place = root / CANDLES / step
        for folder in [series] if series else _names(place):
            for name in _names(place / folder):
                if key := _key(folder, name, seconds):
                    yield key


def strays(root: Path) -> Iterator[Path]:
    """Give the files among the visible ones that are no shard's by their place and name."""
    places = {str(root / CANDLES / step): seconds for seconds, step in STEPS.items()}
    for place, folders, names in os.walk(root / CANDLES):
        folders.sort()
        above, folder = os.path.split(place)
        for name in sorted(names):
            if not name.startswith(".") and not (above in places and _key(folder, name, places[above])):
                yield Path(place, name)


def _key(series: str, name: str, step_seconds: int) -> ShardKey | None:
    if not name.endswith(_ENDING):
        return None
    try:
        return ShardKey(series, name.removesuffix(_ENDING), step_seconds)
    except ValueError:
        return None


def _names(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
