"""What a model has done since its server started. Pure; times are seconds of a monotonic clock."""

from collections import deque
from dataclasses import dataclass, field
from time import monotonic

_WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class Activity:
    """Counts for people; Prometheus has its own."""

    batches: int = 0
    series: int = 0
    padding_series: float = 0.0
    """Work that was padding, in series."""
    expired: int = 0
    failed: int = 0
    shortages: int = 0
    refused: int = 0
    _busy: deque[tuple[float, float]] = field(default_factory=deque)  # ends and lengths of batches, the oldest first
    _began: float = field(default_factory=monotonic)

    def computed(self, series: int, seconds: float, padding: float, shortages: int) -> None:
        """Count a batch that has just ended."""
        self.batches += 1
        self.series += series
        self.padding_series += padding * series
        self.shortages += shortages
        self._busy.append((monotonic(), seconds))
        self._forget()

    @property
    def padding_share(self) -> float:
        """Share of what was computed that was padding."""
        whole = self.series + self.padding_series
        return self.padding_series / whole if whole else 0.0

    def busy_share(self) -> float:
        """Share of the last minute, or of the time since the start, in which the model computed."""
        self._forget()
        window = min(_WINDOW_SECONDS, monotonic() - self._began)
        return min(1.0, sum(seconds for _, seconds in self._busy) / window) if window else 0.0

    def _forget(self) -> None:
        while self._busy and self._busy[0][0] < monotonic() - _WINDOW_SECONDS:
            self._busy.popleft()
