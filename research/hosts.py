"""Where walks run: what every such place can do, so that a run need not know whether it is here or on a cluster."""

import pickle
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from research.lanes import Job, Piece
from research.types import Answers, RecordedEvent


@dataclass(frozen=True)
class Packet:
    """An event with its answers, on its way to hosts."""

    number: int
    """In the order of events."""
    event: RecordedEvent
    answers: Answers

    @cached_property
    def packed(self) -> bytes:
        """For other processes."""
        return pickle.dumps((self.number, self.event, dict(self.answers)), protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(packed: bytes) -> Packet:
    """Read what another process of this run has packed."""
    return Packet(*pickle.loads(packed))  # noqa: S301  # it comes from ourselves


class Host(Protocol):
    """Somewhere a job is done. One thread calls it, but for `close`."""

    def take(self, packet: Packet) -> None:
        """Give an event to its walks; waits while they are behind. Raises what a walk raised."""

    def end(self) -> None:
        """Say that there are no more events."""

    def pieces(self) -> list[Piece]:
        """Wait for what it all came to. Raises what a walk raised."""

    def close(self) -> None:
        """Stop whatever still runs."""


class Engine(Protocol):
    """Makes hosts."""

    def room(self, events: int) -> int:
        """Return how many hosts do best with so many events; 0: so few are walked right here."""

    def host(self, job: Job) -> Host:
        """Start a host."""
