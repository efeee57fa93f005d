"""What happens from an instant on, for ever, as events in the order of time."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from mesh.kalshi.terms import BookSide
from mesh.types import CENT, Hundredths, Micros
from sim_exchange.sources.base import Book, Determined, Level, NewListing, Print, SourceEvent
from sim_exchange.sources.generated.arrays import HOUR, Floats, Ints, instant, microseconds
from sim_exchange.sources.generated.calendar import occasions
from sim_exchange.sources.generated.listing import event_record
from sim_exchange.sources.generated.profiles import Profile
from sim_exchange.sources.generated.world import Occurrence, World, payout

_WINDOW = HOUR  # sorted at once
_CHUNK = 512  # events made at once; the first of a chunk waits for all of it

_Ladder = tuple[tuple[Level, ...], tuple[Level, ...]]


class Live:
    """The future of a world's markets."""

    def __init__(self, world: World, profiles: Sequence[Profile], since: datetime) -> None:
        self._world, self._profiles = world, profiles
        self._since = microseconds(since)
        self._laid: dict[str, _Ladder] = {}

    def __iter__(self) -> Iterator[SourceEvent]:
        """Give what happens after `since`; every open market begins with its book as it stands."""
        yield from self._standing()
        begins = self._since
        while True:
            ends = begins // _WINDOW * _WINDOW + _WINDOW
            yield from self._between(begins, ends)
            begins = ends

    def _standing(self) -> Iterator[Book]:
        at = instant(self._since)
        for occurrence in self._alive(self._since, self._since):
            occasion = occurrence.occasion
            if not occasion.opens <= at < occasion.closes:
                continue
            stream = occurrence.stream
            for place, ticker in enumerate(occurrence.tickers):
                first, end = int(stream.first_row[place]), int(stream.first_row[place + 1])
                row = first + int(np.searchsorted(stream.rows.at[first:end], self._since, side="right")) - 1
                ladder = _ladders(occurrence, np.array([row]))[0] if row >= first else ((), ())
                self._laid[ticker] = ladder
                yield Book(at, ticker, *ladder)

    def _between(self, after: int, until: int) -> Iterator[SourceEvent]:
        """Give what happens after an instant, up to and including another."""
        alive = self._alive(after, until)
        announced = sorted(_announcements(alive, after, until), key=lambda event: event.at)
        at, owner, row, kind = _index(alive, after, until)
        told = 0
        for first in range(0, len(at), _CHUNK):
            chunk = slice(first, first + _CHUNK)
            made: Iterator[Book | Print] = _make(alive, at[chunk], owner[chunk], row[chunk], kind[chunk])
            for event in made:
                while told < len(announced) and announced[told].at <= event.at:
                    yield announced[told]
                    told += 1
                if isinstance(event, Book):
                    ladder = (event.bids, event.asks)
                    if self._laid.get(event.ticker) == ladder:
                        continue
                    self._laid[event.ticker] = ladder
                yield event
        yield from announced[told:]
        for occurrence in alive:
            if microseconds(occurrence.occasion.closes) <= until:
                for ticker in occurrence.tickers:
                    self._laid.pop(ticker, None)

    def _alive(self, after: int, until: int) -> list[Occurrence]:
        """Give the events that are listed by `until` and have not ended before `after`."""
        return [
            self._world.occurrence(profile, occasion)
            for profile in self._profiles
            for occasion in occasions(
                profile.ticker, profile.times, instant(after) - profile.times.longest, instant(until)
            )
            if microseconds(occasion.decided) > after
        ]


def _announcements(alive: Sequence[Occurrence], after: int, until: int) -> Iterator[NewListing | Determined]:
    for occurrence in alive:
        occasion = occurrence.occasion
        if after < microseconds(occasion.created) <= until:
            yield NewListing(occasion.created, event_record(occurrence.profile, occasion))
            for market in occurrence.markets(occasion.created):
                yield NewListing(occasion.created, market)
        if after < microseconds(occasion.decided) <= until:
            value = occurrence.underlying.value_text
            for ticker, result in zip(occurrence.tickers, occurrence.results, strict=True):
                yield Determined(occasion.decided, ticker, result, payout(result), value)


def _index(alive: Sequence[Occurrence], after: int, until: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Give instants, events, rows and kinds (0 book, 1 print) of all that happens between, in the order of time."""
    parts: list[Ints] = []
    for number, occurrence in enumerate(alive):
        if microseconds(occurrence.occasion.opens) >= until or microseconds(occurrence.occasion.closes) <= after:
            continue
        for kind, at in enumerate((occurrence.stream.rows.at, occurrence.stream.prints.at)):
            row = np.nonzero((at > after) & (at <= until))[0]
            parts.append(np.stack((at[row], np.full(len(row), number), row, np.full(len(row), kind))))
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing, nothing
    every = np.concatenate(parts, axis=1)
    at, owner, row, kind = every[:, np.lexsort((every[3], every[0]))]
    return at, owner, row, kind


def _make(alive: Sequence[Occurrence], at: Ints, owner: Ints, row: Ints, kind: Ints) -> Iterator[Book | Print]:
    """Make the events of a chunk, in its order."""
    events: list[Book | Print | None] = [None] * len(at)
    for number in np.unique(owner):
        occurrence = alive[number]
        tickers = occurrence.tickers
        books = np.nonzero((owner == number) & (kind == 0))[0]
        markets = occurrence.stream.rows.market[row[books]].tolist()
        times = at[books].tolist()
        for place, time, market, ladder in zip(
            books.tolist(), times, markets, _ladders(occurrence, row[books]), strict=True
        ):
            events[place] = Book(instant(time), tickers[market], *ladder)
        traded = np.nonzero((owner == number) & (kind == 1))[0]
        prints = occurrence.stream.prints
        for place, printed in zip(traded.tolist(), row[traded].tolist(), strict=True):
            events[place] = Print(
                instant(int(prints.at[printed])),
                tickers[int(prints.market[printed])],
                BookSide.BID if prints.buys[printed] else BookSide.ASK,
                Micros(int(prints.cents[printed]) * CENT),
                Hundredths(int(prints.count[printed])),
            )
    return (event for event in events if event is not None)


def _ladders(occurrence: Occurrence, row: Ints) -> list[_Ladder]:
    """Give the ladders of rows of an event's stream."""
    rows, sizes = occurrence.stream.rows, occurrence.stream.ladders
    market, epoch = rows.market[row], rows.epoch[row]
    busy: Floats = rows.busy[row]
    bids = _levels(*sizes.rungs(market, rows.bid[row], epoch, busy, -1))
    asks = _levels(*sizes.rungs(market, rows.ask[row], epoch, busy, 1))
    return list(zip(bids, asks, strict=True))


def _levels(cents: Ints, sizes: Ints) -> list[tuple[Level, ...]]:
    micros = (cents * CENT).tolist()
    return [
        tuple([(price, size) for price, size in zip(prices, counts, strict=True) if size])
        for prices, counts in zip(micros, sizes.tolist(), strict=True)
    ]
