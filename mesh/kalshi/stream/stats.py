"""What the stream counts, for metrics, and what it logs once."""

from collections import Counter
from dataclasses import dataclass, field

from mesh import log

_MOST_KINDS = 100

_log = log.get(__name__)


@dataclass(slots=True)
class StreamStats:
    """Counts since the start, over all connections."""

    connections: int = 0
    """That came about."""
    frames: int = 0
    """That arrived, pings not counted."""
    old: int = 0
    """Messages that were there before, or too late; they were left out."""
    gaps: int = 0
    """That were told."""
    stray: int = 0
    """Messages of subscriptions that are over, and answers that nobody waits for."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Messages of types that are not known, by type."""
    malformed: Counter[str] = field(default_factory=Counter)
    """Messages that are not what their type must be, by type."""

    def note_unknown(self, kind: str) -> None:
        """Count a message that is not known, and log the first of its type."""
        if _is_first(self.unknown, kind):
            _log.info("the stream has a message that is not known", type=kind)

    def note_malformed(self, kind: str, why: str) -> None:
        """Count a message that cannot be read, and log the first of its type."""
        if _is_first(self.malformed, kind):
            _log.warning("the stream has a message that cannot be read", type=kind, problem=why)


def _is_first(counts: Counter[str], kind: str) -> bool:
    kind = kind[:64] if kind in counts or len(counts) < _MOST_KINDS else "others"
    counts[kind] += 1
    return counts[kind] == 1
