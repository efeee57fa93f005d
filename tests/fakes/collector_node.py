"""A node's folder and server in this process, with candles that a test makes up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prometheus_client import CollectorRegistry

from collector.metrics import CollectorMetrics
from collector.serving import file_service
from collector.transfer import Transfer
from mesh.records import CANDLES
from mesh.rpc.config import ClientConfig, ServerConfig
from mesh.rpc.server import serving
from mesh.shards import Commit, Content, Hole, ShardKey
from mesh.store.folder import DataFolder, open_folder

START = datetime(2026, 11, 21, 15, tzinfo=UTC)
KEY = ShardKey("KXHIGHNY", "KXHIGHNY-E000001", 3600)


def candles(key: ShardKey = KEY, *, markets: int = 2, rows: int = 24, seed: int = 1) -> pa.Table:
    """Candles of an event; another seed makes other bytes. Prices and volumes are dice, so they compress badly."""
    dice, count = np.random.default_rng(seed), markets * rows
    bid = dice.integers(10_000, 980_000, count)
    ends = np.tile(START.timestamp() + key.step_seconds * np.arange(1, rows + 1), markets)
    given: dict[str, Any] = {
        "series_ticker": pa.repeat(key.series, count),
        "event_ticker": pa.repeat(key.event, count),
        "market_ticker": [f"{key.event}-M{number}" for number in range(markets) for _ in range(rows)],
        "end_time": pa.array((ends * 1e6).astype("int64")),
        "step_seconds": pa.repeat(key.step_seconds, count),
        "yes_bid_close_micros": bid,
        "yes_ask_close_micros": bid + 10_000,
        "volume_hundredths": dice.integers(0, 2**62, count),
    }
    columns = [
        pa.array(given[field.name]).cast(field.type) if field.name in given else pa.nulls(count, field.type)
        for field in CANDLES
    ]
    return pa.table(columns, schema=CANDLES)


def commit_file(
    folder: DataFolder,
    key: ShardKey = KEY,
    *,
    epoch: int = 1,
    sequence: int = 1,
    holes: Sequence[Hole] = (),
    seed: int = 1,
    large: bool = False,
) -> Commit:
    """Put a file into a folder as a coordinator that is not here would have let it be; a large one has megabytes."""
    staged = folder.stage(
        key,
        epoch,
        candles(key, rows=100_000 if large else 24, seed=seed),
        content=Content.PRICES_AND_QUOTES,
        covered_end=START + timedelta(days=1),
        holes=holes,
    )
    commit = Commit(
        epoch, sequence, staged.file, staged.covered_end, len(holes), "a", datetime(2026, 11, 23, tzinfo=UTC)
    )
    folder.publish(staged, commit)
    return commit


@dataclass(frozen=True, slots=True)
class Node:
    """A folder that is served."""

    folder: DataFolder
    address: str
    draining: asyncio.Event
    metrics: CollectorMetrics


@asynccontextmanager
async def node(root: Path, **config: Any) -> AsyncIterator[Node]:
    """Serve a folder; `config` is that of `[rpc]`."""
    registry, draining = CollectorRegistry(), asyncio.Event()
    metrics = CollectorMetrics(registry)
    listening = ServerConfig.model_validate({"listen": ("127.0.0.1:0",), "loopback_role": "collector", **config})
    with open_folder(root) as folder:
        service = file_service(folder, "this-start", draining, metrics)
        async with serving(listening, [service], draining=draining, registry=registry) as server:
            await server.health.set(service.descriptor.full_name, serving=True)
            yield Node(folder, server.addresses[0], draining, metrics)


@asynccontextmanager
async def receiver(root: Path) -> AsyncIterator[tuple[DataFolder, Transfer]]:
    """A folder that files are fetched into."""
    with open_folder(root) as folder:
        async with Transfer(
            folder, ClientConfig(timeout_seconds=5.0), CollectorMetrics(CollectorRegistry())
        ) as transfer:
            yield folder, transfer
