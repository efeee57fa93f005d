"""One action of a person: looked at, sent at most once, and what came of it. Pure.

An action is sent only by `send`, which says yes once; nothing that comes later makes it say yes again. An outcome that
is not known is never called a failure.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

GUARD_SECONDS: Final = 0.3
"""A key within so short a time of the preview was meant for something else, or repeats itself."""
PREVIEW_SECONDS: Final = 15.0
"""What was looked at longer ago is no reason to act."""


class Stage(StrEnum):
    """Where an action is."""

    PREVIEWED = "previewed"
    SENT = "sent"
    ACCEPTED = "accepted"
    """The trader does it. A sale has begun then, and is over when the position is gone."""
    REFUSED = "refused"
    EXPIRED = "expired"
    UNKNOWN = "outcome not known"


OPEN: Final = frozenset({Stage.SENT, Stage.UNKNOWN})


@dataclass(slots=True)
class Action:
    """One wish under one request id."""

    request_id: str
    words: str
    """What is wished, for people."""
    previewed_at: float
    """By the screen's clock."""
    stage: Stage = Stage.PREVIEWED
    sent_at: float | None = None
    said: str = ""
    """What the trader said of it."""

    def send(self, now: float) -> bool:
        """Tell whether it is to be sent now: once, while the preview is neither too new nor too old."""
        if self.stage is not Stage.PREVIEWED or now - self.previewed_at < GUARD_SECONDS:
            return False
        if self.expire(now):
            return False
        self.stage, self.sent_at = Stage.SENT, now
        return True

    def expire(self, now: float) -> bool:
        """Let it go where it was looked at too long ago; tells whether it has been."""
        if self.stage is Stage.PREVIEWED and now - self.previewed_at >= PREVIEW_SECONDS:
            self.stage, self.said = Stage.EXPIRED, f"{PREVIEW_SECONDS:.0f} s old: look again"
        return self.stage is Stage.EXPIRED

    def answered(self, said: str, *, refused: bool) -> None:
        """Take in what the trader did, by its own answer to this wish."""
        if self.stage in OPEN:
            self.stage, self.said = Stage.REFUSED if refused else Stage.ACCEPTED, said

    def turned_away(self, said: str) -> None:
        """Take in that the call was refused before anything was done.

        That says nothing of an earlier call under the same id: an outcome that is not known stays so.
        """
        if self.stage is Stage.SENT:
            self.stage = Stage.REFUSED
        if self.stage in {Stage.REFUSED, Stage.UNKNOWN}:
            self.said = said

    def unanswered(self) -> None:
        """Take in that no answer came: it may have been done."""
        if self.stage is Stage.SENT:
            self.stage, self.said = Stage.UNKNOWN, ""

    def asks_again(self, now: float) -> bool:
        """Tell whether the same request may be made again to learn what came of it.

        Under its id it is carried out once, however often it comes. One that never arrived would be carried out then:
        so it is asked for only as long as the preview would have held.
        """
        return self.stage is Stage.UNKNOWN and now - self.previewed_at < PREVIEW_SECONDS
