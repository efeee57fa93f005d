"""Discovery: what there is to collect, listed once for all nodes.

A first look at a series reads all of its markets, live and archived, which may take hundreds of calls. Later looks ask
only for markets that are new or changed since the one before; the first of a day (UTC) reads all live markets, and the
first of a week the whole archive, in case something was missed or more is wanted. Live markets are read before archived
ones, so that one that moves between the two while we look is seen at least once. An event is handed over whole: what
may lie on both sides waits until both are read.

The archive comes newest settlement first. What was settled before an earlier complete look was seen by it, live or
archived, so the archive is read only down to there; as long as its cutoff is older than that, not at all.

All instants are the exchange's own, so our clock may be wrong, and a simulated exchange may live in another year.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from collector.coordinator.calls import Listing
from collector.coordinator.event_rows import ListedMarket, is_news, listed_market, merged_event
from collector.coordinator.rows import EventRow
from mesh import log
from mesh.clock import Clock
from mesh.errors import MeshError
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.rest.filters import MarketQuery
from mesh.kalshi.rest.market_wire import Market
from mesh.types import utc

_MOST_EVENTS, _MOST_MARKETS = 500, 1000
"""Handed over at once: they are saved in one transaction, on the event loop."""
_MARGIN = timedelta(hours=1)
"""By which two looks overlap: the exchange's lists may lag behind."""
_EARLY = timedelta(days=7)
"""By which a market may settle before the last of its event closes."""
_PATIENCE = 20
"""Pages of the archive without a market of an event after which it is whole: a dispute settles a market days later."""
_BACKOFF_SECONDS = 5.0
_EVER = datetime.min.replace(tzinfo=UTC)
_NAMED = 5
"""Tickers that a log line names."""

_log = log.get(__name__)


class Catalogue(Protocol):
    """Who is told."""

    archive_cutoff: datetime | None

    def learn_time(self, exchange: datetime) -> None:
        """Learn what time it is at the exchange, UTC."""
        ...

    def take_events(self, events: Sequence[EventRow]) -> None:
        """Learn of new events, and of what changed in known ones. Raises Unavailable if they cannot be kept."""
        ...

    def finish_listing(self, listing: Listing) -> None:
        """Learn that a series was listed to the end. Raises Unavailable if that cannot be kept."""
        ...


class Memory(Protocol):
    """What was told before."""

    def event(self, event: str) -> EventRow | None:
        """Return an event as it was last handed over."""
        ...

    def listing(self, series: str) -> Listing | None:
        """Return the last complete listing of a series."""
        ...


class Recorder(Protocol):
    """Who keeps the markets' own records."""

    async def take(self, series: str, markets: Sequence[Market], listed: datetime) -> None:
        """Take markets as they were listed."""
        ...

    async def finish(self, series: str) -> None:
        """Learn that the series was listed to the end."""
        ...


@dataclass(slots=True)
class _Look:
    """One listing under way."""

    series: str
    started: datetime
    """By the exchange's time."""
    before: Listing | None
    """The complete one before it; None makes everything news."""
    events: dict[str, int]
    """Count of markets by event, as far as they are known."""
    waiting: defaultdict[str, dict[str, ListedMarket]] = field(default_factory=lambda: defaultdict(dict))
    """By event, then by market: not handed over yet, since more of the event may come."""
    news: int = 0
    """Events handed over."""

    def opens(self, event: str) -> datetime:
        """Say when the first of an event's waiting markets opens: before that nothing of it can have been archived."""
        return min(market.task.opens for market in self.waiting[event].values())

    @property
    def seen_until(self) -> datetime | None:
        """What was settled or changed before this was seen by the look before."""
        return None if self.before is None else self.before.listed - _MARGIN


