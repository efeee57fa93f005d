"""Where the journal speaks of each market's signals and decisions, noted as it is written. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from trader.domain.entries import AnyEntry, Decided, SignalSeen

SIGNALS = 25
"""Of a market: the latest and 24 before it."""
_MARKETS = 4096


@dataclass(slots=True)
class Mark:
    """One market: entries by their sequence."""

    signals: dict[datetime, int] = field(default_factory=dict)
    """Of all signals made from one candle the last, by the end of that candle; the latest last."""
    decision: int | None = None

    def signal(self, candle: datetime, sequence: int) -> None:
        """Take in a signal that is later than all others."""
        self.signals.pop(candle, None)
        self.signals[candle] = sequence
        if len(self.signals) > SIGNALS:
            del self.signals[next(iter(self.signals))]


class Marks:
    """All markets, from an entry on; a few hundred bytes each, of those that were spoken of last."""

    def __init__(self) -> None:
        self._of: dict[str, Mark] = {}

    def see(self, sequence: int, entry: AnyEntry) -> None:
        """Take in the next entry."""
        match entry:
            case SignalSeen():
                self._mark(entry.ticker).signal(entry.signal.last_candle_time, sequence)
            case Decided():
                self._mark(entry.market.ticker).decision = sequence
            case _:
                pass

    def of(self, ticker: str) -> Mark:
        """Return what is noted of a market."""
        return self._of.get(ticker, Mark())

    def _mark(self, ticker: str) -> Mark:
        found = self._of.pop(ticker, None) or Mark()
        self._of[ticker] = found
        if len(self._of) > _MARKETS:
            del self._of[next(iter(self._of))]
        return found
