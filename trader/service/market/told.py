"""What the journal says of a market's forecasts and of the last decision about it.

What was written in this process is noted on the way (`Marks`), so that it is found however much was written since. For
what was written before, the last entries before the start are searched once a market: no more of them than can be gone
through while somebody waits. A forecast that lies further back is not shown.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from foremesh.trader.v1 import decisions_pb2

from trader.domain.entries import AnyEntry, Decided, SignalSeen
from trader.engine.engine import Engine
from trader.ports import Recorded, Search
from trader.service.convert_events import event
from trader.service.market.marks import SIGNALS, Mark, Marks
from trader.service.story import Told

BACK = 20_000
"""Entries before the start that are searched, about 50 MB."""
_LONGEST = timedelta(days=7)
_BYTES = 700_000
"""Of earlier signals, of a message's 1 MiB; usual ones take a few hundred each."""
_MARKETS = 256
"""Whose finds from before the start are kept."""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Messages about one market, with the times of their entries."""

    signal: decisions_pb2.ScanSignal | None = None
    signal_time: datetime | None = None
    earlier: tuple[decisions_pb2.ScanSignal, ...] = ()
    """Newest first."""
    decision: decisions_pb2.Decision | None = None
    decision_time: datetime | None = None

    @property
    def anything(self) -> bool:
        """Whether there is any."""
        return self.signal is not None or self.decision is not None


class ToldOfMarkets:
    """Looks things up for one engine; it notes what is written from when it is made on."""

    def __init__(self, engine: Engine, search: Search) -> None:
        self._engine, self._search = engine, search
        self._marks = Marks()
        self._start = self._engine.state.books.sequence
        self._noted = self._start
        self._before: dict[str, Mark] = {}
        self._turn = asyncio.Lock()
        engine.listen(self._wrote)

    async def of(self, ticker: str, now: datetime) -> Forecasts:
        """Return what the journal says of a market. Raises JournalError."""
        async with self._turn:  # one at a time: they read the disk that the journal is written to
            before = self._before.get(ticker)
            if before is None:
                before = await asyncio.to_thread(self._look_back, ticker)
                if len(self._before) >= _MARKETS:
                    del self._before[next(iter(self._before))]
                self._before[ticker] = before
            mark = _joined(before, self._marks.of(ticker))
            return await asyncio.to_thread(self._read, ticker, mark, now)

    def _wrote(self, written: tuple[AnyEntry, ...]) -> None:
        for sequence, entry in enumerate(written, self._noted + 1):
            self._marks.see(sequence, entry)
        self._noted += len(written)

    def _look_back(self, ticker: str) -> Mark:
        marks = Marks()
        first = max(1, self._start - BACK + 1)
        # A ticker has no character that JSON escapes, and other texts of an entry cannot hold quotation marks.
        text = f'"ticker":"{ticker}"'
        for recorded in self._search.found(first, self._start, [text], ("signal", "decision")):
            marks.see(recorded.sequence, recorded.entry)
        return marks.of(ticker)

    def _read(self, ticker: str, mark: Mark, now: datetime) -> Forecasts:
        wanted = list(reversed(mark.signals.values()))
        rows = self._search.at([*wanted, *([] if mark.decision is None else [mark.decision])])
        return _forecasts(ticker, rows, now)


def _joined(before: Mark, since: Mark) -> Mark:
    found = Mark(decision=since.decision or before.decision)
    for marks in (before, since):
        for candle, sequence in marks.signals.items():
            found.signal(candle, sequence)
    return found


def _forecasts(ticker: str, rows: Iterable[Recorded], now: datetime) -> Forecasts:
    """Write messages; `rows` has signals newest first."""
    signals: list[tuple[datetime, decisions_pb2.ScanSignal]] = []
    decision, decided = None, None
    size = 0
    for row in rows:
        if row.time < now - _LONGEST:
            continue
        told = Told(row.sequence, row.time, row.entry)
        match row.entry:
            case SignalSeen() if row.entry.ticker == ticker:
                message = event(told, now).signal
                size += message.ByteSize() if signals else 0
                if size <= _BYTES and len(signals) < SIGNALS:
                    signals.append((row.time, message))
            case Decided() if row.entry.market.ticker == ticker:
                decision, decided = event(told, now).decision, row.time
            case _:
                pass
    latest = signals[0] if signals else (None, None)
    return Forecasts(latest[1], latest[0], tuple(message for _, message in signals[1:]), decision, decided)
