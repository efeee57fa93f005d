"""The rejection funnel: markets looked at, signals, decisions, and which rule refused them. Pure."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from trader.domain.entries import Decided, ScanFinished, ScanStarted, SignalSeen
from trader.domain.facts import Finding
from trader.domain.words import ScanOutcome, Verdict

NO_PLAN = "no_plan"
"""Stands for a rule where a decision entered nothing although no rule had refused: there was nothing to order."""

Bound = float | int | str | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a rule allowed, in its unit (see `Finding`); at least one is there."""

    unit: str
    at_least: Bound = None
    at_most: Bound = None
    equal_to: Bound = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rule over all decisions."""

    rule: str
    reached: int
    """Decisions that no earlier rule had refused."""
    refused_first: int
    refused: int
    """Whether or not an earlier rule had."""
    bounds: Bounds | None = None
    """By the last decision of the span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """From markets looked at to entries."""

    scans: int = 0
    """That ended."""
    markets: int = 0
    """Counted once in each scan that ended."""
    signals: int = 0
    """Also of scans that did not end."""
    decisions: int = 0
    entries: int = 0
    steps: tuple[Step, ...] = ()
    outcomes: Mapping[ScanOutcome, int] = field(default_factory=dict)
    """Of the markets; they add up to `markets`. Empty where only their sum is known."""

    @property
    def asked(self) -> int:
        """Markets that the forecast server was asked about."""
        return self.markets - self.outcomes.get(ScanOutcome.NOT_ASKED, 0)


class FunnelSums:
    """Gathers the funnel.

    Args:
        series: Only these count. Of markets without a signal only the ticker is known: its series is what stands before
            the first hyphen.
        every: All count.
    """

    def __init__(self, series: Container[str] = frozenset(), *, every: bool = True) -> None:
        self._series, self._every = series, every
        self._scans = self._signals = self._decisions = self._entries = 0
        self._outcomes: Counter[ScanOutcome] = Counter()
        self._signalled: Counter[str] = Counter()
        """Signals of series that count, by scan: also those before the span, whose scan ends in it."""
        self._covers = every
        self._first: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._order: dict[str, Finding] = {}

    def started(self, entry: ScanStarted) -> None:
        """See a scan begin, also one before the span."""
        self._signalled.clear()
        self._covers = self._every or any(name in self._series for name in entry.series)

    def signal(self, entry: SignalSeen, *, counts: bool) -> None:
        """See a signal; it `counts` where it lies in the span."""
        if self._every or entry.series_ticker in self._series:
            self._signalled[entry.scan_id] += 1
            self._signals += counts

    def finished(self, entry: ScanFinished) -> None:
        """Count a scan that ended in the span."""
        if self._every:
            self._outcomes.update(entry.counts)
        elif self._covers:
            self._outcomes[ScanOutcome.SIGNAL] += self._signalled[entry.scan_id]
            self._outcomes.update(
                outcome for ticker, outcome, _ in entry.others if ticker.partition("-")[0] in self._series
            )
        self._scans += self._covers

    def decided(self, entry: Decided) -> None:
        """Count a decision of the span."""
        if not (self._every or entry.market.series_ticker in self._series):
            return
        self._decisions += 1
        self._entries += entry.entered
        refused = [finding.rule for finding in entry.findings if finding.verdict is Verdict.REFUSED]
        self._refused.update(refused)
        # A rule that is there no more stands behind those of the last decision.
        latest = {finding.rule: finding for finding in entry.findings}
        self._order = latest | {name: finding for name, finding in self._order.items() if name not in latest}
        if not entry.entered:
            self._first[refused[0] if refused else NO_PLAN] += 1

    def funnel(self) -> Funnel:
        """Return what was counted."""
        steps: list[Step] = []
        reached = self._decisions
        for name in [*self._order, *([NO_PLAN] if self._first[NO_PLAN] else [])]:
            first = self._first[name]
            steps.append(
                Step(
                    rule=name,
                    reached=reached,
                    refused_first=first,
                    refused=self._refused[name] or first,
                    bounds=_bounds(self._order.get(name)),
                )
            )
            reached -= first
        return Funnel(
            scans=self._scans,
            markets=self._outcomes.total(),
            signals=self._signals,
            decisions=self._decisions,
            entries=self._entries,
            steps=tuple(steps),
            outcomes={outcome: self._outcomes[outcome] for outcome in ScanOutcome if self._outcomes[outcome]},
        )


def _bounds(finding: Finding | None) -> Bounds | None:
    if finding is None or (finding.at_least, finding.at_most, finding.equal_to) == (None, None, None):
        return None
    return Bounds(finding.unit, finding.at_least, finding.at_most, finding.equal_to)
