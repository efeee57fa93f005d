"""Which series are scanned, and how: the `[[series]]` tables of the trader's configuration."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from mesh.config import Strict
from mesh.kalshi.pasts import PriceKind


class ScannedSeries(Strict):
    """One series."""

    ticker: Annotated[str, Field(pattern="^[A-Z0-9][A-Z0-9._-]{0,63}$")]
    """Ticker of the series, such as `KXHIGHNY`."""
    step_minutes: Literal[1, 60, 1440] = 60
    """Length of the candles that are forecast from, and of one step of the forecast."""
    horizon_steps: Annotated[int, Field(ge=1, le=1024)] = 6
    """Steps to forecast; one that runs past the market's close is cut there."""
    points: Annotated[int, Field(ge=3, le=2048)] = 512
    """Most steps of a history."""
    price: PriceKind = "trade"
    """`trade` forecasts from last trades, `mid` from the middle of bid and ask."""
    max_data_age_steps: Annotated[int, Field(ge=1, le=100_000)] = 24
    """A market whose last candle ended more than so many steps ago is not traded on: nothing has happened there."""

    @property
    def step(self) -> timedelta:
        """Length of a candle."""
        return timedelta(minutes=self.step_minutes)


def usual_series() -> tuple[ScannedSeries, ...]:
    """Return what is scanned where nothing else is configured: days by the hour, crypto's hours by the minute."""
    hourly = tuple(ScannedSeries(ticker=name) for name in ("KXHIGHNY", "KXHIGHCHI", "KXHIGHLAX", "KXINX"))
    quick = tuple(ScannedSeries(ticker=name, step_minutes=1, horizon_steps=30) for name in ("KXBTC", "KXETH"))
    return hourly + quick
