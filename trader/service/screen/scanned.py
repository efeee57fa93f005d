"""What the last scan made of each market, folded from the journal. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from trader.domain.entries import Decided, ScanFinished, ScanStarted, SignalSeen
from trader.domain.facts import Finding, MarketTerms, SignalFacts
from trader.domain.words import ScanOutcome, Verdict
from trader.ports import Recorded
from trader.reporting.funnel import Funnel, FunnelSums


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision in short."""

    decision_id: str
    time: datetime
    entered: bool
    refusal: Finding | None
    refusals: int
    edge_cents: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is known of one market from the scan that saw it last. Another one takes its place when that changes."""

    series: str
    scan_id: str | None = None
    outcome: ScanOutcome | None = None
    reason: str = ""
    signal: SignalFacts | None = None
    signal_time: datetime | None = None
    decision: Decision | None = None
    market: MarketTerms | None = None
    """As its decision saw it."""


class Scanned:
    """The markets of the last scan, and its funnel."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._sums: FunnelSums | None = None
        self.funnel: Funnel | None = None
        """Of the last scan that ended; None before the first whose beginning was seen."""

    @property
    def lines(self) -> Mapping[str, Line]:
        """By ticker."""
        return self._lines

    def see(self, recorded: Recorded) -> None:
        """Go on by one entry."""
        match recorded.entry:
            case ScanStarted() as entry:
                self._sums = FunnelSums()
                self._sums.started(entry)
            case SignalSeen() as entry:
                self._signal(entry, recorded.time)
            case Decided() as entry:
                self._decided(entry, recorded.time)
            case ScanFinished() as entry:
                self._finished(entry)
            case _:
                pass

    def _signal(self, entry: SignalSeen, time: datetime) -> None:
        known = self._lines.get(entry.ticker)
        self._lines[entry.ticker] = Line(
            series=entry.series_ticker,
            scan_id=entry.scan_id,
            outcome=ScanOutcome.SIGNAL,
            signal=entry.signal,
            signal_time=time,
            market=None if known is None else known.market,
        )
        if self._sums is not None:
            self._sums.signal(entry, counts=True)

    def _decided(self, entry: Decided, time: datetime) -> None:
        refused = [finding for finding in entry.findings if finding.verdict is Verdict.REFUSED]
        decision = Decision(
            entry.decision_id,
            time,
            entry.entered,
            refused[0] if refused and not entry.entered else None,
            len(refused),
            None if entry.plan is None else entry.plan.edge_cents,
        )
        known = self._lines.get(entry.market.ticker, Line(series=entry.market.series_ticker))
        self._lines[entry.market.ticker] = replace(known, decision=decision, market=entry.market)
        if self._sums is not None:
            self._sums.decided(entry)

    def _finished(self, entry: ScanFinished) -> None:
        for ticker, outcome, reason in entry.others:
            known = self._lines.get(ticker)
            self._lines[ticker] = Line(
                series=ticker.partition("-")[0] if known is None else known.series,
                scan_id=entry.scan_id,
                outcome=outcome,
                reason=reason,
                market=None if known is None else known.market,
            )
        unread = {series for series, _ in entry.unread}
        self._lines = {
            ticker: line
            for ticker, line in self._lines.items()
            if line.scan_id == entry.scan_id or line.series in unread  # these it could not look at
        }
        if self._sums is not None:
            self._sums.finished(entry)
            self.funnel, self._sums = self._sums.funnel(), None
