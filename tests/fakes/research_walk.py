"""Walks over events by hand: what was said of a market at a moment, and a plan without surprises."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec.structs import replace

from research.plan import WalkPlan
from research.rows import TradeRow
from research.types import Defects, Forecasted, Key, RecordedEvent, RecordedMarket
from research.walk import walk
from tests.fakes.trading import signal
from trader.domain.settings import Settings

Said = dict[Key, Forecasted]


def forecast(at: datetime, magnitude: float = 12.0, **changes: object) -> Forecasted:
    """Make a forecast that every default rule likes: NO, target 20 and stop 8 cents away."""
    facts = replace(signal(magnitude, last_candle_time=at, useful_until=at + timedelta(minutes=5)), **changes)
    return Forecasted(
        signal=facts,
        path_cents=np.zeros(6, np.float32),
        quantiles_cents=np.zeros((6, 9), np.float32),
        levels=(),
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
    events: Iterable[RecordedEvent], answers: Said, walked: WalkPlan | None = None, defects: Defects | None = None
) -> list[TradeRow]:
    """Walk, and return what was closed."""
    return list(walk(events, answers, walked or plan(), defects or Defects()))
