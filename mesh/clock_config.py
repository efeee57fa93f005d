"""Which time a process lives in: this machine's, or one that runs faster, shared by the processes of a trial."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PositiveFloat, model_validator

from mesh.clock import Clock, ScaledClock, SystemClock
from mesh.config import Strict
from mesh.types import utc

Instant = Annotated[datetime, AfterValidator(utc)]
"""An instant with its offset, such as `2026-01-02T00:00:00Z`."""


class ClockConfig(Strict):
    """The time of markets. Certificates, signatures, request budgets and deadlines always go by this machine's."""

    speed: Annotated[PositiveFloat, Field(le=100_000)] = 1.0
    """How many times faster than real time markets live; 60 is a minute a second."""
    start: Instant | None = None
    """When the time of markets begins."""
    since: Instant | None = None
    """When, by this machine's clock, the time of markets was `start`: processes that are given the same three share a
    time, also after a restart."""

    @property
    def real(self) -> bool:
        """Whether it is simply this machine's time."""
        return self.speed == 1 and self.start is None

    def shared(self) -> Clock:
        """Make the clock that every process with this configuration has.

        Raises:
            ValueError: It begins at no known moment.
        """
        if self.real:
            return SystemClock()
        if self.start is None or self.since is None:
            raise ValueError("clock: start and since go together, and speed needs both")
        passed = (SystemClock().now() - self.since) * self.speed
        return ScaledClock(self.speed, self.start + passed)


class SharedClockConfig(ClockConfig):
    """The time of markets, as the exchange has it: for trials at a simulated exchange."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if (self.start is None) != (self.since is None) or (self.speed != 1 and self.start is None):
            raise ValueError("start and since go together, and speed needs both")
        return self
