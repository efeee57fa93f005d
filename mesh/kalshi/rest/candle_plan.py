"""How to ask for the candles of many markets with the fewest tokens. Pure.

The exchange counts the periods of the span that is asked for, not the candles that it finds. One market is answered for
up to 5,000 periods, up to 100 markets at once for 10,000 periods of all of them together; archived markets are answered
one by one. A call costs the same however much it returns, so the plan fills calls: it sorts markets by their first
candle and finds, over all ways of cutting that row into groups of neighbours, the cheapest.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise

MOST_PERIODS = 5_000
"""Periods that a call for one market may span."""
MOST_BATCH_PERIODS = 10_000
"""Periods times markets that a call for several may span."""
MOST_BATCH_MARKETS = 100
PERIODS_MINUTES = (1, 60, 1440)


@dataclass(frozen=True, slots=True)
class Span:
    """The candles of one market that are wanted: those that end between two instants, both included."""

    ticker: str
    first: int
    """Unix seconds."""
    last: int
    """Unix seconds; before `first`, nothing is wanted."""


@dataclass(frozen=True, slots=True)
class CandleCall:
    """One call to the exchange."""

    tickers: tuple[str, ...]
    start_ts: int
    end_ts: int
    batch: bool
    """Through the endpoint for several markets."""


@dataclass(frozen=True, slots=True)
class CallCosts:
    """Tokens of one call."""

    single: int = 10
    batch: int = 10


def life(ticker: str, opened: datetime, closed: datetime, period_minutes: int) -> Span:
    """Return the span of every candle that a market can have.

    The first candle ends within a period after the opening, the last at most a period after the close.
    """
    return Span(ticker, int(opened.timestamp()) + 1, int(closed.timestamp()) + 60 * period_minutes)


def windows(first: int, last: int, period_minutes: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut a span into pieces of at most so many periods, without gap or overlap.

    Args:
        first: Unix seconds, included.
        last: Unix seconds, included.
        period_minutes: Length of a candle.
        most: Periods a piece.

    Yields:
        First and last second of each piece.
    """
    length = most * 60 * period_minutes
    for start in range(first, last + 1, length):
        yield start, min(start + length - 1, last)


def one_by_one(spans: Iterable[Span], period_minutes: int) -> list[CandleCall]:
    """Plan calls for one market each, which is all that the archive offers."""
    return [
        CandleCall((span.ticker,), start, end, batch=False)
        for span in spans
        for start, end in windows(span.first, span.last, period_minutes, MOST_PERIODS)
    ]


def together(spans: Iterable[Span], period_minutes: int, costs: CallCosts) -> list[CandleCall]:
    """Plan the calls for live markets, never dearer than one by one.

    Takes about 0.1 ms a market: tens of thousands at once belong into a thread.

    Args:
        spans: What is wanted, one a market.
        period_minutes: Length of a candle.
        costs: Tokens of each kind of call.

    Raises:
        ValueError: A market comes twice.
    """
    row = sorted((span for span in spans if span.first <= span.last), key=lambda span: (span.first, span.last))
    if len({span.ticker for span in row}) < len(row):
        raise ValueError("a market comes twice")
    calls: list[CandleCall] = []
    for group in _groups(row, period_minutes, costs):
        if _batch_pays(group, period_minutes, costs):
            calls.extend(_batch_calls(group, period_minutes))
        else:
            calls.extend(one_by_one(group, period_minutes))
    return calls


def tokens(calls: Iterable[CandleCall], costs: CallCosts) -> int:
    """Return what the calls cost."""
    return sum(costs.batch if call.batch else costs.single for call in calls)


def _groups(row: Sequence[Span], period_minutes: int, costs: CallCosts) -> Iterator[Sequence[Span]]:
    """Cut the row where it is cheapest: `cheapest[i]` is the least cost of the first i spans."""
    period = 60 * period_minutes
    lasts = [span.last for span in row]
    piece = [0, *(MOST_BATCH_PERIODS // size * period for size in range(1, MOST_BATCH_MARKETS + 1))]  # seconds
    alone = [costs.single * -(-(span.last - span.first + 1) // (MOST_PERIODS * period)) for span in row]
    until = [0, *accumulate(alone)]
    cheapest = [0.0] + [float("inf")] * len(row)
    cut_before = [0] * (len(row) + 1)
    for start, leader in enumerate(row):
        base, before_first, last = cheapest[start], leader.first - 1, leader.last
        for size in range(1, min(MOST_BATCH_MARKETS, len(row) - start) + 1):
            end = start + size
            last = max(last, lasts[end - 1])
            batch = costs.batch * -((before_first - last) // piece[size])
            cost = base + min(until[end] - until[start], batch)
            if cost < cheapest[end]:
                cheapest[end], cut_before[end] = cost, start
    cuts = [len(row)]
    while cuts[-1]:
        cuts.append(cut_before[cuts[-1]])
    for end, start in pairwise(cuts):
        yield row[start:end]


def _batch_pays(group: Sequence[Span], period_minutes: int, costs: CallCosts) -> bool:
    alone = tokens(one_by_one(group, period_minutes), costs)
    return tokens(_batch_calls(group, period_minutes), costs) < alone


def _batch_calls(group: Sequence[Span], period_minutes: int) -> Iterator[CandleCall]:
    first, last = min(span.first for span in group), max(span.last for span in group)
    for start, end in windows(first, last, period_minutes, MOST_BATCH_PERIODS // len(group)):
        alive = tuple(span.ticker for span in group if span.first <= end and span.last >= start)
        if alive:  # two lives far apart leave windows in which nothing is
            yield CandleCall(alive, start, end, batch=True)
