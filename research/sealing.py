"""The sealed final period of a series: ordinary runs never see it, one run opens it once, on the record.

An event is sealed if its last market closes at or after a time. A series is sealed anew only after that period was
opened, and only from after the last event that was seen then: what somebody has looked at is not sealed by saying so.
Of the first seal of a series it is written down who has looked before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mesh.errors import NotReady
from research.trials import Entry, Kind, Ledger, Trial, trials
from research.types import RecordedEvent


class SealProblem(NotReady):
    """The sealed period cannot be made or opened."""

    default_reason = "SEALED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What is sealed of a series."""

    begins: datetime
    """Events that close from then on."""
    opened: Trial | None
    """The run that saw them."""
    seen: tuple[int, ...] = ()
    """Runs that had seen events of it before it was sealed."""

    def covers(self, event: RecordedEvent) -> bool:
        """Tell whether an event is sealed."""
        return last_close(event) >= self.begins


def last_close(event: RecordedEvent) -> datetime:
    """Return when the last market of an event closes."""
    return max(market.terms.close_time for market in event.markets)


def seal_of(entries: Sequence[Entry], series: str) -> Seal | None:
    """Return what is sealed of a series; None where nothing ever was."""
    seals = [entry for entry in entries if entry.kind is Kind.SEALED and entry.body["series"] == series]
    if not seals:
        return None
    by_number = {trial.number: trial for trial in trials(entries)}
    opened = [
        by_number.get(entry.body["begun"])
        for entry in entries
        if entry.kind is Kind.OPENED and entry.body["seal"] == seals[-1].number
    ]
    return _seal(seals[-1], opened[-1] if opened else None)


def seal(ledger: Ledger, series: str, begins: datetime) -> Entry:
    """Seal the events of a series that close at or after a time.

    Raises:
        SealProblem: It is sealed already, or some of these events were seen when the period before was opened.
        LedgerDamaged, OSError: As `Ledger.append`.
    """

    def allowed(entries: Sequence[Entry]) -> None:
        found = seal_of(entries, series)
        if found is None:
            return
        if found.opened is None or found.opened.result is None:
            raise SealProblem(f"{series} is sealed from {found.begins.isoformat()} on; that stays until it is opened")
        seen = found.opened.result.get("last_close")
        if seen is not None and begins <= datetime.fromisoformat(seen):
            raise SealProblem(f"events of {series} up to {seen} have been seen: seal what comes after them")

    body = {"series": series, "begins": begins.isoformat(), "seen": _seen(ledger.trials(), series, begins)}
    return ledger.append(Kind.SEALED, body, allowed)


def open_seal(ledger: Ledger, series: str, begun: Entry) -> Seal:
    """Let one run see the sealed period, on the record. Where that run was interrupted, the same one may go on.

    Args:
        ledger: The ledger.
        series: Ticker.
        begun: The run's own entry.

    Raises:
        SealProblem: Nothing is sealed, or it was opened before.
        LedgerDamaged, OSError: As `Ledger.append`.
    """
    seals = [entry for entry in ledger.entries() if entry.kind is Kind.SEALED and entry.body["series"] == series]
    if not seals:
        raise SealProblem(f"nothing of {series} is sealed: `foremesh trials seal {series}` does it")

    def allowed(entries: Sequence[Entry]) -> None:
        found = seal_of(entries, series)
        before = None if found is None else found.opened
        if before is not None and (before.result is not None or before.run != begun.body):
            raise SealProblem(f"the sealed period of {series} was opened by trial {before.number}; that happens once")

    ledger.append(Kind.OPENED, {"series": series, "seal": seals[-1].number, "begun": begun.number}, allowed)
    return _seal(seals[-1], None)


def refuse_round_about(own: Ledger, used: Ledger, series: str) -> None:
    """Refuse a run that would not know of a seal, because its ledger is another than that beside the data.

    Raises:
        SealProblem: The ledger beside the data seals events of the series.
        LedgerDamaged, OSError: As `Ledger.entries`.
    """
    if own.path.resolve() != used.path.resolve() and seal_of(own.entries(), series) is not None:
        raise SealProblem(f"{series} is sealed by {own.path}: no run goes by another ledger")


def _seal(entry: Entry, opened: Trial | None) -> Seal:
    begins = datetime.fromisoformat(entry.body["begins"])
    return Seal(begins=begins, opened=opened, seen=tuple(entry.body.get("seen", ())))


def _seen(found: Sequence[Trial], series: str, begins: datetime) -> list[int]:
    """Return the runs of a series that have seen events which close at or after a time."""
    closes = {trial.number: (trial.result or {}).get("last_close") for trial in found if trial.run["series"] == series}
    return [number for number, last in closes.items() if last is not None and datetime.fromisoformat(last) >= begins]
