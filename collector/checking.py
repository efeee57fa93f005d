"""A slow look at every committed file on this disk, for ever: what is lost or damaged is told and fetched again."""

import asyncio
import random

from collector.agent import Agent
from collector.copying import Copier
from collector.metrics import CollectorMetrics
from collector.shielding import whole
from collector.types import Condition, FileReport
from mesh import log
from mesh.clock import Clock
from mesh.errors import NotFound
from mesh.shards import Commit, ShardKey
from mesh.store.errors import StoreError
from mesh.store.folder import DataFolder

_HOUR = 3600.0

_log = log.get(__name__)


async def check_files(
    folder: DataFolder, agent: Agent, copier: Copier, metrics: CollectorMetrics, clock: Clock, *, per_hour: float
) -> None:
    """Read committed files again, so many an hour, in a new order each time round, until cancelled."""
    while True:
        files = await asyncio.to_thread(lambda: list(folder.commits()))
        random.shuffle(files)
        for shard, commit in files:
            await clock.sleep(_HOUR / per_hour)
            try:
                condition = await _look(folder, shard, commit)
            except StoreError as error:
                _log.error("a committed file cannot be checked", shard=str(shard), problem=error.message)
                continue
            metrics.checks.labels(condition.value).inc()
            if condition is not Condition.VERIFIED:
                agent.report([FileReport(shard, commit.file.sha256, condition)])
                copier.want(shard, commit)
        if not files:
            await clock.sleep(_HOUR / per_hour)


async def _look(folder: DataFolder, shard: ShardKey, commit: Commit) -> Condition:
    """Look at one file, and set it aside where its bytes are not those; one that was replaced meanwhile is fine."""
    if folder.commit(shard) != commit:
        return Condition.VERIFIED
    try:
        found = Condition((await asyncio.to_thread(folder.examine, shard)).value)
    except NotFound:
        return Condition.VERIFIED
    if found is Condition.VERIFIED:
        return found
    await whole(lambda: folder.set_aside(shard, commit))
    if folder.commit(shard) is not None:
        return Condition.VERIFIED
    _log.error("a committed file is not as it was committed", shard=str(shard), condition=found.value)
    return found
