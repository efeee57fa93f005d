"""Configuration of generated markets."""

from typing import Literal, Self

from pydantic import Field, model_validator

from mesh.config import Strict

SeriesTicker = Literal["KXHIGHNY", "KXHIGHCHI", "KXHIGHLAX", "KXINX", "KXBTC", "KXETH"]

FEWEST_MARKETS = 3


class SeriesConfig(Strict):
    """One series. What is absent is as recorded on the real exchange, or near to it."""

    ticker: SeriesTicker
    """Which series."""
    markets: int | None = Field(default=None, ge=FEWEST_MARKETS, le=300)
    """Markets of an event, both open ends included. Absent: 6 for highs, 30 for KXINX, 188 for KXBTC, 75 for KXETH."""
    history_hours: float | None = Field(default=None, ge=0, le=24 * 400)
    """Ended events that closed within this time are listed. Absent: 120 (five days) for daily series, 6 for hourly."""
    ahead_hours: float | None = Field(default=None, ge=0.01, le=48)
    """How long before they open events are listed. Absent: 4.5 for highs, 24 for KXINX, 1 for hourly series, for which
    the real exchange's 20 hours would mean thousands of markets that wait."""
    trades_per_hour: float | None = Field(default=None, ge=0, le=20_000)
    """Trades of others in a market near 50 cents in an average hour."""
    ticks_per_minute: int | None = Field(default=None, ge=1, le=60)
    """Moments a minute at which quotes may change."""
    spread_cents: float | None = Field(default=None, ge=0, le=20)
    """Typical distance of best bid and ask in the middle of the price range, before rounding outwards."""
    noise_cents: float | None = Field(default=None, ge=0, le=20)
    """Standard deviation of quotes around what the underlying implies, at 50 cents."""
    overround: float | None = Field(default=None, ge=-0.2, le=0.5)
    """What the fair prices of an event's markets add up to beyond one dollar."""
    volatility: float = Field(default=1.0, gt=0, le=10)
    """Multiplies the underlying's volatility; quotes know of it."""
    trend: float = Field(default=0.0, ge=-0.9, le=0.9)
    """What forecasters can find. 0: quotes are near a martingale, as real ones. Above 0: quotes follow the underlying
    late, so moves go on (momentum); 0.5 leaves half of a move for later. Below 0: quotes overshoot and come back."""
    trend_minutes: float = Field(default=60.0, gt=0, le=24 * 60)
    """Time over which a late or overshot move is made good."""
    depth: int = Field(default=10, ge=1, le=50)
    """Cents on each side of the book, from the best price on, that hold orders; some levels stay empty."""


class GeneratedConfig(Strict):
    """Generated markets."""

    kind: Literal["generated"] = "generated"
    """Says that markets are generated."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    """Decides everything: the same seed and series give the same markets, prices, trades and results."""
    series: tuple[SeriesConfig, ...] = (
        SeriesConfig(ticker="KXHIGHNY"),
        SeriesConfig(ticker="KXHIGHCHI"),
        SeriesConfig(ticker="KXHIGHLAX"),
        SeriesConfig(ticker="KXINX"),
        SeriesConfig(ticker="KXBTC"),
        SeriesConfig(ticker="KXETH"),
    )
    """Which series there are."""
    cached_events: int = Field(default=64, ge=4, le=10_000)
    """Events whose quotes are kept in memory; an event takes about a megabyte, and 0.1 s to make again."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        tickers = [series.ticker for series in self.series]
        if len(tickers) != len(set(tickers)):
            raise ValueError("series: each ticker once")
        return self
