"""What scans have read of each market's candles, kept for people to look at: bid, ask and the price forecast from.

It is kept beside the scans because the exchange's answers are at hand there, and all but one price of each is thrown
away after them: asking again for each look would cost calls that exits may need. Nothing of it is on disk: the first
scan after a start reads everything anew.

A point is 20 bytes, so that the 512 points of 2,048 markets are 21 MB, which no number of markets exceeds.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mesh.clock import Clock
from mesh.kalshi.pasts import PriceKind
from mesh.kalshi.rest.price_wire import Candle

POINTS = 512
"""Of a market: the newest."""
MARKETS = 2048
"""Beyond so many, those are let go of whose candles came longest ago."""
_ABSENT = -1
_Values = tuple[int, int, int, int]
"""End in Unix seconds, YES bid, YES ask, price forecast from; micros, or -1 for none."""


@dataclass(frozen=True, slots=True)
class Point:
    """Prices at the end of one candle, micros; None where there was none."""

    end_ts: int
    yes_bid: int | None
    yes_ask: int | None
    price: int | None
    """That forecasts are made from."""


@dataclass(slots=True)
class History:
    """One market."""

    step_seconds: int
    read: float = 0.0
    """Monotonic: when the exchange last gave candles of it."""
    _ends: "array[int]" = field(default_factory=lambda: array("q"))
    _prices: "array[int]" = field(default_factory=lambda: array("i"))

    def points(self) -> list[Point]:
        """Return them, oldest first."""
        return [
            Point(end, *(None if price == _ABSENT else price for price in self._prices[3 * place : 3 * place + 3]))
            for place, end in enumerate(self._ends)
        ]

    def add(self, values: Iterable[_Values]) -> None:
        """Take in points, of which some may be known; what comes later is right."""
        new = {each[0]: each[1:] for each in values}
        if not new:
            return
        start = bisect_left(self._ends, min(new))  # mostly the end: only what may have changed is made anew
        merged = {
            end: tuple(self._prices[3 * place : 3 * place + 3]) for place, end in enumerate(self._ends[start:], start)
        } | new
        del self._ends[start:], self._prices[3 * start :]
        for end in sorted(merged):
            self._ends.append(end)
            self._prices.extend(merged[end])
        beyond = max(0, len(self._ends) - POINTS)
        del self._ends[:beyond], self._prices[: 3 * beyond]


class Histories:
    """Of all markets that scans look at."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, History] = {}

    def keep(self, ticker: str, candles: Sequence[Candle], *, step_seconds: int, kind: PriceKind) -> None:
        """Take in candles of a market."""
        history = self._known.pop(ticker, None)
        if history is None or history.step_seconds != step_seconds:
            history = History(step_seconds)
        self._known[ticker] = history  # the last in the order of reading
        history.read = self._clock.monotonic()
        history.add(_values(candle, kind) for candle in candles)
        if len(self._known) > MARKETS:
            del self._known[next(iter(self._known))]

    def of(self, ticker: str) -> History | None:
        """Return what is known of a market; None where no scan has read candles of it."""
        return self._known.get(ticker)


def _values(candle: Candle, kind: PriceKind) -> _Values:
    bid, ask, traded = candle.bid.close, candle.ask.close, candle.trades.close if candle.volume else None
    if kind == "trade":
        price = _ABSENT if traded is None else int(traded)
    else:
        price = _ABSENT if bid is None or ask is None else (bid + ask) // 2
    return candle.end_ts, _ABSENT if bid is None else int(bid), _ABSENT if ask is None else int(ask), price
