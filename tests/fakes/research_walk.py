"""Walks over events by hand: what was said of a market at a moment, and a plan without surprises."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec import structs

from research.arms import Arm
from research.hosts import Engine
from research.plan import WalkPlan
from research.rows import TradeRow
from research.timeline import in_order
from research.types import Defects, Forecasted, Key, RecordedEvent, RecordedMarket
from research.walk import walk
from research.walks import HERE, Walks
from tests.fakes.research import BEGIN, event, market, walked
from tests.fakes.trading import signal
from trader.domain.settings import Settings

Said = dict[Key, Forecasted]
LEVELS = tuple(n / 10 for n in range(1, 10))


def forecast(at: datetime, magnitude: float = 12.0, **changes: object) -> Forecasted:
    """Make a forecast that every default rule likes: NO, target 20 and stop 8 cents away."""
    facts = structs.replace(signal(magnitude, last_candle_time=at, useful_until=at + timedelta(minutes=5)), **changes)
    return Forecasted(
        signal=facts,
        path_cents=np.zeros(6, np.float32),
        quantiles_cents=(facts.forecast_end_cents + np.outer(np.arange(6), np.arange(-4, 5)) / 10).astype(np.float32),
        levels=LEVELS,
        model="by-hand@0",
        input_digest="0" * 8,
    )


def said(market: RecordedMarket, *candles: int, magnitude: float = 12.0, **changes: object) -> Said:
    """Say the same of a market after some of its candles, by their places."""
    ends = [int(market.decisions.ends[candle]) for candle in candles]
    return {
        (market.terms.ticker, end): forecast(datetime.fromtimestamp(end, UTC), magnitude, **changes) for end in ends
    }


def plan(settings: Settings | None = None, **changes: object) -> WalkPlan:
    """Make a plan of the default settings, on an exchange that never pauses."""
    kept: dict[str, object] = {"settings": settings or Settings(), "nights": ()}
    return WalkPlan(**(kept | changes))  # type: ignore[arg-type]  # what tests change they change rightly


def rows(
    events: Iterable[RecordedEvent], answers: Said, how: WalkPlan | None = None, defects: Defects | None = None
) -> list[TradeRow]:
    """Walk, and return what was closed."""
    return list(walk(events, answers, how or plan(), defects or Defects()))


def invented(*, seed: int, step_seconds: int = 3600, count: int = 14) -> tuple[list[RecordedEvent], Said]:
    """Two events of three markets that wander, and forecasts of either side at two of three candles."""
    rng = np.random.default_rng(seed)
    answers: Said = {}
    events = []
    for day in range(2):
        begin = BEGIN + day * 5 * timedelta(seconds=step_seconds)
        markets = []
        for number in range(3):
            candles = walked(count, seed=10 * seed + 3 * day + number, step_seconds=step_seconds, begin=begin)
            close = begin + timedelta(seconds=(count + 4) * step_seconds)
            name = f"KXHIGHNY-25JAN0{2 + day}-B{number}"
            recorded = market(candles, ticker=name, close=close, pays=bool(rng.integers(2)))
            assert recorded.outcome is not None
            paid = replace(recorded.outcome, known_at=close + timedelta(minutes=1))
            markets.append(replace(recorded, outcome=paid))
            for place in np.flatnonzero(rng.random(count) < 0.7):
                middle = float(candles.trades[place, 3]) / 10_000
                answers |= said(recorded, int(place), current_cents=middle, forecast_mean_cents=middle - 12.0)
        events.append(event(*markets))
    return events, answers


def walked_on(engine: Engine | None, *others: Arm, **changes: object) -> dict[str, tuple[object, ...]]:
    """Walk invented events in some place; gives what each walk came to, to be compared."""
    events, answers = invented(seed=1)
    with Walks(plan(None, **changes), others, 7, engine=engine or HERE, events=len(events)) as walks:
        for each in in_order(events):
            own = {one.terms.ticker for one in each.markets}
            walks.take(each, {key: said for key, said in answers.items() if key[0] in own})
        found = walks.finish()
    return {
        name: (
            one.rows,
            one.exits,
            (one.defects.counts, one.defects.examples),
            list(one.looking.funnel()),
            (one.looking.looked, one.looking.filled, one.looking.unsaid),
        )
        for name, one in found.items()
    }
