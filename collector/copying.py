"""Copies of what other nodes committed: all of it on a machine that reads everything, elsewhere only what was lost.

The manifest is followed by its sequence, so what this folder lacks is known without looking at every file. It is read
from its beginning once in every coordinator's life: a file that is counted as held here may have been lost together
with the folder's own knowledge of it, and a coordinator whose database was restored counts anew. On a node that copies
nothing, a file that another node has replaced by a later one is deleted: what is visible is what is committed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice

from collector.agent import Agent
from collector.coordination import CoordinatorClient, Held
from collector.transfer import Transfer
from collector.types import Condition, FileReport
from mesh import log
from mesh.clock import Clock
from mesh.errors import MeshError
from mesh.shards import Commit, ShardKey
from mesh.store.errors import StoreError
from mesh.store.folder import DataFolder
from mesh.waiting import until

_LONGEST_WAIT = 60.0
"""Seconds between two rounds while none of the nodes gives anything."""
_MOST_QUESTIONS = 100
"""Shards that are asked about one by one in a round."""
_SWEEP_SECONDS = 3600.0

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
        self._instance = ""
        self._seen = 0
        self._swept = clock.monotonic()
        self._wanted: dict[ShardKey, Held] = {}
        self._questions: dict[ShardKey, None] = {}  # in their order
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
                await self._sweep()
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
        if self._coordinator.instance != self._instance:
            self._instance, self._seen = self._coordinator.instance, 0
            self._questions |= dict.fromkeys(self._wanted)
        self._questions |= dict.fromkeys(shard for shard, held in self._wanted.items() if not held.holders)
        for shard in list(islice(self._questions, _MOST_QUESTIONS)):
            pages = [page async for page in self._coordinator.committed(shard=shard)]
            self._questions.pop(shard, None)
            before = self._wanted.get(shard)
            await self._note([held for page in pages for held in page if held.shard == shard], asked=True)
            if self._wanted.get(shard) is before:  # nobody else has it: it comes back under a new sequence
                self._wanted.pop(shard, None)
        async for page in self._coordinator.committed(after=self._seen):
            await self._note(page)
            self._seen = max([self._seen, *(held.commit.sequence for held in page)])

    async def _note(self, page: Sequence[Held], *, asked: bool = False) -> None:
        """Compare a part of the manifest with this folder.

        Args:
            page: The part.
            asked: Whether these files are wanted here in any case.
        """
        me = self._agent.identity.worker_id
        lacking = await asyncio.to_thread(lambda: [self._folder.lacks(held.shard, held.commit) for held in page])
        for held, lacks in zip(page, lacking, strict=True):
            lost = me in held.holders
            if not lacks:
                self._wanted.pop(held.shard, None)
                if not lost and self._folder.commit(held.shard) is not None:
                    self._tell(held)
                continue
            if lost and not asked:  # who asks about a file has told already
                _log.error("a committed file that was here is gone", shard=str(held.shard), epoch=held.commit.epoch)
                self._agent.report([FileReport(held.shard, held.commit.file.sha256, Condition.MISSING)])
            others = tuple(holder for holder in held.holders if holder != me)
            if others and (self._everything or lost or asked):
                self._wanted[held.shard] = Held(held.shard, held.commit, others)
            elif others != () and await asyncio.to_thread(self._folder.retire, held.shard, held.commit):
                _log.info("an earlier file has been replaced elsewhere", shard=str(held.shard), holders=others)

    async def _round(self) -> tuple[int, int]:
        """Try to fetch everything that is wanted; returns how many came, and how many did not."""
        known = [held for held in self._wanted.values() if held.holders]
        if not known:
            return 0, 0
        addresses = await self._coordinator.addresses()
        work = iter(sorted(known, key=lambda held: held.commit.sequence))
        failed: list[Held] = []

        async def fetch_some() -> None:
            failed.extend([held for held in work if not await self._fetch(held, addresses)])

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self._at_once, len(known))):
                    tasks.create_task(fetch_some(), name="copy")
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        self._questions |= dict.fromkeys(held.shard for held in failed)  # others may have them, or they were replaced
        return len(known) - len(failed), len(failed)

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

    async def _sweep(self) -> None:
        if self._clock.monotonic() - self._swept >= _SWEEP_SECONDS:
            self._swept = self._clock.monotonic()
            await asyncio.to_thread(self._folder.sweep)

    def _tell(self, held: Held) -> None:
        self._agent.report([FileReport(held.shard, held.commit.file.sha256, Condition.VERIFIED)])
