"""What a scan brings, as it comes: made into events, in batches that keep nobody waiting."""

from collections.abc import Sequence

from mesh import log
from mesh.errors import MeshError
from mesh.types import Side
from trader.domain.events import BookCame, BookListed, Event, LinkSeen, MarketSeen, ScanBegan, ScanEnded, SignalCame
from trader.domain.words import LinkKind, ScanOutcome
from trader.engine.breathing import breath
from trader.engine.core import Core
from trader.ports import Begin, Markets

BATCH = 32
"""Events that are decided on in one go: more would keep exits waiting."""
_FRESH_SHARE = 0.5
"""Of the age at which a book is too old to buy on, what it may have before it is read anew."""
_LATER = (ScanOutcome.FAILED, ScanOutcome.NOT_ASKED)
"""Outcomes that the forecast server did not give."""

_log = log.get(__name__)


class Arrivals:
    """What a scan has brought so far."""

    def __init__(self, core: Core, markets: Markets, scan_id: str) -> None:
        self._core = core
        self._markets = markets
        self._scan_id = scan_id
        self._began: float | None = None
        self._series: tuple[str, ...] = ()
        self._open: set[str] = set()
        """Markets without an outcome yet."""
        self._signals = 0

    async def take(self, batch: Sequence[Begin | SignalCame | ScanEnded]) -> None:
        """Decide on what came together, in one transaction wherever that is short."""
        events: list[Event] = list(await self._books(batch))
        for each in batch:
            match each:
                case Begin():
                    self._flush(events)
                    await self._begin(each)
                case SignalCame():
                    self._signals += 1
                    self._open.discard(each.market.ticker)
                    events.append(each)
                case ScanEnded():
                    self._began = None
                    events += [each, *self._server(each)]
        self._flush(events)
        await breath()

    def _flush(self, events: list[Event]) -> None:
        if events:
            self._core.handle(*events)
            events.clear()

    async def _begin(self, begin: Begin) -> None:
        self._began = self._core.clock.monotonic()
        self._series = begin.series
        self._open = {market.ticker for market in begin.markets}
        self._core.handle(ScanBegan(self._scan_id, begin.series, len(begin.markets)))
        news = list(self._news(begin))
        for first in range(0, len(news), BATCH):
            self._core.handle(*news[first : first + BATCH])
            await breath()

    async def _books(self, batch: Sequence[Begin | SignalCame | ScanEnded]) -> tuple[BookCame, ...]:
        """Read the books of signals that may be acted on and whose book is not known, or is growing old."""
        rules = self._core.state.settings.rules
        wanted = [
            each.market.ticker
            for each in batch
            if isinstance(each, SignalCame)
            and each.signal.side is Side.NO
            and each.signal.magnitude_cents >= rules.min_magnitude_cents
            and each.signal.confidence.rank >= rules.min_confidence.rank
            and not self._known(each.market.ticker)
        ]
        if not wanted:
            return ()
        try:
            return tuple(BookCame(book) for book in await self._markets.books(wanted))
        except MeshError as error:  # the rules refuse what has no book
            _log.warning("no books to decide on", markets=len(wanted), why=str(error))
            return ()

    def _known(self, ticker: str) -> bool:
        state = self._core.state
        longest = _FRESH_SHARE * state.settings.protections.max_book_age_seconds
        seen = state.watch.books.get(ticker)
        return seen is not None and seen.exact and self._core.clock.monotonic() - seen.confirmed <= longest

    def _news(self, begin: Begin) -> list[Event]:
        """Return what a listing says that is not known better."""
        watch = self._core.state.watch
        news: list[Event] = [
            MarketSeen(market, trading=True)
            for market in begin.markets
            if watch.terms.get(market.ticker) != market or market.ticker in watch.halted
        ]
        return [*news, *map(BookListed, begin.books)]

    def _server(self, ended: ScanEnded) -> tuple[LinkSeen, ...]:
        """Tell from the accounting whether the forecast server answered; nothing where it was not asked."""
        kind = LinkKind.FORECAST_SERVER
        if self._signals or any(outcome not in _LATER for _, outcome, _ in ended.others):
            return (LinkSeen(kind, up=True),)
        failed = [reason for _, outcome, reason in ended.others if outcome is ScanOutcome.FAILED]
        return (LinkSeen(kind, up=False, problem=failed[0]),) if failed else ()

    def close(self) -> None:
        """Account for a scan that was broken off."""
        if self._began is None or self._core.failed:
            return
        seconds = self._core.clock.monotonic() - self._began
        others = tuple((ticker, ScanOutcome.FAILED, "broken_off") for ticker in sorted(self._open))
        unread = tuple((series, "the scan was broken off") for series in self._series)
        self._core.handle(ScanEnded(self._scan_id, others, seconds, unread))
