"""Forecasts by hand of events by hand: what models are told apart by."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from research.quality.came import came_of
from research.quality.gathering import Gathering
from research.quality.targets import MID, targets
from research.types import Floats, RecordedEvent
from tests.fakes.research import BEGIN, event, market, walked

LEVELS = tuple(n / 10 for n in range(1, 10))
HORIZON = 2
_WIDTHS = [NormalDist().inv_cdf(level) for level in LEVELS]


def days(count: int, *, candles: int = 8, markets: int = 2) -> list[RecordedEvent]:
    """Make events that settle a day each, of markets that go their own ways, with results."""
    return [
        event(
            *(
                market(
                    walked(candles, seed=100 * day + number, begin=BEGIN + timedelta(days=day)),
                    ticker=f"KXHIGHNY-{(BEGIN + timedelta(days=day)):%y%b%d}-T{40 + number}".upper(),
                    close=BEGIN + timedelta(days=day, hours=candles),
                    pays=(day + number) % 2 == 0,
                )
                for number in range(markets)
            )
        )
        for day in range(count)
    ]


def fan(points: NDArray[np.float64], width: float) -> Floats:
    """[questions, steps, 1 + levels] a normal forecast about points [questions, steps]."""
    spread = np.array([0.0, *_WIDTHS]) * width
    return (points[..., None] + spread).astype(np.float32)


def seeing(one: RecordedEvent, *, share: float, seed: int, width: float = 3.0) -> Floats:
    """Forecast that sees a share of the move to come, and errs by a cent besides."""
    came = [targets(each, HORIZON, Counter()) for each in one.markets]
    now = np.concatenate([each.now[MID] for each in came])[:, None]
    mid = np.concatenate([each.prices[MID] for each in came])
    moves = np.where(np.isnan(mid), 0.0, mid - now)
    noise = np.random.default_rng([seed, len(one.event_ticker), int(one.markets[0].decisions.ends[0])])
    said = fan(now + share * moves + noise.normal(0, 1, mid.shape), width)
    steps = np.concatenate([each.steps for each in came])
    said[np.arange(1, HORIZON + 1) > steps[:, None]] = np.nan
    return said


def gathered(events: Sequence[RecordedEvent], shares: dict[str, float], width: float = 3.0) -> Gathering:
    """Judge models by how much of the move to come each sees; each errs on its own."""
    sums = Gathering(list(shares), LEVELS, HORIZON)
    for one in events:
        sums.add(
            came_of(one, HORIZON),
            [seeing(one, share=share, seed=seed, width=width) for seed, share in enumerate(shares.values())],
        )
    return sums
