"""What became of the forecasts that a walk looked at: signals, and which rule refused which. Pure.

A walk does not tell its trader of signals that the rules refuse which look at nothing but the signal. They are counted
here by the same bounds, so that the funnel is whole.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mesh.kalshi.sides import Action
from mesh.types import Side
from research.types import Forecasted, Unsaid
from trader.domain.entries import AnyEntry, Decided, Filled
from trader.domain.rules import enforced, known_rules
from trader.domain.settings import Settings
from trader.domain.words import Verdict

NO_PLAN: Final = "no_plan"
"""Nothing was refused, and there was nothing to order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """One rule over all signals."""

    rule: str
    reached: int
    """Signals that no earlier rule had refused."""
    refused: int
    """Of these."""


class Looking:
    """Counts what a walk's trader decides.

    Args:
        settings: The trader's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.looked = self.signals = self.entries = 0
        self._filled = set[str]()
        self.unsaid: Counter[str] = Counter()
        """What was looked at and is no signal, by reason."""
        self._refused: Counter[str] = Counter()

    def look(self, said: Forecasted | Unsaid) -> None:
        """See an answer that the walk looks at."""
        self.looked += 1
        if isinstance(said, Unsaid):
            self.unsaid[said.reason] += 1
            return
        self.signals += 1
        if (rule := self._refuses(said)) is not None:
            self._refused[rule] += 1

    def watch(self, _now: datetime, entry: AnyEntry) -> None:
        """See what the trader wrote."""
        match entry:
            case Decided(entered=True):
                self.entries += 1
            case Decided():
                refused = [finding.rule for finding in entry.findings if finding.verdict is Verdict.REFUSED]
                self._refused[refused[0] if refused else NO_PLAN] += 1
            case Filled(fill=fill) if fill.action is Action.BUY:
                self._filled.add(entry.client_order_id)
            case _:
                pass

    def add(self, other: "Looking") -> None:
        """Count what another walk by the same settings saw."""
        self.looked += other.looked
        self.signals += other.signals
        self.entries += other.entries
        self._filled |= other._filled
        self.unsaid += other.unsaid
        self._refused += other._refused

    @property
    def filled(self) -> int:
        """Entries of which anything was bought; the others are no trades."""
        return len(self._filled)

    def funnel(self) -> Iterator[Refusals]:
        """Give the rules that refused something first, in their order."""
        reached = self.signals
        for name in (*known_rules(), NO_PLAN):
            if refused := self._refused[name]:
                yield Refusals(rule=name, reached=reached, refused=refused)
                reached -= refused

    def _refuses(self, said: Forecasted) -> str | None:
        signal, limits = said.signal, self._settings.rules
        if signal.side is not Side.NO:
            return "side"
        if signal.confidence.rank < limits.min_confidence.rank and enforced(self._settings, "confidence"):
            return "confidence"
        if signal.magnitude_cents < limits.min_magnitude_cents and enforced(self._settings, "magnitude"):
            return "magnitude"
        return None
