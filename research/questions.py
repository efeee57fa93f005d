"""What is asked about recorded markets: a question a candle, of what was known when the candle ended. Pure.

As live (`mesh.kalshi.pasts`, `trader.scanning`): the history is a grid of steps that ends with the candle, NaN where
nothing traded; the current price is the middle of its closing quotes, else the last trade. A question is the bytes of
the contract's MarketHistory, so that equal bytes are equal questions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import isnan
from typing import NamedTuple

import numpy as np
from foremesh.forecast.v1 import forecast_pb2

from mesh.kalshi.pasts import PriceKind, on_grid
from mesh.packed import head
from mesh.types import CENT
from research.middles import current_cents, middle_cents
from research.types import ABSENT, CLOSE, Floats, Key, RecordedMarket, Strip

_FLOAT32 = np.dtype("<f4")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPlan:
    """What is asked of every market at every candle."""

    horizon_steps: int = 6
    step: timedelta = timedelta(hours=1)
    """Of candles and forecast."""
    points: int = 512
    """Most steps of a history."""
    price: PriceKind = "trade"
    """`trade` forecasts from last trades, `mid` from the middle of bid and ask."""
    levels: tuple[float, ...] = ()
    """Quantiles wanted; empty takes the server's own nine."""

    def options(self) -> forecast_pb2.ForecastOptions:
        """Write what all questions share."""
        asked = forecast_pb2.ForecastOptions(
            horizon_steps=self.horizon_steps,
            purpose=forecast_pb2.PURPOSE_RESEARCH,
            quantile_levels=self.levels,
        )
        asked.step.FromTimedelta(self.step)
        return asked


class Question(NamedTuple):
    """About one market, at the end of one candle."""

    key: Key
    history: bytes | None
    """A MarketHistory on the wire; None where there is no current price to compare a forecast with."""


def questions(market: RecordedMarket, plan: QuestionPlan) -> Iterator[Question]:
    """Ask at the end of every candle of a market's decisions; nothing depends on a later candle.

    Raises:
        ValueError: Its candles are not of the plan's step.
    """
    strip, terms = market.decisions, market.terms
    if strip.step_seconds != plan.step.total_seconds():
        raise ValueError(f"{terms.ticker}: candles of {strip.step_seconds} s, asked about in steps of {plan.step}")
    shared = forecast_pb2.MarketHistory(market_ticker=terms.ticker, series_ticker=terms.series_ticker)
    shared.close_time.FromDatetime(terms.close_time)
    begun, own = shared.SerializeToString(), forecast_pb2.MarketHistory()
    for end, current, closes in zip(strip.ends.tolist(), current_cents(strip), _histories(strip, plan), strict=True):
        if isnan(current):
            yield Question((terms.ticker, end), None)
            continue
        own.current_price_cents, own.last_candle_time.seconds = current, end
        yield Question((terms.ticker, end), begun + own.SerializeToString() + _packed(closes))


def _packed(closes: Floats) -> bytes:
    """Write closes by their bytes: protobuf would make a Python float of every one."""
    data = closes.astype(_FLOAT32, copy=False).tobytes()
    return head(forecast_pb2.MarketHistory.CLOSES_CENTS_FIELD_NUMBER, len(data)) + data


def _histories(strip: Strip, plan: QuestionPlan) -> Iterator[Floats]:
    """Give the history at each candle: [steps] in cents, oldest first, NaN where there is no price."""
    prices = _prices(strip, plan)
    firsts = np.searchsorted(strip.ends, strip.ends - plan.points * strip.step_seconds, side="right").tolist()
    places = _places(strip)
    if places is None:
        ends, cents = strip.ends.tolist(), prices.tolist()
        for known, first in enumerate(firsts, 1):
            yield on_grid(dict(zip(ends[first:known], cents[first:known], strict=True)), strip.step_seconds)
        return
    grid = np.full(places[-1] + 1 if places else 0, np.nan, np.float32)
    grid[places] = prices
    for place, first in zip(places, firsts, strict=True):
        yield grid[places[first] : place + 1]


def _prices(strip: Strip, plan: QuestionPlan) -> Floats:
    if plan.price == "mid":
        return middle_cents(strip).astype(np.float32)
    trades = strip.trades[:, CLOSE]
    # Without volume the exchange repeats an older trade, if anything.
    return np.where((trades == ABSENT) | (strip.volumes == 0), np.nan, trades / CENT).astype(np.float32)


def _places(strip: Strip) -> list[int] | None:
    """Return the place of each candle on a grid that fits every question; None where each needs a grid of its own.

    A grid ends with its last candle, and ends may be off by less than half a step. Where all of them are off by less
    than a quarter from the first, it makes no difference from which end steps are counted.
    """
    steps = (strip.ends - strip.ends[:1]) / strip.step_seconds
    places = np.rint(steps).astype(np.int64)
    if (np.abs(steps - places) >= 1 / 4).any() or (np.diff(places) < 1).any():
        return None
    return places.tolist()  # type: ignore[no-any-return]  # numpy's
