"""Whether a trader decided as a backtest does: its journal, held beside candles that were collected apart from it."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from mesh.errors import InvalidInput, NotFound
from mesh.forecasts import ForecastClient
from research.answers_store import AnswersStore
from research.loading import load
from research.parity_asking import Again, Remaking, ask
from research.parity_walk import Beside, Comparing, decided_at_ends
from research.questions import QuestionPlan
from research.types import Defects, Forecasted, Key, RecordedEvent, Unsaid
from trader.domain.entries import Decided, SignalSeen, Started
from trader.domain.facts import MarketTerms
from trader.domain.remaking import Unmade, settings_of
from trader.domain.settings import Settings
from trader.domain.state import Books
from trader.journal.reading import reading
from trader.journal.replaying import folded
from trader.ports import Recorded
from trader.scanning.settings import ScannedSeries

_VERSION = version("foremesh")


@dataclass(frozen=True, slots=True)
class Parity:
    """What came of it."""

    remaking: Remaking
    """Signals asked for, and decisions made, once more."""
    beside: Counter[Beside]
    """Decisions about entries, as they stand to those of a backtest."""
    entered: Counter[Beside]
    """Of them, those that entered."""

    @property
    def agrees(self) -> bool:
        """Whether nothing came out otherwise."""
        return not self.remaking.differing and not self.remaking.decisions.differing


class _Signal(NamedTuple):
    """A signal that was decided on, and its market as the decision has it."""

    seen: SignalSeen
    market: MarketTerms


async def parity(
    journal: Path,
    root: Path,
    scans: Mapping[str, ScannedSeries],
    client: ForecastClient,
    store: AnswersStore,
) -> Parity:
    """Ask and decide again, and walk the same markets as a backtest does.

    Args:
        journal: The trader's.
        root: The data folder.
        scans: How the trader asks, by series; all that it traded.
        client: The forecast server.
        store: What was answered before.

    Raises:
        JournalError: The journal is broken.
        InvalidInput: Another version of foremesh began it.
        MeshError: The server refuses or stays away; a file of the data cannot be read.
    """
    signals, settings = await asyncio.to_thread(_read, journal)
    asked: dict[int, tuple[MarketTerms, Forecasted | Unsaid] | str] = {}
    answers: dict[Key, Forecasted | Unsaid] = {}
    ends: dict[Key, tuple[SignalSeen, Decided]] = {}
    for series in sorted({each.market.series_ticker for each in signals.values()}):
        scan = scans[series]
        plan = QuestionPlan(horizon_steps=scan.horizon_steps, step=scan.step, points=scan.points, price=scan.price)
        own = {number: each for number, each in signals.items() if each.market.series_ticker == series}
        tickers = sorted({each.market.event_ticker for each in own.values()})
        events = await asyncio.to_thread(_events, root, series, tickers, 60 * scan.step_minutes)
        said = await ask({number: each.seen for number, each in own.items()}, events, plan, client, store)
        asked |= said.again
        answers |= said.ends
        ends |= await asyncio.to_thread(decided_at_ends, events, said.ends, settings)
    again = Again(asked, {number: each.market for number, each in signals.items()}, _VERSION)
    comparing = Comparing(answers, ends, settings)

    def before(books: Books, recorded: Recorded) -> None:
        again.take(books, recorded.sequence, recorded.time, recorded.entry)
        comparing.take(books, recorded.time, recorded.entry)

    def fold() -> None:
        with reading(journal) as reader:
            folded(reader.journal_id, reader.read(), before=before)

    await asyncio.to_thread(fold)
    again.end()
    return Parity(again.found, comparing.found, comparing.entered)


def _read(journal: Path) -> tuple[dict[int, _Signal], Settings]:
    """Give the signals that were decided on, by the sequence of their entries, and the settings of the first start."""
    signals: dict[int, _Signal] = {}
    settings: Settings | Unmade = Unmade.NO_START
    seen: tuple[int, SignalSeen] | None = None
    with reading(journal) as reader:
        for recorded in reader.read():
            match recorded.entry:
                case Started() as started if settings is Unmade.NO_START:
                    settings = settings_of(started, _VERSION)
                case SignalSeen() as signal:
                    seen = recorded.sequence, signal
                case Decided(market=market) if seen is not None and seen[1].ticker == market.ticker:
                    signals[seen[0]] = _Signal(seen[1], market)
                case _:
                    pass
    if isinstance(settings, Unmade):
        raise InvalidInput(f"{journal}: nothing in it can be decided again: {settings.value}")
    return signals, settings


def _events(root: Path, series: str, tickers: Iterable[str], step_seconds: int) -> list[RecordedEvent]:
    """Load events, those that were collected."""
    found: list[RecordedEvent] = []
    for ticker in tickers:
        with suppress(NotFound):
            found += load(root, series, step_seconds=step_seconds, events=[ticker], defects=Defects())
    return found
