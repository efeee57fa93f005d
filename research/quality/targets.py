"""What came about after each forecast: the market's middle and executable prices at every step, and the result. Pure.

Step k of a forecast made at the end of a candle is judged by the last candle that ended by k steps later, and less than
a step before that: an older quote is none. Steps that would end after the close are cut, as the server cuts them. What
was not quoted is missing, counted, and never filled in.

The result is a target only where the horizon runs to the close: where the last whole step before the close is one of
those asked for. It is held against that last step.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mesh.types import CENT, DOLLAR
from research.middles import current_cents, middle_cents
from research.quality.scores import Doubles
from research.types import ABSENT, CLOSE, Ints, RecordedMarket, doubtful

MID, BID, ASK = PRICES = ("mid", "bid", "ask")
"""What a YES is worth: the middle of the quotes; what it sells for (NO costs a dollar less it); what it costs (NO sells
for a dollar less it)."""
RESULT = "result"
"""What it paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Of one market, for every candle that something was asked at."""

    now: dict[str, Doubles]
    """By `PRICES`: [candles] cents of YES when it was asked. Of the middle, where a side was not there, the last trade;
    of a side that was not there, that of the middle. NaN where there is none of these."""
    middle: Doubles
    """[candles] the middle of the quotes at that time; NaN unless both sides were there."""
    steps: Ints
    """[candles] steps that end by the close, at most those of the horizon."""
    prices: dict[str, Doubles]
    """By `PRICES`: [candles, horizon] cents of YES; NaN beyond the close, and where nothing is known."""
    result: Doubles
    """[candles] cents that YES paid; NaN where the horizon does not run to the close, or nobody knows."""


def targets(market: RecordedMarket, horizon: int, missing: Counter[str]) -> Targets:
    """Look up what came about.

    Args:
        market: Its decisions are what was forecast from; its path is what came.
        horizon: Steps that were asked for.
        missing: Told what was not there, by name, once for every step.
    """
    strip, path = market.decisions, market.path
    close = int(market.terms.close_time.timestamp())
    left = np.maximum(close - strip.ends, 0) // strip.step_seconds
    steps = np.minimum(left, horizon)
    moments = strip.ends[:, None] + np.arange(1, horizon + 1) * strip.step_seconds
    due = np.arange(1, horizon + 1) <= steps[:, None]
    place = np.searchsorted(path.ends, moments, side="right") - 1
    fresh = (place >= 0) & (path.ends[place] > moments - strip.step_seconds)
    unknown = fresh & doubtful(path.bids[place, CLOSE], path.asks[place, CLOSE])
    missing["no_candle"] += int((due & ~fresh).sum())
    missing["quote_not_known"] += int((due & unknown).sum())
    fresh &= ~unknown
    bids, asks = (np.where(fresh, side[place, CLOSE], ABSENT) for side in (path.bids, path.asks))
    no_bid, no_ask = bids == ABSENT, asks == ABSENT
    missing["no_bid"] += int((due & fresh & no_bid).sum())
    missing["no_ask"] += int((due & fresh & no_ask).sum())
    missing["cut_at_close"] += int((~due).sum())
    bid = np.where(due & ~no_bid, bids / CENT, np.nan)
    ask = np.where(due & ~no_ask, asks / CENT, np.nan)
    runs = (left >= 1) & (left <= horizon)
    if market.outcome is None:
        missing["no_result"] += int(runs.sum())
    paid = np.nan if market.outcome is None else market.outcome.yes_value / DOLLAR * 100
    now = np.asarray(current_cents(strip), float)
    vague = doubtful(strip.bids[:, CLOSE], strip.asks[:, CLOSE])
    own_bid, own_ask = (
        np.where((side[:, CLOSE] == ABSENT) | vague, now, side[:, CLOSE] / CENT) for side in (strip.bids, strip.asks)
    )
    return Targets(
        now={MID: now, BID: own_bid, ASK: own_ask},
        middle=middle_cents(strip),
        steps=steps,
        prices={MID: (bid + ask) / 2, BID: bid, ASK: ask},
        result=np.where(runs, paid, np.nan),
    )
