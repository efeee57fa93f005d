"""Recorded events by hand: markets over time as research has them, from a few cents."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import GRIDS
from mesh.kalshi.terms import FeeType
from mesh.types import CENT, DOLLAR, Micros
from research.types import ABSENT, Ints, Origin, Outcome, RecordedEvent, RecordedMarket, Strip
from trader.domain.facts import MarketTerms

BEGIN = datetime(2025, 1, 2, 12, tzinfo=UTC)
"""Start of the first candle, unless told otherwise."""
HOUR = 3600

Cents = float | None


def strip(
    bids: Sequence[Cents] = (),
    asks: Sequence[Cents] = (),
    trades: Sequence[Cents] = (),
    *,
    step_seconds: int = HOUR,
    begin: datetime = BEGIN,
    ends: Sequence[int] | None = None,
    volumes: Sequence[int] | None = None,
) -> Strip:
    """Make candles of closing prices in cents, YES; opens, highs and lows are not recorded.

    Args:
        bids: Best bids; None, or left out altogether, is absent.
        asks: Best asks.
        trades: Last trades.
        step_seconds: Length of a candle.
        begin: Start of the first.
        ends: Unix seconds, where candles are missing or end at odd times.
        volumes: Hundredths of a contract; left out is not recorded.
    """
    count = max(len(bids), len(asks), len(trades))
    first = int(begin.timestamp()) + step_seconds
    return Strip(
        step_seconds=step_seconds,
        ends=np.array(range(first, first + count * step_seconds, step_seconds) if ends is None else ends, np.int64),
        bids=closing(bids or [None] * count),
        asks=closing(asks or [None] * count),
        trades=closing(trades or [None] * count),
        volumes=np.array([ABSENT] * count if volumes is None else volumes, np.int64),
    )


def closing(prices: Sequence[Cents]) -> Ints:
    """[candles, 4] of closing prices in cents alone, in micros."""
    table = np.full((len(prices), 4), ABSENT, np.int64)
    table[:, 3] = [ABSENT if price is None else round(price * CENT) for price in prices]
    return table


def market(
    decisions: Strip,
    *,
    ticker: str = "KXHIGHNY-25JAN02-T40",
    path: Strip | None = None,
    close: datetime = BEGIN + timedelta(days=1),
    pays: bool | None = None,
) -> RecordedMarket:
    """Make a market; its event and series are read off the ticker.

    Args:
        decisions: What is forecast from.
        ticker: Of the market.
        path: What positions are guarded by; left out are the decisions' candles.
        close: When it closes; a result is known an hour later.
        pays: What YES came to; None where nobody knows.
    """
    return RecordedMarket(
        terms=MarketTerms(
            ticker=ticker,
            event_ticker=ticker.rpartition("-")[0],
            series_ticker=ticker.partition("-")[0],
            title=f"Market {ticker}",
            close_time=close,
            bands=GRIDS["linear_cent"],
            fees=FeeTerms(FeeType.QUADRATIC),
        ),
        open_time=None,
        decisions=decisions,
        path=decisions if path is None else path,
        outcome=None if pays is None else _outcome(close, pays=pays),
    )


def event(*markets: RecordedMarket) -> RecordedEvent:
    """Make an event of its markets, which share it."""
    terms = markets[0].terms
    return RecordedEvent(
        series_ticker=terms.series_ticker,
        event_ticker=terms.event_ticker,
        markets=tuple(sorted(markets, key=lambda each: each.terms.ticker)),
    )


def walked(count: int, *, seed: int = 0, spread: float = 2.0, **kept: object) -> Strip:
    """Make candles of a seeded random walk between 10 and 90 cents, quoted and traded; none ends where it began."""
    steps = np.random.default_rng(seed).choice([-3, -2, -1, 1, 2, 3], count)
    # Reflected at both ends, so that it never comes to rest there.
    prices = [float(10 + abs((place - 10) % 160 - 80)) for place in 50 + np.cumsum(steps)]
    bids, asks = [price - spread / 2 for price in prices], [price + spread / 2 for price in prices]
    return strip(bids, asks, prices, **kept)  # type: ignore[arg-type]  # the keywords of `strip`


def _outcome(close: datetime, *, pays: bool) -> Outcome:
    return Outcome(yes_value=Micros(DOLLAR if pays else 0), origin=Origin.RECORDED, known_at=close + timedelta(hours=1))
