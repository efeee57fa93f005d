"""Files that no coordinator has entered yet are offered to it: collected by the static split, imported, or restored."""

import asyncio

from collector.agent import Agent
from collector.coordination import CoordinatorClient
from collector.coordinator.calls import AdoptionKind, CommitCall
from collector.shielding import whole
from mesh import log
from mesh.clock import Clock
from mesh.errors import AlreadyExists, Conflict, InvalidInput, MeshError, NotFound, NotReady
from mesh.shards import Commit, ShardKey
from mesh.store.errors import StoreError
from mesh.store.folder import DataFolder
from mesh.store.label import Origin

_AGAIN_SECONDS = 30.0

_log = log.get(__name__)


class Adopter:
    """Offers the files of one folder to one coordinator."""

    def __init__(self, folder: DataFolder, agent: Agent, coordinator: CoordinatorClient, clock: Clock) -> None:
        self._folder = folder
        self._agent = agent
        self._coordinator = coordinator
        self._clock = clock
        self._refused: set[ShardKey] = set()

    async def run(self) -> None:
        """Offer until each has been taken or refused."""
        while files := await asyncio.to_thread(self._left):
            await self._agent.registered.wait()
            for shard, commit, origin in files:
                try:
                    await self._offer(shard, commit, origin)
                except (StoreError, Conflict) as error:  # our disk, or somebody holds the shard: later
                    _log.info("adoption waits", shard=str(shard), problem=error.message)
                except (AlreadyExists, NotReady, InvalidInput) as error:
                    await self._take_refusal(shard, commit, error)
                except MeshError as error:
                    _log.info("adoption waits", shard=str(shard), problem=str(error))
            if await asyncio.to_thread(self._left):
                await self._clock.sleep(_AGAIN_SECONDS)

    def _left(self) -> list[tuple[ShardKey, Commit, Origin]]:
        return [file for file in self._folder.unentered() if file[0] not in self._refused]

    async def _offer(self, shard: ShardKey, commit: Commit, origin: Origin) -> None:
        call = CommitCall(
            worker_id=self._agent.identity.worker_id,
            shard=shard,
            basis=commit.epoch or AdoptionKind(origin.value),
            file=commit.file,
            covered_end=commit.covered_end,
            holes=self._folder.holes(shard),
        )
        answer = await self._coordinator.commit(call)
        try:
            await whole(lambda: self._folder.recommit(shard, answer.commit))
        except (Conflict, NotFound) as error:
            _log.info("adopted, and replaced since", shard=str(shard), problem=error.message)
        else:
            _log.info("adopted", shard=str(shard), origin=origin.value, rows=commit.file.row_count)

    async def _take_refusal(self, shard: ShardKey, commit: Commit, error: MeshError) -> None:
        """Leave what was refused alone; out of sight where another file is committed, as only that one may be seen."""
        self._refused.add(shard)
        aside = error.reason == "COMMIT_CONFLICT"
        where = await whole(lambda: self._folder.set_aside(shard, commit)) if aside else self._folder.path(shard)
        _log.warning("not adopted: it is not in the manifest", shard=str(shard), problem=str(error), file=str(where))
