"""What a backtest counts of the events that it reads, and which of them it may see."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from research.digest import DataDigest
from research.prints import with_prints
from research.reliability import ReliabilitySums
from research.sealing import Seal, last_close
from research.tape import trades
from research.types import Answers, Defects, RecordedEvent


class Gathering:
    """What is counted as events stream by.

    Args:
        root: The data folder.
        seal: What ordinary runs do not see.
        defects: Told of what is wrong.
        inside: See that, and nothing else.
    """

    def __init__(self, root: Path, seal: Seal | None, defects: Defects, *, inside: bool) -> None:
        self.digest, self.reliability, self.defects = DataDigest(), ReliabilitySums(), defects
        self.results: Counter[str] = Counter()
        self.events = self.markets = self.sealed = 0
        self.first_close: datetime | None = None
        self.last_close: datetime | None = None
        self.seal, self._root, self._inside = seal, root, inside

    def open_events(self, events: Iterator[RecordedEvent]) -> Iterator[RecordedEvent]:
        """Give the events that may be seen."""
        for event in events:
            if self.seal is not None and self.seal.covers(event) is not self._inside:
                self.sealed += 1
            else:
                found = trades(self._root, event.series_ticker, event.event_ticker, self.defects)
                if found is None:
                    self.defects.note("trades_not_recorded", event.event_ticker)
                yield with_prints(event, found, self.defects)

    def add(self, event: RecordedEvent, answers: Answers, horizon: timedelta) -> None:
        """Count an event."""
        self.events += 1
        self.markets += len(event.markets)
        self.digest.add(event)
        self.reliability.add(event, answers)
        close = last_close(event)
        self.first_close = close if self.first_close is None else min(self.first_close, close)
        self.last_close = close if self.last_close is None else max(self.last_close, close)
        for market in event.markets:
            self.results["unknown" if market.outcome is None else market.outcome.origin.value] += 1
            strip = market.decisions
            if len(strip.ends) * strip.step_seconds < horizon.total_seconds():
                self.defects.note("market_shorter_than_horizon", market.terms.ticker)
