"""Several walks over the same recording at once: it is read, and asked about, one time."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

from research.arms import Arm
from research.hosts import Engine, Host, Packet
from research.lanes import Job, jobs, together
from research.plan import WalkPlan
from research.threads import Threads
from research.types import Answers, RecordedEvent
from research.walked import Walked


class Here:
    """All walks in this process."""

    def room(self, events: int) -> int:  # however many
        """Return that there is no other place."""
        return 0

    def host(self, job: Job) -> Host:
        """Start a host."""
        return Threads(job)


HERE: Final = Here()


class Walks:
    """Walks under way; a context manager, whose end stops those that are not done.

    Args:
        plan: How the policy is walked.
        beside: Other arms; their names differ. With any, random entries are drawn as well.
        seed: Of random entries.
        engine: Where they run. What comes of them is the same anywhere.
        events: How many there will be, about.
    """

    def __init__(
        self, plan: WalkPlan, beside: Sequence[Arm], seed: int, *, engine: Engine = HERE, events: int = 0
    ) -> None:
        self._beside, self._numbers = tuple(beside), count()
        self._hosts: list[Host] = []
        room = engine.room(events)
        where = engine if room else HERE
        try:
            for job in jobs(plan, beside, seed, max(1, room)):
                self._hosts.append(where.host(job))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "Walks":
        """Let walks be given events."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what still runs."""
        for host in self._hosts:
            host.close()

    def take(self, event: RecordedEvent, answers: Answers) -> None:
        """Give an event to every walk; waits for the slowest. Raises what a walk raised."""
        packet = Packet(next(self._numbers), event, answers)
        for host in self._hosts:
            host.take(packet)

    def finish(self) -> Mapping[str, Walked]:
        """Wait for all, and return what they came to by name, the policy first. Raises what a walk raised."""
        for host in self._hosts:
            host.end()
        return together((piece for host in self._hosts for piece in host.pieces()), self._beside)
