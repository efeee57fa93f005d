"""What is drawn of a market, read out of its message: prices, fans, levels, and the span they are drawn over. Pure.

Times are Unix seconds, prices cents of YES. What is no number, or does not fit together, is left out.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from foremesh.market.v1 import market_pb2
from foremesh.trader.v1 import decisions_pb2, market_view_pb2, positions_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_CENT = 10_000
_NANO = 1e-9
_LOW, _HIGH, _SAME = 0.1, 0.9, 1e-6
_DOLLAR_CENTS = 100.0
_PAST_PER_AHEAD = 4
_PAST_STEPS = 24
_LEAST_AHEAD = 0.06
"""Of the past: so wide is what comes after now where there is no forecast, for levels to be seen."""
_HOUR, _LAST = 3600.0, 1e11
_MARGIN, _LEAST_CENTS = 1.0, 4.0

Path = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Fan:
    """One forecast, from the price it was made at on."""

    mean: Path
    low: Path
    high: Path
    low_level: float
    high_level: float

    @property
    def start(self) -> float:
        """Where it begins."""
        return self.mean[0][0]

    @property
    def end(self) -> float:
        """Where it ends."""
        return self.mean[-1][0]


@dataclass(frozen=True, slots=True)
class Level:
    """A price that matters to a position."""

    word: str
    side: str
    """`NO` or `YES`: of the contracts held."""
    cents: float
    """Of one of them."""
    yes_cents: float


@dataclass(frozen=True, slots=True)
class Span:
    """What fits into the picture."""

    start: float
    now: float
    end: float
    low: float
    high: float


def seconds(time: Timestamp | Duration) -> float:
    """Return Unix seconds, or the seconds of a span."""
    return time.seconds + time.nanos * _NANO


def dots(view: market_view_pb2.MarketView) -> tuple[Path, Path]:
    """Return bids and asks at the ends of candles, as they are; no point where there was no price."""
    points = view.history.points
    bids = [(seconds(each.end_time), each.yes_bid_micros / _CENT) for each in points if each.HasField("yes_bid_micros")]
    asks = [(seconds(each.end_time), each.yes_ask_micros / _CENT) for each in points if each.HasField("yes_ask_micros")]
    return tuple(bids), tuple(asks)


def fan(signal: decisions_pb2.ScanSignal) -> Fan | None:
    """Read a forecast; None where there is no path to draw."""
    path, step, start = signal.signal.path, seconds(signal.step), seconds(signal.last_candle_time)
    means = list(path.mean_cents)
    current = signal.signal.current_price_cents
    if not means or step <= 0 or not all(map(_price, [*means, current])):
        return None

    def along(values: list[float]) -> Path:
        return ((start, current), *((start + step * place, value) for place, value in enumerate(values, 1)))

    levels, quantiles = list(path.quantile_levels), list(path.quantiles_cents)
    if not levels or len(quantiles) != len(levels) * len(means) or not all(map(_price, quantiles)):
        return Fan(along(means), (), (), math.nan, math.nan)
    low, high = _place(levels, _LOW, 0), _place(levels, _HIGH, len(levels) - 1)
    return Fan(
        along(means),
        along(quantiles[low :: len(levels)]),
        along(quantiles[high :: len(levels)]),
        levels[low],
        levels[high],
    )


def levels(view: market_view_pb2.MarketView) -> list[Level]:
    """Return entry, stop and target: of the position, or of the entry that is on its way."""
    if view.HasField("position"):
        held = view.position
        no = held.side != market_pb2.CONTRACT_SIDE_YES
        entry: float | None = held.mean_entry_price_cents
        plan: positions_pb2.ExitPlan = held.plan
    elif view.orders and view.decision.outcome == decisions_pb2.DECISION_OUTCOME_ENTER:
        no = view.decision.side != market_pb2.CONTRACT_SIDE_YES
        entry, plan = view.decision.plan.limit_price_micros / _CENT, view.decision.plan.exit
    else:
        return []
    stop = plan.stop_loss_price_micros / _CENT if plan.HasField("stop_loss_price_micros") else None
    target = plan.take_profit_price_micros / _CENT if plan.HasField("take_profit_price_micros") else None
    found = (("in", entry), ("stop", stop), ("target", target))
    return [
        Level(word, "NO" if no else "YES", cents, _DOLLAR_CENTS - cents if no else cents)
        for word, cents in found
        if cents is not None and _price(cents)
    ]


def span(view: market_view_pb2.MarketView, latest: Fan | None, marks: list[Level]) -> Span | None:
    """Choose what is shown: so much past that the forecast takes a fifth; None where there is nothing to draw."""
    now = seconds(view.view_time)
    if not 0 <= now <= _LAST:  # further off seconds are lost in the size of the number
        return None
    end = max(now, latest.end) if latest is not None and latest.end < now + 400 * 86_400 else now
    step = seconds(view.history.step) or (_HOUR if latest is None else (latest.end - latest.start) / len(latest.mean))
    start = now - max(_PAST_PER_AHEAD * (end - now), _PAST_STEPS * step, 60.0)
    times = [time for path in dots(view) for time, _ in path if time <= now]
    if times:
        start = max(start, min(times))
    if latest is not None:
        start = min(start, max(latest.start, now - (now - start) * 2))
    if not math.isfinite(start) or start >= now:
        start = now - 60.0
    end = max(end, now + _LEAST_AHEAD * (now - start))
    prices = [price for path in _drawn(view, latest) for time, price in path if start <= time <= end and _price(price)]
    if not prices:
        return None
    low, high = min(prices), max(prices)
    for mark in marks:  # one that lies far off would press the rest flat
        reach = max(high - low, _LEAST_CENTS)
        if low - reach <= mark.yes_cents <= high + reach:
            low, high = min(low, mark.yes_cents), max(high, mark.yes_cents)
    low, high = low - _MARGIN, high + _MARGIN
    if high - low < _LEAST_CENTS:
        middle = (low + high) / 2
        low, high = middle - _LEAST_CENTS / 2, middle + _LEAST_CENTS / 2
    return Span(start, now, end, max(0.0, low), min(_DOLLAR_CENTS, high))


def _drawn(view: market_view_pb2.MarketView, latest: Fan | None) -> Iterator[Path]:
    yield from dots(view)
    if latest is not None:
        yield from (latest.mean, latest.low, latest.high)


def _price(cents: float) -> bool:
    return math.isfinite(cents) and 0 <= cents <= _DOLLAR_CENTS


def _place(levels_: list[float], wanted: float, otherwise: int) -> int:
    return next((place for place, level in enumerate(levels_) if abs(level - wanted) < _SAME), otherwise)
