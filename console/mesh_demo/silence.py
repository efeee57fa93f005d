"""Why a trader decided nothing at all: then nothing was shown, and that books agree proves nothing."""

from collections import Counter
from pathlib import Path

from trader.domain.entries import Decided, ScanFinished
from trader.domain.words import ScanOutcome
from trader.journal.reading import reading

_LONGER = "let it trade longer (--seconds)"


def silence(journal: Path) -> str | None:
    """Say in a sentence why there is no decision in a journal; None where there is one.

    Raises:
        JournalError: It is broken.
    """
    scans, markets = 0, 0
    found: Counter[ScanOutcome] = Counter()
    unread: dict[str, str] = {}
    with reading(journal) as reader:
        for recorded in reader.read():
            match recorded.entry:
                case Decided():
                    return None
                case ScanFinished() as scan:
                    scans += 1
                    markets += scan.market_count
                    found.update(scan.counts)
                    unread.update(scan.unread)
                case _:
                    pass
    return f"nothing was decided: {_why(scans, markets, found, unread)}"


def _why(scans: int, markets: int, found: Counter[ScanOutcome], unread: dict[str, str]) -> str:
    if not scans:
        return f"no scan came to its end; {_LONGER}"
    if unread:
        series, why = next(iter(unread.items()))
        return f"{series} could not be read: {why}"
    if not markets:
        return f"{scans} scans found no open market; name another --day or --series, or {_LONGER}"
    counts = ", ".join(f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in found.most_common() if count)
    return f"{scans} scans looked at markets {markets} times, and none came to a signal ({counts}); {_LONGER}"