class Discovery:
    """Lists the exchange for a catalogue, for ever."""

    def __init__(
        self,
        client: KalshiClient,
        catalogue: Catalogue,
        memory: Memory,
        series: Mapping[str, tuple[int, ...]],
        clock: Clock,
        *,
        since: Mapping[str, datetime] | None = None,
        recorder: Recorder | None = None,
        interval: float = 300.0,
    ) -> None:
        """Be ready; nothing is asked for yet.

        Args:
            client: The exchange.
            catalogue: Is told what was found.
            memory: What the catalogue was told before, over restarts.
            series: Candle steps in seconds by series.
            clock: For waiting.
            since: By series: events that closed before, aware UTC, are left out; others come whole.
            recorder: Keeps the markets' records.
            interval: Seconds between two looks at a series.
        """
        self._client, self._catalogue, self._memory = client, catalogue, memory
        self._series, self._since, self._clock = series, since or {}, clock
        self._recorder, self._interval = recorder, interval

    async def run(self) -> None:
        """Look at every series again and again, each for itself; what the exchange refuses is tried again."""
        async with asyncio.TaskGroup() as tasks:
            for series in self._series:
                tasks.create_task(self._follow(series), name=f"listing {series}")

    async def look(self, series: str) -> None:
        """List one series to the end, and hand over what is new.

        Raises:
            MeshError: The exchange refused, or the catalogue could not keep it. What was handed over stays; the
                listing is not finished.
        """
        began = self._clock.monotonic()
        started = utc(await self._client.exchange.user_data_time())
        self._catalogue.learn_time(started)
        before = self._memory.listing(series)
        if before and (before.steps != self._series[series] or before.listed > started):
            before = None  # known events are wanted again, at other steps; or this is another exchange, in another time
        look = _Look(series, started, before, dict(before.events) if before else {})
        full = before is None or before.listed.date() != started.date()
        deep = before is None or before.listed.isocalendar()[:2] != started.isocalendar()[:2]

        await self._look_at_live(look, full=full)
        cutoff = utc((await self._client.historical.cutoff()).market_settled_time)
        self._catalogue.archive_cutoff = cutoff
        await self._hand_over(look, [event for event in look.waiting if look.opens(event) >= cutoff])
        await self._look_at_archive(look, cutoff, deep=deep)
        await self._hand_over(look, list(look.waiting))
        self._catalogue.finish_listing(Listing(series, self._series[series], started, look.events))
        if self._recorder:
            await self._recorder.finish(series)
        if full or look.news:
            seconds = round(self._clock.monotonic() - began, 1)
            _log.info("listed", series=series, events=len(look.events), news=look.news, full=full, seconds=seconds)

    async def _follow(self, series: str) -> None:
        backoff = _BACKOFF_SECONDS
        while True:
            try:
                await self.look(series)
            except MeshError as error:
                wait, backoff = backoff, min(2 * backoff, max(self._interval, _BACKOFF_SECONDS))
                _log.warning(
                    "not listed", series=series, reason=error.reason, problem=error.message, retry_seconds=wait
                )
            else:
                wait, backoff = self._interval, _BACKOFF_SECONDS
            await self._clock.sleep(wait)

    async def _look_at_live(self, look: _Look, *, full: bool) -> None:
        everything = MarketQuery(series_ticker=look.series)
        changed = replace(everything, updated_from=look.seen_until)
        created = replace(everything, created_from=look.seen_until)  # which may not count as a change
        for query in [everything] if full else [changed, created]:
            async for page in self._client.markets.markets(query):
                await self._gather(look, page.items)

    async def _look_at_archive(self, look: _Look, cutoff: datetime, *, deep: bool) -> None:
        since, seen_until = self._since.get(look.series), look.seen_until
        wanted_from = _EVER if since is None else since - _EARLY
        if seen_until is not None and not deep:
            wanted_from = max(wanted_from, seen_until)
        if cutoff <= wanted_from:
            return
        number, last_seen = 0, dict[str, int]()
        async for page in self._client.historical.markets(series_ticker=look.series):
            number += 1
            last_seen |= dict.fromkeys(await self._gather(look, page.items), number)
            whole = [event for event in look.waiting if number - last_seen.get(event, number) >= _PATIENCE]
            await self._hand_over(look, whole)
            settled = [market.settlement_time for market in page.items if market.settlement_time]
            if settled and max(settled) < wanted_from:
                break

    async def _gather(self, look: _Look, markets: Sequence[Market]) -> set[str]:
        """Keep a page's markets until their events are complete; return those events."""
        seen, nameless = set(), []
        for market in markets:
            try:
                found = listed_market(market)
            except ValueError:
                nameless.append(market.ticker)
                continue
            look.waiting[found.event][market.ticker] = found
            seen.add(found.event)
        if nameless:
            _log.warning(
                "left out", series=look.series, problem="no ticker, or no end in time", tickers=nameless[:_NAMED]
            )
        if self._recorder:
            await self._recorder.take(look.series, markets, look.started)
        return seen

    async def _hand_over(self, look: _Look, events: Iterable[str]) -> None:
        """Hand over what is new of these events, a little at a time."""
        rows: list[EventRow] = []
        count = 0
        for event in events:
            found, known = look.waiting.pop(event), self._memory.event(event)
            row = merged_event(look.series, event, found.values(), known, look.started)
            count += len(row.markets)
            if known is not None or row.closes >= self._since.get(look.series, _EVER):
                look.events[event] = len(row.markets)
                if look.before is None or is_news(row, known):
                    rows.append(row)
            if count >= _MOST_MARKETS or len(rows) == _MOST_EVENTS:
                await self._tell(look, rows)
                rows, count = [], 0
        await self._tell(look, rows)

    async def _tell(self, look: _Look, rows: Sequence[EventRow]) -> None:
        if rows:
            self._catalogue.take_events(rows)
            look.news += len(rows)
        await asyncio.sleep(0)  # others have their turn
