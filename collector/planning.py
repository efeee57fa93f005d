"""What to ask the exchange for under a lease: which candles of which market, from which tier, in which calls. Pure."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

from collector.types import Grant, MarketTask, Phase, Purpose
from mesh.kalshi.rest.candle_plan import CallCosts, CandleCall, Span, life, one_by_one, together

NEAR_CUTOFF = timedelta(days=2)
"""Around the cutoff the live endpoints and the archive may both have a market, or each a part of it."""
_DAY = 86_400
_TRADED = frozenset({Phase.UPCOMING, Phase.OPEN, Phase.PAUSED})
_NEW_YORK = ZoneInfo("America/New_York")


class Tier(Enum):
    """Where the exchange keeps candles."""

    LIVE = "live"
    ARCHIVE = "archive"

    @property
    def other(self) -> "Tier":
        """The other one."""
        return Tier.ARCHIVE if self is Tier.LIVE else Tier.LIVE


@dataclass(frozen=True, slots=True)
class Wanted:
    """One market's candles that a lease asks for. All times are ends of candles in Unix seconds."""

    span: Span
    """What is asked for; empty where nothing new has ended."""
    opening: int
    """The first candle that the market can have."""
    closed: int
    """When its trading ends; a candle that ends here or later is its last with a trade."""
    closing: int
    """The last candle that it can have, up to a period after that."""
    tier: Tier
    """Which tier is asked first."""
    both: bool = False
    """Where one tier has nothing, the other may."""

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return self.span.first > self.span.last

    @property
    def to_close(self) -> bool:
        """Whether it reaches the end of trading, so that nothing more is to come."""
        return self.span.last >= self.closed


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to one tier."""

    call: CandleCall
    tier: Tier
    turned: bool = False
    """The other tier was asked before, and did not know the market."""
    was_empty: bool = False
    """The other tier was asked before, and had no candle of it."""

    def halves(self) -> tuple["Ask", "Ask"]:
        """Cut a call for several markets into two."""
        middle = len(self.call.tickers) // 2
        first, second = self.call.tickers[:middle], self.call.tickers[middle:]
        return self._only(first), self._only(second)

    def elsewhere(self, ticker: str, *, was_empty: bool) -> "Ask":
        """Ask the other tier for one of its markets."""
        return replace(self._only((ticker,)), tier=self.tier.other, turned=not was_empty, was_empty=was_empty)

    def _only(self, tickers: tuple[str, ...]) -> "Ask":
        return replace(self, call=replace(self.call, tickers=tickers, batch=len(tickers) > 1))


def end_from(at: int, step_seconds: int) -> int:
    """Return the first end of a candle at or after a second. Daily ones end at midnight in New York."""
    if step_seconds == _DAY:
        return _midnight(_date(at - 1) + timedelta(days=1))
    return -(-at // step_seconds) * step_seconds


def end_until(at: int, step_seconds: int) -> int:
    """Return the last end of a candle at or before a second."""
    return _midnight(_date(at)) if step_seconds == _DAY else at // step_seconds * step_seconds


def wanted(grant: Grant, market: MarketTask, settled: datetime, cutoff: datetime | None) -> Wanted:
    """Say which candles of a market to ask for, and where.

    Args:
        grant: The lease.
        market: One of its markets.
        settled: Candles up to here are final; later ones are left for later.
        cutoff: What was settled before is in the archive; None is unknown.
    """
    step = grant.lease.shard.step_seconds
    closes = _end(grant, market)
    whole = life(market.ticker, market.opens, closes, grant.lease.shard.step_minutes)
    opening, closing = end_from(whole.first, step), end_until(whole.last, step)
    since = market.fetch_from or grant.fetch_from
    first = opening if since is None else max(opening, end_from(int(since.timestamp()), step))
    last = min(closing, end_until(int(settled.timestamp()), step))
    age = cutoff - grant.settled if cutoff and grant.settled and market.phase not in _TRADED else None
    return Wanted(
        span=Span(market.ticker, first, last),
        opening=opening,
        closed=math.ceil(closes.timestamp()),
        closing=closing,
        tier=Tier.ARCHIVE if age is not None and age > timedelta() else Tier.LIVE,
        both=age is not None and abs(age) <= NEAR_CUTOFF,
    )


def over_at(grant: Grant) -> datetime:
    """Return when the last candle of a grant's markets has ended: what has passed for good needs no clock."""
    return max(_end(grant, market) for market in grant.markets) + timedelta(seconds=grant.lease.shard.step_seconds)


def covered_end(grant: Grant, settled: datetime) -> datetime:
    """Return up to which end candles have been asked for once the grant's markets are done.

    Retrying holes asks for some markets only, so it covers no more than the base did.
    """
    step = grant.lease.shard.step_seconds
    until = min(settled, grant.closes + timedelta(seconds=step))
    covered = datetime.fromtimestamp(end_until(int(until.timestamp()), step), UTC)
    if grant.purpose is Purpose.RETRY_HOLES and grant.base is not None:
        return min(covered, grant.base.covered_end)
    return covered


def plan(wants: Iterable[Wanted], step_minutes: int, costs: CallCosts) -> list[Ask]:
    """Return the cheapest calls for all that is wanted.

    Raises:
        ValueError: A market comes twice.
    """
    live: list[Span] = []
    archived: list[Span] = []
    for want in wants:
        if not want.empty:
            (live if want.tier is Tier.LIVE else archived).append(want.span)
    return [
        *(Ask(call, Tier.LIVE) for call in _together(live, step_minutes, costs)),
        *(Ask(call, Tier.ARCHIVE) for call in one_by_one(archived, step_minutes)),
    ]


def _together(spans: list[Span], step_minutes: int, costs: CallCosts) -> Iterator[CandleCall]:
    """Plan calls for live markets; events of one shape, such as every hour's, share one plan."""
    if not spans:
        return
    if len({span.ticker for span in spans}) < len(spans):
        raise ValueError("a market comes twice")
    spans.sort(key=lambda span: (span.first, span.last))
    origin = spans[0].first
    shape = tuple((span.first - origin, span.last - origin) for span in spans)
    for call in _plan_of(shape, step_minutes, costs):
        tickers = tuple(spans[int(number)].ticker for number in call.tickers)
        yield CandleCall(tickers, call.start_ts + origin, call.end_ts + origin, call.batch)


@lru_cache(maxsize=64)
def _plan_of(shape: tuple[tuple[int, int], ...], step_minutes: int, costs: CallCosts) -> tuple[CandleCall, ...]:
    """Plan for lives counted from the first of them, with numbers for tickers: it takes 0.1 ms a market."""
    return tuple(together((Span(str(number), *ends) for number, ends in enumerate(shape)), step_minutes, costs))


def _end(grant: Grant, market: MarketTask) -> datetime:
    """Return when a market's trading ends: it may have been settled ahead of its announced close."""
    return market.closes if market.phase in _TRADED or not grant.settled else min(market.closes, grant.settled)


def _date(at: int) -> date:
    return datetime.fromtimestamp(at, _NEW_YORK).date()


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), _NEW_YORK).timestamp())
