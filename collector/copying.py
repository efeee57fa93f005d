"""Copies of what other nodes committed: all of it on a machine that reads everything, elsewhere only what was lost.

The manifest is followed by its sequence, so what this folder lacks is known without looking at every file.
"""

import asyncio
from collections.abc import Iterable, Mapping

from collector.agent import Agent
from collector.coordination import CoordinatorClient, Held
from collector.transfer import Transfer
from collector.types import Condition, FileReport
from collector.waiting import until
from mesh import log
from mesh.clock import Clock
from mesh.errors import MeshError
from mesh.shards import Commit, ShardKey
from mesh.store.errors import StoreError
from mesh.store.folder import DataFolder

_LONGEST_WAIT = 60.0
"""Seconds between two rounds while none of the nodes gives anything."""

_log = log.get(__name__)


class Copier:
    """Fetches committed files that this folder wants and lacks.

    Args:
        folder: This folder.
        transfer: Fetches.
        coordinator: Knows who has what.
        agent: Tells the coordinator of copies.
        clock: For waiting.
        everything: Whether every committed file is wanted.
        seconds: Between two looks at the manifest.
        at_once: Files that are fetched at once.
    """

    def __init__(
        self,
        *,
        folder: DataFolder,
        transfer: Transfer,
        coordinator: CoordinatorClient,
        agent: Agent,
        clock: Clock,
        everything: bool,
        seconds: float,
        at_once: int,
    ) -> None:
        self._folder = folder
        self._transfer = transfer
        self._coordinator = coordinator
        self._agent = agent
        self._clock = clock
        self._everything = everything
        self._seconds = seconds
        self._at_once = at_once
        self._seen = 0
        self._wanted: dict[ShardKey, Held] = {}
        self._woken = asyncio.Event()

    @property
    def missing(self) -> int | None:
        """Committed files that are wanted and lacking; None where not everything is wanted."""
        return len(self._wanted) if self._everything else None

    def want(self, shard: ShardKey, commit: Commit) -> None:
        """Fetch a file that was lost here, if another node has it."""
        self._wanted[shard] = Held(shard, commit, ())
        self._woken.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        wait = self._seconds
        while True:
            await self._agent.registered.wait()
            got, failed = 0, 0
            try:
                await self._look()
                got, failed = await self._round()
            except StoreError as error:
                _log.error("copying stopped for a while", problem=error.message)
                failed = 1
            except MeshError as error:  # the agent says so if the coordinator is away
                _log.debug("copying waits", problem=str(error))
            wait = min(2 * wait, _LONGEST_WAIT) if failed and not got else self._seconds
            self._woken.clear()
            await until(self._woken, self._clock, wait)

    async def _look(self) -> None:
        """Note what the manifest has and this folder lacks."""
        for shard in [shard for shard, held in self._wanted.items() if not held.holders]:
            del self._wanted[shard]
            async for page in self._coordinator.committed(shard=shard):
                self._note(held for held in page if held.shard == shard)
        if self._everything:
            async for page in self._coordinator.committed(after=self._seen):
                self._note(page)
                self._seen = max([self._seen, *(held.commit.sequence for held in page)])

    def _note(self, page: Iterable[Held]) -> None:
        me = self._agent.identity.worker_id
        for held in page:
            here = self._folder.commit(held.shard)
            if here is not None and here.file.sha256 == held.commit.file.sha256:
                self._wanted.pop(held.shard, None)
                if me not in held.holders:
                    self._tell(held)
            elif others := tuple(holder for holder in held.holders if holder != me):
                self._wanted[held.shard] = Held(held.shard, held.commit, others)

    async def _round(self) -> tuple[int, int]:
        """Try to fetch everything that is wanted; returns how many came, and how many did not."""
        if not self._wanted:
            return 0, 0
        addresses = await self._coordinator.addresses()
        work = iter(sorted(self._wanted.values(), key=lambda held: held.commit.sequence))
        failed: list[Held] = []

        async def fetch_some() -> None:
            failed.extend([held for held in work if not await self._fetch(held, addresses)])

        before = len(self._wanted)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(self._at_once, before)):
                tasks.create_task(fetch_some(), name="copy")
        if failed and self._everything:  # listed again: by then others may have them, or they have been replaced
            self._seen = min([self._seen, *(held.commit.sequence - 1 for held in failed)])
        return before - len(failed), len(failed)

    async def _fetch(self, held: Held, addresses: Mapping[str, str]) -> bool:
        known = [addresses[holder] for holder in held.holders if holder in addresses]
        try:
            await self._transfer.fetch(held.shard, held.commit, known)
        except StoreError:
            raise
        except MeshError as error:
            if error.reason == "STALE_EPOCH":  # a newer one is here already
                self._wanted.pop(held.shard, None)
                return True
            _log.warning("copy failed", shard=str(held.shard), problem=error.message)
            return False
        self._wanted.pop(held.shard, None)
        self._tell(held)
        return True

    def _tell(self, held: Held) -> None:
        self._agent.report([FileReport(held.shard, held.commit.file.sha256, Condition.VERIFIED)])
