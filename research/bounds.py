"""The worst and the best that candles allow for a trade: what happened inside a candle, and in which order, is unknown.

Of a candle whose highest and lowest ask are recorded the worst reading is: a bid at the stop, at any time in it, sells
at its lowest bid; the target sells only where the candle's close pays it, and then at the target. The best reading is:
a bid at the target, at any time in it, sells at the target; a stop sells only where the close is at it. Where only the
close is recorded nothing but the close counts. Both readings begin with the same entry and use the trader's own levels;
they go on beyond the exit that was walked, to the settlement if need be. The walked result is itself one reading, so it
lies between them, always.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh.kalshi.fees import charge
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, Price, cost
from research.pauses import Night, following
from research.plan import WalkPlan
from research.rows import TradeRow
from research.types import ABSENT, CLOSE, HIGH, LOW, Ints, RecordedMarket, doubtful
from trader.domain.facts import ExitPlan, MarketTerms, Trade

_NONE = -1
"""A bid that is not there: below every stop, and nothing can be sold to it."""
_FREE = Micros(0)
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lot:
    """A fill that bought NO."""

    time: datetime
    price: Price
    """Of NO."""
    count: Hundredths
    fee: Micros


class Bounds(NamedTuple):
    """Results of one trade, in micros."""

    pessimistic: Micros
    optimistic: Micros
    known: Literal["closes", "ohlc", "mixed"]
    """What the candles between the entry and the exit tell."""


Verdict = Literal["profit", "loss", "nothing", "not_identified"]


def verdict(rows: Iterable[TradeRow]) -> Verdict:
    """Say which sign the sum of results has, if the candles tell: if both bounds have the same."""
    low = high = 0
    for row in rows:
        low, high = low + row.pnl_pessimistic_micros, high + row.pnl_optimistic_micros
    if low > 0:
        return "profit"
    if high < 0:
        return "loss"
    return "nothing" if low == high == 0 else "not_identified"


@dataclass(frozen=True, slots=True)
class _Path:
    """Candles that a position lived through; bids of NO in micros, `_NONE` without one."""

    ends: Ints
    low: Ints
    high: Ints
    close: Ints
    whole: Truths
    """High and low are recorded."""
    acts: Truths
    """Its close could be acted on: the market traded then."""


def bounds_of(
    trade: Trade,
    lots: Sequence[Lot],
    plan: ExitPlan,
    *,
    market: RecordedMarket,
    walked: WalkPlan,
) -> Bounds:
    """Work out the bounds of a trade, lot by lot: each is held against the levels from its own fill on.

    Args:
        trade: As it was walked.
        lots: What it bought, at least one.
        plan: The levels of its position.
        market: Where.
        walked: How.
    """
    path = _path(market, trade.open_time, walked.nights)
    lived = path.whole[path.ends <= int(-(-trade.close_time.timestamp() // 1))]
    known: Literal["closes", "ohlc", "mixed"] = "closes"
    if lived.any():
        known = "ohlc" if lived.all() else "mixed"
    if not path.whole.any():
        return Bounds(trade.net, trade.net, known)
    guarded = trade.open_time + timedelta(seconds=walked.settings.exits.grace_seconds)
    selling = _Selling(path, plan, market, guarded, walked.precision)
    worst = sum(selling.result(lot, best=False) for lot in lots)
    best = sum(selling.result(lot, best=True) for lot in lots)
    return Bounds(Micros(min(worst, trade.net)), Micros(max(best, trade.net)), known)


@dataclass(frozen=True, slots=True)
class _Selling:
    """What lots of one position come to."""

    path: _Path
    plan: ExitPlan
    market: RecordedMarket
    guarded: datetime
    """When the position's time of grace ends: that of its first lot, for all."""
    precision: Micros

    def result(self, lot: Lot, *, best: bool) -> Micros:
        sold = self._sale(lot, best=best)
        if sold is None:
            proceeds, fee = self._settled(lot.count, best=best), _FREE
        else:
            price, at = sold
            proceeds, fee = cost(price, lot.count), _fee(self.market.terms, price, lot.count, at, self.precision)
        return Micros(proceeds - fee - cost(lot.price, lot.count) - lot.fee)

    def _sale(self, lot: Lot, *, best: bool) -> tuple[Price, datetime] | None:
        """Find at what a lot is sold, and when; None: it is held to the end."""
        path, plan = self.path, self.plan
        begins = int(np.searchsorted(path.ends, lot.time.timestamp(), side="right"))
        targets = self._targets(best=best)
        stops = self._stops(begins, best=best)
        stops &= path.ends > self.guarded.timestamp()
        timed = self._timed()
        found = np.flatnonzero((targets | stops | timed)[begins:])
        if not len(found):
            return None
        place = begins + int(found[0])
        at = datetime.fromtimestamp(int(path.ends[place]), UTC)
        hits, sells = bool(targets[place]), bool(stops[place] or timed[place])
        if hits and plan.take_profit is not None and (best or not sells):
            close = int(path.close[place])
            # The bid ran through the target on its way to the close; without a high the close is all that is known.
            price = close if not path.whole[place] or (best and close > plan.take_profit) else plan.take_profit
            return Price(price), at
        return self._given_up(place, best=best, timed=bool(timed[place] and not stops[place]))

    def _targets(self, *, best: bool) -> Truths:
        path, target = self.path, self.plan.take_profit
        if target is None:
            return np.zeros(len(path.ends), bool)
        closes: Truths = path.acts & (path.close >= target)
        return closes | (path.whole & (path.high >= target)) if best else closes

    def _stops(self, begins: int, *, best: bool) -> Truths:
        path, plan = self.path, self.plan
        levels = np.full(len(path.ends), _NONE if plan.stop_loss is None else plan.stop_loss, np.int64)
        if plan.trailing_from is not None and plan.trailing_distance is not None:
            peaks = np.maximum.accumulate(path.high[begins:]) if begins < len(path.ends) else path.high[:0]
            works = (peaks >= plan.trailing_from) & (peaks > plan.trailing_distance)
            trailing = np.where(works, peaks - plan.trailing_distance, _NONE)
            levels[begins:] = np.maximum(levels[begins:], trailing)
        there = levels != _NONE
        at_close: Truths = there & path.acts & (path.close <= levels)
        return at_close if best else at_close | (there & path.whole & (path.low <= levels))

    def _timed(self) -> Truths:
        stop = self.plan.time_stop
        if stop is None:
            return np.zeros(len(self.path.ends), bool)
        return np.asarray(self.path.ends >= stop.timestamp())

    def _given_up(self, place: int, *, best: bool, timed: bool) -> tuple[Price, datetime] | None:
        """Sell to the first bid at the floor or better, from a candle on."""
        path, floor = self.path, self.plan.floor or 1
        low, high = path.low.copy(), path.high.copy()
        stop = self.plan.time_stop
        if timed and place and stop is not None and stop.timestamp() < path.ends[place]:
            # The quote before holds at first; where only closes are known it is what the time stop sells to.
            before = int(path.close[place - 1])
            whole = bool(path.whole[place])
            low[place] = min(low[place], before) if whole else before
            high[place] = max(high[place], before) if whole else before
        elif best:
            high[place] = path.close[place]  # a stop that the close confirms sells to the close
        sellable = (high if best else np.maximum(low, np.where(path.acts, path.close, _NONE))) >= floor
        found = np.flatnonzero(sellable[place:])
        if not len(found):
            return None
        place += int(found[0])
        at = datetime.fromtimestamp(int(path.ends[place]), UTC)
        return Price(int(high[place]) if best else max(int(low[place]), floor)), at

    def _settled(self, count: Hundredths, *, best: bool) -> Micros:
        """Pay a lot out; where nobody knows the result the worst reading gets nothing, the best a dollar."""
        outcome = self.market.outcome
        value = (DOLLAR if best else 0) if outcome is None else DOLLAR - outcome.yes_value
        return Micros(value * count // (CONTRACT * self.precision) * self.precision)


def _path(market: RecordedMarket, opened: datetime, nights: tuple[Night, ...]) -> _Path:
    """Cut out the candles in which a position could be sold, from the one on in which it was opened."""
    strip, closes = market.path, market.terms.close_time.timestamp()
    chosen = (strip.ends > opened.timestamp()) & (strip.ends - strip.step_seconds < closes)
    chosen &= ~doubtful(strip.bids[:, CLOSE], strip.asks[:, CLOSE])  # as in the walk: nothing is seen there
    acts = strip.ends < closes
    for start, end in following(nights, opened):
        if not len(strip.ends) or start.timestamp() > strip.ends[-1]:
            break
        chosen &= (strip.ends - strip.step_seconds < start.timestamp()) | (strip.ends > end.timestamp())
        acts &= (strip.ends < start.timestamp()) | (strip.ends >= end.timestamp())
    asks = strip.asks[chosen]
    # With a lowest ask recorded, one that has no highest was without any for a while.
    whole = asks[:, LOW] != ABSENT
    close = np.where(asks[:, CLOSE] == ABSENT, _NONE, DOLLAR - asks[:, CLOSE])
    low = np.where(asks[:, HIGH] == ABSENT, _NONE, DOLLAR - asks[:, HIGH])
    high = DOLLAR - asks[:, LOW]
    return _Path(
        ends=strip.ends[chosen],
        low=np.where(whole, np.minimum(low, close), close),
        high=np.where(whole, np.maximum(high, close), close),
        close=close,
        whole=whole,
        acts=acts[chosen],
    )


def _fee(terms: MarketTerms, price: Price, count: Hundredths, at: datetime, precision: Micros) -> Micros:
    """Charge what selling NO as one order costs: it buys YES."""
    yes = price.complement
    return charge(
        terms.fees, price=yes, count=count, buys_yes=True, maker=False, carried=_FREE, precision=precision, at=at
    ).net
