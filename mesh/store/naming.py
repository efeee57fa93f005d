"""Where things are in a data folder. Pure.

    candles/60m/KXHIGHNY/KXHIGHNY-26NOV22.parquet     visible: committed
    markets/KXHIGHNY.parquet                          and trades/, quotes/: tables without leases
    .incoming/KXHIGHNY+KXHIGHNY-26NOV22.60m.e3.parquet    complete, not committed
    .incoming/….60m.e3.<hash>.part                    being copied from another node
    .incoming/….tmp                                   being written
    .damaged/                                         set aside
    .node                                             name of the node whose folder it is

Everything that is not data begins with a dot, so that a plain glob or `rsync --exclude '.*'` sees only what is
committed. Tickers have no lower case and no plus sign: a name can be read in one way only.
"""

import re
from pathlib import Path

from mesh.shards import STEPS, ShardKey

CANDLES, MARKETS, TRADES, QUOTES = "candles", "markets", "trades", "quotes"
INCOMING, DAMAGED, CATALOG, LOCK, NODE = ".incoming", ".damaged", ".catalog.sqlite", ".lock", ".node"

_HASH_DIGITS = 16
_WAITING = re.compile(r"(?P<series>[^+]+)\+(?P<event>[^+]+)\.(?P<step>\w+)\.e(?P<epoch>\d{1,19})\.")
_SECONDS = {name: seconds for seconds, name in STEPS.items()}


def visible(root: Path, key: ShardKey) -> Path:
    """Where a committed shard is."""
    return root.joinpath(CANDLES, key.step, key.series, f"{key.event}.parquet")


def staged(root: Path, key: ShardKey, epoch: int) -> Path:
    """Where a complete file waits for its commit."""
    return root / INCOMING / f"{_waiting(key, epoch)}.parquet"


def part(root: Path, key: ShardKey, epoch: int, sha256: str) -> Path:
    """Where a file is copied to; its name says which bytes it is the beginning of."""
    return root / INCOMING / f"{_waiting(key, epoch)}.{sha256[:_HASH_DIGITS]}.part"


def waiting_key(path: Path) -> tuple[ShardKey, int]:
    """Read key and epoch off the name of a staged file or a part. ValueError if it is neither."""
    found = _WAITING.match(path.name)
    if found is None or found["step"] not in _SECONDS:
        raise ValueError(f"neither a staged file nor a part: {path.name}")
    return ShardKey(found["series"], found["event"], _SECONDS[found["step"]]), int(found["epoch"])


def markets(root: Path, series: str) -> Path:
    """Where the markets of a series are."""
    return root / MARKETS / f"{series}.parquet"


def _waiting(key: ShardKey, epoch: int) -> str:
    return f"{key.series}+{key.event}.{key.step}.e{epoch}"
