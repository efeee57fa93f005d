"""What happens in recorded events, moment by moment, in the order of time.

At every moment: what is paid out, whose quotes nobody knows any more, what is quoted from now on, what is decided on;
each in the order of the markets' tickers.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from typing import NamedTuple

import numpy as np

from research.types import CLOSE, Defects, Ints, RecordedEvent, RecordedMarket, doubtful


class Kind(IntEnum):
    """What happens."""

    PAY = 0
    """The market is over."""
    LOSE = 1
    QUOTE = 2
    DECIDE = 3


_KINDS = tuple(Kind)
_UNKNOWN_SECONDS = 3600


class Step(NamedTuple):
    """One thing that happens in a market."""

    kind: Kind
    market: RecordedMarket
    place: int
    """Of the candle in its strip."""


@dataclass(frozen=True, slots=True)
class Line:
    """Everything that happens in one market, in order; arrays of equal length."""

    market: RecordedMarket
    ends: Ints
    """[steps] Unix seconds."""
    kinds: Ints
    """[steps] numbers of `Kind`."""
    places: Ints
    """[steps] Of the candle in its strip."""

    def of(self, kind: Kind) -> list[int]:
        """Return the places of one kind of step in the line."""
        return np.flatnonzero(self.kinds == kind).tolist()

    def holding(self, place: int) -> list[Step]:
        """Return the quote that holds at a step of the line, or its loss; nothing where none was told yet."""
        before = self.kinds[:place]
        told = np.flatnonzero((before == Kind.QUOTE) | (before == Kind.LOSE))
        return [Step(_KINDS[int(before[last])], self.market, int(self.places[last])) for last in told[-1:]]

    def after(self, place: int) -> "Line":
        """Return what comes after a step, without decisions."""
        later = self.kinds[place + 1 :] != Kind.DECIDE
        rest = (array[place + 1 :][later] for array in (self.ends, self.kinds, self.places))
        return Line(self.market, *rest)


def line(market: RecordedMarket, stale_seconds: int, defects: Defects, *, every: bool = False) -> Line:
    """Order what happens in a market.

    A quote that crosses itself is not known. What comes when the result was known is left out and counted.

    Args:
        market: The market.
        stale_seconds: So long after its candle nobody knows a quote to hold.
        defects: Told.
        every: Give quotes also that repeat the one before.
    """
    ticker, path = market.terms.ticker, market.path
    bids, asks = path.bids[:, CLOSE], path.asks[:, CLOSE]
    crossed = doubtful(bids, asks)
    if crossed.any():
        defects.note("quote_not_known", ticker, int(crossed.sum()))
    gap = np.diff(path.ends, append=np.iinfo(np.int64).max) > stale_seconds
    again = np.zeros(len(path.ends), bool)
    again[1:] = (np.diff(bids) == 0) & (np.diff(asks) == 0) & ~gap[:-1]
    places = np.arange(len(path.ends))
    told, late, asked = places[~crossed & (every | ~again)], places[gap], np.arange(len(market.decisions.ends))
    parts = [
        (path.ends[told], Kind.QUOTE, told),
        (path.ends[crossed], Kind.LOSE, places[crossed]),
        (path.ends[late] + stale_seconds, Kind.LOSE, late),
        (market.decisions.ends, Kind.DECIDE, asked),
    ]
    ends = np.concatenate([each[0] for each in parts])
    kinds = np.concatenate([np.full(len(each[0]), each[1]) for each in parts])
    numbers = np.concatenate([each[2] for each in parts])
    paid = over(market)
    surplus = int((path.ends >= paid).sum())
    if surplus:
        defects.note("candle_after_result", ticker, surplus)
    kept = ends < paid
    ends = np.append(ends[kept], paid)
    kinds, numbers = np.append(kinds[kept], Kind.PAY), np.append(numbers[kept], 0)
    order = np.lexsort((kinds, ends))
    return Line(market, ends[order], kinds[order], numbers[order])


def over(market: RecordedMarket) -> int:
    """Return when a market is over, Unix seconds.

    That is when its result was known; where nobody knows it, an hour after the close, or after the last candle where
    that is later.
    """
    if market.outcome is not None:
        return int(-(-market.outcome.known_at.timestamp() // 1))
    last = max((int(strip.ends[-1]) for strip in (market.path, market.decisions) if len(strip.ends)), default=0)
    return max(last, int(-(-market.terms.close_time.timestamp() // 1))) + _UNKNOWN_SECONDS


def steps(lines: Sequence[Line]) -> Iterator[tuple[int, list[Step]]]:
    """Merge what happens in markets: moments in Unix seconds, each with its steps in their order."""
    if not lines:
        return
    ordered = sorted(lines, key=lambda each: each.market.terms.ticker)
    ends, kinds, places = (
        np.concatenate([getattr(each, name) for each in ordered]) for name in ("ends", "kinds", "places")
    )
    markets = np.repeat(np.arange(len(ordered)), [len(each.ends) for each in ordered])
    order = np.lexsort((markets, kinds, ends))
    at, found = None, list[Step]()
    columns = (column[order].tolist() for column in (ends, kinds, places, markets))
    for end, kind, place, number in zip(*columns, strict=True):
        if end != at:
            if at is not None:
                yield at, found
            at, found = end, []
        found.append(Step(_KINDS[kind], ordered[number].market, place))
    if at is not None:
        yield at, found


def first(event: RecordedEvent) -> int:
    """Return the end of an event's first candle; 0 without any."""
    strips = (strip for market in event.markets for strip in (market.path, market.decisions))
    return min((int(strip.ends[0]) for strip in strips if len(strip.ends)), default=0)


