"""The stream of a recording: what a recorder's outage leaves behind, and where a replay begins. Pure."""

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sim_exchange.domain.types import Market
from sim_exchange.sources.base import Book, Print, SourceEvent
from sim_exchange.sources.recorded_feeds import Timed
from sim_exchange.tape.periods import instant

_AT_ONCE = timedelta(microseconds=1)


def withdrawing(
    events: Iterator[Timed], markets: Mapping[str, Market], limits: Mapping[str, int]
) -> Iterator[SourceEvent]:
    """Take the quotes of an event's markets away once nothing was heard of any of them for the event's limit.

    Nobody knows what was quoted while the recorder was down, so nobody may trade against it. A market is quoted again
    from its next message on. `limits` are microseconds by event ticker.
    """
    silence = _Silence(markets, limits)
    for time, _, _, event in events:
        yield from silence.until(time)
        if isinstance(event, Book | Print):
            silence.ended_by(event, time)
        if event is not None:
            yield event


class _Silence:
    """Watches since when nothing was heard of an event."""

    def __init__(self, markets: Mapping[str, Market], limits: Mapping[str, int]) -> None:
        self._markets = markets
        self._limits = limits
        self._heard: dict[str, int] = {}
        self._shown: dict[str, set[str]] = {}
        self._due: list[tuple[int, str]] = []

    def ended_by(self, event: Book | Print, time: int) -> None:
        """Something was heard."""
        name = self._markets[event.ticker].event_ticker
        if name not in self._shown:
            self._shown[name] = set()
            heapq.heappush(self._due, (time + self._limits[name], name))
        self._heard[name] = time
        if isinstance(event, Book):
            shown = self._shown[name]
            (shown.add if event.bids or event.asks else shown.discard)(event.ticker)

    def until(self, now: int) -> Iterator[Book]:
        """Give the withdrawals that are due."""
        while self._due and self._due[0][0] <= now:
            time, name = heapq.heappop(self._due)
            if (later := self._heard[name] + self._limits[name]) > time:
                heapq.heappush(self._due, (later, name))
                continue
            for ticker in sorted(self._shown.pop(name)):
                if (at := instant(time)) < self._markets[ticker].close_time:
                    yield Book(at, ticker, (), ())


def beginning(events: Iterator[SourceEvent], since: datetime) -> Iterator[SourceEvent]:
    """Give what happens after `since`, the books as they were then first."""
    books: dict[str, Book] = {}
    for event in events:
        if event.at > since:
            yield from _standing(books, since)
            books.clear()
            yield event
        elif isinstance(event, Book):
            books[event.ticker] = event
    yield from _standing(books, since)


def _standing(books: Mapping[str, Book], since: datetime) -> Iterator[Book]:
    for ticker, book in sorted(books.items()):
        if book.bids or book.asks:
            yield Book(since + _AT_ONCE, ticker, book.bids, book.asks, book.through)
