"""The present, read once for each thing that the coordinator does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mesh.clock import Clock


@dataclass(frozen=True, slots=True)
class Moment:
    """One present."""

    wall: datetime
    """For people to read, UTC."""
    due: datetime
    """For what is due at an instant, UTC: never goes back, and advances at least as the monotonic clock does."""
    monotonic: float
    """For everything that is timed, in seconds."""


class Present:
    """Reads a clock. A wall clock that is set back delays nothing; one that jumps ahead makes things due early."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = Moment(clock.now(), clock.now(), clock.monotonic())

    def read(self) -> Moment:
        """Look at the clock."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        steady = self._last.due + timedelta(seconds=monotonic - self._last.monotonic)
        self._last = Moment(wall, max(steady, wall), monotonic)
        return self._last
