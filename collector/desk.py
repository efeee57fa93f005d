"""The leases that a worker has in hand: how far each is, until when it runs, and what became of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from collector.types import Grant, LeaseKey, LeaseProgress, Stage
from mesh.clock import Clock
from mesh.store.staging import Staged


@dataclass(eq=False)
class Lease:
    """One lease in hand. Times are of the clock's monotonic()."""

    progress: LeaseProgress
    """As last reported by the work; `age_seconds` is counted by the desk."""
    grant: Grant | None
    """None for one of an earlier process, whose file is complete and only wants to be committed."""
    expires: float
    """When it runs out, unless renewed; counted from the sending of the call."""
    moved: float
    """When the progress last changed."""
    staged: Staged | None = None
    """Its file, complete but not committed."""
    revoked: str = ""
    """Why it has been asked back, in words; empty while it has not."""
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the work must come to its end: what has not been asked for becomes a hole."""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever something has been said of it: by the coordinator, or that it must end."""
    task: "asyncio.Task[None] | None" = None

    @property
    def key(self) -> LeaseKey:
        """Its name."""
        return self.progress.lease

    @property
    def stage(self) -> Stage:
        """What is being done with it."""
        return self.progress.stage

    def drain(self, why: str) -> None:
        """Bring its work to an end. Said twice it changes nothing."""
        self.revoked = self.revoked or why
        self.draining.set()
        self.heard.set()


class Desk:
    """All leases in hand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._leases: dict[LeaseKey, Lease] = {}
        self.empty = asyncio.Event()
        """Set while no lease is in hand."""
        self.empty.set()
        self.emptied = clock.monotonic()
        """When the last lease left."""

    def __len__(self) -> int:
        return len(self._leases)

    def __iter__(self) -> Iterator[Lease]:
        return iter(tuple(self._leases.values()))

    def get(self, key: LeaseKey) -> Lease | None:
        """Give the lease of that name, if it is in hand."""
        return self._leases.get(key)

    def take(self, grant: Grant, expires: float) -> Lease | None:
        """Take a new lease in hand; None if it already is."""
        if grant.lease in self._leases:
            return None
        progress = LeaseProgress(grant.lease, Stage.QUEUED, total_markets=len(grant.markets))
        return self._add(Lease(progress, grant, expires, self._clock.monotonic()))

    def take_up(self, staged: Staged) -> Lease:
        """Take a lease of an earlier process in hand again, by its complete file."""
        progress = LeaseProgress(
            LeaseKey(staged.key, staged.epoch),
            Stage.COMMITTING,
            done_markets=staged.file.market_count,
            total_markets=staged.file.market_count,
            holes=len(staged.holes),
            rows=staged.file.row_count,
            last=staged.file.last,
        )
        now = self._clock.monotonic()
        return self._add(Lease(progress, None, now, now, staged))

    def report(self, lease: Lease, progress: LeaseProgress) -> None:
        """Note how far a lease is."""
        if replace(progress, age_seconds=0.0) != replace(lease.progress, age_seconds=0.0):
            lease.moved = self._clock.monotonic()
        lease.progress = progress

    def enter(self, lease: Lease, stage: Stage) -> None:
        """Note what is being done with a lease."""
        self.report(lease, replace(lease.progress, stage=stage))

    def leave(self, lease: Lease) -> None:
        """Put a lease out of hand."""
        if self._leases.pop(lease.key, None) is not None and not self._leases:
            self.emptied = self._clock.monotonic()
            self.empty.set()

    def expired(self, lease: Lease) -> bool:
        """Tell whether it has run out without a word from the coordinator."""
        return self._clock.monotonic() >= lease.expires

    def progress(self) -> tuple[LeaseProgress, ...]:
        """Say how far every lease is."""
        now = self._clock.monotonic()
        return tuple(replace(lease.progress, age_seconds=now - lease.moved) for lease in self._leases.values())

    def _add(self, lease: Lease) -> Lease:
        self._leases[lease.key] = lease
        self.empty.clear()
        return lease