def in_order(events: Iterable[RecordedEvent]) -> Iterator[RecordedEvent]:
    """Give events in the order of their first candles: a sequence is sorted, anything else must come so.

    Raises:
        ValueError: It does not.
    """
    if isinstance(events, Sequence):
        yield from sorted(events, key=lambda event: (first(event), event.event_ticker))
        return
    latest = None
    for event in events:
        if latest is not None and first(event) < latest:
            raise ValueError(f"event {event.event_ticker} begins before one that came earlier")
        latest = first(event)
        yield event


class Timeline:
    """Merges events that come in the order of their first candles; an event is let go when it is over.

    Args:
        events: See `in_order`.
        stale_seconds: See `line`.
        defects: Told.
        every: See `line`.
    """

    def __init__(
        self, events: Iterable[RecordedEvent], stale_seconds: int, defects: Defects, *, every: bool = False
    ) -> None:
        self._events = in_order(events)
        self._stale, self._defects, self._every = stale_seconds, defects, every
        self._number = count()
        self._under_way: list[tuple[int, int, list[Step], Iterator[tuple[int, list[Step]]]]] = []

    def moments(self) -> Iterator[tuple[int, list[Step]]]:
        """Give what happens: moments in Unix seconds, each with its steps."""
        for event in self._events:
            yield from self._until(first(event))
            lines = [line(market, self._stale, self._defects, every=self._every) for market in event.markets]
            self._push(steps(lines))
        yield from self._until(None)

    def _push(self, rest: Iterator[tuple[int, list[Step]]]) -> None:
        coming = next(rest, None)
        if coming is not None:
            heapq.heappush(self._under_way, (coming[0], next(self._number), coming[1], rest))

    def _until(self, bound: int | None) -> Iterator[tuple[int, list[Step]]]:
        under_way = self._under_way
        while under_way and (bound is None or under_way[0][0] < bound):
            at, _, found, rest = heapq.heappop(under_way)
            self._push(rest)
            events = 1
            while under_way and under_way[0][0] == at:
                _, _, more, rest = heapq.heappop(under_way)
                found, events = found + more, events + 1
                self._push(rest)
            if events > 1:
                found.sort(key=lambda step: (step.kind, step.market.terms.ticker))
            yield at, found
