"""What a file of recorded prices holds: the past of markets, on one grid of steps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 2048
"""Closes that one history may carry; the contract's limit."""
LATEST_UNIX_SECONDS = 4_102_444_800
"""Start of the year 2100, the contract's limit; milliseconds taken for seconds lie beyond it."""
DEFAULT_STEP = timedelta(hours=1)

Origin: TypeAlias = Literal["given", "mid", "close", "unknown"]


class HistoryError(Exception):
    """The file cannot be read as histories; one line that names the file and the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The current YES price of a market, and where it was read."""

    cents: float | None
    """None where the file has no price at all."""
    origin: Origin
    """`given` in the file, `mid` of the last candle's bid and ask, or last known `close`."""
    steps_ago: int = 0
    """Steps from the close that was taken to the end of the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The recorded past of one market."""

    market_ticker: str
    series_ticker: str
    """Empty where the file does not say."""
    closes_cents: NDArray[np.float32]
    """[steps], oldest first; NaN is a step without a price."""
    current: Current
    last_candle_time: datetime | None
    cut_points: int = 0
    """Steps left out at the front because a history carries at most MAX_POINTS."""

    @property
    def gaps(self) -> int:
        """Steps without a price."""
        return int(np.isnan(self.closes_cents).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a file holds."""

    markets: tuple[Recorded, ...]
    step: timedelta
    """Spacing of the closes."""
