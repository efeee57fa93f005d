"""The present, read once for each thing that the coordinator does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mesh.clock import Clock

_LATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """One present."""

    wall: datetime
    """For people to read, UTC."""
    due: datetime
    """For what is due at an instant of the exchange's, UTC: it advances as the monotonic clock does, or jumps ahead."""
    monotonic: float
    """For everything that is timed, in seconds."""


class Present:
    """Reads a clock, and the exchange's own time as far as it is known.

    A simulated exchange may live in another year, and a wall clock may be set: what is due goes by the exchange's last
    word and the time that passed since: after a restart that is when it was last listed. Before the first word it goes
    by the wall clock, which may delay nothing by being set back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: tuple[datetime, float] | None = None
        self._last = Moment(clock.now(), clock.now(), clock.monotonic())

    def tell(self, exchange: datetime) -> None:
        """Take the exchange's word. One that is a little behind what was known came late; one far behind is true."""
        now = self.read()
        known = self._told is not None and timedelta() < now.due - exchange < _LATE
        self._told = now.due if known else exchange, now.monotonic

    def read(self) -> Moment:
        """Look at the clock."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        if self._told is not None:
            exchange, at = self._told
            due = exchange + timedelta(seconds=monotonic - at)
        else:
            due = max(wall, self._last.due + timedelta(seconds=monotonic - self._last.monotonic))
        self._last = Moment(wall, due, monotonic)
        return self._last
