"""Evening out the load: leases that wait at a busy or slow worker go to one that has room. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.coordinator.roster import LiveLease
from mesh.shards import ShardKey


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker has before it."""

    worker_id: str
    queued: tuple[LiveLease, ...]
    """Not begun."""
    coming: int
    """Asked back from others for it."""
    room: int
    """Leases more it would take."""
    slow: bool
    place: int | None


@dataclass(frozen=True, slots=True)
class Move:
    """A lease to ask back, and who is to have it."""

    lease: LiveLease
    next_worker: str


def plan_moves(loads: Sequence[Load], ready: bool, place_of: Callable[[ShardKey], int]) -> list[Move]:
    """Choose leases to ask back.

    Only a worker with nothing left to begin, and nothing on its way, receives, and only half of what another has in its
    queue, so that nothing is sent to and fro; a slow worker's whole queue may go. Those that the receiver prefers go
    first, then the latest.

    Args:
        loads: Of all workers that take work.
        ready: Whether shards wait to be leased: then there is no need to take any from workers that move.
        place_of: Place of the stable split that prefers a shard.
    """
    left = {load.worker_id: list(load.queued) for load in loads}
    moves: list[Move] = []
    for receiver in loads:
        if receiver.queued or receiver.coming or not receiver.room or receiver.slow:
            continue
        donors = [load for load in loads if load is not receiver and (load.slow or not ready)]
        donor = max(donors, key=lambda load: (load.slow, len(left[load.worker_id])), default=None)
        if donor is None:
            continue
        queue = left[donor.worker_id]
        count = min(receiver.room, len(queue) if donor.slow else len(queue) // 2)
        place = receiver.place
        queue.sort(key=lambda lease: (place_of(lease.key) != place, -lease.granted))
        moves += [Move(lease, receiver.worker_id) for lease in queue[:count]]
        del queue[:count]
    return moves
