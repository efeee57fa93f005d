"""An engine with everything around it in memory, on a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from mesh.clock import ManualClock
from mesh.errors import Unavailable
from tests.fakes.trading import NOON, book, market, signal
from tests.fakes.venue import Venue
from trader.domain import watching
from trader.domain.entries import AnyEntry, Decided, Notified
from trader.domain.events import Begun, Moment, ScanEnded, SignalCame
from trader.domain.facts import MarketTerms, SignalFacts
from trader.domain.fold import apply
from trader.domain.settings import EntrySettings, RuleSettings, Settings
from trader.domain.state import Books
from trader.domain.words import Mode, ScanOutcome
from trader.engine.core import Core, EngineFailed
from trader.engine.engine import Engine, Timing
from trader.engine.recalling import recalled
from trader.journal.codec import KINDS, decode, encode, kind_of
from trader.journal.errors import JournalError
from trader.ports import Begin, Exchange, Markets, Recorded

SETTINGS = Settings(rules=RuleSettings(min_edge_cents=-50.0), entries=EntrySettings(shadow=False))


class MemoryJournal:
    """A journal that may stop taking entries; each is kept as it would be on disk."""

    def __init__(self) -> None:
        self.rows: list[tuple[datetime, bytes]] = []
        self.appends = 0
        self.refuse_from: int | None = None
        """Number of the append from which on nothing is written."""
        self.lose_from: int | None = None
        """Number of the append after which the process dies: it is written, and nobody learns of it."""

    @property
    def journal_id(self) -> str:
        return "journal-1"

    @property
    def last_sequence(self) -> int:
        return len(self.rows)

    def append(self, time: datetime, entries: Sequence[AnyEntry]) -> None:
        self.appends += 1
        if self.refuse_from is not None and self.appends >= self.refuse_from:
            raise JournalError("the disk is full")
        self.rows += [(time, encode(entry)) for entry in entries]
        if self.lose_from is not None and self.appends >= self.lose_from:
            raise JournalError("the process died here")

    def read(self, after: int = 0, *, refusals: bool = True) -> Iterator[Recorded]:
        for sequence, (time, body) in enumerate(self.rows[after:], after + 1):
            entry = decode(body, sequence)
            if refusals or not isinstance(entry, Decided) or entry.entered:
                yield Recorded(sequence, time, entry)

    def found(self, first: int, last: int, texts: Sequence[str], kinds: Sequence[str] = ()) -> list[Recorded]:
        return [
            Recorded(sequence, time, entry)
            for sequence, (time, body) in enumerate(self.rows[first - 1 : last], first)
            if any(text.encode() in body for text in texts)
            and kind_of(entry := decode(body, sequence)) in (kinds or KINDS)
        ]

    def at(self, sequences: Iterable[int]) -> list[Recorded]:
        return [Recorded(each, self.rows[each - 1][0], decode(self.rows[each - 1][1], each)) for each in sequences]

    def reached(self, time: datetime) -> int:
        return sum(written < time for written, _ in self.rows)

    def of(self, *kinds: type[AnyEntry]) -> list[AnyEntry]:
        return [recorded.entry for recorded in self.read() if isinstance(recorded.entry, kinds)]


class Phone:
    """A notifier that may be away, or hang."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.down = False
        self.hangs = False
        self.sent: list[Notified] = []
        self.tries = 0

    async def send(self, notice: Notified) -> None:
        self.tries += 1
        if self.hangs:
            await self.clock.sleep(1e9)
        if self.down:
            raise Unavailable("nobody answers")
        self.sent.append(notice)


class Forecasts:
    """Scans that find the same signals each time, or nobody who answers."""

    def __init__(self, clock: ManualClock, markets: Sequence[MarketTerms]) -> None:
        self.clock = clock
        self.markets = tuple(markets)
        self.signals: dict[str, SignalFacts] = {}
        self.wires: dict[str, bytes] = {}
        """The forecast server's own messages, where a test looks at them."""
        self.away = False
        self.seconds = 0.0
        """Between what comes."""
        self.scans: list[str] = []

    async def scan(self, scan_id: str) -> AsyncIterator[Begin | SignalCame | ScanEnded]:
        self.scans.append(scan_id)
        yield Begin(("KXHIGHNY",), self.markets, ())
        others: list[tuple[str, ScanOutcome, str]] = []
        for each in self.markets:
            if self.seconds:  # else they come together, as those of one message do
                await self.clock.sleep(self.seconds)
            if self.away:
                others.append((each.ticker, ScanOutcome.FAILED, "forecast_server_away"))
            elif (found := self.signals.get(each.ticker)) is not None:
                yield SignalCame(scan_id, each, found, self.wires.get(each.ticker, b""))
            else:
                others.append((each.ticker, ScanOutcome.NO_SIGNAL, "too_flat"))
        yield ScanEnded(scan_id, tuple(others), 0.1)


def write(core: Core, entries: Iterable[AnyEntry]) -> None:
    """Write entries that no event led to, as if they had been decided."""

    def folded(moment: Moment) -> list[AnyEntry]:
        given = list(entries)
        for entry in given:
            apply(core.books, core.books.sequence + 1, moment.now, entry)
        watching.forget(core.state, given, moment)
        return given

    core._take(folded)


class Rig:
    """One journal, one exchange; engines on them come and go."""

    def __init__(self, *, settings: Settings = SETTINGS, markets: Sequence[MarketTerms] | None = None) -> None:
        self.clock = ManualClock(NOON)
        self.settings = settings
        self.markets = tuple(markets or (market(closes=timedelta(days=2)),))
        self.venue = Venue(self.clock, self.markets)
        self.exchange: Exchange = self.venue
        self.shown: Markets = self.venue
        self.journal = MemoryJournal()
        self.phone = Phone(self.clock)
        self.forecasts = Forecasts(self.clock, self.markets)
        self.switch = False
        self.runs = 0
        for each in self.markets:
            self.venue.show(book(each.ticker))

    def engine(self) -> Engine:
        """Make an engine of what the journal says."""
        state, lived = recalled(self.journal, self.settings)
        return Engine(
            state,
            self.journal,
            exchange=self.exchange,
            markets=self.shown,
            scans=self.forecasts,
            notifier=self.phone,
            clock=self.clock,
            timing=Timing(scan_seconds=30.0),
            kill_switch=lambda: self.switch,
            lived=lived,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        """Run an engine; at the end of the context it is cut off, unless it has been stopped."""
        self.runs += 1
        engine = self.engine()
        async with asyncio.TaskGroup() as group:
            run = group.create_task(engine.run(Begun(f"run-{self.runs}", Mode.PAPER, "1", "0" * 64)))
            await self.clock.advance(0)
            try:
                yield engine
            finally:
                run.cancel()

    async def live_until_failed(self, seconds: float, step: float = 0.5) -> bool:
        """Run an engine for some time, or until it fails; says whether it has."""
        failed = False
        try:
            async with self.running():
                for _ in range(round(seconds / step)):
                    await self.clock.advance(step)
        except* EngineFailed:
            failed = True
        return failed

    def refolded(self) -> Books:
        """Fold the journal."""
        return recalled(self.journal, self.settings)[0].books

    def wants(self, *tickers: str) -> None:
        """Let the next scans find a signal that every rule likes."""
        for each in tickers or tuple(one.ticker for one in self.markets):
            self.forecasts.signals[each] = signal(useful_until=NOON + timedelta(days=1))
