"""Recorded rows as ladders of both sides, in micros and hundredths of a contract.

A null price is nothing known, and the row is passed over. A bid of 0 and an ask of 1 mean an empty side.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Self

from mesh.types import DOLLAR, Hundredths, Micros
from sim_exchange.sources.base import Level
from sim_exchange.sources.recorded_files import Kind, Rows

_TENTHS = 10_000  # prices are whole hundredths of a cent
_NOBODY = (0, DOLLAR)  # how an empty side is quoted

TOP = ("yes_bid", "yes_ask", "yes_bid_size", "yes_ask_size")
CLOSES = ("yes_bid_close", "yes_ask_close", "no size", "no size")  # a column that a file lacks reads as absent
POLLED = ("yes_bids_json", "no_bids_json")
MESSAGE = ("kind", "side", "price", "size_or_delta")


class Quote(NamedTuple):
    """A market's book at an instant."""

    time: int
    """Microseconds since 1970."""
    ticker: str
    bids: Sequence[Level]
    """Best first."""
    asks: Sequence[Level]


class Ladder:
    """A book that is told by snapshots and changes, at YES prices on both sides."""

    def __init__(self) -> None:
        self._bids: dict[Micros, Hundredths] = {}
        self._asks: dict[Micros, Hundredths] = {}
        self._snapshot_at = -1
        self.bids: Sequence[Level] = ()
        """Best first, as of the last `settle`."""
        self.asks: Sequence[Level] = ()

    def snapshot(self, time: int, side: str, price: Micros, count: Hundredths) -> None:
        """Take in a level of a snapshot; the first one of another time makes the old book void."""
        if time != self._snapshot_at:
            self._snapshot_at = time
            self._bids.clear()
            self._asks.clear()
        self.change(side, price, count)

    def change(self, side: str, price: Micros, delta: Hundredths) -> None:
        """Take in a change of the `yes` or the `no` side."""
        levels = self._bids if side == "yes" else self._asks
        count = Hundredths(levels.get(price, 0) + delta)
        if count > 0:
            levels[price] = count
        else:
            levels.pop(price, None)

    def settle(self, depth: int | None) -> Self:
        """Put what was taken in into `bids` and `asks`, at most `depth` levels each."""
        self.bids = tuple(sorted(self._bids.items(), reverse=True)[:depth])
        self.asks = tuple(sorted(self._asks.items())[:depth])
        return self


class Reader(NamedTuple):
    """Reads rows of every kind that tells quotes."""

    assumed: Hundredths
    """Size where none was recorded."""
    depth: int | None
    """Levels of a full book that are used; None for all."""
    ladders: dict[str, Ladder]
    """Full books so far by ticker; go on from one row group to the next."""
    valid: Callable[[str, Micros], bool]
    """Tells whether a market can have a price, and makes a note where not."""

    def quotes(self, found: Rows, kind: Kind) -> Iterator[Quote]:
        """Give the books that rows tell of."""
        if kind.columns == MESSAGE:
            return self._from_messages(found)
        return self._from_polls(found) if kind.columns == POLLED else self._from_top(found)

    def _from_top(self, found: Rows) -> Iterator[Quote]:
        for time, ticker, bid, ask, bid_size, ask_size in zip(found.times, found.tickers, *found.columns, strict=True):
            if bid is None or ask is None:
                continue
            best = micros(bid), micros(ask)
            if all(price in _NOBODY or self.valid(ticker, price) for price in best):
                yield Quote(time, ticker, self._level(best[0], bid_size), self._level(best[1], ask_size))

    def _level(self, price: Micros, size: float | None) -> Sequence[Level]:
        count = self.assumed if size is None else hundredths(size)
        return ((price, count),) if 0 < price < DOLLAR and count > 0 else ()

    def _from_polls(self, found: Rows) -> Iterator[Quote]:
        for time, ticker, *texts in zip(found.times, found.tickers, *found.columns, strict=True):
            ladder = Ladder()
            for side, text in zip(("yes", "no"), texts, strict=True):
                for price, size in json.loads(text or "[]"):
                    self._take(ticker, ladder, time, ("delta", side, float(price), float(size)))
            ladder.settle(self.depth)
            yield Quote(time, ticker, ladder.bids, ladder.asks)

    def _from_messages(self, found: Rows) -> Iterator[Quote]:
        """Messages of the same instant make one change: a snapshot comes as many of them."""
        last: tuple[int, str] | None = None
        for time, ticker, *message in zip(found.times, found.tickers, *found.columns, strict=True):
            if last is not None and last != (time, ticker):
                book = self.ladders[last[1]].settle(self.depth)
                yield Quote(*last, book.bids, book.asks)
            last = time, ticker
            self._take(ticker, self.ladders.setdefault(ticker, Ladder()), time, message)
        if last is not None:
            book = self.ladders[last[1]].settle(self.depth)
            yield Quote(*last, book.bids, book.asks)

    def _take(self, ticker: str, ladder: Ladder, time: int, message: Sequence[Any]) -> None:
        kind, side, price, size = message
        exact = micros(price if side == "yes" else 1 - price)
        if not self.valid(ticker, exact):
            return
        if kind == "snapshot":
            ladder.snapshot(time, side, exact, hundredths(size))
        else:
            ladder.change(side, exact, hundredths(size))


def micros(price: float) -> Micros:
    """Give a price in micros."""
    return Micros(round(price * _TENTHS) * (DOLLAR // _TENTHS))


def hundredths(contracts: float) -> Hundredths:
    """Give a count in hundredths of a contract."""
    return Hundredths(round(contracts * 100))
