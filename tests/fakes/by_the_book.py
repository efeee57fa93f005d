"""docs/backtest.md written a second time, without the trader: single decisions, at the default settings.

It shares no code with what it checks, and does less: candles of a minute or more, a grid of whole cents, no pause.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

CENT, DOLLAR, STEP = 10_000, 1_000_000, 100
SHOWN = 10
LATENCY, CHECK, GRACE = 1_000, 5_001, 10_000
"""Milliseconds."""


class Said(NamedTuple):
    """A signal for NO, cents."""

    magnitude: float
    mean: float
    target: float
    stop: float
    ends: int
    """When its last step ends, Unix seconds."""


class Done(NamedTuple):
    """A trade: times in Unix milliseconds, money in micros."""

    contracts: int
    bought: int
    paid: int
    entry_fee: int
    kind: str
    sold: int
    got: int
    exit_fee: int


@dataclass(frozen=True)
class Quotes:
    """Of one market: ends in Unix seconds, YES micros or None."""

    ends: list[int]
    bids: list[int | None]
    asks: list[int | None]
    close: int
    known: int
    """When the result was known."""
    yes_value: int

    def no(self, place: int) -> tuple[int | None, int | None]:
        """Bid and ask of NO."""
        bid, ask = self.asks[place], self.bids[place]
        return None if bid is None else DOLLAR - bid, None if ask is None else DOLLAR - ask


def trade(quotes: Quotes, at: int, said: Said) -> Done | None:
    """Walk one decision; None where nothing is bought."""
    seen = bisect_right(quotes.ends, at) - 1
    if seen < 0:
        return None
    bid, ask = quotes.no(seen)
    if bid is None or ask is None or not 20 * CENT <= ask <= 95 * CENT or not 0 < ask - bid <= 10 * CENT:
        return None
    limit = min(ask + min(int(said.magnitude * 0.2), 3) * CENT, 99 * CENT)
    target, stop = _levels(limit, said)
    late = quotes.close - at < 900
    near = stop is not None and limit - stop <= ask - bid
    if (
        said.magnitude < 5
        or late
        or near
        or _edge(limit, ask - bid, target, said, settles=said.ends >= quotes.close) < 0.5
    ):
        return None
    count = max((number for number in range(1, 101) if _most(limit, number) <= 3 * DOLLAR), default=0)
    if not count:
        return None
    meets = at * 1000 + LATENCY
    _, offered = quotes.no(bisect_left(quotes.ends, meets / 1000) - 1)
    if offered is None or offered > limit:
        return None
    count = min(count, SHOWN)
    fee = _charged(offered, count, offered * count)
    target, stop = _moved(target, stop, offered - limit)
    kind, sold, price = _left(quotes, meets, target, stop)
    if kind == "settlement":
        return Done(
            count, meets, offered * count, fee, kind, sold, (DOLLAR - quotes.yes_value) * count // STEP * STEP, 0
        )
    return Done(
        count, meets, offered * count, fee, kind, sold, price * count, _charged(price, count, (DOLLAR - price) * count)
    )


def _left(quotes: Quotes, bought: int, target: int | None, stop: int | None) -> tuple[str, int, int]:
    """Say how, when and at what a position is left."""
    pending = False
    for place in range(bisect_left(quotes.ends, bought / 1000), len(quotes.ends)):
        told = quotes.ends[place] * 1000
        bid, _ = quotes.no(place)
        decided = told
        if not pending and bid is not None and target is not None and bid >= target:
            kind = "take_profit"
        elif not pending and (stop is None or (bid is not None and bid > stop)):
            continue
        else:
            kind, decided = "stop_loss", told if pending else told + CHECK
            if told < bought + GRACE:
                raise NotImplementedError("a quote in the time of grace")
            pending = pending or decided < quotes.close * 1000
        if decided >= quotes.close * 1000:
            break
        if bid is not None and bid >= CENT and decided + LATENCY < quotes.close * 1000:
            return kind, decided + LATENCY, bid
    return "settlement", quotes.known * 1000, 0


def _levels(limit: int, said: Said) -> tuple[int | None, int | None]:
    up = ceil(Fraction(round(limit + said.target * CENT), CENT)) * CENT
    down = floor(Fraction(round(limit - said.stop * CENT), CENT)) * CENT
    return up if up < DOLLAR else None, down if down > 0 else None


def _moved(target: int | None, stop: int | None, by: int) -> tuple[int | None, int | None]:
    up = None if target is None or target + by >= DOLLAR else target + by
    return up, None if stop is None or stop + by <= 0 else stop + by


def _edge(limit: int, spread: int, target: int | None, said: Said, *, settles: bool) -> float:
    value = 100 - said.mean - (0 if settles else spread / CENT / 2)
    value = min(max(value, 0.0), 100.0)
    if target is not None and value > target / CENT:
        value, settles = target / CENT, False
    costs = limit / CENT + _rate(limit)
    return value - costs - (0 if settles else _rate(round(value * CENT)))


def _rate(price: int) -> float:
    return float(Fraction(7 * price * (DOLLAR - price), DOLLAR * DOLLAR))


def _most(limit: int, count: int) -> int:
    return limit * count + _formula(limit, count) + 100 * count + CENT


def _formula(price: int, count: int) -> int:
    return ceil(Fraction(7, 100) * count * price * (DOLLAR - price) / DOLLAR)


def _charged(price: int, count: int, moved: int) -> int:
    """Fee of one order that is one fill: up to whole steps of the balance."""
    fee = _formula(price, count)
    return fee + -(moved + fee) % STEP
