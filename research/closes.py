"""When an event closed whose close nobody recorded: as its neighbours did, where these agree. Pure."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from research.tickers import named

_NEAR = timedelta(days=92)


class Closes:
    """The recorded closes of a series.

    Args:
        recorded: Event tickers and when they closed, aware.
    """

    def __init__(self, recorded: Iterable[tuple[str, datetime]]) -> None:
        known = ((name.local.replace(tzinfo=UTC), close) for event, close in recorded if (name := named(event)))
        self._known = sorted((at, close - at) for at, close in known)

    def derive(self, event_ticker: str) -> datetime | None:
        """Return the close that follows from the events next to it, before and after.

        Both must lie within 92 days, and must have closed at the same distance from the time that their tickers name.
        """
        name = named(event_ticker)
        if name is None:
            return None
        at = name.local.replace(tzinfo=UTC)
        place = bisect_left(self._known, (at, timedelta.min))
        near = [known for known in self._known[max(0, place - 1) : place + 1] if abs(known[0] - at) <= _NEAR]
        if len(near) != 2 or near[0][1] != near[1][1]:  # noqa: PLR2004  one before, one after
            return None
        return at + near[0][1]
