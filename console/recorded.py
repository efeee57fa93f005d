"""The past of markets, on one grid of steps: what a file of recorded prices holds, or the exchange."""

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

Origin: TypeAlias = Literal["given", "mid", "close", "book", "last", "unknown"]


class HistoryError(Exception):
    """The file cannot be read as histories; one line that names the file and the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The current YES price of a market, and where it was read."""

    cents: float | None
    """None where there is no price at all."""
    origin: Origin
    """Of a file: `given` in it, `mid` of the last candle's bid and ask, or last known `close`.
    Of the exchange: middle of the `book`'s best bid and ask, or `last` trade."""
    steps_ago: int = 0
    """Steps from the close that was taken to the end of the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The past of one market."""

    market_ticker: str
    series_ticker: str
    """Empty where it is not known."""
    closes_cents: NDArray[np.float32]
    """[steps], oldest first; NaN is a step without a price."""
    current: Current
    last_candle_time: datetime | None
    cut_points: int = 0
    """Steps left out at the front because a history carries at most MAX_POINTS."""
    close_time: datetime | None = None
    """When trading ends; None where it is not known."""
    note: str = ""
    """What people should know about a history that is short or empty."""

    @property
    def gaps(self) -> int:
        """Steps without a price."""
        return int(np.isnan(self.closes_cents).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a file holds, or what the exchange had at one moment."""

    markets: tuple[Recorded, ...]
    step: timedelta
    """Spacing of the closes."""
