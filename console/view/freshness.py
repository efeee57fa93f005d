"""How old knowledge may be before a screen no longer shows it as what is. Pure."""

from enum import Enum

SILENCE_SECONDS = 2.5
"""Without a message for so long the link is taken for lost; something is sent every second."""


class Freshness(Enum):
    """What an age means."""

    FRESH = "fresh"
    AGEING = "ageing"
    """Shown with its age, not bought on."""
    STALE = "stale"
    """Not shown."""
    ABSENT = "absent"
    """Never known."""


def freshness(age: float | None, fresh_within: float, stale_after: float) -> Freshness:
    """Class an age; None stands for something that was never known. All in seconds."""
    if age is None:
        return Freshness.ABSENT
    if age > stale_after:
        return Freshness.STALE
    return Freshness.FRESH if age <= fresh_within else Freshness.AGEING
