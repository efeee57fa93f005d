"""The work on a lease, from the grant to the commit: base, candles, file, CommitShard, publication."""

import asyncio

from collector.agent import Agent
from collector.coordination import CoordinatorClient
from collector.coordinator.calls import CommitCall, ReleaseReason
from collector.desk import Desk, Lease
from collector.fetching import BaseFile, Collected, Fetcher
from collector.metrics import CollectorMetrics
from collector.replacing import shortfall
from collector.shielding import whole
from collector.transfer import Transfer
from collector.types import Condition, FileReport, Grant, Stage
from mesh import log
from mesh.clock import Clock
from mesh.errors import Broken, Conflict, InvalidInput, MeshError, NotFound
from mesh.kalshi.errors import ExchangeError
from mesh.shards import Commit, HoleReason
from mesh.store.errors import Damaged, StoreError, WrongSchema
from mesh.store.folder import DataFolder
from mesh.store.staging import Staged

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 5.0  # seconds between tries of a commit while the coordinator is away
_LOST = {"STALE_EPOCH", "COMMIT_CONFLICT", "LEASE_NOT_YOURS", "SHARD_NOT_FOUND"}

_log = log.get(__name__)


class LeaseWork:
    """Does the work on leases, several at once.

    Args:
        desk: Where they are in hand.
        folder: Where their files go.
        fetcher: Where their candles come from.
        transfer: Gets the files that they extend from other nodes.
        coordinator: Who takes their commits.
        clock: For waiting.
        metrics: What is counted.
        slots: How many are collected at once. A file that waits for its commit holds no slot.
        stall_seconds: For how long a disk, or an exchange, that refuses everything is left alone.

    Attributes:
        agent: Set before the first lease.
    """

    agent: Agent

    def __init__(
        self,
        *,
        desk: Desk,
        folder: DataFolder,
        fetcher: Fetcher,
        transfer: Transfer,
        coordinator: CoordinatorClient,
        clock: Clock,
        metrics: CollectorMetrics,
        slots: int,
        stall_seconds: float,
    ) -> None:
        self._desk = desk
        self._folder = folder
        self._fetcher = fetcher
        self._transfer = transfer
        self._coordinator = coordinator
        self._clock = clock
        self._metrics = metrics
        self._slots = asyncio.Semaphore(slots)
        self._stall_seconds = stall_seconds

    async def run(self, lease: Lease) -> None:
        """Work on a lease until it is committed, given back or lost. Cancelling stops at once, and leaves no file."""
        try:
            if lease.staged is None:
                lease.staged = await self._collected(lease)
            if lease.staged is not None:
                await self._commit(lease, lease.staged)
        except MeshError as error:
            await self._fail(lease, error)
        except Exception as error:  # one lease's bad luck is not the others'
            _log.exception("lease failed", shard=str(lease.key.shard), epoch=lease.key.epoch)
            await self.release(lease, ReleaseReason.FAILED, f"{type(error).__name__}: {error}")
        finally:
            self._desk.leave(lease)
            self.agent.wake()

    async def release(self, lease: Lease, reason: ReleaseReason, detail: str = "") -> None:
        """Give a lease back, if the coordinator can hear it; else it runs out, or the next heartbeat leaves it out.

        It stays in hand until then: a heartbeat that left it out would free it without the failure being counted.
        """
        self._metrics.leases.labels("released").inc()
        _log.info("given back", shard=str(lease.key.shard), epoch=lease.key.epoch, why=reason.value, detail=detail)
        try:
            await self._coordinator.release(self.agent.identity.worker_id, lease.key, reason, detail)
        except MeshError as error:
            _log.debug("release not heard", shard=str(lease.key.shard), problem=str(error))
        finally:
            self._desk.leave(lease)

    async def _fail(self, lease: Lease, error: MeshError) -> None:
        if lease.draining.is_set():  # the fetcher says so where nothing was asked for
            await self._give_up(lease)
            return
        _log.error("lease failed", shard=str(lease.key.shard), epoch=lease.key.epoch, problem=str(error))
        disk = isinstance(error, StoreError) and not isinstance(error, Damaged | WrongSchema)
        if disk or isinstance(error, ExchangeError):
            self.agent.stall(self._stall_seconds)
        await self.release(lease, ReleaseReason.DISK if disk else ReleaseReason.FAILED, str(error))

    async def _give_up(self, lease: Lease) -> None:
        reason = ReleaseReason.SHUTDOWN if self.agent.closing else ReleaseReason.REVOKED
        await self.release(lease, reason, lease.revoked)

    async def _collected(self, lease: Lease) -> Staged | None:
        """Collect and stage; None if there was nothing worth it and the lease has been given back."""
        grant = lease.grant
        if grant is None:
            raise ValueError(f"{lease.key.shard}: no work is known for epoch {lease.key.epoch}")
        while True:
            async with self._slots:
                if lease.draining.is_set():
                    collected = None
                    break
                if not self._desk.expired(lease):
                    collected = await self._collect(lease, grant)
                    break
                lease.heard.clear()
            await lease.heard.wait()  # it ran out while the coordinator was away: not begun without a word from it
        if collected is None or _nothing_asked(grant, collected):
            await self._give_up(lease)
            return None
        if grant.replaces is not None and (problem := shortfall(grant.replaces, collected)):
            if lease.draining.is_set():
                await self._give_up(lease)
            else:
                await self.release(lease, ReleaseReason.FAILED, problem)
            return None
        self._desk.enter(lease, Stage.WRITING)
        return await whole(
            lambda: self._folder.stage(
                lease.key.shard,
                lease.key.epoch,
                collected.table,
                content=collected.content,
                covered_end=collected.covered_end,
                holes=collected.holes,
            )
        )

    async def _collect(self, lease: Lease, grant: Grant) -> Collected:
        self._desk.enter(lease, Stage.FETCHING)
        base = await self._base(grant)
        return await self._fetcher.collect(
            grant,
            base,
            cutoff=self.agent.cutoff,
            draining=lease.draining,
            report=lambda progress: self._desk.report(lease, progress),
        )

    async def _base(self, grant: Grant) -> BaseFile | None:
        """Have the file that a lease extends, from here or from a node that has it. Raises MeshError if nobody does."""
        if grant.base is None:
            return None
        key, base = grant.lease.shard, grant.base
        for _ in range(2):
            held = self._folder.commit(key)
            if held is None or held.file.sha256 != base.file.sha256:
                try:
                    await self._transfer.fetch(key, base, grant.base_addresses)
                except NotFound:  # it may be counted as held here: lost together with the folder's knowledge of it
                    self.agent.report([FileReport(key, base.file.sha256, Condition.MISSING)])
                    raise
            try:
                return await asyncio.to_thread(lambda: BaseFile(self._folder.read(key), self._folder.holes(key)))
            except StoreError as error:
                missing = error.reason == "FILE_MISSING"
                if not missing and not isinstance(error, Damaged):
                    raise
                _log.error("a committed file is lost or damaged", shard=str(key), problem=error.message)
                await whole(lambda: self._folder.set_aside(key, base))
                found = Condition.MISSING if missing else Condition.DAMAGED
                self.agent.report([FileReport(key, base.file.sha256, found)])
        raise Broken(f"{key}: the file that this lease extends was lost or damaged twice")

    async def _commit(self, lease: Lease, staged: Staged) -> None:
        self._desk.enter(lease, Stage.COMMITTING)
        key, epoch = lease.key.shard, lease.key.epoch
        call = CommitCall(self.agent.identity.worker_id, key, epoch, staged.file, staged.covered_end, staged.holes)
        wait = _FIRST_WAIT
        while True:
            await self.agent.registered.wait()
            try:
                answer = await self._coordinator.commit(call)
                break
            except MeshError as error:
                if error.reason == "WORKER_NOT_FOUND":
                    self.agent.forget()
                elif await self._refused(lease, staged, error):
                    return
                else:
                    if wait == _FIRST_WAIT:
                        _log.warning("commit waits", shard=str(key), epoch=epoch, problem=str(error))
                    await self._clock.sleep(wait)
                    wait = min(2 * wait, _LONGEST_WAIT)
        await self._publish(staged, answer.commit)
        self._metrics.committed(staged.file.row_count, staged.holes)
        _log.info(
            "committed",
            shard=str(key),
            epoch=epoch,
            rows=staged.file.row_count,
            markets=staged.file.market_count,
            holes=len(staged.holes),
            state=answer.state.value,
        )

    async def _publish(self, staged: Staged, commit: Commit) -> None:
        """Make the file visible. The coordinator counts on it, so a disk that refuses is asked again."""
        while True:
            try:
                await whole(lambda: self._folder.publish(staged, commit))
            except Damaged as error:
                _log.error("a committed file was lost before it was visible", problem=error.message)
                self.agent.report([FileReport(staged.key, commit.file.sha256, Condition.DAMAGED)])
                return
            except Conflict as error:
                here = self._folder.commit(staged.key)
                if here is None or here.epoch < commit.epoch:
                    raise
                _log.error(
                    "a committed file cannot be made visible: a later one is here that the coordinator does not know, "
                    "so its database is older than this folder, as after a copy was restored; put back a newer copy "
                    "of the database, or take the file out of the folder to have the shard collected anew",
                    file=str(self._folder.path(staged.key)),
                    problem=str(error),
                )
                self.agent.report([FileReport(staged.key, commit.file.sha256, Condition.MISSING)])
                await whole(lambda: self._folder.discard(staged))
                return
            except StoreError as error:
                _log.error("a committed file cannot be made visible yet", problem=error.message)
                await self._clock.sleep(self._stall_seconds)
            else:
                return

    async def _refused(self, lease: Lease, staged: Staged, error: MeshError) -> bool:
        """Do what a refused commit asks for; False if it shall be tried again."""
        facts = {"shard": str(lease.key.shard), "epoch": lease.key.epoch, "problem": str(error)}
        if error.reason in _LOST:
            _log.warning("commit refused: the file is discarded", **facts, **error.metadata)
            await whole(lambda: self._folder.discard(staged))
            end = "lost"
        elif error.reason == "UNKNOWN_EPOCH":
            _log.error(
                "commit refused: the coordinator's database is older than this lease; the file is kept, an operator "
                "must act",
                **facts,
                file=str(staged.path),
            )
            end = "kept"
        elif isinstance(error, InvalidInput):
            _log.error("commit refused: the file breaks the contract, and is discarded", **facts)
            await whole(lambda: self._folder.discard(staged))
            await self.release(lease, ReleaseReason.FAILED, error.message)
            end = "refused"
        else:
            return False
        self._metrics.refusals.labels(error.reason).inc()
        self._metrics.leases.labels(end).inc()
        return True


def _nothing_asked(grant: Grant, collected: Collected) -> bool:
    """Tell whether a drained lease came to an end before any market was asked for: a commit would say nothing new."""
    left = {hole.market for hole in collected.holes if hole.reason is HoleReason.NOT_ATTEMPTED}
    return left.issuperset(market.ticker for market in grant.markets)
